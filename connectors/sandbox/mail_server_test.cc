// The mailboxes as a mail client sees them, in clear and under TLS, with a client of a few lines. The
// listener that takes bounces is a second mail server.
#include "connectors/sandbox/mail_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "connectors/sandbox/mime.h"
#include "services/base/clock.h"

namespace pharos::sandbox {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

constexpr int64_t kPatienceUs = 20'000'000;

class Client {
 public:
  explicit Client(int port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    timeval patience{20, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    greeting = Answer();
  }
  ~Client() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    close(fd_);
  }
  void Send(const std::string& bytes) {
    ssize_t put = ssl_ != nullptr ? SSL_write(ssl_, bytes.data(), int(bytes.size()))
                                  : send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    EXPECT_EQ(put, ssize_t(bytes.size()));
  }
  // The last line of the answer, with all of them in `lines`; "" if the connection ended.
  std::string Answer() {
    lines.clear();
    for (;;) {
      size_t end;
      while ((end = in_.find("\r\n")) == std::string::npos) {
        char chunk[4096];
        ssize_t got = ssl_ != nullptr ? SSL_read(ssl_, chunk, sizeof chunk) : read(fd_, chunk, sizeof chunk);
        if (got <= 0) return "";
        in_.append(chunk, size_t(got));
      }
      std::string line = in_.substr(0, end);
      in_.erase(0, end + 2);
      lines += line + "\n";
      if (line.size() < 4 || line[3] != '-') return line;
    }
  }
  std::string Ask(const std::string& command) {
    Send(command + "\r\n");
    return Answer();
  }
  // True if the certificate in `folder` is the server's.
  bool StartTls(const std::string& folder) {
    if (Ask("STARTTLS").substr(0, 3) != "220") return false;
    context_ = SSL_CTX_new(TLS_client_method());
    SSL_CTX_load_verify_locations(context_, (folder + "/cert.pem").c_str(), nullptr);
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
    ssl_ = SSL_new(context_);
    SSL_set1_host(ssl_, "localhost");
    SSL_set_fd(ssl_, fd_);
    return SSL_connect(ssl_) == 1;
  }
  // From MAIL to the answer to the final dot, or the first refusal.
  std::string Mail(const std::string& to, const std::string& more_headers = "",
                   const std::string& mail = "") {
    std::string answer = Ask("MAIL FROM:<b+1@bounce.example.org>" + mail);
    if (answer[0] == '2') answer = Ask("RCPT TO:<" + to + ">");
    if (answer[0] == '2') answer = Ask("DATA");
    if (answer[0] != '3') return answer;
    Send("Message-ID: <id-1@pharos>\r\nFrom: Quit <quit@example.org>\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n" +
         more_headers + "\r\nHello\r\n..hidden dot\r\n");
    return Ask(".");
  }

  std::string greeting, lines;

 private:
  int fd_;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  std::string in_;
};

class MailServerTest : public testing::Test {
 protected:
  MailServerTest() {
    folder_ = testing::TempDir() + "/mail_XXXXXX";
    EXPECT_TRUE(mkdtemp(folder_.data()));
    options_.journal = folder_ + "/journal";
    options_.rules.receipt_delay_us = 1'000;
  }
  std::vector<json> Lines(const std::string& file, const std::string& event) {
    std::vector<json> found;
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);)
      if (auto entry = json::parse(line); event.empty() || entry["event"] == event) found.push_back(entry);
    return found;
  }
  std::vector<json> Journal(const std::string& event) { return Lines(options_.journal, event); }
  // Waits until the journal has so many lines of `event`.
  std::vector<json> Await(const std::string& event, size_t count) {
    int64_t end = base::Clock::System().BootMicros() + kPatienceUs;
    while (Journal(event).size() < count && base::Clock::System().BootMicros() < end) usleep(2'000);
    return Journal(event);
  }
  // Takes bounces; what it took is in Bounces().
  std::unique_ptr<MailServer> StartListener(int port = 0) {
    MailOptions listener;
    listener.port = port;
    listener.inbox = *Inbox::Open(folder_ + "/bounces");
    auto started = *MailServer::Start(listener);
    options_.bounce_host = "127.0.0.1";
    options_.bounce_port = started->port();
    return started;
  }
  std::vector<json> Bounces() { return Lines(folder_ + "/bounces", ""); }
  std::unique_ptr<MailServer> Start() { return *MailServer::Start(options_); }

  std::string folder_;
  MailOptions options_;
};

