// What a provider may do to a connector, over real sockets.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "connectors/sandbox/control.h"
#include "connectors/sandbox/smsc.h"
#include "connectors/smpp/pdu.h"
#include "connectors/smpp/receipt.h"
#include "services/base/clock.h"

namespace pharos::sandbox {
namespace {

using smpp::Pdu;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

int ConnectTo(int port) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  timeval patience{20, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return fd;
}

class Esme {
 public:
  explicit Esme(int port, bool tls = false) : fd_(ConnectTo(port)) {
    if (!tls) return;
    context_ = SSL_CTX_new(TLS_client_method());
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, fd_);
    EXPECT_EQ(SSL_connect(ssl_), 1);
  }
  ~Esme() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    close(fd_);
  }
  int fd() const { return fd_; }
  void Send(const Pdu& pdu) {
    std::string bytes = smpp::Encode(pdu);
    if (ssl_ != nullptr)
      SSL_write(ssl_, bytes.data(), int(bytes.size()));
    else
      send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  // command 0: the connection ended.
  Pdu Next() {
    size_t length = 0;
    char chunk[65536];
    while (smpp::NextFrame(in_, length) == smpp::Framing::kNeedMore) {
      ssize_t got = ssl_ != nullptr ? SSL_read(ssl_, chunk, sizeof chunk) : read(fd_, chunk, sizeof chunk);
      if (got <= 0) return {};
      in_.append(chunk, size_t(got));
    }
    auto pdu = smpp::Decode(std::string_view(in_).substr(0, length));
    in_.erase(0, length);
    return pdu.ok() ? *pdu : Pdu{};
  }
  // The next delivery, acknowledged.
  Pdu Delivery() {
    Pdu pdu = Next();
    Pdu ok;
    ok.command = smpp::ResponseTo(pdu.command);
    ok.sequence = pdu.sequence;
    if (pdu.command != 0) Send(ok);
    return pdu;
  }
  uint32_t Bind(const std::string& account = "test") {
    Pdu bind;
    bind.command = smpp::kBindTransceiver;
    bind.sequence = 1;
    bind.system_id = account;
    Send(bind);
    return Next().status;
  }
  void Submit(const std::string& number) {
    Pdu submit;
    submit.command = smpp::kSubmitSm;
    submit.sequence = ++sequence_;
    submit.source = {1, 1, "60777"};
    submit.destination = {1, 1, number};
    submit.short_message = "Hello";
    submit.registered_delivery = 1;
    Send(submit);
  }
  Pdu Asked(const std::string& number) { return Submit(number), Next(); }

 private:
  int fd_;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  uint32_t sequence_ = 1;
  std::string in_;
};

class SmscFaults : public testing::Test {
 protected:
  void Start(const std::string& script = "", SmscOptions options = {}) {
    auto read = Script::Parse(script);
    ASSERT_TRUE(read.ok()) << read.status();
    options.script = *read;
    options.rules.receipt_delay_us = 1'000;
    smsc_ = *Smsc::Start(options);
    esme_ = std::make_unique<Esme>(smsc_->port());
    ASSERT_EQ(esme_->Bind(), 0u);
  }
  nlohmann::json Stats() { return nlohmann::json::parse(smsc_->Steer("stats").substr(3)); }
  // States of the next `count` deliveries.
  std::vector<smpp::MessageState> States(int count) {
    std::vector<smpp::MessageState> states;
    for (int i = 0; i < count; ++i) {
      auto receipt = smpp::ReadReceipt(esme_->Delivery());
      states.push_back(receipt ? receipt->state : smpp::MessageState::kNone);
    }
    return states;
  }
  std::unique_ptr<Smsc> smsc_;
  std::unique_ptr<Esme> esme_;
};

TEST_F(SmscFaults, RefusesWithAnyStatusAndCountsIt) {
  Start("sms to=44791* status=RMSGQFUL times=1\nsms to=44792* status=0x400\n");
  EXPECT_EQ(esme_->Asked("447910000001").status, smpp::kQueueFull);
  EXPECT_EQ(esme_->Asked("447910000001").status, 0u);
  EXPECT_EQ(esme_->Delivery().command, smpp::kDeliverSm);
  EXPECT_EQ(esme_->Asked("447920000001").status, 0x400u);
  EXPECT_EQ(Stats()["refused"]["0x14"], 1);
  EXPECT_EQ(Stats()["refused"]["0x400"], 1);
  EXPECT_EQ(Stats()["accepted"], 1);
}

TEST_F(SmscFaults, AcceptedAndThrottledAddUp) {
  Start("sms rate=50 burst=5 receipts=none\n");
  for (int i = 0; i < 100; ++i) esme_->Submit("447910000001");
  int accepted = 0;
  for (int i = 0; i < 100; ++i) accepted += esme_->Next().status == 0;
  EXPECT_GE(accepted, 5);
  EXPECT_LT(accepted, 60);
  EXPECT_EQ(Stats()["accepted"], accepted);
  EXPECT_EQ(Stats()["refused"]["0x58"], 100 - accepted);
}

TEST_F(SmscFaults, AnswersLate) {
  Start("sms to=447911* delay=60ms receipts=none\nsms receipts=none\n");
  esme_->Submit("447911000001");
  esme_->Submit("447912000001");
  EXPECT_EQ(esme_->Next().sequence, 3u);  // overtakes it
  EXPECT_EQ(esme_->Next().sequence, 2u);
}

TEST_F(SmscFaults, CutsAfterItAccepted) {
  Start("sms to=447911* cut=after-accept\n");
  EXPECT_EQ(esme_->Asked("447911000001").command, 0u);
  EXPECT_EQ(smsc_->counts().accepted, 1);
  EXPECT_EQ(smsc_->counts().cut, 1);
  Esme again(smsc_->port());
  ASSERT_EQ(again.Bind(), 0u);
  EXPECT_TRUE(smpp::IsReceipt(again.Delivery()));  // the receipt finds the account
}

TEST_F(SmscFaults, CutsBeforeItAccepts) {
  Start("sms cut=before-accept\n");
  EXPECT_EQ(esme_->Asked("447911000001").command, 0u);
  EXPECT_EQ(smsc_->counts().submits, 0);
}

TEST_F(SmscFaults, ReceiptsContradictEachOtherAndComeTwice) {
  Start("sms to=44791* receipts=UNDELIV,DELIVRD copies=2\nsms receipts=DELIVRD,UNDELIV intermediate\n");
  using State = smpp::MessageState;
  esme_->Asked("447910000001");
  EXPECT_THAT(States(4), ElementsAre(State::kUndeliverable, State::kUndeliverable, State::kDelivered,
                                     State::kDelivered));
  esme_->Asked("447920000001");
  EXPECT_THAT(States(3), ElementsAre(State::kEnRoute, State::kDelivered, State::kUndeliverable));
}

TEST_F(SmscFaults, TheReceiptOvertakesTheAnswer) {
  Start("sms receipt-first\n");
  EXPECT_EQ(esme_->Asked("447910000001").command, smpp::kDeliverSm);
  EXPECT_EQ(esme_->Next().command, smpp::ResponseTo(smpp::kSubmitSm));
}

TEST_F(SmscFaults, ReceiptsOfMessagesComeOutOfOrder) {
  Start("sms receipt-delay=uniform:1ms:60ms\n");
  std::vector<std::string> ids, receipts;
  for (int i = 0; i < 20; ++i) esme_->Submit("447910000001");
  while (ids.size() < 20 || receipts.size() < 20) {
    Pdu pdu = esme_->Next();
    ASSERT_NE(pdu.command, 0u);
    if (pdu.command == smpp::kDeliverSm)
      receipts.push_back(smpp::ReadReceipt(pdu)->id);
    else
      ids.push_back(pdu.message_id);
  }
  EXPECT_NE(ids, receipts);
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()),
            std::set<std::string>(receipts.begin(), receipts.end()));
}

