// Receipts come repeated, shuffled, contradicting each other, before the answer that they belong to and after
// it. The state of a message is a function of the set of its receipts: the reference below looks at the set
// alone, and at no order. Counters equal a recount of the messages.
//
// PHAROS_RECEIPTS: how many receipts (100000 unless set). PHAROS_SEED: where the random numbers begin (1
// unless set).
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "services/dispatch/desk_fixture.h"
#include "services/dispatch/intent.h"

namespace pharos::dispatch {
namespace {

using internal::v1::ReceiptState;

constexpr int kMessages = 60;       // a round; the fixture's numbers are for at most 100
constexpr int kMostRepeats = 50;    // of one receipt
constexpr size_t kMostBatch = 200;  // receipts in one turn
constexpr int kMostViolationsShown = 10;

int64_t FromEnvironment(const char* name, int64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::atoll(text) : otherwise;
}

// ------------------------------------------------------------------------------------------- the reference:
// sets only

// What a part's receipts say together: the first of these that is among them.
constexpr std::array kByStrength = {ReceiptState::DELIVERED, ReceiptState::UNDELIVERABLE,
                                    ReceiptState::REJECTED_LATER, ReceiptState::EXPIRED,
                                    ReceiptState::DELETED};

struct Message {
  std::string attempt, address;
  bool answered = false;  // accepted with all its parts' ids; else in doubt
  std::vector<std::string> ids;
  std::vector<std::set<ReceiptState>> heard;  // by part
  bool hard_bounce = false;                   // any of them says so
};

std::optional<ReceiptState> Strongest(const std::set<ReceiptState>& heard) {
  for (const ReceiptState state : kByStrength)
    if (heard.contains(state)) return state;
  return std::nullopt;
}

struct Expected {
  State state;
  std::string reason;
  bool operator==(const Expected&) const = default;
};

Expected ExpectedOf(const Message& message) {
  const bool any =
      std::any_of(message.heard.begin(), message.heard.end(), [](const auto& set) { return !set.empty(); });
  if (!message.answered && !any) return {State::kUnconfirmed, ""};
  bool all_delivered = true;
  std::set<ReceiptState> failures;
  for (const auto& heard : message.heard) {
    const auto strongest = Strongest(heard);
    if (strongest != ReceiptState::DELIVERED) all_delivered = false;
    if (strongest && strongest != ReceiptState::DELIVERED) failures.insert(*strongest);
  }
  if (all_delivered) return {State::kDelivered, ""};
  if (const auto worst = Strongest(failures))
    return {State::kFailed, internal::v1::ReceiptState_Name(*worst)};
  return {State::kSent, ""};
}

// ------------------------------------------------------------------------------------------------------- one
// campaign

class Round : public DeskTest {
 public:
  Round(uint32_t seed, bool doubts)
      : random_(seed), parts_(1 + static_cast<int>(random_() % 3)), doubts_(doubts) {}
  void TestBody() override {}

  // How many receipts were sent; what is not as it must be is added to `violations`.
  int64_t Run(std::vector<std::string>& violations) {
    Begin();
    if (messages_.size() != static_cast<size_t>(kMessages)) {
      violations.push_back("the round could not begin");
      return 0;
    }
    Choose();
    Play();
    Compare(violations);
    return sent_;
  }

 private:
  struct Event {
    size_t message = 0;
    int part = -1;  // -1: the connector's answer
    ReceiptState state = ReceiptState::EN_ROUTE;
    bool hard_bounce = false;
  };

  void Begin() {
    // Parts of 153 characters, the last one short.
    content_.set_sms_body(parts_ == 1 ? std::string(20, 'a') : std::string(153 * (parts_ - 1) + 20, 'a'));
    Plan(kMessages);
    Steer(internal::v1::GO);
    session_ = Connect();
    Pull(session_, 1, kMessages);
    Ticks();
    Grant();
    for (const auto& attempt : Attempts(session_)) {
      Message message;
      message.attempt = attempt.id();
      message.address = attempt.address();
      message.answered = !doubts_ || random_() % 4 != 0;
      message.heard.resize(static_cast<size_t>(parts_));
      for (int part = 0; part < parts_; ++part)
        message.ids.push_back(base::ToHex(attempt.id()).substr(0, 10) + std::to_string(part));
      messages_.push_back(std::move(message));
    }
  }