TEST_F(MailServerTest, SaysThatItIsASandboxAndWhatItCan) {
  auto server = Start();
  Client client(server->port());
  EXPECT_THAT(client.greeting, StartsWith("220 "));
  EXPECT_THAT(client.greeting, HasSubstr("ESMTP pharos-sandbox"));
  EXPECT_THAT(client.Ask("EHLO test"), StartsWith("250 "));
  for (const char* word : {"PIPELINING", "SIZE", "8BITMIME", "ENHANCEDSTATUSCODES", "DSN", "SMTPUTF8"})
    EXPECT_THAT(client.lines, HasSubstr(word));
  EXPECT_THAT(client.lines, testing::Not(HasSubstr("STARTTLS")));
}

TEST_F(MailServerTest, TheJournalHoldsAMessageBeforeItIsAnswered) {
  auto server = Start();
  Client client(server->port());
  client.Ask("EHLO test");
  EXPECT_THAT(client.Mail("sam@example.org"), StartsWith("250 2.0.0 "));
  auto mails = Journal("mail");
  ASSERT_EQ(mails.size(), 1u);
  EXPECT_EQ(mails[0]["dest"], "sam@example.org");
  EXPECT_EQ(mails[0]["source"], "b+1@bounce.example.org");
  EXPECT_EQ(mails[0]["message_id"], "id-1@pharos");
  EXPECT_EQ(mails[0]["subject"], "café");
  EXPECT_EQ(mails[0]["status"], 250);
  EXPECT_NE(mails[0]["id"], "");
  EXPECT_EQ(mails[0]["tls"], false);
}