TEST_F(SmscFaults, DialectsOfIdsAndForms) {
  Start(
      "sms to=44791* answer-id=hex receipt-id=dec form=text\n"
      "sms to=44792* form=tlv data-sm\n"
      "sms to=44793* form=text omit=sub,dlvrd,err\n");
  const Pdu answer = esme_->Asked("447910000001");
  Pdu receipt = esme_->Delivery();
  EXPECT_EQ(std::to_string(std::stoull(answer.message_id, nullptr, 16)), smpp::ReadReceipt(receipt)->id);
  EXPECT_EQ(receipt.Find(smpp::kReceiptedMessageId), nullptr);
  const Pdu second = esme_->Asked("447920000001");
  receipt = esme_->Delivery();
  EXPECT_EQ(receipt.command, smpp::kDataSm);
  EXPECT_EQ(receipt.short_message, "");
  EXPECT_EQ(smpp::ReadReceipt(receipt)->id, second.message_id);
  esme_->Asked("447930000001");
  const std::string text = esme_->Delivery().short_message;
  EXPECT_THAT(text, StartsWith("id:"));
  EXPECT_THAT(text, HasSubstr("stat:DELIVRD"));
  EXPECT_THAT(text, testing::Not(HasSubstr("dlvrd:0")));
  EXPECT_THAT(text, testing::Not(HasSubstr("err:")));
}

