#include "services/customer/purpose_service.h"

#include "pharos/record/v1/customer.pb.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/errors.h"
#include "services/customer/keys.h"
#include "services/customer/page.h"
#include "services/rpc/once.h"
#include "storage/envelope.h"

namespace pharos::customer {

using record::v1::PurposeRow;

namespace {

void Show(const PurposeRow& row, v1::Purpose& purpose) {
  purpose.set_name(row.name());
  purpose.set_display_name(row.display_name());
  purpose.set_purpose_class(row.purpose_class());
  purpose.set_lawful_basis(row.lawful_basis());
  purpose.set_controller(row.controller());
  purpose.set_create_time_us(row.create_time_us());
}

PurposeRow NewPurpose(const v1::CreatePurposeRequest& request, int64_t now) {
  PurposeRow row;
  row.set_name("purposes/" + request.purpose_id());
  row.set_display_name(request.purpose().display_name());
  row.set_purpose_class(request.purpose().purpose_class());
  row.set_lawful_basis(request.purpose().lawful_basis());
  row.set_controller(request.purpose().controller());
  row.set_create_time_us(now);
  return row;
}

absl::Status Check(const v1::CreatePurposeRequest& request) {
  const auto& purpose = request.purpose();
  if (!base::IsChosenId(request.purpose_id())) return errors::IdWrong("purpose_id");
  if (purpose.purpose_class() == type::v1::PURPOSE_CLASS_UNSPECIFIED) {
    return errors::FieldMissing("purpose.purpose_class", "say how strongly its messages may insist");
  }
  if (purpose.lawful_basis() == type::v1::LAWFUL_BASIS_UNSPECIFIED) {
    return errors::FieldMissing("purpose.lawful_basis", "name the basis under UK GDPR Article 6(1)");
  }
  if (purpose.controller().empty())
    return errors::FieldMissing("purpose.controller", "name the data controller");
  const bool marketing = purpose.purpose_class() == type::v1::PURPOSE_CLASS_MARKETING;
  return marketing && purpose.lawful_basis() != type::v1::LAWFUL_BASIS_CONSENT
             ? errors::MarketingNeedsConsent()
             : absl::OkStatus();
}

}  // namespace

absl::Status PurposeService::CreatePurpose(rpc::Call& call, const v1::CreatePurposeRequest& request,
                                           v1::Purpose& response) {
  PHAROS_RETURN_IF_ERROR(Check(request));
  const int64_t now = clock_.WallMicros();
  const PurposeRow row = NewPurpose(request, now);
  return rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction& tx) -> absl::Status {
        PurposeRow known;
        PHAROS_ASSIGN_OR_RETURN(const bool taken, storage::GetRecord(tx, PurposeKey(row.name()), known));
        if (taken) return errors::PurposeExists(row.name());
        storage::PutRecord(tx, PurposeKey(row.name()), row);
        tx.AppendChange(rpc::ChangeBy(call, row.name(), "purpose.created", 1, now));
        Show(row, response);
        return absl::OkStatus();
      },
      now);
}

absl::Status PurposeService::GetPurpose(rpc::Call&, const v1::GetPurposeRequest& request,
                                        v1::Purpose& response) {
  PurposeRow row;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(store_, PurposeKey(request.name()), row));
  if (!found) return errors::PurposeNotFound(request.name());
  Show(row, response);
  return absl::OkStatus();
}

absl::Status PurposeService::ListPurposes(rpc::Call&, const v1::ListPurposesRequest& request,
                                          v1::ListPurposesResponse& response) {
  PHAROS_ASSIGN_OR_RETURN(const Page page,
                          ReadPage(*store_.Read(), kPurpose, request.page_size(), request.page_token()));
  for (const auto& value : page.values) {
    PurposeRow row;
    PHAROS_RETURN_IF_ERROR(storage::DecodeRecord(value, row));
    Show(row, *response.add_purposes());
  }
  response.set_next_page_token(page.next_token);
  return absl::OkStatus();
}

}  // namespace pharos::customer
