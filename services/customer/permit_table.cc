#include "services/customer/permit_table.h"

#include <algorithm>
#include <unordered_set>

#include "pharos/record/v1/customer.pb.h"
#include "services/base/errors.h"
#include "services/customer/tables.h"
#include "storage/envelope.h"

namespace pharos::customer {

using customer::internal::v1::PermitAnswer;

absl::StatusOr<std::unique_ptr<PermitTable>> PermitTable::Open(storage::Store& store, base::Clock& clock,
                                                               int64_t term_us) {
  int64_t earlier_us = 0;
  const std::string key = storage::KeyWriter(kPermitTerm).str();
  PHAROS_RETURN_IF_ERROR(store.Transact([&](storage::Transaction& tx) -> absl::Status {
    record::v1::PermitTermRow row;
    PHAROS_RETURN_IF_ERROR(storage::GetRecord(tx, key, row).status());
    earlier_us = row.longest_us();
    if (term_us <= earlier_us) return absl::OkStatus();
    row.set_longest_us(term_us);
    storage::PutRecord(tx, key, row);
    return absl::OkStatus();
  }));
  return std::make_unique<PermitTable>(clock, term_us, earlier_us);
}

PermitTable::PermitTable(base::Clock& clock, int64_t term_us, int64_t restart_wait_us)
    : clock_(clock), term_us_(term_us), acknowledge_from_us_(clock.BootMicros() + restart_wait_us) {}

PermitTable::Registration PermitTable::Register(std::string_view id, std::string_view person,
                                                std::string_view endpoint) {
  base::MutexLock lock(mutex_);
  const int64_t now = clock_.BootMicros();
  DropExpired(now);
  const std::string key(id);
  if (entries_.contains(key)) return {Registration::kRepeat};
  if (entries_.size() >= kMostPermits) return {Registration::kFull};
  const uint64_t ticket = ++last_ticket_;
  entries_.emplace(key,
                   Entry{ticket, std::string(person), std::string(endpoint), now + term_us_, nullptr, {}});
  by_expiry_.push_back({now + term_us_, ticket, key});
  return {Registration::kFresh, ticket};
}

void PermitTable::Settle(std::string_view id, uint64_t ticket, const PermitAnswer& answer) {
  auto copy = std::make_shared<const PermitAnswer>(answer);
  base::MutexLock lock(mutex_);
  const auto entry = entries_.find(std::string(id));
  if (entry == entries_.end() || entry->second.ticket != ticket) return;
  entry->second.answer = std::move(copy);
  if (answer_waiters_ > 0) answered_.NotifyAll();
}

void PermitTable::Remove(std::string_view id, uint64_t ticket) {
  base::MutexLock lock(mutex_);
  const auto entry = entries_.find(std::string(id));
  if (entry != entries_.end() && entry->second.ticket == ticket) Drop(entry);
}

void PermitTable::Release(std::string_view id) {
  base::MutexLock lock(mutex_);
  const auto entry = entries_.find(std::string(id));
  if (entry != entries_.end() && entry->second.answer != nullptr) Drop(entry);
}

std::optional<PermitAnswer> PermitTable::AwaitAnswer(std::string_view id) {
  const std::string key(id);
  base::MutexLock lock(mutex_);
  ++answer_waiters_;
  std::optional<PermitAnswer> answer;
  for (;;) {
    DropExpired(clock_.BootMicros());
    const auto entry = entries_.find(key);
    if (entry == entries_.end()) break;
    if (entry->second.answer != nullptr) {
      answer = *entry->second.answer;
      break;
    }
    answered_.WaitForMicros(lock, kWaitSliceMicros);
  }
  --answer_waiters_;
  return answer;
}

template <typename Touches>
std::shared_ptr<PermitTable::WaitSet> PermitTable::Snapshot(const Touches& touches) {
  base::MutexLock lock(mutex_);
  DropExpired(clock_.BootMicros());
  std::unordered_map<std::string, int64_t> pending;
  for (const auto& [id, entry] : entries_) {
    if (touches(entry)) pending.emplace(id, entry.expires_us);
  }
  auto set = std::make_shared<WaitSet>(std::move(pending));
  for (const auto& [id, expires_us] : set->pending_) entries_.find(id)->second.waiters.push_back(set);
  return set;
}

std::shared_ptr<PermitTable::WaitSet> PermitTable::SnapshotTouching(const Touched& touched) {
  const std::unordered_set<std::string> people(touched.people.begin(), touched.people.end());
  const std::unordered_set<std::string> endpoints(touched.endpoints.begin(), touched.endpoints.end());
  return Snapshot([&](const Entry& entry) {
    return people.contains(entry.person) || endpoints.contains(entry.endpoint);
  });
}

std::shared_ptr<PermitTable::WaitSet> PermitTable::SnapshotAll() {
  return Snapshot([](const Entry&) { return true; });
}

void PermitTable::Await(WaitSet& set) {
  base::MutexLock lock(mutex_);
  for (;;) {
    const int64_t now = clock_.BootMicros();
    std::erase_if(set.pending_, [now](const auto& permit) { return permit.second <= now; });
    if (set.pending_.empty() && now >= acknowledge_from_us_) return;
    int64_t until = acknowledge_from_us_;
    for (const auto& [id, expires_us] : set.pending_) until = std::max(until, expires_us);
    set.empty_.WaitForMicros(lock, std::clamp<int64_t>(until - now, 1, kWaitSliceMicros));
  }
}

size_t PermitTable::size() {
  base::MutexLock lock(mutex_);
  DropExpired(clock_.BootMicros());
  return entries_.size();
}

void PermitTable::DropExpired(int64_t now) {
  while (!by_expiry_.empty() && by_expiry_.front().at_us <= now) {
    const auto entry = entries_.find(by_expiry_.front().id);
    if (entry != entries_.end() && entry->second.ticket == by_expiry_.front().ticket) Drop(entry);
    by_expiry_.pop_front();
  }
}

void PermitTable::Drop(Entries::iterator entry) {
  for (const auto& set : entry->second.waiters) {
    set->pending_.erase(entry->first);
    if (set->pending_.empty()) set->empty_.NotifyAll();
  }
  entries_.erase(entry);
  if (answer_waiters_ > 0) answered_.NotifyAll();
}

}  // namespace pharos::customer
