#include "connectors/sdk/work_book.h"

#include <algorithm>
#include <utility>

namespace pharos::sdk {
namespace {

constexpr int64_t kLeastHardStopUs = 1'000;  // an attempt with less would kill the process that begins it
// A late answer may replace "no answer" for so long at least (the connectors keep numbers for 15 min).
constexpr int64_t kDoubtKeptUs = 960'000'000;
constexpr int64_t kMostLeaseUs = 60'000'000;  // beyond any promise: a broken sender

}  // namespace

void WorkBook::StreamOpened() {
  ++stream_;
  pull_live_ = false;
  consumed_us_ = 0;
  outcomes_due_.clear();
  for (auto& [id, sent] : outcomes_) {
    sent = 0;
    outcomes_due_.push_back(id);
  }
  receipts_due_.clear();
  for (auto& [sequence, kept] : receipts_) receipts_due_.push_back(sequence);
  inbound_due_.clear();
  for (auto& [sequence, kept] : inbound_) inbound_due_.push_back(sequence);
}

int WorkBook::Room() const {
  if (!ready_ || outcomes_.size() >= limits_.unacknowledged_outcomes ||
      seen_.size() >= limits_.remembered_most)
    return 0;
  // The provider is not read: its answers would not be heard in time.
  if (receipts_.size() >= limits_.receipts || inbound_.size() >= limits_.inbound) return 0;
  return std::min(kMaxCredit, limits_.window - open_);
}

std::optional<work::Pull> WorkBook::NextPull(int64_t now_us) {
  Forget(now_us);
  int room = Room();
  if (room <= 0) return std::nullopt;
  if (pull_live_ && now_us - pull_sent_us_ < kPullEveryUs) return std::nullopt;
  bool small = room < std::max(1, limits_.window / 4);
  if (!pull_live_ && small && now_us - consumed_us_ < kPullGatherUs) return std::nullopt;
  pull_live_ = true;
  pull_sent_us_ = now_us;
  pull_credit_ = room;
  work::Pull pull;
  pull.set_number(++pull_number_);
  pull.set_credit(room);
  return pull;
}

std::vector<Task> WorkBook::Take(const work::Attempts& attempts, int64_t now_us) {
  std::vector<Task> taken;
  if (attempts.life() != life_) return taken;
  bool live = pull_live_ && attempts.pull_number() == pull_number_ && now_us - pull_sent_us_ < kPullLivesUs;
  if (attempts.pull_number() == pull_number_ && pull_live_) {
    pull_live_ = false;
    consumed_us_ = now_us;
  }
  for (const auto& attempt : attempts.attempts()) {
    Task task;
    if (Takeable(attempt, live && static_cast<int>(taken.size()) < pull_credit_, now_us, task))
      taken.push_back(std::move(task));
  }
  return taken;
}

bool WorkBook::Takeable(const work::Attempt& attempt, bool live, int64_t now_us, Task& task) {
  if (auto it = seen_.find(attempt.id()); it != seen_.end()) {
    // Never taken twice; if its fate is known, it is said again.
    if (!it->second.outcome.empty() && outcomes_.emplace(attempt.id(), 0).second)
      outcomes_due_.push_back(attempt.id());
    return false;
  }
  if (!live) {
    Refuse(attempt.id(), ready_ ? "PULL_NOT_LIVE" : "NO_LINK", now_us);
    return false;
  }
  if (!ready_) {
    Refuse(attempt.id(), "NO_LINK", now_us);
    return false;
  }
  if (attempt.hard_stop_us() < kLeastHardStopUs || attempt.lease_us() > kMostLeaseUs ||
      now_us >= pull_sent_us_ + attempt.lease_us()) {
    Refuse(attempt.id(), "LEASE_OVER", now_us);
    return false;
  }
  task.attempt = attempt;
  task.pull_sent_us = pull_sent_us_;
  task.use_by_us = pull_sent_us_ + attempt.lease_us();
  task.hard_stop_us = task.use_by_us + attempt.hard_stop_us();
  Remember(attempt.id(), "", now_us);
  ++open_;
  return true;
}

void WorkBook::Asked(const work::Query& query, int64_t now_us) {
  for (const auto& id : query.ids()) {
    auto it = seen_.find(id);
    if (it == seen_.end() && forgot_) {
      Doubt(id, now_us);
    } else if (it == seen_.end()) {
      Refuse(id, "UNKNOWN", now_us);
    } else if (!it->second.outcome.empty()) {
      outcomes_[id] = 0;
      outcomes_due_.push_back(id);
    }
  }
}

std::vector<std::string> WorkBook::Open(const work::Recall& recall) const {
  std::vector<std::string> open;
  for (const auto& id : recall.ids()) {
    const auto it = seen_.find(id);
    if (it != seen_.end() && it->second.outcome.empty()) open.push_back(id);
  }
  return open;
}

void WorkBook::Finish(const std::string& id, work::Outcome outcome, int64_t now_us) {
  auto it = seen_.find(id);
  if (it == seen_.end()) return;
  Seen& seen = it->second;
  const bool answer = outcome.has_accepted() || outcome.has_rejected();
  if (!seen.outcome.empty() && !(seen.in_doubt && answer)) return;
  if (seen.outcome.empty()) --open_;
  OnThisStream(seen);
  seen.stale = seen.owed;
  seen.in_doubt = outcome.has_no_answer();
  seen.at_us = now_us;
  outcome.set_id(id);
  seen.outcome = outcome.SerializeAsString();
  outcomes_[id] = 0;
  outcomes_due_.push_back(id);
}

// What was sent on an earlier stream is acknowledged no more.
void WorkBook::OnThisStream(Seen& seen) {
  if (seen.stream == stream_) return;
  seen.stream = stream_;
  seen.owed = seen.stale = 0;
}

void WorkBook::OutcomeAcknowledged(const std::string& id) {
  if (auto it = seen_.find(id); it != seen_.end()) {
    OnThisStream(it->second);
    if (it->second.owed > 0) --it->second.owed;
    if (it->second.stale > 0) {
      --it->second.stale;
      return;
    }
  }
  outcomes_.erase(id);
}

void WorkBook::Refuse(const std::string& id, const char* reason, int64_t now_us) {
  work::Outcome outcome;
  outcome.set_id(id);
  outcome.mutable_refused()->set_reason(reason);
  Remember(id, outcome.SerializeAsString(), now_us);
  outcomes_[id] = 0;
  outcomes_due_.push_back(id);
}

// It may be one that was handed over and forgotten since.
void WorkBook::Doubt(const std::string& id, int64_t now_us) {
  work::Outcome outcome;
  outcome.set_id(id);
  outcome.mutable_no_answer()->set_reason("FORGOTTEN");
  Remember(id, outcome.SerializeAsString(), now_us);
  outcomes_[id] = 0;
  outcomes_due_.push_back(id);
}

void WorkBook::Remember(const std::string& id, std::string outcome, int64_t now_us) {
  seen_[id] = Seen{std::move(outcome), now_us};
  seen_order_.emplace_back(now_us, id);
}

// Old ids go, oldest first, unless their fate is still open or unknown to dispatch.
void WorkBook::Forget(int64_t now_us) {
  while (seen_.size() > limits_.remembered_least && !seen_order_.empty() &&
         now_us - seen_order_.front().first >= limits_.remembered_us) {
    auto [at, id] = std::move(seen_order_.front());
    seen_order_.pop_front();
    auto it = seen_.find(id);
    if (it == seen_.end()) continue;
    const bool doubtful = it->second.in_doubt && now_us - it->second.at_us < kDoubtKeptUs;
    if (it->second.outcome.empty() || outcomes_.count(id) || doubtful) {
      seen_order_.emplace_back(now_us, std::move(id));
    } else {
      forgot_ = true;
      seen_.erase(it);
    }
  }
}

std::optional<uint64_t> WorkBook::AddReceipt(const std::string& key, work::Receipt receipt) {
  if (auto it = by_key_.find(key); it != by_key_.end()) return it->second;
  if (receipts_.size() >= limits_.receipts) return std::nullopt;
  uint64_t sequence = next_sequence_++;
  receipt.set_sequence(sequence);
  receipts_[sequence] = {std::move(receipt), key, 0};
  by_key_[key] = sequence;
  receipts_due_.push_back(sequence);
  return sequence;
}

std::optional<uint64_t> WorkBook::AddInbound(const std::string& key, work::InboundMessage message) {
  if (auto it = by_key_.find(key); it != by_key_.end()) return it->second;
  if (inbound_.size() >= limits_.inbound) return std::nullopt;
  uint64_t sequence = next_sequence_++;
  message.set_sequence(sequence);
  inbound_[sequence] = {std::move(message), key, 0};
  by_key_[key] = sequence;
  inbound_due_.push_back(sequence);
  return sequence;
}

std::vector<uint64_t> WorkBook::Acknowledged(const work::Acknowledgement& acknowledgement) {
  std::vector<uint64_t> done;
  for (const auto& id : acknowledgement.outcomes()) OutcomeAcknowledged(id);
  auto erase = [&](auto& table, uint64_t sequence) {
    auto it = table.find(sequence);
    if (it == table.end()) return;
    by_key_.erase(it->second.key);
    table.erase(it);
    done.push_back(sequence);
  };
  for (uint64_t sequence : acknowledgement.receipts()) erase(receipts_, sequence);
  for (uint64_t sequence : acknowledgement.inbound()) erase(inbound_, sequence);
  return done;
}

void WorkBook::DueOutcomes(int64_t now_us, std::vector<work::WorkRequest>& out) {
  work::WorkRequest request;
  while (!outcomes_due_.empty() && request.outcomes().outcomes_size() < kMaxOutcomesPerMessage) {
    std::string id = std::move(outcomes_due_.front());
    outcomes_due_.pop_front();
    auto waiting = outcomes_.find(id);
    auto seen = seen_.find(id);
    if (waiting == outcomes_.end() || seen == seen_.end() || waiting->second != 0) continue;
    waiting->second = now_us;
    OnThisStream(seen->second);
    ++seen->second.owed;
    request.mutable_outcomes()->add_outcomes()->ParseFromString(seen->second.outcome);
  }
  if (request.has_outcomes()) out.push_back(std::move(request));
}

std::vector<work::WorkRequest> WorkBook::Due(int64_t now_us) {
  if (now_us - swept_us_ >= kRepeatUs / 4) {  // what was said long ago becomes due again
    swept_us_ = now_us;
    for (auto& [id, sent] : outcomes_)
      if (sent != 0 && now_us - sent >= kRepeatUs) {
        sent = 0;
        outcomes_due_.push_back(id);
      }
    auto sweep = [&](auto& table, std::deque<uint64_t>& due) {
      for (auto& [sequence, kept] : table)
        if (kept.sent_us != 0 && now_us - kept.sent_us >= kRepeatUs) {
          kept.sent_us = 0;
          due.push_back(sequence);
        }
    };
    sweep(receipts_, receipts_due_);
    sweep(inbound_, inbound_due_);
  }
  std::vector<work::WorkRequest> out;
  // People's words first: a STOP may be among them.
  auto gather = [&](auto& table, std::deque<uint64_t>& due, int most, auto add) {
    work::WorkRequest request;
    int count = 0;
    while (!due.empty() && count < most) {
      auto it = table.find(due.front());
      due.pop_front();
      if (it == table.end()) continue;
      it->second.sent_us = now_us;
      add(request, it->second.message);
      ++count;
    }
    if (count > 0) out.push_back(std::move(request));
  };
  gather(inbound_, inbound_due_, kMaxInboundPerMessage,
         [](auto& request, const auto& m) { *request.mutable_inbound()->add_messages() = m; });
  DueOutcomes(now_us, out);
  gather(receipts_, receipts_due_, kMaxReceiptsPerMessage,
         [](auto& request, const auto& m) { *request.mutable_receipts()->add_receipts() = m; });
  return out;
}

}  // namespace pharos::sdk
