#include "services/customer/errors.h"

#include <fmt/format.h>

#include "services/base/errors.h"

namespace pharos::customer::errors {

using absl::StatusCode;
using base::MakeError;

absl::Status PersonNotFound(std::string_view person) {
  return MakeError(StatusCode::kNotFound, "PERSON_NOT_FOUND",
                   "there is no such person; look the person up by email, phone, NHS number or record",
                   {{"person", std::string(person)}});
}

absl::Status SourceNotFound(std::string_view source) {
  return MakeError(StatusCode::kNotFound, "SOURCE_NOT_FOUND",
                   fmt::format("there is no source \"{}\"; register it with CreateSource first", source),
                   {{"source", std::string(source)}});
}

absl::Status PurposeNotFound(std::string_view purpose) {
  return MakeError(StatusCode::kNotFound, "PURPOSE_NOT_FOUND",
                   fmt::format("there is no purpose \"{}\"; register it with CreatePurpose first", purpose),
                   {{"purpose", std::string(purpose)}});
}

absl::Status SourceExists(std::string_view source) {
  return MakeError(
      StatusCode::kAlreadyExists, "SOURCE_EXISTS",
      fmt::format("the source id of \"{}\" is taken; choose another one or use that source", source),
      {{"source", std::string(source)}});
}

absl::Status PurposeExists(std::string_view purpose) {
  return MakeError(
      StatusCode::kAlreadyExists, "PURPOSE_EXISTS",
      fmt::format("the purpose id of \"{}\" is taken; choose another one or use that purpose", purpose),
      {{"purpose", std::string(purpose)}});
}

absl::Status PurposeRetired(std::string_view purpose) {
  return MakeError(
      StatusCode::kFailedPrecondition, "PURPOSE_RETIRED",
      fmt::format("\"{}\" is retired: nothing new is granted or sent for it; withdrawals are still "
                  "taken. Use another purpose",
                  purpose),
      {{"purpose", std::string(purpose)}});
}

absl::Status PurposeFixed(std::string_view purpose) {
  return MakeError(
      StatusCode::kInvalidArgument,
      "class and lawful basis of a purpose never change, as people agreed to what it was; register another "
      "purpose",
      {.reason = "PURPOSE_FIXED",
       .metadata = {{"purpose", std::string(purpose)}},
       .violations = {{"purpose", "keep purpose_class and lawful_basis as they are"}}});
}

absl::Status EtagMismatch(std::string_view resource) {
  return MakeError(StatusCode::kAborted, "ETAG_MISMATCH",
                   "somebody else changed it meanwhile; read it again and repeat your change",
                   {{"resource", std::string(resource)}});
}

absl::Status EtagMissing(std::string_view field) {
  return MakeError(StatusCode::kInvalidArgument,
                   "send the etag that you read with the resource, so that nobody's edit is lost",
                   {.reason = "ETAG_MISSING",
                    .metadata = {{"field", std::string(field)}},
                    .violations = {{std::string(field), "the etag that was read"}}});
}

absl::Status OrganisationNotFound(std::string_view organisation) {
  return MakeError(StatusCode::kNotFound, "ORGANISATION_NOT_FOUND",
                   "there is no such organisation; register it with CreateOrganisation first",
                   {{"organisation", std::string(organisation)}});
}

absl::Status OrganisationExists(std::string_view organisation) {
  return MakeError(StatusCode::kAlreadyExists, "ORGANISATION_EXISTS",
                   "the organisation id is taken; choose another one or use that organisation",
                   {{"organisation", std::string(organisation)}});
}

absl::Status OrganisationCodeTaken(std::string_view organisation) {
  return MakeError(
      StatusCode::kAlreadyExists, "ORGANISATION_CODE_TAKEN",
      fmt::format("\"{}\" has this code already; correct the code or use that organisation", organisation),
      {{"organisation", std::string(organisation)}});
}

absl::Status OrganisationMissing(std::string_view field) {
  return MakeError(StatusCode::kInvalidArgument,
                   fmt::format("{} names an organisation that is not registered; register it first", field),
                   {.reason = "ORGANISATION_MISSING",
                    .metadata = {{"field", std::string(field)}},
                    .violations = {{std::string(field), "organisations/{organisation}, registered"}}});
}

absl::Status OrganisationCircle(std::string_view field, int most) {
  return MakeError(
      StatusCode::kInvalidArgument,
      fmt::format("{} leads back to this organisation, or over more than {} others; choose another one",
                  field, most),
      {.reason = "ORGANISATION_CIRCLE",
       .metadata = {{"field", std::string(field)}},
       .violations = {{std::string(field), "an organisation that does not lead back to this one"}}});
}

absl::Status RoleNotFound(std::string_view role) {
  return MakeError(StatusCode::kNotFound, "ROLE_NOT_FOUND",
                   "there is no such role; list the organisation's roles, ended ones too",
                   {{"role", std::string(role)}});
}

absl::Status TimeWrong(std::string_view field) {
  return MakeError(StatusCode::kInvalidArgument,
                   fmt::format("{} is before the start; check the dates", field),
                   {.reason = "TIME_WRONG",
                    .metadata = {{"field", std::string(field)}},
                    .violations = {{std::string(field), "not before the start"}}});
}

absl::Status IdWrong(std::string_view field) {
  return MakeError(
      StatusCode::kInvalidArgument,
      fmt::format("{} must be 1 to 63 characters of a-z, 0-9 and '-', not beginning or ending with '-'",
                  field),
      {.reason = "ID_WRONG",
       .metadata = {{"field", std::string(field)}},
       .violations = {{std::string(field), "use a-z, 0-9 and '-', at most 63 characters"}}});
}

absl::Status FieldMissing(std::string_view field, std::string_view expected) {
  return MakeError(StatusCode::kInvalidArgument, fmt::format("{} is missing; {}", field, expected),
                   {.reason = "FIELD_MISSING",
                    .metadata = {{"field", std::string(field)}},
                    .violations = {{std::string(field), std::string(expected)}}});
}

absl::Status MarketingNeedsConsent() {
  return MakeError(
      StatusCode::kInvalidArgument,
      "marketing by SMS or email needs consent (PECR regulation 22); set lawful_basis to "
      "LAWFUL_BASIS_CONSENT or "
      "choose another class",
      {.reason = "MARKETING_NEEDS_CONSENT",
       .metadata = {},
       .violations = {{"purpose.lawful_basis", "must be LAWFUL_BASIS_CONSENT for PURPOSE_CLASS_MARKETING"}}});
}

absl::Status PageTokenWrong() {
  return MakeError(StatusCode::kInvalidArgument, "PAGE_TOKEN_WRONG",
                   "page_token is not one of ours; send the next_page_token of the page before, or nothing");
}

absl::Status ValueUnreadable(std::string_view field) {
  return MakeError(StatusCode::kInvalidArgument,
                   fmt::format("{} cannot be read; check what was typed", field),
                   {.reason = "VALUE_UNREADABLE",
                    .metadata = {{"field", std::string(field)}},
                    .violations = {{std::string(field), "cannot be read"}}});
}

absl::Status PersonalDataDenied() {
  return MakeError(
      StatusCode::kPermissionDenied, "PERSONAL_DATA_DENIED",
      "you may not see personal data; ask for PERSON_VIEW_BASIC, or for the permission people.read_personal");
}

absl::Status ImportHeaderWrong(const std::vector<std::string>& problems) {
  std::string all;
  for (const auto& problem : problems) all += (all.empty() ? "" : "; ") + problem;
  return MakeError(StatusCode::kInvalidArgument, "IMPORT_HEADER_WRONG",
                   fmt::format("the first line does not name the columns as expected: {}", all),
                   {{"problems", all}});
}

absl::Status ImportTooLarge(std::string_view what, long long limit_bytes) {
  return MakeError(StatusCode::kInvalidArgument, "IMPORT_TOO_LARGE",
                   fmt::format("{} is larger than {} bytes; send it in smaller parts", what, limit_bytes),
                   {{"limit_bytes", std::to_string(limit_bytes)}});
}

absl::Status ImportOrderWrong() {
  return MakeError(StatusCode::kInvalidArgument, "IMPORT_ORDER_WRONG",
                   "the first message must be the header and all others data; start the import again");
}

absl::Status ImportBusy() {
  return MakeError(StatusCode::kResourceExhausted, "Other imports are running; try again in a few seconds",
                   {.reason = "IMPORT_BUSY", .metadata = {}, .violations = {}, .retry_after_ms = 5'000});
}

absl::Status CallerGone() {
  return MakeError(StatusCode::kAborted, "CALLER_GONE",
                   "the caller ended the call; what was counted is stored, send the file again");
}

absl::Status RecordMissing(std::string_view record) {
  return MakeError(StatusCode::kDataLoss, "RECORD_MISSING",
                   "a person names a record that is not in the store; restore the store from a backup",
                   {{"record", std::string(record)}});
}

}  // namespace pharos::customer::errors