TEST_F(MailServerTest, TheStampIsThatOfTheFinalDot) {
  auto server = Start();
  Client client(server->port());
  client.Ask("EHLO test");
  client.Ask("MAIL FROM:<a@example.org>");
  client.Ask("RCPT TO:<sam@example.org>");
  client.Ask("DATA");
  client.Send("Subject: x\r\n\r\nbody\r\n.");  // not the line's end yet
  usleep(30'000);                              // long against what a stamp may be off
  int64_t before = base::Clock::System().WallNanos();
  EXPECT_THAT(client.Ask(""), StartsWith("250 "));
  int64_t t_ns = Journal("mail").at(0)["t_ns"];
  EXPECT_GE(t_ns, before);
  EXPECT_LE(t_ns, base::Clock::System().WallNanos());
}

TEST_F(MailServerTest, UnderTlsToo) {
  options_.tls_folder = folder_ + "/tls";
  auto server = Start();
  struct stat info {};
  ASSERT_EQ(stat((options_.tls_folder + "/key.pem").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 077, 0u);
  Client client(server->port());
  client.Ask("EHLO test");
  EXPECT_THAT(client.lines, HasSubstr("STARTTLS"));
  ASSERT_TRUE(client.StartTls(options_.tls_folder));
  EXPECT_THAT(client.Ask("MAIL FROM:<a@example.org>"), StartsWith("503 "));  // said before TLS: forgotten
  client.Ask("EHLO test");
  EXPECT_THAT(client.lines, testing::Not(HasSubstr("STARTTLS")));
  int64_t before = base::Clock::System().WallNanos();
  EXPECT_THAT(client.Mail("sam@example.org"), StartsWith("250 "));
  auto mail = Journal("mail").at(0);
  EXPECT_EQ(mail["tls"], true);
  EXPECT_GE(mail["t_ns"].get<int64_t>(), before);
  EXPECT_EQ(server->counts().over_tls, 1);
}

TEST_F(MailServerTest, KeepsItsCertificateOverARestart) {
  options_.tls_folder = folder_ + "/tls";
  Start().reset();
  std::stringstream first, second;
  first << std::ifstream(options_.tls_folder + "/cert.pem").rdbuf();
  Start().reset();
  second << std::ifstream(options_.tls_folder + "/cert.pem").rdbuf();
  EXPECT_EQ(first.str(), second.str());
}

// What is said in clear after STARTTLS came from somebody in between.
TEST_F(MailServerTest, ForgetsWhatWasSaidInClearBehindStartTls) {
  options_.tls_folder = folder_ + "/tls";
  auto server = Start();
  Client client(server->port());
  client.Ask("EHLO test");
  client.Send("STARTTLS\r\nMAIL FROM:<evil@example.org>\r\n");
  EXPECT_THAT(client.Answer(), StartsWith("220 "));
  client.Send("not a handshake\r\n");
  std::string rest = client.Answer();
  EXPECT_EQ(rest.find("250"), std::string::npos);
}

TEST_F(MailServerTest, TakesCommandsInOneFlight) {
  auto server = Start();
  Client client(server->port());
  client.Ask("EHLO test");
  client.Send("MAIL FROM:<a@example.org>\r\nRCPT TO:<bounce-hard@example.org>\r\nDATA\r\n");
  EXPECT_THAT(client.Answer(), StartsWith("250 "));
  EXPECT_THAT(client.Answer(), StartsWith("550 5.1.1 "));
  EXPECT_THAT(client.Answer(), StartsWith("554 "));
  client.Send("RSET\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<sam@example.org>\r\nDATA\r\n");
  for (int i = 0; i < 3; ++i) EXPECT_THAT(client.Answer(), StartsWith("250 "));
  EXPECT_THAT(client.Answer(), StartsWith("354 "));
}

TEST_F(MailServerTest, OnlyADotBetweenProperLineEndsEndsAMessage) {
  options_.inbox = *Inbox::Open(folder_ + "/inbox");
  auto server = Start();
  Client client(server->port());
  client.Ask("EHLO test");
  client.Ask("MAIL FROM:<a@example.org>");
  client.Ask("RCPT TO:<sam@example.org>");
  client.Ask("DATA");
  client.Send("Subject: x\r\n\r\none\n.\nMAIL FROM:<b@example.org>\r\n..two\r\n");
  EXPECT_THAT(client.Ask("."), StartsWith("250 "));
  auto seen = Lines(folder_ + "/inbox", "");
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0]["text"], "one\n.\nMAIL FROM:<b@example.org>\n.two\n");
  EXPECT_EQ(seen[0]["to"], "sam@example.org");
  EXPECT_EQ(seen[0]["channel"], "email");
  EXPECT_THAT(FromBase64(seen[0]["raw"].get<std::string>()), StartsWith("Subject: x\r\n"));
}

TEST_F(MailServerTest, RefusalsOfMagicAddressesAreOnRecord) {
  auto server = Start();
  Client client(server->port());
  client.Ask("EHLO test");
  EXPECT_THAT(client.Mail("bounce-hard.1@example.org"), StartsWith("550 5.1.1"));
  client.Ask("RSET");
  EXPECT_THAT(client.Mail("defer-once@example.org"), StartsWith("451 "));
  client.Ask("RSET");
  EXPECT_THAT(client.Mail("defer-once@example.org"), StartsWith("250 "));
  auto mails = Journal("mail");
  ASSERT_EQ(mails.size(), 3u);
  EXPECT_EQ(mails[0]["status"], 550);
  EXPECT_EQ(mails[0]["id"], "");
  EXPECT_EQ(mails[1]["status"], 451);
  EXPECT_EQ(mails[2]["status"], 250);
}

TEST_F(MailServerTest, SilentDropIsRecordedAsAcceptedAndNotAnswered) {
  auto server = Start();
  Client client(server->port());
  client.Ask("EHLO test");
  EXPECT_EQ(client.Mail("silent-drop@example.org"), "");
  EXPECT_EQ(Journal("mail").at(0)["status"], 250);
}

