#include "services/customer/import_service.h"

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/agreement.h"
#include "services/customer/errors.h"
#include "services/customer/import_run.h"
#include "services/customer/keys.h"
#include "services/customer/purpose_store.h"
#include "services/customer/record_reading.h"
#include "storage/envelope.h"

namespace pharos::customer {

absl::Status ImportService::ImportContacts(rpc::Call& call, Stream& stream) {
  if (!intake_.Enter()) return errors::ImportBusy();
  absl::Status status = Run(call, stream);
  intake_.Leave();
  return status;
}

absl::StatusOr<bool> ImportService::Check(const v1::ImportHeader& header,
                                          const record::v1::AgreementRow* agreement) const {
  if (IsReservedSource(base::Segment(header.source(), "sources")))
    return errors::SourceReserved(header.source());
  record::v1::SourceRow source;
  PHAROS_ASSIGN_OR_RETURN(const bool known, storage::GetRecord(store_, SourceKey(header.source()), source));
  if (!known) return errors::SourceNotFound(header.source());
  if (header.consent_purpose().empty()) return false;
  if (agreement != nullptr && !Lists(agreement->purposes(), header.consent_purpose()))
    return errors::PurposeNotAgreed(header.consent_purpose());
  PHAROS_ASSIGN_OR_RETURN(const auto purpose, LoadPurpose(store_, header.consent_purpose()));
  if (!purpose) return errors::PurposeNotFound(header.consent_purpose());
  return purpose->retire_time_us() != 0;
}

absl::Status ImportService::Run(rpc::Call& call, Stream& stream) {
  v1::ImportContactsRequest request;
  if (!stream.Read(request) || !request.has_header()) return errors::ImportOrderWrong();
  const v1::ImportHeader header = request.header();
  // What is stored is stored while the agreement is in force.
  const auto use = [&] {
    return agreements_.Bring(AskerOf(call.caller()), header.agreement(), header.source());
  };
  PHAROS_ASSIGN_OR_RETURN(AgreementBook::Use begun, use());
  const auto agreement = begun.row();
  begun.Release();
  PHAROS_ASSIGN_OR_RETURN(const bool purpose_retired, Check(header, agreement.get()));
  ImportRun run(
      call, linker_, people_, clock_, header, purpose_retired,
      [&](const v1::ImportContactsResponse& response) { return stream.Write(response); }, agreement.get());
  int64_t bytes = 0;
  while (stream.Read(request)) {
    if (request.message_case() != v1::ImportContactsRequest::kData) return errors::ImportOrderWrong();
    const int64_t size = static_cast<int64_t>(request.data().size());
    if (size > kMostBytesInMessage) return errors::ImportTooLarge("a data message", kMostBytesInMessage);
    if ((bytes += size) > kMostBytesInFile) return errors::ImportTooLarge("the file", kMostBytesInFile);
    PHAROS_ASSIGN_OR_RETURN(const AgreementBook::Use held, use());
    PHAROS_RETURN_IF_ERROR(run.Feed(request.data()));
  }
  // A stream that broke is not the end of the file: its last line must not be taken for a whole one.
  if (call.cancelled()) return errors::CallerGone();
  {
    PHAROS_ASSIGN_OR_RETURN(const AgreementBook::Use held, use());
    PHAROS_RETURN_IF_ERROR(run.Finish());
  }
  // Also where nothing changed: an earlier sending of this file may have stored an opt-out and been cut off
  // before its wait.
  if (!header.validate_only()) settle_();
  return run.Summarise() ? absl::OkStatus() : errors::CallerGone();
}

}  // namespace pharos::customer
