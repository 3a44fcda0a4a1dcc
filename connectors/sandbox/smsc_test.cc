// The sandbox as a connector sees it, with a client of a few lines.
#include "connectors/sandbox/smsc.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "connectors/smpp/pdu.h"
#include "services/base/clock.h"

namespace pharos::sandbox {
namespace {

using smpp::Pdu;

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
  }
  ~Client() { close(fd_); }
  void Send(const std::string& bytes) {
    EXPECT_EQ(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), ssize_t(bytes.size()));
  }
  void Send(const Pdu& pdu) { Send(smpp::Encode(pdu)); }
  Pdu Next() {
    size_t length = 0;
    char chunk[65536];
    while (smpp::NextFrame(in_, length) == smpp::Framing::kNeedMore) {
      ssize_t got = read(fd_, chunk, sizeof chunk);
      if (got <= 0) return {};
      in_.append(chunk, static_cast<size_t>(got));
    }
    auto pdu = smpp::Decode(std::string_view(in_).substr(0, length));
    in_.erase(0, length);
    return pdu.ok() ? *pdu : Pdu{};
  }
  uint32_t Bind(const std::string& password = "") {
    Pdu bind;
    bind.command = smpp::kBindTransceiver;
    bind.sequence = 1;
    bind.system_id = "test";
    bind.password = password;
    Send(bind);
    return Next().status;
  }
  static Pdu Submit(uint32_t sequence, const std::string& number) {
    Pdu submit;
    submit.command = smpp::kSubmitSm;
    submit.sequence = sequence;
    submit.source = {5, 0, "NHS"};
    submit.destination = {1, 1, number};
    submit.short_message = "He said \"hi\"\x02";
    submit.registered_delivery = 1;
    return submit;
  }

 private:
  int fd_;
  std::string in_;
};

TEST(Smsc, TheJournalHoldsASubmissionBeforeItIsAnswered) {
  std::string folder = testing::TempDir() + "/smsc_XXXXXX";
  ASSERT_TRUE(mkdtemp(folder.data()));
  SmscOptions options;
  options.journal = folder + "/journal";
  auto smsc = *Smsc::Start(options);
  Client client(smsc->port());
  ASSERT_EQ(client.Bind(), 0u);
  int64_t before = base::Clock::System().WallNanos();
  client.Send(Client::Submit(2, "447700900009"));
  Pdu first = client.Next();  // 900009: the receipt is first
  EXPECT_EQ(first.command, smpp::kDeliverSm);
  Pdu answer = client.Next();
  ASSERT_EQ(answer.command, smpp::ResponseTo(smpp::kSubmitSm));
  std::ifstream file(options.journal);
  std::string line;
  nlohmann::json submit;
  while (std::getline(file, line))
    if (auto entry = nlohmann::json::parse(line); entry["event"] == "submit") submit = entry;
  EXPECT_EQ(submit["dest"], "447700900009");
  EXPECT_EQ(submit["text"], "He said \"hi\"$");
  EXPECT_EQ(submit["id"], answer.message_id);
  EXPECT_GE(submit["t_ns"].get<int64_t>(), before);
  EXPECT_LE(submit["t_ns"].get<int64_t>(), base::Clock::System().WallNanos());
}

// A connector in trial mode uses no provider that does not say this.
TEST(Smsc, SaysThatItIsASandbox) {
  auto smsc = *Smsc::Start({});
  Client client(smsc->port());
  Pdu bind;
  bind.command = smpp::kBindTransceiver;
  bind.sequence = 1;
  bind.system_id = "test";
  client.Send(bind);
  EXPECT_EQ(client.Next().system_id, "pharos-sandbox");
}

