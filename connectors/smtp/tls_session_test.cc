// The session through TLS, and without it where there should be some.
#include <unistd.h>

#include "connectors/smtp/session_fixture.h"
#include "services/base/ids.h"

namespace pharos::smtp {
namespace {

class TlsSessionTest : public SessionTest {
 protected:
  TlsSessionTest() : file_(testing::TempDir() + "/ca-" + base::ToHex(base::RandomBytes16()) + ".pem") {
    options_.tls = TlsMode::kRequired;
  }
  ~TlsSessionTest() override { unlink(file_.c_str()); }
  Script WithTls() const {
    Script script;
    script.certificate = &certificate_;
    return script;
  }
  void Trust(const Certificate& certificate) {
    certificate.WritePem(file_);
    options_.trust = *TlsTrust::Make(file_);
  }
  const Certificate certificate_{"IP:127.0.0.1"};
  const std::string file_;
};

TEST_F(TlsSessionTest, AMessageGoesThroughTlsAndWhatWasSaidBeforeIsForgotten) {
  Trust(certificate_);
  StartBoth(WithTls());
  EXPECT_TRUE(Send('a').has_accepted());
  EXPECT_EQ(server_->Saw("EHLO"), 2u);
  EXPECT_EQ(server_->Messages().size(), 1u);
}

TEST_F(TlsSessionTest, ABigMessageGoesThroughTls) {
  Trust(certificate_);
  Script script = WithTls();
  script.extensions = {"PIPELINING"};
  StartBoth(std::move(script));
  auto task = Task('a');
  task.attempt.mutable_email()->set_html(std::string(500'000, '='));
  session_->Submit({task});
  EXPECT_TRUE(Finished('a').has_accepted());
  EXPECT_GT(server_->Messages()[0].size(), 1'500'000u);
}

TEST_F(TlsSessionTest, LostAfterTheDotNobodyKnows) {
  Trust(certificate_);
  Script script = WithTls();
  script.answer = [](const std::string& command, const std::string&) { return command == "." ? "CUT" : ""; };
  StartBoth(std::move(script));
  EXPECT_TRUE(Send('a').has_no_answer());
}

TEST_F(TlsSessionTest, AStrangersCertificateIsRefused) {
  Trust(Certificate("IP:127.0.0.1"));
  StartServer(WithTls());
  StartSession();
  EXPECT_TRUE(Says("certificate is not accepted")) << Detail();
  EXPECT_FALSE(up_);
}

TEST_F(TlsSessionTest, ACertificateForAnotherNameIsRefused) {
  Certificate other("DNS:elsewhere.example.test");
  Trust(other);
  Script script;
  script.certificate = &other;
  StartServer(std::move(script));
  StartSession();
  EXPECT_TRUE(Says("certificate is not accepted")) << Detail();
  session_.reset();
  server_.reset();
}

TEST_F(TlsSessionTest, WithoutStarttlsNothingIsSentUnlessThatWasAskedFor) {
  Trust(certificate_);
  StartServer({});
  StartSession();
  EXPECT_TRUE(Says("offers no STARTTLS")) << Detail();
  session_.reset();
  options_.tls = TlsMode::kOpportunistic;
  StartSession();
  EXPECT_TRUE(Until([&] { return up_; })) << Detail();
  EXPECT_TRUE(Send('a').has_accepted());
}

TEST_F(TlsSessionTest, WordsInTheClearBehindStarttlsAreAnAttack) {
  Trust(certificate_);
  Script script = WithTls();
  script.after_starttls = "250-evil\r\n250 AUTH PLAIN\r\n";
  StartServer(std::move(script));
  StartSession();
  EXPECT_TRUE(Says("before TLS began")) << Detail();
}

TEST_F(TlsSessionTest, ThePasswordGoesThroughTlsOnly) {
  Trust(certificate_);
  options_.user = "clinic";
  options_.password = "secret";
  Script script = WithTls();
  script.extensions = {"PIPELINING", "AUTH LOGIN"};
  script.answer = [](const std::string& command, const std::string& line) {
    if (command == "AUTH") return "334 VXNlcm5hbWU6";
    if (line == "Y2xpbmlj") return "334 UGFzc3dvcmQ6";
    if (line == "c2VjcmV0") return "235 2.7.0 welcome";
    return "";
  };
  StartBoth(std::move(script));
  EXPECT_TRUE(Send('a').has_accepted());
  session_.reset();

  StartServer([&] {
    Script plain = WithTls();
    plain.extensions = {"AUTH PLAIN LOGIN"};
    plain.answer = [](const std::string& command, const std::string& line) {
      if (command != "AUTH") return "";
      return line == "AUTH PLAIN AGNsaW5pYwBzZWNyZXQ=" ? "235 2.7.0 welcome" : "535 5.7.8 wrong";
    };
    return plain;
  }());
  StartSession();
  ASSERT_TRUE(Until([&] { return up_; })) << Detail();
  session_.reset();
  options_.password = "other";
  StartSession();
  EXPECT_TRUE(Says("refused our user or password")) << Detail();
}

}  // namespace
}  // namespace pharos::smtp