TEST_F(MailServerTest, HeldAnswersNeverComeThoughTheMessageIsRecorded) {
  auto server = Start();
  Client client(server->port());
  client.Ask("EHLO test");
  server->HoldAnswers(true);
  client.Ask("MAIL FROM:<a@example.org>");
  client.Ask("RCPT TO:<sam@example.org>");
  client.Ask("DATA");
  client.Send("Subject: x\r\n\r\nbody\r\n.\r\n");
  EXPECT_EQ(Await("mail", 1).size(), 1u);
  server->CutLinks();
  EXPECT_EQ(client.Answer(), "");
}

TEST_F(MailServerTest, ALateBounceIsAReportThatMachinesCanRead) {
  auto listener = StartListener();
  auto server = Start();
  Client client(server->port());
  client.Ask("EHLO test");
  EXPECT_THAT(client.Mail("bounce-late@example.org", "", " RET=HDRS ENVID=01ab"), StartsWith("250 "));
  auto acked = Await("dsn_acked", 1);
  ASSERT_EQ(acked.size(), 1u);
  EXPECT_EQ(acked[0]["dest"], "bounce-late@example.org");
  EXPECT_EQ(acked[0]["message_id"], "id-1@pharos");
  EXPECT_EQ(acked[0]["action"], "failed");
  EXPECT_EQ(acked[0]["status"], "5.1.1");
  EXPECT_EQ(Journal("dsn").size(), 1u);
  auto bounces = Bounces();
  ASSERT_EQ(bounces.size(), 1u);
  EXPECT_EQ(bounces[0]["to"], "b+1@bounce.example.org");
  std::string raw = FromBase64(bounces[0]["raw"].get<std::string>());
  EXPECT_THAT(std::string(ParseEntity(raw).Header("content-type")),
              HasSubstr("multipart/report; report-type=delivery-status"));
  auto status = PartOf(raw, "message/delivery-status");
  ASSERT_TRUE(status);
  for (const char* field : {"Reporting-MTA: dns;", "Original-Envelope-Id: 01ab\n",
                            "\n\nFinal-Recipient: rfc822; bounce-late@example.org\n", "Action: failed\n",
                            "Status: 5.1.1\n", "Diagnostic-Code: smtp; 550 5.1.1"})
    EXPECT_THAT(*status, HasSubstr(field));
  EXPECT_THAT(PartOf(raw, "text/rfc822-headers").value_or(""), HasSubstr("Message-ID: <id-1@pharos>"));
}

TEST_F(MailServerTest, ASenderMayAskForNoReports) {
  auto listener = StartListener();
  auto server = Start();
  Client client(server->port());
  client.Ask("EHLO test");
  client.Ask("MAIL FROM:<a@example.org>");
  client.Ask("RCPT TO:<full@example.org> NOTIFY=NEVER");
  client.Ask("DATA");
  client.Send("Subject: x\r\n\r\nbody\r\n");
  EXPECT_THAT(client.Ask("."), StartsWith("250 "));
  EXPECT_THAT(client.Mail("full.2@example.org"), StartsWith("250 "));
  auto acked = Await("dsn_acked", 1);
  ASSERT_EQ(acked.size(), 1u);
  EXPECT_EQ(acked[0]["dest"], "full.2@example.org");
  EXPECT_EQ(acked[0]["status"], "5.2.2");
}

TEST_F(MailServerTest, UnsubscribingIsAMailToTheAddressInTheHeader) {
  auto listener = StartListener();
  auto server = Start();
  Client client(server->port());
  client.Ask("EHLO test");
  const char* header = "List-Unsubscribe: <mailto:u+1@bounce.example.org?subject=unsubscribe%201>\r\n";
  client.Mail("unsubscribe@example.org", header);
  client.Mail("unsubscribe@example.org", header);  // once is enough
  client.Mail("unsubscribe.2@example.org", header);
  auto acked = Await("unsubscribe_acked", 2);
  ASSERT_EQ(acked.size(), 2u);
  EXPECT_EQ(Journal("unsubscribe").size(), 2u);
  EXPECT_EQ(acked[0]["dest"], "unsubscribe@example.org");
  EXPECT_EQ(acked[0]["message_id"], "id-1@pharos");
  EXPECT_EQ(acked[0]["n"], 1);
  auto mails = Bounces();
  ASSERT_EQ(mails.size(), 2u);
  EXPECT_EQ(mails[0]["to"], "u+1@bounce.example.org");
  EXPECT_EQ(mails[0]["subject"], "unsubscribe 1");
  EXPECT_THAT(mails[0]["from"].get<std::string>(), HasSubstr("unsubscribe"));
}

