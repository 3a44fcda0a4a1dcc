// What mail servers and people may do to a sender, over real sockets.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "connectors/sandbox/dsn.h"
#include "connectors/sandbox/mail_server.h"
#include "connectors/sandbox/mime.h"
#include "connectors/sandbox/one_click.h"
#include "connectors/sandbox/tls.h"
#include "services/base/clock.h"

namespace pharos::sandbox {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

constexpr int64_t kPatienceUs = 20'000'000;

class Sender {
 public:
  explicit Sender(int port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    timeval patience{20, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    greeting = Answer();
    hello = Ask("EHLO test");
  }
  ~Sender() { close(fd_); }
  int fd() const { return fd_; }
  // The whole answer; "" if the connection ended.
  std::string Answer() {
    std::string whole;
    for (;;) {
      size_t end;
      while ((end = in_.find("\r\n")) == std::string::npos) {
        char chunk[4096];
        ssize_t got = read(fd_, chunk, sizeof chunk);
        if (got <= 0) return "";
        in_.append(chunk, size_t(got));
      }
      std::string line = in_.substr(0, end);
      in_.erase(0, end + 2);
      whole += line + "\n";
      if (line.size() < 4 || line[3] != '-') return whole;
    }
  }
  std::string Ask(const std::string& command) {
    const std::string line = command + "\r\n";
    send(fd_, line.data(), line.size(), MSG_NOSIGNAL);
    return Answer();
  }
  std::string Rcpt(const std::string& to) {
    Ask("RSET");
    Ask("MAIL FROM:<b+1@bounce.example.org> ENVID=01ab");
    return Ask("RCPT TO:<" + to + ">");
  }
  std::string Mail(const std::string& to, const std::string& headers = "") {
    std::string answer = Rcpt(to);
    if (answer[0] != '2') return answer;
    Ask("DATA");
    return Ask("Message-ID: <id-1@pharos>\r\nSubject: x\r\n" + headers + "\r\nHello\r\n.");
  }
  std::string greeting, hello;

 private:
  int fd_;
  std::string in_;
};

class MailFaults : public testing::Test {
 protected:
  MailFaults() {
    folder_ = testing::TempDir() + "/mail_faults_XXXXXX";
    EXPECT_TRUE(mkdtemp(folder_.data()));
    options_.journal = folder_ + "/journal";
    options_.rules.receipt_delay_us = 1'000;
  }
  void Start(const std::string& script) {
    auto read = Script::Parse(script);
    ASSERT_TRUE(read.ok()) << read.status();
    options_.script = *read;
    server_ = *MailServer::Start(options_);
  }
  void StartListener() {
    MailOptions listener;
    listener.inbox = *Inbox::Open(folder_ + "/bounces");
    listener_ = *MailServer::Start(listener);
    options_.bounce_host = "127.0.0.1";
    options_.bounce_port = listener_->port();
  }
  std::vector<json> Journal(const std::string& event) {
    std::vector<json> found;
    std::ifstream in(options_.journal);
    for (std::string line; std::getline(in, line);)
      if (auto entry = json::parse(line); entry["event"] == event) found.push_back(entry);
    return found;
  }
  bool Await(const std::string& event, size_t count) {
    const int64_t end = base::Clock::System().BootMicros() + kPatienceUs;
    while (Journal(event).size() < count && base::Clock::System().BootMicros() < end) usleep(2'000);
    return Journal(event).size() >= count;
  }
  std::string Bounce(size_t which) {
    std::ifstream in(folder_ + "/bounces");
    std::string line;
    for (size_t i = 0; i <= which; ++i) std::getline(in, line);
    return FromBase64(json::parse(line)["raw"].get<std::string>());
  }
  json Stats() { return json::parse(server_->Steer("stats").substr(3)); }

  std::string folder_;
  MailOptions options_;
  std::unique_ptr<MailServer> server_, listener_;
};

TEST_F(MailFaults, GreylistsTheFirstTry) {
  Start("mail to=*@grey.example greylist\n");
  Sender sender(server_->port());
  EXPECT_THAT(sender.Mail("sam@grey.example"), StartsWith("451 4.7.1"));
  EXPECT_THAT(sender.Mail("sam@grey.example"), StartsWith("250 "));
  EXPECT_THAT(sender.Mail("ann@grey.example"), StartsWith("451 "));
  EXPECT_EQ(Stats()["refused"]["451"], 2);
  EXPECT_EQ(Stats()["accepted"], 1);
}

TEST_F(MailFaults, RefusesInManyDialects) {
  Start(
      "mail to=*@bare.example rcpt=unknown-bare\nmail to=*@policy.example dot=policy\n"
      "mail to=*@own.example rcpt=\"553 5.1.3 Our own words\"\n");
  Sender sender(server_->port());
  EXPECT_EQ(sender.Mail("sam@bare.example"), "550 no such user here\n");
  EXPECT_THAT(sender.Mail("sam@policy.example"), StartsWith("550 5.7.1 "));
  EXPECT_EQ(sender.Mail("sam@own.example"), "553 5.1.3 Our own words\n");
  ASSERT_EQ(Journal("mail").size(), 3u);
  EXPECT_EQ(Journal("mail")[1]["message_id"], "id-1@pharos");
  EXPECT_EQ(Journal("mail")[1]["status"], 550);
}

TEST_F(MailFaults, A421EndsTheConnection) {
  Start("mail to=*@busy.example rcpt=busy\nmail to=*@busy2.example dot=\"421 4.3.2 Later\"\n");
  Sender sender(server_->port());
  EXPECT_THAT(sender.Mail("sam@busy.example"), StartsWith("421 "));
  EXPECT_EQ(sender.Answer(), "");
  Sender second(server_->port());
  EXPECT_THAT(second.Mail("sam@busy2.example"), StartsWith("421 "));
  EXPECT_EQ(second.Answer(), "");
}

TEST_F(MailFaults, EachDomainHasItsOwnRate) {
  Start("mail to=*@*.slow.example rate=0.01 burst=2\n");
  Sender sender(server_->port());
  for (const char* domain : {"a", "b"}) {
    const std::string at = std::string("@") + domain + ".slow.example";
    EXPECT_THAT(sender.Mail("1" + at), StartsWith("250 "));
    EXPECT_THAT(sender.Mail("2" + at), StartsWith("250 "));
    EXPECT_THAT(sender.Mail("3" + at), StartsWith("451 4.7.28"));
  }
}

TEST_F(MailFaults, CutsBehindTheFinalDotBeforeAndAfterItAccepts) {
  Start("mail to=before@* cut=before-accept\nmail to=after@* cut=after-accept\n");
  Sender first(server_->port()), second(server_->port());
  EXPECT_EQ(first.Mail("before@example.org"), "");
  EXPECT_EQ(Journal("mail").size(), 0u);
  EXPECT_EQ(second.Mail("after@example.org"), "");
  ASSERT_EQ(Journal("mail").size(), 1u);
  EXPECT_EQ(Journal("mail")[0]["status"], 250);
}

TEST_F(MailFaults, IsSlowAtTheBannerAndAtTheDot) {
  Start("mail-server banner-delay=40ms banner=\"slow.example ready\"\nmail delay=60ms\n");
  int64_t begun = base::Clock::System().BootMicros();
  Sender sender(server_->port());
  EXPECT_GE(base::Clock::System().BootMicros() - begun, 39'000);
  EXPECT_EQ(sender.greeting, "220 slow.example ready\n");
  begun = base::Clock::System().BootMicros();
  EXPECT_THAT(sender.Mail("sam@example.org"), StartsWith("250 "));
  EXPECT_GE(base::Clock::System().BootMicros() - begun, 59'000);
}

TEST_F(MailFaults, MayNotOfferTlsThoughItCould) {
  options_.tls_folder = folder_ + "/tls";
  Start("mail-server starttls=none\n");
  EXPECT_THAT(Sender(server_->port()).hello, testing::Not(HasSubstr("STARTTLS")));
}

TEST_F(MailFaults, ShowsACertificateThatIsNotItsOwn) {
  options_.tls_folder = folder_ + "/bad";
  options_.bad_certificate = true;
  Start("");
  Sender sender(server_->port());
  ASSERT_THAT(sender.Ask("STARTTLS"), StartsWith("220 "));
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_load_verify_locations(context, (options_.tls_folder + "/cert.pem").c_str(), nullptr);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL* ssl = SSL_new(context);
  SSL_set1_host(ssl, "localhost");
  SSL_set_fd(ssl, sender.fd());
  EXPECT_NE(SSL_connect(ssl), 1);
  EXPECT_NE(SSL_get_verify_result(ssl), X509_V_OK);
  SSL_free(ssl);
  SSL_CTX_free(context);
}

TEST_F(MailFaults, BouncesInManyDialects) {
  StartListener();
  const std::vector<std::string> dialects = {"postfix", "exchange", "gmail", "sendmail", "exim", "qmail"};
  std::string script;
  for (const std::string& dialect : dialects)
    script += "mail to=" + dialect + "@* dsn=" + dialect + " dsn-status=5.1.1\n";
  Start(script);
  Sender sender(server_->port());
  for (size_t i = 0; i < dialects.size(); ++i) {
    EXPECT_THAT(sender.Mail(dialects[i] + "@example.org"), StartsWith("250 "));
    ASSERT_TRUE(Await("dsn_acked", i + 1)) << dialects[i];
    const std::string raw = Bounce(i);
    EXPECT_THAT(raw, HasSubstr(dialects[i] + "@example.org")) << dialects[i];
    EXPECT_THAT(raw, HasSubstr("550")) << dialects[i];
    EXPECT_THAT(raw, HasSubstr("id-1@pharos")) << dialects[i];
    auto report = PartOf(raw, "message/delivery-status");
    EXPECT_EQ(report.has_value(), i < 4) << dialects[i];
    if (!report) continue;
    EXPECT_THAT(*report, HasSubstr("\n\nFinal-Recipient: rfc822; " + dialects[i]));
    EXPECT_THAT(*report, HasSubstr("Status: 5.1.1\n"));
  }
}

TEST_F(MailFaults, PeopleComplainAndMachinesAnswer) {
  StartListener();
  Start("mail to=cross@* complaint\nmail to=away@* auto-reply\n");
  Sender sender(server_->port());
  sender.Mail("cross@example.org");
  ASSERT_TRUE(Await("complaint_acked", 1));
  const std::string complaint = Bounce(0);
  EXPECT_THAT(PartOf(complaint, "message/feedback-report").value_or(""), HasSubstr("Feedback-Type: abuse"));
  EXPECT_THAT(complaint, HasSubstr("id-1@pharos"));
  EXPECT_THAT(complaint, testing::Not(HasSubstr("cross@example.org")));
  sender.Mail("away@example.org");
  ASSERT_TRUE(Await("autoreply_acked", 1));
  EXPECT_EQ(HeaderOf(Bounce(1), "auto-submitted"), "auto-replied");
  EXPECT_EQ(Stats()["complaints"], 1);
}

// Answers one HTTPS request with 200 and keeps it.
std::string ServeOnce(int listener, TlsServer& tls) {
  int fd = accept(listener, nullptr, nullptr);
  TlsStream stream(tls);
  std::string plain;
  char chunk[4096];
  while (plain.find("One-Click") == std::string::npos) {
    ssize_t got = read(fd, chunk, sizeof chunk);
    if (got <= 0 || !stream.Feed(std::string_view(chunk, size_t(got)), plain)) break;
    const std::string raw = stream.TakeRaw();
    send(fd, raw.data(), raw.size(), MSG_NOSIGNAL);
  }
  stream.Write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  const std::string raw = stream.TakeRaw();
  send(fd, raw.data(), raw.size(), MSG_NOSIGNAL);
  read(fd, chunk, sizeof chunk);
  close(fd);
  return plain;
}

TEST_F(MailFaults, WhoUnsubscribesPostsToTheHttpsAddress) {
  ASSERT_TRUE(EnsureCertificate(folder_ + "/edge").ok());
  auto tls = *TlsServer::Open(folder_ + "/edge");
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 4), 0);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::string request;
  std::thread edge([&] { request = ServeOnce(listener, *tls); });
  options_.one_click = true;
  Start("");
  Sender sender(server_->port());
  sender.Mail(
      "unsubscribe@example.org",
      "List-Unsubscribe: <https://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) +
          "/u/token-1>,\r\n <mailto:u@example.org>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n");
  EXPECT_TRUE(Await("one_click_acked", 1));
  shutdown(listener, SHUT_RDWR);
  edge.join();
  close(listener);
  EXPECT_THAT(request, StartsWith("POST /u/token-1 HTTP/1.1\r\n"));
  EXPECT_THAT(request, HasSubstr("\r\n\r\nList-Unsubscribe=One-Click"));
  EXPECT_EQ(Journal("one_click").size(), 1u);
}

TEST(OneClick, ReachesNobodyButThisMachine) {
  ClickTarget target;
  EXPECT_TRUE(ReadClickUrl("https://localhost:8443/u?t=1", target));
  EXPECT_EQ(target.path, "/u?t=1");
  EXPECT_EQ(target.port, 8443);
  for (const char* url : {"https://example.org/u", "http://127.0.0.1/u", "https://127.0.0.1.example.org/u",
                          "https://192.0.2.1/u", "https://localhost.example.org/"})
    EXPECT_FALSE(ReadClickUrl(url, target)) << url;
}

TEST_F(MailFaults, StopsReadingAndGoesOnOnCommand) {
  Start("");
  Sender sender(server_->port());
  ASSERT_EQ(server_->Steer("close-window 50ms"), "ok");
  const int64_t begun = base::Clock::System().BootMicros();
  EXPECT_THAT(sender.Mail("sam@example.org"), StartsWith("250 "));
  EXPECT_GE(base::Clock::System().BootMicros() - begun, 40'000);
  ASSERT_EQ(server_->Steer("refuse 452 4.3.1 No room on the disk"), "ok");
  EXPECT_EQ(sender.Mail("sam@example.org"), "452 4.3.1 No room on the disk\n");
  ASSERT_EQ(server_->Steer("cut"), "ok");
  EXPECT_EQ(sender.Answer(), "");
  EXPECT_EQ(Stats()["cut"], 1);
}

// Text arrives in pieces of any size; dots are unstuffed and nothing is lost.
TEST_F(MailFaults, AMessageInSmallPiecesIsTheSame) {
  options_.inbox = *Inbox::Open(folder_ + "/inbox");
  Start("");
  Sender sender(server_->port());
  sender.Rcpt("sam@example.org");
  sender.Ask("DATA");
  const std::string message = "Subject: x\r\n\r\n..one\r\ntwo\r\n...\r\n\r\nthree.\r\n.\r\n";
  for (char c : message) {
    ASSERT_EQ(send(sender.fd(), &c, 1, MSG_NOSIGNAL), 1);
    usleep(200);  // each in a segment of its own, mostly
  }
  EXPECT_THAT(sender.Answer(), StartsWith("250 "));
  std::ifstream in(folder_ + "/inbox");
  std::string line;
  std::getline(in, line);
  EXPECT_EQ(FromBase64(json::parse(line)["raw"].get<std::string>()),
            "Subject: x\r\n\r\n.one\r\ntwo\r\n..\r\n\r\nthree.\r\n");
}

}  // namespace
}  // namespace pharos::sandbox
