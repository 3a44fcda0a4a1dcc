#include "services/dispatch/open_attempts.h"

#include "services/dispatch/tables.h"

namespace pharos::dispatch {

void OpenAttempts::Add(Turn& turn, const std::string& connector, const std::string& life,
                       std::vector<record::v1::OpenAttemptRow> attempts) {
  if (attempts.empty()) return;
  const std::string first = attempts.front().id();
  Batch& batch = batches_[first];
  batch.row.set_connector(connector);
  batch.row.set_life(life);
  batch.left = static_cast<int>(attempts.size());
  for (auto& attempt : attempts) {
    *batch.row.add_attempts() = attempt;
    attempt.set_connector(connector);
    attempt.set_life(life);
    Remember(std::move(attempt), first);
  }
  storage::PutRecord(turn.tx, OpenBatchKey(first), batch.row);
}

void OpenAttempts::Recall(record::v1::OpenAttemptRow row) {
  Remember(std::move(row), "");
}

void OpenAttempts::Recall(Turn& turn, const record::v1::OpenBatchRow& batch, const std::vector<bool>& open) {
  if (batch.attempts().empty()) return;
  const std::string& first = batch.attempts(0).id();
  int left = 0;
  for (int i = 0; i < batch.attempts_size(); ++i) {
    if (!open[static_cast<size_t>(i)]) continue;
    record::v1::OpenAttemptRow row = batch.attempts(i);
    row.set_connector(batch.connector());
    row.set_life(batch.life());
    Remember(std::move(row), first);
    ++left;
  }
  if (left == 0) return turn.tx.Delete(OpenBatchKey(first));
  batches_[first] = {batch, left};
}

void OpenAttempts::Remember(record::v1::OpenAttemptRow row, std::string batch) {
  by_reference_.emplace(ReferenceKey(row.reference(), row.address_hash()), row.id());
  ++of_connector_[row.connector()];
  OpenAttempt& open = open_[row.id()];
  open.row = std::move(row);
  open.batch = std::move(batch);
}

OpenAttempt* OpenAttempts::Find(const std::string& id) {
  const auto at = open_.find(id);
  return at == open_.end() ? nullptr : &at->second;
}

void OpenAttempts::MarkUnanswered(Turn& turn, OpenAttempt& open) {
  open.row.set_no_answer(true);
  if (open.batch.empty()) return storage::PutRecord(turn.tx, OpenKey(open.row.id()), open.row);
  for (auto& attempt : *batches_.at(open.batch).row.mutable_attempts()) {
    if (attempt.id() == open.row.id()) attempt.set_no_answer(true);
  }
  dirty_.insert(open.batch);
}

void OpenAttempts::Flush(Turn& turn) {
  for (const auto& name : dirty_) {
    if (const auto batch = batches_.find(name); batch != batches_.end())
      storage::PutRecord(turn.tx, OpenBatchKey(name), batch->second.row);
  }
  dirty_.clear();
}

void OpenAttempts::Close(Turn& turn, const std::string& id) {
  const auto at = open_.find(id);
  if (at == open_.end()) return;
  const OpenAttempt& open = at->second;
  const auto [begin, end] =
      by_reference_.equal_range(ReferenceKey(open.row.reference(), open.row.address_hash()));
  for (auto it = begin; it != end; ++it) {
    if (it->second != id) continue;
    by_reference_.erase(it);
    break;
  }
  --of_connector_[open.row.connector()];
  if (open.batch.empty()) {
    turn.tx.Delete(OpenKey(id));
  } else if (const auto batch = batches_.find(open.batch); --batch->second.left == 0) {
    turn.tx.Delete(OpenBatchKey(open.batch));
    batches_.erase(batch);
  }
  open_.erase(at);
}

OpenAttempt* OpenAttempts::ByReference(const std::string& reference_key) {
  const auto [begin, end] = by_reference_.equal_range(reference_key);
  if (begin == end || std::next(begin) != end) return nullptr;
  return Find(begin->second);
}

std::string OpenAttempts::ReferenceKey(int32_t reference, const std::string& address_hash) {
  return address_hash + std::to_string(reference);
}

size_t OpenAttempts::OfConnector(const std::string& connector) const {
  const auto at = of_connector_.find(connector);
  return at == of_connector_.end() ? 0 : at->second;
}

}  // namespace pharos::dispatch