  ReceiptState AnyState() { return static_cast<ReceiptState>(1 + random_() % 8); }

  // A set of receipts for every message, and each of them 1 to 50 times; then all of it in any order.
  void Choose() {
    for (size_t i = 0; i < messages_.size(); ++i) {
      events_.push_back({i});
      for (int part = 0; part < parts_; ++part) {
        const int different = static_cast<int>(random_() % 5);
        for (int n = 0; n < different; ++n) {
          const Event event{i, part, AnyState(), random_() % 16 == 0};
          messages_[i].heard[static_cast<size_t>(part)].insert(event.state);
          events_.insert(events_.end(), 1 + random_() % kMostRepeats, event);
        }
      }
    }
    std::shuffle(events_.begin(), events_.end(), random_);
  }

  void Play() {
    internal::v1::Receipts batch;
    const auto flush = [&] {
      if (batch.receipts().empty()) return;
      sent_ += batch.receipts_size();
      Turned([&](Turn& turn) { desk_->OnReceipts(turn, session_, batch); });
      batch.Clear();
      (void)session_->outbox.PopAll(1000, 0);
    };
    size_t most = 1 + random_() % kMostBatch;
    for (const Event& event : events_) {
      if (event.part < 0) {
        flush();
        Report(session_, AnswerOf(messages_[event.message]));
        continue;
      }
      *batch.add_receipts() = ReceiptOf(event);
      if (static_cast<size_t>(batch.receipts_size()) < most) continue;
      flush();
      most = 1 + random_() % kMostBatch;
    }
    flush();
  }

  static internal::v1::Outcome AnswerOf(const Message& message) {
    internal::v1::Outcome outcome;
    outcome.set_id(message.attempt);
    if (!message.answered) outcome.mutable_no_answer()->set_reason("LINK_LOST");
    for (const auto& id : message.ids)
      if (message.answered) outcome.mutable_accepted()->add_provider_ids(id);
    return outcome;
  }

  // Every receipt carries our reference and the number: without them nobody could tell what is in doubt.
  internal::v1::Receipt ReceiptOf(const Event& event) {
    const Message& message = messages_[event.message];
    internal::v1::Receipt receipt = Receipt(message.ids[static_cast<size_t>(event.part)], event.state);
    receipt.set_sequence(++sequence_);
    receipt.set_address(message.address);
    receipt.set_reference(static_cast<uint8_t>(message.attempt[14]) << 8 |
                          static_cast<uint8_t>(message.attempt[15]));
    return receipt;
  }

  void Compare(std::vector<std::string>& violations) {
    std::map<std::string, const Message*> by_attempt;
    for (const Message& message : messages_) by_attempt[message.attempt] = &message;
    record::v1::TallyRow recount;
    for (int i = 0; i < kMessages; ++i) {
      const record::v1::IntentRow row = Intent(i);
      const auto at = by_attempt.find(row.attempt());
      if (at == by_attempt.end()) {
        violations.push_back("a message lost its attempt");
        continue;
      }
      const Expected expected = ExpectedOf(*at->second);
      Expected got{StateOf(row), row.reason()};
      if (got.state == State::kUnconfirmed) got.reason.clear();
      if (got != expected) violations.push_back(Told(*at->second, expected, got));
      Count(recount, row);
    }
    const record::v1::TallyRow tally = Tally();
    for (const auto& [name, kept, counted] : {std::tuple{"pending", tally.pending(), recount.pending()},
                                              {"in flight", tally.in_flight(), recount.in_flight()},
                                              {"sent", tally.sent(), recount.sent()},
                                              {"delivered", tally.delivered(), recount.delivered()},
                                              {"unconfirmed", tally.unconfirmed(), recount.unconfirmed()},
                                              {"intents", tally.intents(), recount.intents()}}) {
      if (kept != counted)
        violations.push_back(fmt::format("{}: the counter says {}, a recount {}", name, kept, counted));
    }
    if (std::map<std::string, int64_t>(tally.failed().begin(), tally.failed().end()) !=
        std::map<std::string, int64_t>(recount.failed().begin(), recount.failed().end()))
      violations.push_back("the counters of failures differ from a recount");
  }