TEST_F(MailServerTest, WhatTheListenerDidNotAcceptIsSentAgain) {
  auto listener = StartListener();
  auto server = Start();
  listener->HoldAnswers(true);
  Client client(server->port());
  client.Ask("EHLO test");
  client.Mail("unsubscribe@example.org", "List-Unsubscribe: <mailto:u@example.org>\r\n");
  EXPECT_EQ(Await("unsubscribe", 1).size(), 1u);
  EXPECT_TRUE(Journal("unsubscribe_acked").empty());
  listener->HoldAnswers(false);
  listener->CutLinks();
  auto acked = Await("unsubscribe_acked", 1);
  ASSERT_EQ(acked.size(), 1u);
  EXPECT_EQ(acked[0]["n"], 2);
}

TEST_F(MailServerTest, BouncesWaitForAListenerThatIsAway) {
  auto listener = StartListener();
  int port = listener->port();
  listener.reset();
  auto server = Start();
  Client client(server->port());
  client.Ask("EHLO test");
  client.Mail("bounce-late@example.org");
  listener = StartListener(port);
  EXPECT_EQ(Await("dsn_acked", 1).size(), 1u);
}

TEST(MailRules, MagicIsAWordNotABeginning) {
  Rules rules;
  EXPECT_TRUE(MailFateOf("Bounce-Hard.7@Example.org", rules).rejected);
  EXPECT_EQ(MailFateOf("full@example.org", rules).dsn_status, "5.2.2");
  EXPECT_EQ(MailFateOf("full17@example.org", rules).dsn_status, "5.2.2");
  EXPECT_EQ(MailFateOf("fuller@example.org", rules).dsn_status, "");
  EXPECT_TRUE(MailFateOf("silent-drop-1@example.org", rules).silent);
  EXPECT_TRUE(MailFateOf("defer-once@example.org", rules).deferred_first);
}

TEST(MailRules, AreSeededAndKeepTheirPercent) {
  Rules rules;
  rules.reply_stop_percent = 5;
  rules.fail_percent = 2;
  int stops = 0, fails = 0;
  for (int i = 0; i < 20'000; ++i) {
    MailFate fate = MailFateOf("person" + std::to_string(i) + "@example.org", rules);
    stops += fate.unsubscribe_after_us >= 0;
    fails += !fate.dsn_status.empty();
    EXPECT_LE(fate.unsubscribe_after_us, 2'000'000);
  }
  EXPECT_NEAR(stops, 1000, 150);
  EXPECT_NEAR(fails, 400, 100);
}

// One connection, a message after the other, in one flight each.
TEST_F(MailServerTest, KeepsUpWithFiveThousandMessages) {
  auto server = Start();
  Client client(server->port());
  client.Ask("EHLO test");
  int64_t begun = base::Clock::System().BootMicros();
  for (int i = 0; i < 5'000; ++i) {
    client.Send("MAIL FROM:<a@example.org>\r\nRCPT TO:<sam@example.org>\r\nDATA\r\n");
    for (int k = 0; k < 3; ++k) client.Answer();
    client.Send("Subject: x\r\n\r\nbody\r\n.\r\n");
    ASSERT_THAT(client.Answer(), StartsWith("250 "));
  }
  EXPECT_EQ(server->counts().accepted, 5'000);
  EXPECT_LT(base::Clock::System().BootMicros() - begun, 20'000'000);
}

}  // namespace
}  // namespace pharos::sandbox
