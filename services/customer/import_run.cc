#include "services/customer/import_run.h"

#include <utility>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/text.h"
#include "services/customer/errors.h"
#include "services/rpc/once.h"

namespace pharos::customer {

using record::v1::LedgerRow;

namespace {

constexpr std::string_view kOnlyChecked = "only checked";

// Ends a transaction of an import that stores nothing.
absl::Status OnlyChecked() {
  return absl::CancelledError(base::ToAbsl(kOnlyChecked));
}
bool IsOnlyChecked(const absl::Status& status) {
  return status.code() == absl::StatusCode::kCancelled && base::FromAbsl(status.message()) == kOnlyChecked;
}

}  // namespace

ImportRun::ImportRun(const rpc::Call& call, storage::Store& store, const PersonStore& people,
                     base::Clock& clock, Intake& intake, v1::ImportHeader header, bool purpose_retired,
                     Answer answer)
    : call_(call),
      store_(store),
      people_(people),
      clock_(clock),
      intake_(intake),
      header_(std::move(header)),
      purpose_retired_(purpose_retired),
      source_id_(base::Segment(header_.source(), "sources")),
      answer_(std::move(answer)),
      reader_([this](CsvRow row) { return OnRow(std::move(row)); }),
      fresh_(people.keys().ring()) {}

absl::Status ImportRun::Feed(std::string_view bytes) {
  reader_.Feed(bytes);
  return status_;
}

absl::Status ImportRun::Finish() {
  reader_.Finish();
  PHAROS_RETURN_IF_ERROR(status_);
  if (!columns_) return errors::ImportHeaderWrong({"the file is empty"});
  return Flush();
}

bool ImportRun::OnRow(CsvRow row) {
  if (!columns_) {
    status_ = ReadHeader(row);
    return status_.ok();
  }
  RowReading reading = ReadRow(*columns_, row, source_id_, !header_.consent_purpose().empty());
  if (!reading.row) {
    status_ = Reject(reading.error);
    return status_.ok();
  }
  batch_.push_back(std::move(*reading.row));
  if (batch_.size() == kMostRowsInBatch) status_ = Flush();
  return status_.ok();
}

absl::Status ImportRun::ReadHeader(const CsvRow& row) {
  PHAROS_ASSIGN_OR_RETURN(columns_, ImportColumns::FromHeader(row));
  return absl::OkStatus();
}

absl::Status ImportRun::Reject(const v1::RowError& error) {
  counts_.set_rejected(counts_.rejected() + 1);
  v1::ImportContactsResponse response;
  *response.mutable_row_error() = error;
  return answer_(response) ? absl::OkStatus() : errors::CallerGone();
}

std::vector<LedgerRow> ImportRun::Entries(const ImportRow& row, int64_t now) const {
  std::vector<LedgerRow> entries;
  for (const auto& consent : row.consents) {
    if (purpose_retired_ && consent.kind == type::v1::GRANTED) continue;
    LedgerRow& entry = entries.emplace_back();
    auto* gate = entry.mutable_gate();
    gate->set_name("consentEntries/" + base::NewId(now));
    gate->set_record(row.record.name());
    gate->set_kind(consent.kind);
    gate->set_scope(type::v1::SCOPE_PURPOSE);
    if (!consent.address.empty()) gate->set_endpoint(people_.EndpointOf(consent.channel, consent.address));
    gate->set_channel(consent.channel);
    gate->set_purpose(header_.consent_purpose());
    gate->set_event_time_us(consent.event_time_us);
    entry.add_subjects(row.record.name());
    entry.set_create_time_us(now);
    entry.set_how("import");
    entry.set_principal(call_.caller().principal);
  }
  return entries;
}

absl::Status ImportRun::Store(storage::Transaction& tx, std::span<const ImportRow> rows, int64_t& stored,
                              int64_t& unchanged) {
  stored = unchanged = 0;
  fresh_.Rewind();
  const int64_t now = clock_.WallMicros();
  const ChangeMaker change = [&](std::string_view resource, std::string_view kind, uint64_t version) {
    return rpc::ChangeBy(call_, resource, kind, version, now);
  };
  for (const auto& row : rows) {
    PHAROS_ASSIGN_OR_RETURN(const bool changed,
                            people_.PutRecordVersion(tx, row.record, Entries(row, now), change, &fresh_));
    ++(changed ? stored : unchanged);
  }
  return header_.validate_only() ? OnlyChecked() : absl::OkStatus();
}

// An address that very many share makes a row's transaction large; fewer rows at a time then.
absl::Status ImportRun::StoreAll(std::span<const ImportRow> rows, int64_t& stored, int64_t& unchanged) {
  int64_t now_stored = 0, now_unchanged = 0;
  const absl::Status status =
      store_.Transact([&](storage::Transaction& tx) { return Store(tx, rows, now_stored, now_unchanged); });
  if (base::ReasonOf(status) == "STORE_TRANSACTION_TOO_LARGE" && rows.size() > 1) {
    const size_t half = rows.size() / 2;
    PHAROS_RETURN_IF_ERROR(StoreAll(rows.first(half), stored, unchanged));
    return StoreAll(rows.subspan(half), stored, unchanged);
  }
  if (!status.ok() && !IsOnlyChecked(status)) return status;
  if (status.ok()) fresh_.Commit();
  stored += now_stored;
  unchanged += now_unchanged;
  return absl::OkStatus();
}

// Round trips to access have no place inside a transaction. Looking ahead reads what the transaction reads
// again, so it is done only while it finds something: the records of a new file have their keys at hand.
absl::Status ImportRun::PrepareKeys(std::span<const ImportRow> rows) {
  PHAROS_RETURN_IF_ERROR(fresh_.Reserve(rows.size()));
  if (!look_ahead_) return absl::OkStatus();
  std::vector<const record::v1::RecordRow*> records;
  for (const auto& row : rows) records.push_back(&row.record);
  return people_.FetchKeysFor(records);
}

absl::Status ImportRun::Flush() {
  if (batch_.empty()) return absl::OkStatus();
  int64_t stored = 0, unchanged = 0;
  {
    const Intake::Turn turn(intake_);
    const uint64_t fetches = people_.keys().fetches();
    PHAROS_RETURN_IF_ERROR(PrepareKeys(batch_));
    PHAROS_RETURN_IF_ERROR(StoreAll(batch_, stored, unchanged));
    look_ahead_ = people_.keys().fetches() != fetches;
  }
  for (const auto& row : batch_) counts_.set_warnings(counts_.warnings() + row.warnings);
  counts_.set_stored(counts_.stored() + stored);
  counts_.set_unchanged(counts_.unchanged() + unchanged);
  batch_.clear();
  if (call_.cancelled()) return errors::CallerGone();
  return Progress() ? absl::OkStatus() : errors::CallerGone();
}

bool ImportRun::Progress() {
  counts_.set_rows(counts_.stored() + counts_.unchanged() + counts_.rejected());
  if (counts_.rows() - rows_at_progress_ < kProgressEvery) return true;
  rows_at_progress_ = counts_.rows();
  v1::ImportContactsResponse response;
  *response.mutable_progress() = counts_;
  return answer_(response);
}

bool ImportRun::Summarise() {
  counts_.set_rows(counts_.stored() + counts_.unchanged() + counts_.rejected());
  v1::ImportContactsResponse response;
  *response.mutable_summary() = counts_;
  return answer_(response);
}

}  // namespace pharos::customer