  static void Count(record::v1::TallyRow& recount, const record::v1::IntentRow& row) {
    recount.set_intents(recount.intents() + 1);
    switch (StateOf(row)) {
      case State::kPending:
        return recount.set_pending(recount.pending() + 1);
      case State::kInFlight:
        return recount.set_in_flight(recount.in_flight() + 1);
      case State::kSent:
        return recount.set_sent(recount.sent() + 1);
      case State::kDelivered:
        return recount.set_delivered(recount.delivered() + 1);
      case State::kUnconfirmed:
        return recount.set_unconfirmed(recount.unconfirmed() + 1);
      case State::kFailed:
        ++(*recount.mutable_failed())[row.reason()];
        return;
      case State::kWithheld:
        ++(*recount.mutable_withheld())[row.reason()];
        return;
    }
  }

  static std::string Told(const Message& message, const Expected& expected, const Expected& got) {
    std::string sets;
    for (const auto& heard : message.heard) {
      sets += '{';
      for (const ReceiptState state : heard) sets += internal::v1::ReceiptState_Name(state) + ' ';
      sets += '}';
    }
    return fmt::format("{} {}: expected state {} {}, got {} {}", message.answered ? "answered" : "in doubt",
                       sets, static_cast<int>(expected.state), expected.reason, static_cast<int>(got.state),
                       got.reason);
  }

  std::mt19937 random_;
  const int parts_;
  const bool doubts_;
  SessionPtr session_;
  std::vector<Message> messages_;
  std::vector<Event> events_;
  int64_t sent_ = 0;
  uint64_t sequence_ = 0;
};

void RunRounds(bool doubts) {
  const int64_t wanted = FromEnvironment("PHAROS_RECEIPTS", 100'000);
  const auto seed = static_cast<uint32_t>(FromEnvironment("PHAROS_SEED", 1));
  std::vector<std::string> violations;
  int64_t sent = 0;
  for (uint32_t round = 0; sent < wanted; ++round) {
    Round one(seed * 1'000'003 + round, doubts);
    const int64_t more = one.Run(violations);
    ASSERT_GT(more, 0);
    sent += more;
  }
  for (size_t i = 0; i < violations.size() && i < kMostViolationsShown; ++i) ADD_FAILURE() << violations[i];
  EXPECT_EQ(violations.size(), 0u);
  std::printf("receipts: cycles=%lld violations=%zu seed=%u\n", static_cast<long long>(sent),
              violations.size(), seed);
}

TEST(Receipts, TheStateIsAFunctionOfTheirSet) {
  RunRounds(false);
}

TEST(Receipts, AlsoWhenTheAnswerWasLost) {
  RunRounds(true);
}

// The rule by itself: every order of every small set gives one state.
TEST(Receipts, EveryOrderOfASmallSetSettlesAlike) {
  for (int first = 1; first <= 8; ++first) {
    for (int second = 1; second <= 8; ++second) {
      for (int third = 1; third <= 8; ++third) {
        std::array<int, 3> order = {first, second, third};
        std::sort(order.begin(), order.end());
        std::set<std::string> ends;
        do {
          record::v1::IntentRow row;
          row.set_expected_parts(1);
          auto* part = row.add_parts();
          for (const int receipt : order)
            if (IsStronger(receipt, part->receipt())) part->set_receipt(receipt);
          const Settled settled = Settle(row);
          ends.insert(std::to_string(static_cast<int>(settled.state)) + settled.reason);
        } while (std::next_permutation(order.begin(), order.end()));
        EXPECT_EQ(ends.size(), 1u) << first << ' ' << second << ' ' << third;
      }
    }
  }
}

}  // namespace
}  // namespace pharos::dispatch
