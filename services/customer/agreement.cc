#include "services/customer/agreement.h"

#include <fmt/format.h>

#include <algorithm>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/text.h"
#include "services/customer/errors.h"
#include "services/customer/record_reading.h"

namespace pharos::customer {

using record::v1::AgreementRow;

namespace {

using Words = google::protobuf::RepeatedPtrField<std::string>;

void SortOnce(Words& words) {
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
}

// Each is "{collection}/{id}".
absl::Status CheckNames(const Words& names, std::string_view collection, bool some) {
  const std::string path = fmt::format("agreement.{}", collection);
  const std::string shape = fmt::format("{}/{{id}}", collection);
  if (some && names.empty()) return errors::FieldMissing(path, shape);
  for (const auto& name : names) {
    if (base::Segment(name, collection).empty()) return errors::FieldMissing(path, shape);
  }
  return absl::OkStatus();
}

absl::Status CheckFields(const Words& fields, std::string_view path) {
  for (const auto& field : fields) {
    if (!IsKnownField(field)) return errors::FieldUnknown(path, base::Nearest(field, KnownFields()));
  }
  return absl::OkStatus();
}

absl::Status CheckAgreement(const v1::Agreement& agreement, int64_t now) {
  PHAROS_RETURN_IF_ERROR(CheckNames(agreement.principals(), "principals", true));
  PHAROS_RETURN_IF_ERROR(CheckNames(agreement.sources(), "sources", true));
  PHAROS_RETURN_IF_ERROR(CheckNames(agreement.purposes(), "purposes", false));
  for (const auto& source : agreement.sources()) {
    if (IsReservedSource(base::Segment(source, "sources"))) return errors::SourceReserved(source);
  }
  PHAROS_RETURN_IF_ERROR(CheckFields(agreement.write_fields(), "agreement.write_fields"));
  PHAROS_RETURN_IF_ERROR(CheckFields(agreement.read_fields(), "agreement.read_fields"));
  if (agreement.expire_time_us() <= now) return errors::TimeWrong("agreement.expire_time_us");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<AgreementRow> NewAgreement(const v1::CreateAgreementRequest& request,
                                          std::string_view principal, int64_t now) {
  if (!base::IsChosenId(request.agreement_id())) return errors::IdWrong("agreement_id");
  const v1::Agreement& from = request.agreement();
  PHAROS_RETURN_IF_ERROR(CheckAgreement(from, now));
  AgreementRow row;
  row.set_name("agreements/" + request.agreement_id());
  row.set_display_name(from.display_name());
  *row.mutable_principals() = from.principals();
  *row.mutable_sources() = from.sources();
  *row.mutable_purposes() = from.purposes();
  *row.mutable_write_fields() = from.write_fields();
  *row.mutable_read_fields() = from.read_fields();
  for (auto* words : {row.mutable_principals(), row.mutable_sources(), row.mutable_purposes(),
                      row.mutable_write_fields(), row.mutable_read_fields()}) {
    SortOnce(*words);
  }
  row.set_expire_time_us(from.expire_time_us());
  row.set_create_time_us(now);
  row.set_reference(from.reference());
  row.set_principal(std::string(principal));
  return row;
}

AgreementRow EndedAgreement(AgreementRow row, int64_t now) {
  if (row.end_time_us() == 0) row.set_end_time_us(now);
  return row;
}

v1::Agreement ShowAgreement(const AgreementRow& row) {
  v1::Agreement shown;
  shown.set_name(row.name());
  shown.set_display_name(row.display_name());
  *shown.mutable_principals() = row.principals();
  *shown.mutable_sources() = row.sources();
  *shown.mutable_purposes() = row.purposes();
  *shown.mutable_write_fields() = row.write_fields();
  *shown.mutable_read_fields() = row.read_fields();
  shown.set_expire_time_us(row.expire_time_us());
  shown.set_end_time_us(row.end_time_us());
  shown.set_create_time_us(row.create_time_us());
  shown.set_reference(row.reference());
  return shown;
}

bool IsInForce(const AgreementRow& row, int64_t now) {
  return row.end_time_us() == 0 && now < row.expire_time_us();
}

bool Lists(const Words& sorted, std::string_view word) {
  return std::binary_search(sorted.begin(), sorted.end(), word, std::less<>());
}

bool IsParty(const AgreementRow& row, std::string_view principal) {
  return Lists(row.principals(), principal);
}

absl::Status MayBring(const AgreementRow* row, bool named, const Asker& asker, std::string_view source,
                      int64_t now) {
  if (!asker.is_partner && !named) return absl::OkStatus();
  if (row == nullptr) return errors::AgreementMissing();
  if (asker.is_partner && !IsParty(*row, asker.principal)) return errors::AgreementMissing();
  if (!Lists(row->sources(), source)) return errors::AgreementMissing();
  return IsInForce(*row, now) ? absl::OkStatus() : errors::AgreementEnded(row->name());
}

absl::Status MayFollow(const AgreementRow* row, const Asker& asker, int64_t now) {
  if (row == nullptr || !IsParty(*row, asker.principal)) return errors::AgreementMissing();
  return IsInForce(*row, now) ? absl::OkStatus() : errors::AgreementEnded(row->name());
}

absl::Status MayAskAbout(const std::vector<AgreementRow>& rows, const Asker& asker, std::string_view source,
                         int64_t now) {
  if (!asker.is_partner) return absl::OkStatus();
  const AgreementRow* ended = nullptr;
  for (const auto& row : rows) {
    if (!IsParty(row, asker.principal) || !Lists(row.sources(), source)) continue;
    if (IsInForce(row, now)) return absl::OkStatus();
    ended = &row;
  }
  return ended == nullptr ? errors::AgreementMissing() : errors::AgreementEnded(ended->name());
}

bool MaySee(const AgreementRow& row, const Asker& asker) {
  return !asker.is_partner || IsParty(row, asker.principal);
}

}  // namespace pharos::customer
