#include "services/customer/sync_service.h"

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/agreement_store.h"
#include "services/customer/errors.h"
#include "services/customer/keys.h"
#include "services/customer/sealed_rows.h"
#include "services/customer/tables.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"

namespace pharos::customer {

namespace {

constexpr int64_t kLookEvery = 4096;  // records between looks at the time left

absl::Status CheckRegistered(const storage::Store& store, const std::string& source) {
  record::v1::SourceRow row;
  PHAROS_ASSIGN_OR_RETURN(const bool known, storage::GetRecord(store, SourceKey(source), row));
  return known ? absl::OkStatus() : errors::SourceNotFound(source);
}

absl::Status CountTookTooLong() {
  return base::MakeError(absl::StatusCode::kDeadlineExceeded, "COUNT_TOO_LONG",
                         "counting takes longer than the call may; try again when less is going on");
}

}  // namespace

absl::Status SyncService::Sync(rpc::Call& call, rpc::Stream<v1::SyncRequest, v1::SyncResponse>& stream) {
  v1::SyncRequest request;
  if (!stream.Read(request) || !request.has_header()) return errors::SyncOrderWrong();
  const v1::SyncHeader& header = request.header();
  if (IsReservedSource(base::Segment(header.source(), "sources")))
    return errors::SourceReserved(header.source());
  PHAROS_RETURN_IF_ERROR(
      parts_.agreements.Bring(AskerOf(call.caller()), header.agreement(), header.source()).status());
  PHAROS_RETURN_IF_ERROR(CheckRegistered(parts_.store, header.source()));
  // What cannot be stored now is refused before anything is sent.
  PHAROS_RETURN_IF_ERROR(
      parts_.linker.Read([](const identity::LinkIndex&, const RecordNames&) { return absl::OkStatus(); }));
  return SyncRun(parts_, call, stream, header).Run();
}

absl::Status SyncService::CheckAsked(const rpc::Call& call, const std::string& source) const {
  const Asker asker = AskerOf(call.caller());
  if (asker.is_partner) {
    PHAROS_ASSIGN_OR_RETURN(const auto rows,
                            AgreementsOf(*parts_.store.Read(), asker.principal, {}, kMostAgreementsOfOne));
    PHAROS_RETURN_IF_ERROR(MayAskAbout(rows, asker, source, parts_.clock.WallMicros()));
  }
  return CheckRegistered(parts_.store, source);
}

absl::Status SyncService::ResumeSync(rpc::Call& call, const v1::ResumeSyncRequest& request,
                                     v1::ResumeSyncResponse& response) {
  PHAROS_RETURN_IF_ERROR(CheckAsked(call, request.source()));
  record::v1::SyncCursorRow row;
  PHAROS_RETURN_IF_ERROR(storage::GetRecord(parts_.store, SyncCursorKey(request.source()), row).status());
  response.set_cursor(row.cursor());
  response.set_time_us(row.time_us());
  return absl::OkStatus();
}

// A scan of the source's records, remembered until something changes.
absl::Status SyncService::CountRecords(rpc::Call& call, const v1::CountRecordsRequest& request,
                                       v1::CountRecordsResponse& response) {
  PHAROS_RETURN_IF_ERROR(CheckAsked(call, request.source()));
  const std::unique_ptr<storage::View> view = parts_.store.Read();
  {
    base::MutexLock lock(mutex_);
    const auto it = counts_.find(request.source());
    if (it != counts_.end() && it->second.position == view->position()) {
      response.set_records(it->second.records);
      return absl::OkStatus();
    }
  }
  const storage::KeyRange range = storage::PrefixRange(
      storage::KeyWriter(kRecord).String(base::Segment(request.source(), "sources")).str());
  int64_t seen = 0, records = 0;
  absl::Status failed;
  PHAROS_RETURN_IF_ERROR(view->Scan(range, [&](std::string_view, std::string_view value) {
    record::v1::RecordRow row;
    failed = storage::DecodeRecord(value, row);
    if (failed.ok() && !SealedRows::IsGone(row)) ++records;
    if (++seen % kLookEvery == 0 && (call.cancelled() || call.RemainingMicros() <= 0))
      failed = CountTookTooLong();
    return failed.ok();
  }));
  PHAROS_RETURN_IF_ERROR(failed);
  response.set_records(records);
  base::MutexLock lock(mutex_);
  if (counts_.size() >= kMostCounts) counts_.clear();
  counts_[request.source()] = {view->position(), records};
  return absl::OkStatus();
}

}  // namespace pharos::customer
