#include "services/customer/agreement_service.h"

#include <algorithm>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/agreement.h"
#include "services/customer/agreement_store.h"
#include "services/customer/errors.h"
#include "services/customer/keys.h"
#include "services/customer/page.h"
#include "services/customer/purpose_store.h"
#include "services/rpc/once.h"
#include "storage/envelope.h"

namespace pharos::customer {

using record::v1::AgreementRow;

namespace {

constexpr int kDefaultPage = 100;

// What it names is registered.
absl::Status CheckRegistered(storage::Transaction& tx, const AgreementRow& row) {
  for (const auto& name : row.sources()) {
    record::v1::SourceRow source;
    PHAROS_ASSIGN_OR_RETURN(const bool known, storage::GetRecord(tx, SourceKey(name), source));
    if (!known) return errors::SourceNotFound(name);
  }
  for (const auto& name : row.purposes()) {
    PHAROS_ASSIGN_OR_RETURN(const auto purpose, LoadPurpose(tx, name));
    if (!purpose) return errors::PurposeNotFound(name);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status AgreementService::CreateAgreement(rpc::Call& call, const v1::CreateAgreementRequest& request,
                                               v1::Agreement& response) {
  const int64_t now = clock_.WallMicros();
  PHAROS_ASSIGN_OR_RETURN(const AgreementRow row, NewAgreement(request, call.caller().principal, now));
  return rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction& tx) -> absl::Status {
        PHAROS_ASSIGN_OR_RETURN(const auto known, LoadAgreement(tx, row.name()));
        if (known) return errors::AgreementExists(row.name());
        PHAROS_RETURN_IF_ERROR(CheckRegistered(tx, row));
        SaveAgreement(tx, row);
        tx.AppendChange(rpc::ChangeBy(call, row.name(), "agreement.created", 1, now));
        response = ShowAgreement(row);
        return absl::OkStatus();
      },
      now);
}

absl::Status AgreementService::GetAgreement(rpc::Call& call, const v1::GetAgreementRequest& request,
                                            v1::Agreement& response) {
  PHAROS_ASSIGN_OR_RETURN(const auto row, LoadAgreement(store_, request.name()));
  if (!row || !MaySee(*row, AskerOf(call.caller()))) return errors::AgreementNotFound(request.name());
  response = ShowAgreement(*row);
  return absl::OkStatus();
}

absl::Status AgreementService::ListAgreements(rpc::Call& call, const v1::ListAgreementsRequest& request,
                                              v1::ListAgreementsResponse& response) {
  const Asker asker = AskerOf(call.caller());
  if (asker.is_partner) return ListOwn(asker, request, response);
  PHAROS_ASSIGN_OR_RETURN(const Page page,
                          ReadPage(*store_.Read(), kAgreement, request.page_size(), request.page_token()));
  for (const auto& value : page.values) {
    AgreementRow row;
    PHAROS_RETURN_IF_ERROR(storage::DecodeRecord(value, row));
    *response.add_agreements() = ShowAgreement(row);
  }
  response.set_next_page_token(page.next_token);
  return absl::OkStatus();
}

absl::Status AgreementService::ListOwn(const Asker& asker, const v1::ListAgreementsRequest& request,
                                       v1::ListAgreementsResponse& response) const {
  std::string after;
  if (!request.page_token().empty()) {
    after = base::FromHex(request.page_token());
    if (!base::IsChosenId(after)) return errors::PageTokenWrong();
  }
  const size_t most = request.page_size() == 0 ? kDefaultPage : static_cast<size_t>(request.page_size());
  PHAROS_ASSIGN_OR_RETURN(auto rows, AgreementsOf(*store_.Read(), asker.principal, after, most + 1));
  const bool more = rows.size() > most;
  if (more) rows.pop_back();
  for (const auto& row : rows) *response.add_agreements() = ShowAgreement(row);
  if (more) response.set_next_page_token(base::ToHex(base::Segment(rows.back().name(), "agreements")));
  return absl::OkStatus();
}

absl::Status AgreementService::EndAgreement(rpc::Call& call, const v1::EndAgreementRequest& request,
                                            v1::Agreement& response) {
  const int64_t now = clock_.WallMicros();
  PHAROS_RETURN_IF_ERROR(rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction& tx) -> absl::Status {
        PHAROS_ASSIGN_OR_RETURN(const auto current, LoadAgreement(tx, request.name()));
        if (!current) return errors::AgreementNotFound(request.name());
        const AgreementRow row = EndedAgreement(*current, now);
        response = ShowAgreement(row);
        if (current->end_time_us() != 0) return absl::OkStatus();
        SaveAgreement(tx, row);
        tx.AppendChange(rpc::ChangeBy(call, row.name(), "agreement.ended", 2, now));
        return absl::OkStatus();
      },
      now));
  return book_.AwaitUses(request.name(), call) ? absl::OkStatus() : errors::AgreementInUse(request.name());
}

}  // namespace pharos::customer
