#include "services/customer/import_run.h"

#include <utility>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/text.h"
#include "services/customer/errors.h"
#include "services/customer/keys.h"
#include "services/rpc/once.h"

namespace pharos::customer {

using record::v1::LedgerRow;

namespace {

char SeparatorOf(const v1::ImportHeader& header) {
  const std::string& separator = header.mapping().separator();
  return separator.empty() ? ',' : separator[0];
}

}  // namespace

ImportRun::ImportRun(const rpc::Call& call, Linker& linker, const PersonStore& people, base::Clock& clock,
                     v1::ImportHeader header, bool purpose_retired, Answer answer,
                     const record::v1::AgreementRow* agreement)
    : call_(call),
      linker_(linker),
      people_(people),
      clock_(clock),
      header_(std::move(header)),
      purpose_retired_(purpose_retired),
      source_id_(base::Segment(header_.source(), "sources")),
      answer_(std::move(answer)),
      agreement_(agreement),
      reader_([this](CsvRow row) { return OnRow(std::move(row)); }, SeparatorOf(header_)) {}

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
  PHAROS_ASSIGN_OR_RETURN(columns_, ImportColumns::FromHeader(row, header_.mapping(), agreement_));
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
  const EntryOrigin origin{header_.consent_purpose(), "import", {}, call_.caller().principal, now};
  const AddressIndex index = [this](type::v1::Channel channel, std::string_view address) {
    return people_.EndpointOf(channel, address);
  };
  for (const auto& consent : row.consents) {
    if (purpose_retired_ && consent.kind == type::v1::GRANTED) continue;
    entries.push_back(MakeEntry(row.record.name(), consent, origin, index));
  }
  return entries;
}

absl::Status ImportRun::Count(const ImportRow& row, const RecordResult& result) {
  // Stored with a status: its withdrawals were taken, the rest of an erased record was not; that is as it
  // should be.
  if (result.outcome == RecordOutcome::kRefused) {
    v1::RowError error;
    error.set_line(row.line);
    error.set_reason(base::ReasonOf(result.status));
    error.set_message(std::string(base::FromAbsl(result.status.message())));
    error.set_record_id(row.record.name());
    return Reject(error);
  }
  counts_.set_warnings(counts_.warnings() + row.warnings);
  if (result.outcome == RecordOutcome::kUnchanged) {
    counts_.set_unchanged(counts_.unchanged() + 1);
  } else {
    counts_.set_stored(counts_.stored() + 1);
  }
  return absl::OkStatus();
}

absl::Status ImportRun::Flush() {
  if (batch_.empty()) return absl::OkStatus();
  const int64_t now = clock_.WallMicros();
  const ChangeMaker change = [&](std::string_view resource, std::string_view kind, uint64_t version) {
    return rpc::ChangeBy(call_, resource, kind, version, now);
  };
  std::vector<RecordChange> changes;
  changes.reserve(batch_.size());
  for (auto& row : batch_) {
    RecordChange& each = changes.emplace_back();
    each.entries = Entries(row, now);
    const auto id = ParseRecordName(row.record.name());
    each.row = std::move(row.record);
    row.record.Clear();
    if (id) row.record.set_name(id->record);  // for messages
  }
  Linker::ApplyOptions options;
  options.dry_run = header_.validate_only();
  PHAROS_ASSIGN_OR_RETURN(const std::vector<RecordResult> results,
                          linker_.Apply(std::move(changes), change, options));
  for (size_t at = 0; at < results.size(); ++at) PHAROS_RETURN_IF_ERROR(Count(batch_[at], results[at]));
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