TEST(Inbox, APhoneShowsAMessageOnceItIsWhole) {
  std::string folder = testing::TempDir() + "/inbox_XXXXXX";
  ASSERT_TRUE(mkdtemp(folder.data()));
  auto inbox = *Inbox::Open(folder + "/inbox");
  inbox->AddSms({1, "447700900123", "60777", "second", 2, 2, 7});
  inbox->Flush();
  std::ifstream early(folder + "/inbox");
  EXPECT_EQ(early.peek(), EOF);
  inbox->AddSms({2, "447700900123", "60777", "first, ", 1, 2, 7});
  inbox->Flush();
  std::ifstream file(folder + "/inbox");
  std::string line;
  ASSERT_TRUE(std::getline(file, line));
  EXPECT_EQ(nlohmann::json::parse(line)["text"], "first, second");
  EXPECT_FALSE(std::getline(file, line));
}

TEST(Smsc, RefusesAWrongPasswordAndSubmissionsWithoutABind) {
  SmscOptions options;
  options.password = "right";
  auto smsc = *Smsc::Start(options);
  Client client(smsc->port());
  EXPECT_EQ(client.Bind("wrong"), smpp::kInvalidPassword);
  client.Send(Client::Submit(2, "447700900100"));
  EXPECT_EQ(client.Next().status, smpp::kInvalidBindStatus);
  EXPECT_EQ(client.Bind("right"), 0u);
}

TEST(Smsc, ThrottlesAboveTheLimit) {
  SmscOptions options;
  options.throttle_per_second = 10;
  auto smsc = *Smsc::Start(options);
  Client client(smsc->port());
  ASSERT_EQ(client.Bind(), 0u);
  std::string many;
  for (uint32_t i = 0; i < 100; ++i) {
    auto pdu = Client::Submit(2 + i, "447700900004");
    many += smpp::Encode(pdu);
  }
  client.Send(many);
  int throttled = 0;
  for (int i = 0; i < 100; ++i) throttled += client.Next().status == smpp::kThrottled;
  EXPECT_GE(throttled, 80);  // ten a second, and the second may change once
}

TEST(Rules, AreSeededAndKeepTheirPercent) {
  Rules rules;
  rules.reply_stop_percent = 5;
  rules.fail_percent = 2;
  int stops = 0, fails = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string number = "4479110" + std::to_string(10'000 + i);
    Fate fate = FateOf(number, rules);
    EXPECT_EQ(fate.stop_after_us, FateOf("+" + number, rules).stop_after_us);
    stops += fate.stop_after_us >= 0;
    fails += fate.state == smpp::MessageState::kUndeliverable;
  }
  EXPECT_NEAR(stops, 1000, 150);
  EXPECT_NEAR(fails, 400, 100);
  rules.reply_stop_percent = 100;
  EXPECT_EQ(FateOf("07700900100", rules).stop_after_us, -1);
  EXPECT_EQ(FateOf("07700900005", rules).stop_after_us, 0);
}

// One connection, a window of 1,000, a receipt each.
TEST(Smsc, KeepsUpWithTenThousandSubmissions) {
  SmscOptions options;
  options.rules.receipt_delay_us = 1'000;
  auto smsc = *Smsc::Start(options);
  Client client(smsc->port());
  ASSERT_EQ(client.Bind(), 0u);
  constexpr int kMessages = 10'000, kWindow = 500;
  int64_t begun = base::Clock::System().BootMicros();
  int sent = 0, answers = 0, receipts = 0;
  while (answers < kMessages || receipts < kMessages) {
    std::string batch;
    while (sent < kMessages && sent - answers < kWindow)
      batch += smpp::Encode(Client::Submit(2 + sent++, "447700900100"));
    if (!batch.empty()) client.Send(batch);
    Pdu pdu = client.Next();
    ASSERT_NE(pdu.command, 0u);
    if (pdu.command == smpp::kDeliverSm) {
      ++receipts;
      Pdu ok;
      ok.command = smpp::ResponseTo(smpp::kDeliverSm);
      ok.sequence = pdu.sequence;
      client.Send(ok);
    } else {
      ++answers;
    }
  }
  double seconds = (base::Clock::System().BootMicros() - begun) / 1e6;
  RecordProperty("submits_per_second", static_cast<int>(kMessages / seconds));
  EXPECT_LT(seconds, 20);
}

}  // namespace
}  // namespace pharos::sandbox
