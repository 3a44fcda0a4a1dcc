// The window against a provider that does as it is told here, octet by octet.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <map>
#include <thread>

#include "connectors/smpp/session.h"
#include "services/base/mutex.h"

namespace pharos::smpp {
namespace {

constexpr int64_t kPatienceUs = 20'000'000;

int64_t Now() {
  return base::Clock::System().BootMicros();
}

// Listens; every request of every guest goes to `answer`, which may send what it likes.
class Provider {
 public:
  using Send = std::function<void(const Pdu&)>;
  explicit Provider(std::function<void(const Pdu&, const Send&)> answer) : answer_(std::move(answer)) {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    listen(listener_, 16);
    socklen_t size = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  ~Provider() {
    stop_ = true;
    thread_.join();
    close(listener_);
  }
  int port() const { return port_; }
  // Writes these again and again to the guest that is being served, until it is gone or `over`.
  void Flood(const std::string& octets, const std::atomic<bool>& over) const {
    for (size_t at = 0; !over; at %= octets.size()) {
      const ssize_t put = send(serving_, octets.data() + at, octets.size() - at, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (put > 0) at += static_cast<size_t>(put);
      if (put < 0 && errno != EAGAIN) return;
      pollfd writable{serving_, POLLOUT, 0};
      if (put < 0) poll(&writable, 1, 10);
    }
  }

 private:
  void Run() {
    std::map<int, std::string> guests;
    while (!stop_) {
      std::vector<pollfd> fds = {{listener_, POLLIN, 0}};
      for (auto& [fd, in] : guests) fds.push_back({fd, POLLIN, 0});
      if (poll(fds.data(), fds.size(), 10) <= 0) continue;
      if (fds[0].revents) guests[accept(listener_, nullptr, nullptr)];
      for (size_t i = 1; i < fds.size(); ++i)
        if (fds[i].revents && !Serve(fds[i].fd, guests[fds[i].fd])) {
          close(fds[i].fd);
          guests.erase(fds[i].fd);
        }
    }
    for (auto& [fd, in] : guests) close(fd);
  }
  bool Serve(int fd, std::string& in) {
    char buffer[65536];
    ssize_t got = recv(fd, buffer, sizeof buffer, 0);
    if (got <= 0) return false;
    in.append(buffer, static_cast<size_t>(got));
    serving_ = fd;
    Send send_pdu = [fd](const Pdu& pdu) {
      std::string frame = Encode(pdu);
      send(fd, frame.data(), frame.size(), MSG_NOSIGNAL);
    };
    for (size_t length; NextFrame(in, length) == Framing::kWhole; in.erase(0, length))
      if (auto pdu = Decode(std::string_view(in).substr(0, length)); pdu.ok()) answer_(*pdu, send_pdu);
    return true;
  }

  const std::function<void(const Pdu&, const Send&)> answer_;
  int listener_, port_ = 0, serving_ = -1;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

Pdu AnswerTo(const Pdu& request, uint32_t status = kOk, std::string id = "1") {
  Pdu answer;
  answer.command = ResponseTo(request.command);
  answer.sequence = request.sequence;
  answer.status = status;
  answer.system_id = "SMSC";
  if (status == kOk) answer.message_id = std::move(id);
  return answer;
}

class WindowTest : public testing::Test {
 protected:
  void Start(int port) {
    options_.port = port;
    options_.live = true;
    options_.reconnect_first_us = 50'000;
    SessionEvents events;
    events.finished = [this](std::vector<Finished> all) {
      base::MutexLock lock(mutex_);
      for (auto& one : all) outcomes_[one.id] = one.outcome;
      changed_.NotifyAll();
    };
    events.receipt = [this](const std::string&, work::Receipt receipt) -> std::optional<uint64_t> {
      base::MutexLock lock(mutex_);
      ++offered_;
      changed_.NotifyAll();
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
    events.link = [this](const LinkNews& news) {
      base::MutexLock lock(mutex_);
      news_ = news;
      changed_.NotifyAll();
    };
    session_ = std::make_unique<Session>(options_, *sdk::HardStop::Make(), events);
    session_->Start();
  }
  template <typename Condition>
  bool Until(Condition condition) {
    base::MutexLock lock(mutex_);
    for (int64_t until = Now() + kPatienceUs; Now() < until; changed_.WaitForMicros(lock, 20'000))
      if (condition()) return true;
    return false;
  }
  static sdk::Task Task(const std::string& id, const std::string& text = "Hello") {
    sdk::Task task;
    task.attempt.set_id(id);
    task.attempt.set_address("447700900100");
    task.attempt.set_sender("NHS");
    task.attempt.set_text(text);
    task.pull_sent_us = Now();
    task.use_by_us = task.pull_sent_us + 60'000'000;
    task.hard_stop_us = task.use_by_us + 60'000'000;
    return task;
  }

  SessionOptions options_;
  base::Mutex mutex_;
  base::CondVar changed_;
  std::map<std::string, work::Outcome> outcomes_;
  std::vector<work::Receipt> receipts_;
  std::vector<work::InboundMessage> messages_;
  LinkNews news_;
  int offered_ = 0;
  std::atomic<bool> full_{false};
  std::function<void(const std::string&, std::atomic<bool>&)> provider_writes_;
  std::unique_ptr<Session> session_;
};

TEST_F(WindowTest, APartThatIsThrottledGoesOnceMoreAndTheMessageIsWhole) {
  int submits = 0;
  Provider provider([&](const Pdu& pdu, const Provider::Send& send) {
    if (pdu.command == kSubmitSm && ++submits == 2) return send(AnswerTo(pdu, kThrottled));
    send(AnswerTo(pdu, kOk, std::to_string(submits)));
  });
  Start(provider.port());
  ASSERT_TRUE(Until([&] { return news_.up; }));
  session_->Submit({Task("long", std::string(400, 'x'))});
  ASSERT_TRUE(Until([&] { return outcomes_.count("long") > 0; }));
  EXPECT_EQ(outcomes_["long"].accepted().provider_ids_size(), 3) << outcomes_["long"].DebugString();
  EXPECT_TRUE(Until([&] { return news_.problem == "THROTTLED" && news_.up; }));
  session_.reset();
}

TEST_F(WindowTest, WhatWasRecalledBeforeItBeganIsRefused) {
  options_.window = 1;
  std::atomic<int> submits{0};
  Provider provider([&](const Pdu& pdu, const Provider::Send& send) {
    if (pdu.command != kSubmitSm) return send(AnswerTo(pdu));
    ++submits;
  });
  Start(provider.port());
  ASSERT_TRUE(Until([&] { return news_.up; }));
  session_->Submit({Task("first"), Task("second"), Task("third")});
  ASSERT_TRUE(Until([&] { return submits == 1; }));  // the first has begun
  session_->Recall({"first", "second", "unknown"});
  ASSERT_TRUE(Until([&] { return outcomes_.count("second") > 0; }));
  EXPECT_EQ(outcomes_["second"].refused().reason(), "RECALLED");
  session_.reset();
  EXPECT_TRUE(outcomes_["third"].has_refused());
}

TEST_F(WindowTest, OneLostAnswerIsInDoubtAndTheLinkStays) {
  options_.response_timeout_us = 300'000;
  int binds = 0, submits = 0;
  Provider provider([&](const Pdu& pdu, const Provider::Send& send) {
    binds += pdu.command == kBindTransceiver;
    if (pdu.command == kSubmitSm && ++submits == 1) return;
    send(AnswerTo(pdu));
  });
  Start(provider.port());
  ASSERT_TRUE(Until([&] { return news_.up; }));
  session_->Submit({Task("lost"), Task("answered")});
  ASSERT_TRUE(Until([&] { return outcomes_.size() == 2; }));
  EXPECT_EQ(outcomes_["lost"].no_answer().reason(), "RESPONSE_TIMEOUT");
  EXPECT_TRUE(outcomes_["answered"].has_accepted());
  session_.reset();
  EXPECT_EQ(binds, 1);
}

TEST_F(WindowTest, PairsHearOnTheReceiverAndSendOnTheTransmitter) {
  options_.mode = BindMode::kPair;
  options_.binds = 2;
  int transmitters = 0, receivers = 0;
  Provider::Send to_receiver;
  Provider provider([&](const Pdu& pdu, const Provider::Send& send) {
    transmitters += pdu.command == kBindTransmitter;
    if (pdu.command == kBindReceiver) {
      ++receivers;
      to_receiver = send;
    }
    if (pdu.command & kResponse) return;
    send(AnswerTo(pdu, kOk, "00AB"));
    if (pdu.command != kSubmitSm || !to_receiver) return;
    Pdu receipt;
    receipt.command = kDataSm;
    receipt.sequence = 7;
    receipt.esm_class = 4;
    receipt.tlvs = {{kReceiptedMessageId, std::string("ab\0", 3)}, {kMessageState, "\x02"}};
    to_receiver(receipt);
  });
  Start(provider.port());
  ASSERT_TRUE(Until([&] { return news_.detail == "bound, 4 connections"; })) << news_.detail;
  session_->Submit({Task("a")});
  ASSERT_TRUE(Until([&] { return outcomes_.count("a") > 0 && receipts_.size() == 1; }));
  EXPECT_EQ(outcomes_["a"].accepted().provider_ids(0), receipts_[0].provider_id());
  session_.reset();
  EXPECT_EQ(transmitters, 2);
  EXPECT_EQ(receivers, 2);
}

TEST_F(WindowTest, AMessageInPartsIsAnsweredOnlyWhenItIsKept) {
  std::atomic<int> answers{0};
  Provider provider([&](const Pdu& pdu, const Provider::Send& send) {
    answers += pdu.command == ResponseTo(kDeliverSm);
    if (pdu.command & kResponse) return;
    send(AnswerTo(pdu));
    if (pdu.command != kBindTransceiver) return;
    for (int part : {2, 1}) {
      Pdu deliver;
      deliver.command = kDeliverSm;
      deliver.sequence = static_cast<uint32_t>(part);
      deliver.source.digits = "447700900100";
      deliver.short_message = part == 1 ? "please stop " : "texting me";
      deliver.tlvs = {{kSarReference, std::string("\0\x09", 2)},
                      {kSarTotal, "\x02"},
                      {kSarPart, std::string(1, static_cast<char>(part))}};
      send(deliver);
    }
  });
  Start(provider.port());
  ASSERT_TRUE(Until([&] { return messages_.size() == 1; }));
  EXPECT_EQ(messages_[0].text(), "please stop texting me");
  EXPECT_EQ(answers, 0);
  session_->Acknowledged({1001});
  EXPECT_TRUE(Until([&] { return answers == 2; }));
  session_.reset();
}

TEST_F(WindowTest, WithoutTlsNothingLeavesThisMachine) {
  options_.host =
      "192.0.2.1";  // a number of the documentation range: nothing is looked up, nothing is reached
  Start(2775);
  ASSERT_TRUE(Until([&] { return news_.problem == "TLS_REQUIRED"; })) << news_.detail;
  EXPECT_FALSE(news_.up);
}

TEST_F(WindowTest, ALateAnswerReplacesTheDoubt) {
  options_.response_timeout_us = 2'000'000;
  base::Mutex lock;
  std::vector<std::pair<Pdu, Provider::Send>> held;
  int binds = 0;
  Provider provider([&](const Pdu& pdu, const Provider::Send& send) {
    binds += pdu.command == kBindTransceiver;
    if (pdu.command != kSubmitSm) return send(AnswerTo(pdu));
    base::MutexLock hold(lock);
    held.emplace_back(pdu, send);
  });
  Start(provider.port());
  ASSERT_TRUE(Until([&] { return news_.up; }));
  session_->Submit({Task("taken"), Task("refused")});
  ASSERT_TRUE(
      Until([&] { return outcomes_["taken"].has_no_answer() && outcomes_["refused"].has_no_answer(); }));
  ASSERT_TRUE(Until([&] { return !news_.up && news_.problem == "NO_ANSWER"; })) << "nothing new begins";
  {
    base::MutexLock hold(lock);
    held[0].second(AnswerTo(held[0].first, kOk, "late"));
    held[1].second(AnswerTo(held[1].first, kInvalidDestination));
  }
  EXPECT_TRUE(
      Until([&] { return outcomes_["taken"].has_accepted() && outcomes_["refused"].has_rejected(); }));
  EXPECT_EQ(outcomes_["taken"].accepted().provider_ids(0), "late");
  EXPECT_TRUE(Until([&] { return news_.up; })) << "it answers again";
  session_.reset();
  EXPECT_EQ(binds, 1);
}

TEST_F(WindowTest, NotUnderstoodWithoutAnErrorIsInDoubt) {
  Provider provider([&](const Pdu& pdu, const Provider::Send& send) {
    Pdu answer = AnswerTo(pdu);
    if (pdu.command == kSubmitSm) answer.command = kGenericNack;
    send(answer);
  });
  Start(provider.port());
  ASSERT_TRUE(Until([&] { return news_.up; }));
  session_->Submit({Task("a")});
  ASSERT_TRUE(Until([&] { return outcomes_.count("a") > 0; }));
  EXPECT_EQ(outcomes_["a"].no_answer().reason(), "RESPONSE_UNREADABLE") << outcomes_["a"].DebugString();
  session_.reset();
}

TEST_F(WindowTest, PartsThatCannotAllLeaveInTimeDoNotBegin) {
  options_.per_second = 4;
  std::atomic<int> submits{0};
  Provider provider([&](const Pdu& pdu, const Provider::Send& send) {
    submits += pdu.command == kSubmitSm;
    send(AnswerTo(pdu));
  });
  Start(provider.port());
  ASSERT_TRUE(Until([&] { return news_.up; }));
  auto with_lease = [](const std::string& id, size_t letters, int64_t lease_us) {
    auto task = Task(id, std::string(letters, 'x'));
    task.use_by_us = task.pull_sent_us + lease_us;
    task.hard_stop_us = task.use_by_us + 60'000'000;
    return task;
  };
  session_->Submit({with_lease("never", 900, 600'000)});
  ASSERT_TRUE(Until([&] { return outcomes_.count("never") > 0; }));
  EXPECT_EQ(outcomes_["never"].refused().reason(), "TOO_LONG_FOR_RATE");
  EXPECT_TRUE(outcomes_["never"].refused().permanent()) << "six parts need a second even from a full bucket";
  session_->Submit({Task("one"), Task("two"), Task("three"), with_lease("not now", 400, 1'000'000)});
  ASSERT_TRUE(Until([&] { return outcomes_.count("not now") > 0 && outcomes_.count("three") > 0; }));
  EXPECT_EQ(outcomes_["not now"].refused().reason(), "RATE_LIMIT") << outcomes_["not now"].DebugString();
  EXPECT_FALSE(outcomes_["not now"].refused().permanent());
  EXPECT_EQ(submits, 3) << "not one part of either";
  session_->Submit({with_lease("fits", 400, 5'000'000)});
  ASSERT_TRUE(Until([&] { return outcomes_.count("fits") > 0; }));
  EXPECT_EQ(outcomes_["fits"].accepted().provider_ids_size(), 3);
  session_.reset();
}

TEST_F(WindowTest, AProviderThatUnbindsMayAnswerFirst) {
  Provider provider([&](const Pdu& pdu, const Provider::Send& send) {
    if (pdu.command & kResponse) return;
    if (pdu.command == kSubmitSm) {
      Pdu unbind;
      unbind.command = kUnbind;
      unbind.sequence = 5;
      send(unbind);
    }
    send(AnswerTo(pdu));
  });
  Start(provider.port());
  ASSERT_TRUE(Until([&] { return news_.up; }));
  session_->Submit({Task("a")});
  ASSERT_TRUE(Until([&] { return outcomes_.count("a") > 0; }));
  EXPECT_TRUE(outcomes_["a"].has_accepted()) << outcomes_["a"].DebugString();
  session_.reset();
}

// A transmitter and a receiver: the receiver's receipts cannot be kept, the transmitter could go on.
TEST_F(WindowTest, NothingBeginsWhileReceiptsWaitForDispatch) {
  options_.mode = BindMode::kPair;
  full_ = true;
  std::atomic<int> submits{0};
  Provider provider([&](const Pdu& pdu, const Provider::Send& send) {
    submits += pdu.command == kSubmitSm;
    if (pdu.command & kResponse) return;
    send(AnswerTo(pdu));
    if (pdu.command != kBindReceiver) return;
    Pdu receipt;
    receipt.command = kDeliverSm;
    receipt.sequence = 7;
    receipt.esm_class = 4;
    receipt.short_message = "id:ab stat:DELIVRD";
    send(receipt);
  });
  Start(provider.port());
  ASSERT_TRUE(Until([&] { return news_.detail == "bound, 2 connections" && offered_ > 0; }));
  auto task = Task("waits");
  task.use_by_us = Now() + 300'000;
  session_->Submit({task});
  ASSERT_TRUE(Until([&] { return outcomes_.count("waits") > 0; }));
  EXPECT_EQ(outcomes_["waits"].refused().reason(), "LEASE_OVER");
  EXPECT_EQ(submits, 0);
  full_ = false;
  ASSERT_TRUE(Until([&] { return receipts_.size() == 1; }));
  session_->Submit({Task("goes")});
  EXPECT_TRUE(Until([&] { return outcomes_["goes"].has_accepted(); }));
  session_.reset();
}

// One connection must come back and its name server is silent; the other goes on.
TEST_F(WindowTest, ASilentNameServerHoldsUpNobody) {
  struct NameServer {
    base::Mutex mutex;
    base::CondVar changed;
    bool silent = false;
    int asked = 0;
  };
  auto server = std::make_shared<NameServer>();
  options_.binds = 2;
  options_.host = "provider.test";
  options_.look_up = [server](const std::string&, int port) {
    base::MutexLock lock(server->mutex);
    ++server->asked;
    while (server->silent) server->changed.WaitForMicros(lock, 20'000);
    return LookUpBySystem("127.0.0.1", port);
  };
  server->silent = true;
  Provider provider([&](const Pdu& pdu, const Provider::Send& send) { send(AnswerTo(pdu)); });
  Start(provider.port());
  session_->Submit({Task("early")});
  ASSERT_TRUE(Until([&] { return outcomes_.count("early") > 0; })) << "the thread does not wait";
  EXPECT_EQ(outcomes_["early"].refused().reason(), "NO_LINK");
  {
    base::MutexLock lock(server->mutex);
    server->silent = false;
    server->changed.NotifyAll();
  }
  ASSERT_TRUE(Until([&] { return news_.detail == "bound, 2 connections"; }));
  session_->Submit({Task("later")});
  EXPECT_TRUE(Until([&] { return outcomes_["later"].has_accepted(); }));
  session_.reset();
  base::MutexLock lock(server->mutex);
  EXPECT_EQ(server->asked, 1) << "one answer serves both";
}

// It asks for ever and reads nothing of what we answer.
TEST_F(WindowTest, AProviderThatReadsNoAnswersIsLeft) {
  std::atomic<int> binds{0};
  std::atomic<bool> stop{false};
  Provider provider([&](const Pdu& pdu, const Provider::Send& send) {
    if (pdu.command != kBindTransceiver) return;
    if (++binds > 1) return send(AnswerTo(pdu));
    send(AnswerTo(pdu));
    Pdu enquire;
    enquire.command = kEnquireLink;
    enquire.sequence = 9;
    const std::string one = Encode(enquire);
    std::string many;
    for (int i = 0; i < 4096; ++i) many += one;
    provider_writes_(many, stop);  // in the provider's own thread: it reads nothing meanwhile
  });
  provider_writes_ = [&](const std::string& octets, std::atomic<bool>& over) {
    provider.Flood(octets, over);
  };
  Start(provider.port());
  EXPECT_TRUE(Until([&] { return news_.problem == "NO_ANSWER"; })) << news_.detail;
  stop = true;
  EXPECT_TRUE(Until([&] { return news_.up && binds > 1; }));
  session_.reset();
}

}  // namespace
}  // namespace pharos::smpp
