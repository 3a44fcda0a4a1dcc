#include "services/customer/purpose.h"

#include <fmt/format.h>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/errors.h"

namespace pharos::customer {

using record::v1::PurposeRow;

namespace {

std::string EtagOf(const PurposeRow& row) {
  return fmt::format("v{}", row.version());
}

absl::Status Check(const v1::Purpose& purpose) {
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

void SetTexts(const v1::Purpose& purpose, PurposeRow& row) {
  row.set_display_name(purpose.display_name());
  row.set_controller(purpose.controller());
  row.set_description(purpose.description());
}

}  // namespace

absl::StatusOr<PurposeRow> NewPurpose(const v1::CreatePurposeRequest& request, int64_t now) {
  if (!base::IsChosenId(request.purpose_id())) return errors::IdWrong("purpose_id");
  PHAROS_RETURN_IF_ERROR(Check(request.purpose()));
  PurposeRow row;
  row.set_name("purposes/" + request.purpose_id());
  row.set_purpose_class(request.purpose().purpose_class());
  row.set_lawful_basis(request.purpose().lawful_basis());
  SetTexts(request.purpose(), row);
  row.set_create_time_us(now);
  row.set_version(1);
  return row;
}

absl::StatusOr<PurposeRow> NextPurpose(const PurposeRow& current, const v1::Purpose& wanted) {
  if (wanted.etag().empty()) return errors::EtagMissing("purpose.etag");
  if (wanted.etag() != EtagOf(current)) return errors::EtagMismatch(current.name());
  if (current.retire_time_us() != 0) return errors::PurposeRetired(current.name());
  PHAROS_RETURN_IF_ERROR(Check(wanted));
  if (wanted.purpose_class() != current.purpose_class() || wanted.lawful_basis() != current.lawful_basis())
    return errors::PurposeFixed(current.name());
  PurposeRow next = current;
  SetTexts(wanted, next);
  next.set_version(current.version() + 1);
  return next;
}

PurposeRow RetiredPurpose(const PurposeRow& current, int64_t now) {
  PurposeRow next = current;
  if (current.retire_time_us() != 0) return next;
  next.set_retire_time_us(now);
  next.set_version(current.version() + 1);
  return next;
}

v1::Purpose ShowPurpose(const PurposeRow& row) {
  v1::Purpose purpose;
  purpose.set_name(row.name());
  purpose.set_display_name(row.display_name());
  purpose.set_purpose_class(row.purpose_class());
  purpose.set_lawful_basis(row.lawful_basis());
  purpose.set_controller(row.controller());
  purpose.set_create_time_us(row.create_time_us());
  purpose.set_version(row.version());
  purpose.set_etag(EtagOf(row));
  purpose.set_retire_time_us(row.retire_time_us());
  purpose.set_description(row.description());
  return purpose;
}

}  // namespace pharos::customer
