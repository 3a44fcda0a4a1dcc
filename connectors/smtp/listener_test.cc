// The listener, spoken to through a socket.
#include "connectors/smtp/listener.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <map>

#include "services/base/ids.h"
#include "services/base/mutex.h"

namespace pharos::smtp {
namespace {

// A mail system that brings something.
class Bringer {
 public:
  explicit Bringer(int port, bool connect_now = true) : fd_(socket(AF_INET, SOCK_STREAM, 0)), port_(port) {
    Patience(20);
    if (connect_now) Connect();
  }
  void Connect() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port_));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  void Patience(int seconds) {
    timeval patience{seconds, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~Bringer() { close(fd_); }
  void Put(const std::string& text) { send(fd_, text.data(), text.size(), MSG_NOSIGNAL); }
  // The last line of the next answer; "" when the connection has ended.
  std::string Get() {
    for (;;) {
      size_t end = in_.find("\r\n");
      if (end == std::string::npos) {
        char buffer[4096];
        ssize_t got = recv(fd_, buffer, sizeof buffer, 0);
        if (got <= 0) return "";
        in_.append(buffer, static_cast<size_t>(got));
        continue;
      }
      std::string line = in_.substr(0, end);
      in_.erase(0, end + 2);
      if (line.size() < 4 || line[3] != '-') return line;
    }
  }
  std::string Ask(const std::string& line) {
    Put(line + "\r\n");
    return Get();
  }

 private:
  const int fd_;
  const int port_;
  std::string in_;
};

class ListenerTest : public testing::Test {
 protected:
  ListenerTest() {
    options_.guest = {"bounce.example.test", std::string(32, 'k')};
    options_.keep_wait_us = 20'000'000;
  }
  void Start() {
    ListenerEvents events;
    events.receipt = [this](const std::string&, work::Receipt receipt) -> std::optional<uint64_t> {
      base::MutexLock lock(mutex_);
      if (full_) return std::nullopt;
      receipts_.push_back(receipt);
      changed_.NotifyAll();
      return receipts_.size();
    };
    events.inbound = [this](const std::string&, work::InboundMessage message) -> std::optional<uint64_t> {
      base::MutexLock lock(mutex_);
      messages_.push_back(message);
      changed_.NotifyAll();
      return 1000 + messages_.size();
    };
    auto listener = Listener::Start(options_, events);
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
  }
  template <typename Condition>
  bool Until(Condition condition) {
    base::MutexLock lock(mutex_);
    for (int i = 0; i < 1000; ++i) {
      if (condition()) return true;
      changed_.WaitForMicros(lock, 20'000);
    }
    return false;
  }
  std::string Address(AddressKind kind) const {
    return LocalPartFor({kind, std::string(16, 'a')}, options_.guest.token_key) + "@bounce.example.test";
  }
  static std::string Bounce(const std::string& status) {
    return "From: <MAILER-DAEMON@x>\r\nContent-Type: multipart/report; report-type=delivery-status; "
           "boundary=b\r\n\r\n"
           "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n"
           "Final-Recipient: rfc822; anna@example.test\r\nAction: failed\r\nStatus: " +
           status + "\r\n\r\n--b--\r\n";
  }
  // Up to the message; what comes after the dot is for the test to read.
  void Bring(Bringer& bringer, const std::string& sender, const std::string& recipient,
             const std::string& message, bool greeted = false) {
    if (!greeted) bringer.Get();
    EXPECT_EQ(bringer.Ask("EHLO mx.example.test").substr(0, 3), "250");
    EXPECT_EQ(bringer.Ask("MAIL FROM:<" + sender + ">").substr(0, 3), "250");
    EXPECT_EQ(bringer.Ask("RCPT TO:<" + recipient + ">").substr(0, 3), "250");
    EXPECT_EQ(bringer.Ask("DATA").substr(0, 3), "354");
    bringer.Put(message + ".\r\n");
  }

  ListenerOptions options_;
  base::Mutex mutex_;
  base::CondVar changed_;
  std::vector<work::Receipt> receipts_;
  std::vector<work::InboundMessage> messages_;
  bool full_ = false;
  std::unique_ptr<Listener> listener_;
};

TEST_F(ListenerTest, ABounceIsAnsweredWhenDispatchKeepsIt) {
  Start();
  Bringer bringer(listener_->port());
  Bring(bringer, "", Address(AddressKind::kBounce), Bounce("5.1.1"));
  ASSERT_TRUE(Until([&] { return receipts_.size() == 1; }));
  EXPECT_EQ(receipts_[0].provider_id(), base::ToHex(std::string(16, 'a')));
  EXPECT_TRUE(receipts_[0].hard_bounce());
  listener_->Acknowledged({7});  // somebody else's
  bringer.Put("NOOP\r\n");       // nothing is answered before the letter is
  listener_->Acknowledged({1});
  EXPECT_EQ(bringer.Get(), "250 2.0.0 kept");
  EXPECT_EQ(bringer.Get(), "250 2.0.0 here");
}

TEST_F(ListenerTest, AnUnsubscribeMailInAnyCaseReachesDispatch) {
  Start();
  Bringer bringer(listener_->port());
  std::string address = Address(AddressKind::kUnsubscribe);
  for (char& c : address) c = static_cast<char>(toupper(c));
  Bring(bringer, "anna@example.test", address,
        "From: anna@example.test\r\nMessage-ID: <1@x>\r\n\r\nunsubscribe\r\n");
  ASSERT_TRUE(Until([&] { return messages_.size() == 1; }));
  EXPECT_EQ(messages_[0].unsubscribe_attempt(), std::string(16, 'a'));
  listener_->Acknowledged({1001});
  EXPECT_EQ(bringer.Get(), "250 2.0.0 kept");
}

TEST_F(ListenerTest, WithoutDispatchTheMailSystemIsAskedToComeAgain) {
  options_.keep_wait_us = 1'000;
  Start();
  Bringer bringer(listener_->port());
  Bring(bringer, "", Address(AddressKind::kBounce), Bounce("5.1.1"));
  EXPECT_EQ(bringer.Get().substr(0, 3), "451");
  full_ = true;
  Bringer other(listener_->port());
  Bring(other, "", Address(AddressKind::kBounce), Bounce("5.2.2"));
  EXPECT_EQ(other.Get().substr(0, 3), "451");
}

TEST_F(ListenerTest, WhatSaysNothingToUsIsTakenAndForgotten) {
  Start();
  Bringer bringer(listener_->port());
  Bring(bringer, "", Address(AddressKind::kBounce),
        "Subject: away\r\nAuto-Submitted: auto-replied\r\n\r\nAway.\r\n");
  EXPECT_EQ(bringer.Get(), "250 2.0.0 kept");
  EXPECT_TRUE(receipts_.empty());
}

TEST_F(ListenerTest, NobodyElseGetsMailHere) {
  Start();
  Bringer bringer(listener_->port());
  bringer.Get();
  bringer.Ask("EHLO x");
  bringer.Ask("MAIL FROM:<a@b>");
  std::string forged = Address(AddressKind::kUnsubscribe);
  forged[5] = forged[5] == 'a' ? 'b' : 'a';
  for (const std::string& address : {std::string("anna@bounce.example.test"), forged,
                                     std::string("postmaster"), Address(AddressKind::kBounce) + ".evil.test"})
    EXPECT_EQ(bringer.Ask("RCPT TO:<" + address + ">").substr(0, 3), "550") << address;
  EXPECT_EQ(bringer.Ask("DATA").substr(0, 3), "503");
}

TEST_F(ListenerTest, LimitsHold) {
  Start();
  Bringer bringer(listener_->port());
  Bring(bringer, "", Address(AddressKind::kBounce), std::string(kMaxLetterOctets + 10, 'x') + "\r\n");
  EXPECT_EQ(bringer.Get().substr(0, 3), "552");
  EXPECT_EQ(bringer.Ask("MAIL FROM:<" + std::string(5000, 'x') + ">").substr(0, 3), "500");
  EXPECT_EQ(bringer.Ask("RSET").substr(0, 3), "250");
  std::string last;
  for (int i = 0; i < 20; ++i) {
    std::string answer = bringer.Ask("HELP");
    if (answer.empty()) break;
    last = answer;
  }
  EXPECT_EQ(last.substr(0, 3), "421");
}

TEST_F(ListenerTest, TooManyCallersAreToldToComeBack) {
  options_.connections = 1;
  Start();
  Bringer first(listener_->port());
  EXPECT_EQ(first.Get().substr(0, 3), "220");
  Bringer second(listener_->port());
  EXPECT_EQ(second.Get().substr(0, 3), "421");
}

TEST_F(ListenerTest, WhoSaysNothingIsHungUpOn) {
  options_.silence_us = 1'000;
  Start();
  Bringer bringer(listener_->port());
  bringer.Get();
  EXPECT_EQ(bringer.Get().substr(0, 3), "421");
  EXPECT_EQ(bringer.Get(), "");
}

TEST_F(ListenerTest, NobodyStaysForEverHoweverBusy) {
  options_.total_us = 1'000;
  Start();
  Bringer bringer(listener_->port());
  bringer.Get();
  EXPECT_EQ(bringer.Get().substr(0, 3), "421");
  EXPECT_EQ(bringer.Get(), "");
}

TEST_F(ListenerTest, WhenAllPlacesAreTakenWhoHasBroughtNothingForLongestGoes) {
  options_.connections = 2;
  options_.least_stay_us = 0;
  Start();
  Bringer first(listener_->port()), second(listener_->port());
  EXPECT_EQ(first.Get().substr(0, 3), "220");
  EXPECT_EQ(second.Get().substr(0, 3), "220");
  first.Put("EHL");  // an octet now and then keeps nobody's place
  Bringer third(listener_->port());
  EXPECT_EQ(third.Get().substr(0, 3), "220");
  EXPECT_EQ(first.Get().substr(0, 3), "421");
  EXPECT_EQ(first.Get(), "");
  Bring(third, "", Address(AddressKind::kBounce), Bounce("5.1.1"), /*greeted=*/true);
  ASSERT_TRUE(Until([&] { return receipts_.size() == 1; })) << "and mail comes through";
}

TEST_F(ListenerTest, NobodyGoesWhoseLetterIsAboutToBeKept) {
  options_.connections = 1;
  options_.least_stay_us = 0;
  Start();
  Bringer bringer(listener_->port());
  Bring(bringer, "", Address(AddressKind::kBounce), Bounce("5.1.1"));
  ASSERT_TRUE(Until([&] { return receipts_.size() == 1; }));
  Bringer other(listener_->port());
  EXPECT_EQ(other.Get().substr(0, 3), "421");
  listener_->Acknowledged({1});
  EXPECT_EQ(bringer.Get(), "250 2.0.0 kept");
}

TEST_F(ListenerTest, WithoutFileDescriptorsItWaitsAndDoesNotSpin) {
  Start();
  Bringer before(listener_->port());
  EXPECT_EQ(before.Get().substr(0, 3), "220");
  Bringer late(listener_->port(), /*connect_now=*/false);
  rlimit usual{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &usual), 0);
  const int next = dup(0);
  close(next);
  rlimit none = usual;
  none.rlim_cur = static_cast<rlim_t>(next);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  timespec begun{}, ended{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begun);
  late.Connect();
  late.Patience(1);
  EXPECT_EQ(late.Get(), "") << "nobody can take it";
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ended);
  setrlimit(RLIMIT_NOFILE, &usual);
  const double seconds = static_cast<double>(ended.tv_sec - begun.tv_sec) +
                         static_cast<double>(ended.tv_nsec - begun.tv_nsec) / 1e9;
  EXPECT_LT(seconds, 0.2) << "of CPU in one second of waiting";
  late.Patience(20);
  EXPECT_EQ(late.Get().substr(0, 3), "220") << "as soon as there are some";
}

TEST(Guest, CommandsWithoutALetterComeToAnEnd) {
  Guest guest({"b.test", std::string(32, 'k')});
  std::string answers;
  for (int i = 0; i < 1000 && !guest.over(); ++i) guest.Feed("EHLO x\r\nMAIL FROM:<>\r\nRSET\r\n", answers);
  EXPECT_TRUE(guest.over());
  EXPECT_NE(answers.find("421 4.7.0"), std::string::npos);
}

TEST(Guest, ALetterWithoutEndIsHungUpOn) {
  GuestOptions options{"b.test", std::string(32, 'k')};
  const std::string address =
      LocalPartFor({AddressKind::kBounce, std::string(16, 'a')}, options.token_key) + "@b.test";
  for (const std::string& piece : {std::string(1000, 'x') + "\r\n", std::string(1000, 'x')}) {
    Guest guest(options);
    std::string answers;
    guest.Feed("EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<" + address + ">\r\nDATA\r\n", answers);
    size_t fed = 0;
    for (; fed < 100 * kMaxLetterOctets && !guest.over(); fed += piece.size()) guest.Feed(piece, answers);
    EXPECT_TRUE(guest.over());
    EXPECT_LE(fed, kMaxRefusedOctets + 2 * kMaxLetterOctets);
  }
}

TEST(Guest, SmallPiecesCostNoMoreThanTheirOctets) {
  GuestOptions options{"b.test", std::string(32, 'k')};
  const std::string address =
      LocalPartFor({AddressKind::kBounce, std::string(16, 'a')}, options.token_key) + "@b.test";
  Guest guest(options);
  std::string answers;
  guest.Feed("EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<" + address + ">\r\nDATA\r\n", answers);
  timespec begun{}, ended{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begun);
  for (int i = 0; i < 60'000; ++i) guest.Feed("\r", answers);  // each might begin a line end
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ended);
  EXPECT_LT(static_cast<double>(ended.tv_sec - begun.tv_sec) +
                static_cast<double>(ended.tv_nsec - begun.tv_nsec) / 1e9,
            0.5);
  guest.Feed("\r\n.\r\n", answers);
  EXPECT_TRUE(guest.TakeLetter());
}

TEST(Guest, CutsAnywhereChangeNothing) {
  GuestOptions options{"b.test", std::string(32, 'k')};
  const std::string address =
      LocalPartFor({AddressKind::kBounce, std::string(16, 'a')}, options.token_key) + "@b.test";
  const std::string talk =
      "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<" + address + ">\r\nDATA\r\nA: b\r\n\r\n..dot\r\n.\r\nNOOP\r\n";
  for (size_t cut = 0; cut <= talk.size(); ++cut) {
    Guest guest(options);
    std::string answers;
    guest.Feed(talk.substr(0, cut), answers);
    guest.Feed(talk.substr(cut), answers);
    auto letter = guest.TakeLetter();
    ASSERT_TRUE(letter) << cut;
    EXPECT_EQ(letter->message, "A: b\r\n\r\n.dot\r\n");
    EXPECT_EQ(answers.find("here"), std::string::npos);
    guest.Kept(true, answers);
    EXPECT_NE(answers.find("250 2.0.0 kept\r\n250 2.0.0 here\r\n"), std::string::npos);
  }
}

}  // namespace
}  // namespace pharos::smtp
