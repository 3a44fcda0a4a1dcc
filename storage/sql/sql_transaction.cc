#include "storage/sql/sql_transaction.h"

#include <algorithm>

#include "services/base/errors.h"
#include "storage/envelope.h"
#include "storage/sql/errors.h"

namespace pharos::storage::sql {
namespace {

// Puts the transaction's own writes over what the store has in the range.
void Overlay(const std::map<std::string, Value, std::less<>>& writes, const KeyRange& range,
             std::map<std::string, std::string>& rows) {
  for (auto at = writes.lower_bound(range.begin); at != writes.end(); ++at) {
    if (!range.end.empty() && at->first >= range.end) break;
    if (at->second) {
      rows.insert_or_assign(at->first, *at->second);
    } else {
      rows.erase(at->first);
    }
  }
}

}  // namespace

SqlTransaction::SqlTransaction(std::shared_ptr<const State> start) : start_(std::move(start)) {
  intent_.start = start_->number();
}

absl::StatusOr<std::optional<std::string>> SqlTransaction::Get(std::string_view key) {
  intent_.reads.emplace(key);
  if (const auto own = intent_.writes.find(key); own != intent_.writes.end()) return own->second;
  return start_->Get(key);
}

absl::Status SqlTransaction::Scan(const KeyRange& range, std::string_view guard, const Visitor& visit) {
  intent_.reads.emplace(guard);
  KeyRange rest = range;
  for (size_t most = State::kFirstPage;; most = std::min(most * 4, State::kMaxPage)) {
    PHAROS_ASSIGN_OR_RETURN(Page page, start_->ReadPage(rest, most));
    Overlay(intent_.writes, {rest.begin, page.next}, page.rows);
    for (const auto& [key, value] : page.rows) {
      if (!visit(key, value)) return absl::OkStatus();
    }
    if (page.last) return absl::OkStatus();
    rest.begin = page.next;
  }
}

void SqlTransaction::Put(std::string_view key, std::string_view value) {
  Write(key, std::string(value));
}

void SqlTransaction::Delete(std::string_view key) {
  Write(key, std::nullopt);
}

void SqlTransaction::Write(std::string_view key, Value value) {
  if (key.size() > Tables::kMaxKeyBytes) failure_ = SqlErrors::KeyTooLong(key.size(), Tables::kMaxKeyBytes);
  bytes_ += key.size() + (value ? value->size() : 0);
  intent_.writes.insert_or_assign(std::string(key), std::move(value));
}

void SqlTransaction::Touch(std::string_view guard) {
  intent_.touches.emplace(guard);
}

void SqlTransaction::AppendChange(std::string_view entry) {
  changes_.push_back(Wrap(entry));
  bytes_ += changes_.back().size();
}

}  // namespace pharos::storage::sql