TEST_F(SmscFaults, PeopleAnswerInPartsAndInOtherAlphabets) {
  Start(
      "sms to=44791* receipts=none reply=stop-free-welsh reply-form=udh\n"
      "sms to=44792* receipts=none reply=stop-free reply-form=sar\n"
      "sms to=44793* receipts=none reply=\"paid â'i wneud\"\n");
  esme_->Asked("447910000001");
  std::string whole;
  for (int part = 1; part <= 2; ++part) {
    Pdu pdu = esme_->Delivery();
    std::string_view text = pdu.short_message;
    auto header = smpp::TakeHeader(pdu.esm_class, text);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->part, part);
    whole += text;
  }
  EXPECT_EQ(whole, "peidiwch ag anfon rhagor o negeseuon");
  esme_->Asked("447920000001");
  for (int part = 1; part <= 2; ++part) EXPECT_EQ(smpp::SarOf(esme_->Delivery())->part, part);
  esme_->Asked("447930000001");
  Pdu wide = esme_->Delivery();
  EXPECT_EQ(wide.data_coding, 8);
  EXPECT_EQ(wide.short_message.substr(10, 2), (std::string{'\x00', '\xE2'}));  // â
}

TEST_F(SmscFaults, AccountsAreRefusedAndSentAway) {
  Start("bind account=locked status=RINVPASWD times=1\nbind account=banned status=RBINDFAIL close\n");
  Esme locked(smsc_->port());
  EXPECT_EQ(locked.Bind("locked"), smpp::kInvalidPassword);
  EXPECT_EQ(locked.Bind("locked"), 0u);
  Esme banned(smsc_->port());
  EXPECT_EQ(banned.Bind("banned"), smpp::kBindFailed);
  EXPECT_EQ(banned.Next().command, 0u);
}

TEST_F(SmscFaults, UnderTlsToo) {
  std::string folder = testing::TempDir() + "/smpp_tls_XXXXXX";
  ASSERT_TRUE(mkdtemp(folder.data()));
  SmscOptions options;
  options.tls_port = 0;
  options.tls_folder = folder;
  Start("", options);
  EXPECT_EQ(access((folder + "/cert.pem").c_str(), R_OK), 0);
  Esme inside(smsc_->tls_port(), true);
  ASSERT_EQ(inside.Bind("inside"), 0u);
  EXPECT_EQ(inside.Asked("447910000001").command, smpp::ResponseTo(smpp::kSubmitSm));
  EXPECT_TRUE(smpp::IsReceipt(inside.Delivery()));
}

