// What people decide about records: kept, told to the index, and the people rewritten.
#include <algorithm>
#include <span>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/text.h"
#include "services/customer/errors.h"
#include "services/customer/linker_load.h"
#include "services/customer/linker_parts.h"
#include "storage/envelope.h"

namespace pharos::customer {

using record::v1::AssertionRow;

namespace {
constexpr std::string_view kWith = "with";  // metadata of a conflict: numbers of assertions, by commas
}

absl::Status LinkerParts::CheckNames(const AssertionRow& row) const {
  for (const auto& side : row.sides()) {
    for (const auto& record : side.records()) {
      if (!registry_->NumberOf(record)) return errors::RecordNotFound(record);
    }
  }
  return absl::OkStatus();
}

// The index knows numbers; people know names.
absl::Status LinkerParts::NameConflicts(const absl::Status& conflict) const {
  const auto facts = base::FactsOf(conflict);
  if (!facts || !facts->metadata.contains(std::string(kWith))) return conflict;
  base::ErrorFacts named = *facts;
  std::string names;
  std::string_view rest = facts->metadata.at(std::string(kWith));
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    uint64_t number = 0;
    for (const char c : rest.substr(0, comma)) {
      if (c >= '0' && c <= '9') number = number * 10 + static_cast<uint64_t>(c - '0');
    }
    const auto it = assertions_.find(number);
    if (it != assertions_.end()) names += (names.empty() ? "" : ",") + it->second;
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  named.metadata[std::string(kWith)] = names;
  return base::MakeError(conflict.code(), base::FromAbsl(conflict.message()), std::move(named));
}

absl::Status LinkerParts::TellIndex(AssertionRow& row) {
  PHAROS_RETURN_IF_ERROR(CheckNames(row));
  row.set_number(last_assertion_ + 1);
  const absl::Status told = index_->Assert(row.number(), Loader::AssertionOf(row, *registry_));
  if (!told.ok()) return NameConflicts(told);
  ++last_assertion_;
  return absl::OkStatus();
}

void LinkerParts::WriteDecision(storage::Transaction& tx, const AssertionRow& row, std::string_view kind,
                                const ChangeMaker& change) const {
  storage::PutRecord(tx, AssertionKey(row.name()), row);
  for (const auto& side : row.sides()) {
    for (const auto& record : side.records()) {
      tx.Put(RecordAssertionKey(*ParseRecordName(record), row.name()), storage::Wrap({}));
    }
  }
  tx.AppendChange(change(row.name(), kind, row.revoke_time_us() == 0 ? 1 : 2));
}

absl::Status LinkerParts::AssertSome(std::span<AssertionRow> rows, const ChangeMaker& change,
                                     const InTransaction& done, std::vector<absl::Status>& statuses) {
  const Lane::Turn turn(lane_);
  if (differs_) PHAROS_RETURN_IF_ERROR(Reconcile(change));
  const uint64_t last = last_assertion_;
  std::vector<const AssertionRow*> told;
  for (auto& row : rows) {
    statuses.push_back(TellIndex(row));
    if (statuses.back().ok()) told.push_back(&row);
  }
  if (told.empty()) return absl::OkStatus();
  Batch batch(people_, *registry_, *index_, change, Now(1));
  if (told.size() == 1) batch.SetCause(told.front()->name());
  batch.Settle(options_.threads);
  absl::Status status = PrefetchKeys(batch);
  if (status.ok()) {
    status = Commit(batch, [&](storage::Transaction& tx) {
      for (const AssertionRow* row : told) WriteDecision(tx, *row, "assertion.made", change);
      return done ? done(tx) : absl::OkStatus();
    });
  }
  if (!status.ok()) {
    batch.Undo();
    last_assertion_ = last;
    return status;
  }
  batch.Keep();
  for (const AssertionRow* row : told) assertions_[row->number()] = row->name();
  return absl::OkStatus();
}

absl::Status LinkerParts::Assert(AssertionRow row, const ChangeMaker& change, const InTransaction& done) {
  PHAROS_RETURN_IF_ERROR(AwaitLoaded());
  std::vector<absl::Status> statuses;
  PHAROS_RETURN_IF_ERROR(AssertSome(std::span(&row, 1), change, done, statuses));
  return statuses.front();
}

absl::StatusOr<std::vector<absl::Status>> LinkerParts::AssertAll(std::vector<AssertionRow> rows,
                                                                 const ChangeMaker& change) {
  PHAROS_RETURN_IF_ERROR(AwaitLoaded());
  std::vector<absl::Status> statuses;
  for (size_t at = 0; at < rows.size(); at += kMostInBatch) {
    const size_t count = std::min(kMostInBatch, rows.size() - at);
    PHAROS_RETURN_IF_ERROR(AssertSome(std::span(rows).subspan(at, count), change, nullptr, statuses));
  }
  return statuses;
}

absl::Status LinkerParts::Revoke(AssertionRow row, const ChangeMaker& change, const InTransaction& done) {
  PHAROS_RETURN_IF_ERROR(AwaitLoaded());
  const Lane::Turn turn(lane_);
  if (differs_) PHAROS_RETURN_IF_ERROR(Reconcile(change));
  index_->Revoke(row.number());
  Batch batch(people_, *registry_, *index_, change, Now(1));
  batch.SetCause(row.name());
  batch.Settle(options_.threads);
  absl::Status status = PrefetchKeys(batch);
  if (status.ok()) {
    status = Commit(batch, [&](storage::Transaction& tx) {
      WriteDecision(tx, row, "assertion.revoked", change);
      return done ? done(tx) : absl::OkStatus();
    });
  }
  if (!status.ok()) {
    batch.Undo();
    return status;
  }
  batch.Keep();
  assertions_.erase(row.number());
  return absl::OkStatus();
}

}  // namespace pharos::customer