// Sends until the kernel takes no more; how much it took.
size_t Fill(int fd, const std::string& frame, int64_t quiet_us) {
  size_t total = 0;
  int64_t last = base::Clock::System().BootMicros();
  while (base::Clock::System().BootMicros() - last < quiet_us) {
    ssize_t put = send(fd, frame.data(), frame.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put <= 0) {
      usleep(1'000);
      continue;
    }
    total += size_t(put);
    last = base::Clock::System().BootMicros();
  }
  return total;
}

TEST_F(SmscFaults, AClosedWindowFillsTheSendersQueueUntilItOpens) {
  Start();
  EXPECT_THAT(smsc_->Steer("close-window"), StartsWith("error"));
  ASSERT_EQ(smsc_->Steer("close-window 600s"), "ok");
  Pdu ping;
  ping.command = smpp::kEnquireLink;
  ping.sequence = 9;
  const std::string frame = smpp::Encode(ping);
  const size_t filled = Fill(esme_->fd(), frame, 200'000);
  ASSERT_GT(filled, 0u);
  EXPECT_EQ(send(esme_->fd(), frame.data(), frame.size(), MSG_NOSIGNAL | MSG_DONTWAIT), -1);
  ASSERT_EQ(smsc_->Steer("resume"), "ok");
  EXPECT_EQ(esme_->Next().command, smpp::ResponseTo(smpp::kEnquireLink));
}

TEST_F(SmscFaults, AWindowOpensByItselfWhenItsTimeIsOver) {
  Start();
  ASSERT_EQ(smsc_->Steer("close-window 50ms"), "ok");
  const int64_t begun = base::Clock::System().BootMicros();
  EXPECT_EQ(esme_->Asked("447700900004").command, smpp::ResponseTo(smpp::kSubmitSm));
  EXPECT_GE(base::Clock::System().BootMicros() - begun, 40'000);
}

TEST_F(SmscFaults, HalfOpenTakesTheConnectionAndSaysNothing) {
  Start();
  ASSERT_EQ(smsc_->Steer("half-open"), "ok");
  esme_->Submit("447700900004");
  timeval patience{0, 100'000};
  setsockopt(esme_->fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  EXPECT_EQ(esme_->Next().command, 0u);
  EXPECT_EQ(smsc_->counts().submits, 0);
  EXPECT_EQ(Stats()["links"], 1);
  patience = {20, 0};
  setsockopt(esme_->fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ASSERT_EQ(smsc_->Steer("resume"), "ok");
  EXPECT_EQ(esme_->Next().command, smpp::ResponseTo(smpp::kSubmitSm));
}

TEST_F(SmscFaults, DripsASmallNumberOfOctets) {
  Start();
  ASSERT_EQ(smsc_->Steer("drip 500"), "ok");
  const int64_t begun = base::Clock::System().BootMicros();
  EXPECT_EQ(esme_->Asked("447700900004").command, smpp::ResponseTo(smpp::kSubmitSm));
  EXPECT_GE(base::Clock::System().BootMicros() - begun, 50'000);  // some 60 octets, five a round of 10 ms
}

TEST_F(SmscFaults, ThrottlesRefusesAndRecoversOnCommand) {
  Start();
  ASSERT_EQ(smsc_->Steer("refuse RSYSERR"), "ok");
  EXPECT_EQ(esme_->Asked("447700900004").status, smpp::kSystemError);
  ASSERT_EQ(smsc_->Steer("resume"), "ok");
  EXPECT_EQ(esme_->Asked("447700900004").status, 0u);
  ASSERT_EQ(smsc_->Steer("throttle 1/s"), "ok");
  EXPECT_EQ(esme_->Asked("447700900004").status, 0u);
  EXPECT_EQ(esme_->Asked("447700900004").status, smpp::kThrottled);
}

TEST_F(SmscFaults, PeopleWriteOnCommand) {
  Start();
  ASSERT_EQ(smsc_->Steer("mo 447700900123 60777 plain HELP me"), "ok");
  Pdu message = esme_->Delivery();
  EXPECT_EQ(message.source.digits, "447700900123");
  EXPECT_EQ(message.short_message, "HELP me");
}

TEST(Control, ObeysALineAndAnswersALine) {
  auto smsc = *Smsc::Start({});
  auto control = *Control::Start("127.0.0.1", 0, smsc.get(), nullptr);
  int fd = ConnectTo(control->port());
  const std::string lines = "stats\r\nmail stats\nnonsense\n";
  ASSERT_EQ(send(fd, lines.data(), lines.size(), 0), ssize_t(lines.size()));
  std::string in;
  char chunk[4096];
  while (std::count(in.begin(), in.end(), '\n') < 3) {
    ssize_t got = read(fd, chunk, sizeof chunk);
    ASSERT_GT(got, 0);
    in.append(chunk, size_t(got));
  }
  close(fd);
  EXPECT_THAT(in, StartsWith("ok {\"submits\":0"));
  EXPECT_THAT(in, HasSubstr("\nerror there is no mail server\nerror commands"));
}

TEST(Control, ListensOnLoopbackOnly) {
  EXPECT_FALSE(Control::Start("0.0.0.0", 0, nullptr, nullptr).ok());
}

}  // namespace
}  // namespace pharos::sandbox
