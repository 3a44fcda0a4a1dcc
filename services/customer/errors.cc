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

absl::Status RecordErased(std::string_view record) {
  return MakeError(StatusCode::kFailedPrecondition, "RECORD_ERASED",
                   "the record was erased and takes no content any more; remove it at the source, too",
                   {{"record", std::string(record)}});
}

absl::Status RecordNotFound(std::string_view record) {
  return MakeError(StatusCode::kNotFound, "RECORD_NOT_FOUND",
                   "there is no such record; records are named sources/{source}/records/{record}",
                   {{"record", std::string(record)}});
}

absl::Status RecordNameWrong() {
  return MakeError(StatusCode::kInvalidArgument, "RECORD_NAME_WRONG",
                   "a record is named sources/{source}/records/{record}, its id 1 to 128 characters of "
                   "[A-Za-z0-9._~-]");
}

absl::Status IdentityLoading() {
  return MakeError(StatusCode::kUnavailable,
                   "what links records to people is being loaded after a start; try again in a moment",
                   {.reason = "IDENTITY_LOADING", .metadata = {}, .violations = {}, .retry_after_ms = 2'000});
}

absl::Status AgreementNotFound(std::string_view agreement) {
  return MakeError(StatusCode::kNotFound, "AGREEMENT_NOT_FOUND",
                   "there is no such agreement; list the agreements, or register it with CreateAgreement",
                   {{"agreement", std::string(agreement)}});
}

absl::Status AgreementExists(std::string_view agreement) {
  return MakeError(
      StatusCode::kAlreadyExists, "AGREEMENT_EXISTS",
      "the agreement id is taken; agreements never change, so register the new one under another id",
      {{"agreement", std::string(agreement)}});
}

absl::Status FieldUnknown(std::string_view path, std::string_view nearest) {
  const std::string advice =
      nearest.empty() ? "a field of the golden record" : fmt::format("did you mean \"{}\"?", nearest);
  return MakeError(StatusCode::kInvalidArgument,
                   fmt::format("{} names a field that there is not; {}", path, advice),
                   {.reason = "FIELD_UNKNOWN",
                    .metadata = {{"field", std::string(path)}},
                    .violations = {{std::string(path), advice}}});
}

absl::Status SourceReserved(std::string_view source) {
  return MakeError(
      StatusCode::kInvalidArgument, "SOURCE_RESERVED",
      "records of this source are made by Pharos itself; name the source of the system that sends",
      {{"source", std::string(source)}});
}

absl::Status AgreementMissing() {
  return MakeError(
      StatusCode::kPermissionDenied, "AGREEMENT_MISSING",
      "no data-sharing agreement lets you do this; name the agreement that you are a party to and "
      "that has this source, or ask information governance for one");
}

absl::Status AgreementEnded(std::string_view agreement) {
  return MakeError(StatusCode::kFailedPrecondition, "AGREEMENT_ENDED",
                   "the data-sharing agreement has ended: nothing is read or written under it any more; ask "
                   "information governance for a new one",
                   {{"agreement", std::string(agreement)}});
}

absl::Status AgreementInUse(std::string_view agreement) {
  return MakeError(
      StatusCode::kUnavailable, "AGREEMENT_IN_USE",
      "the agreement is ended and nothing new begins under it, but something begun before is not "
      "done yet; repeat the call with the same request_id to wait for it",
      {{"agreement", std::string(agreement)}});
}

absl::Status ColumnsNotAgreed(const std::vector<std::string>& columns) {
  return MakeError(StatusCode::kPermissionDenied, "FIELD_NOT_AGREED",
                   fmt::format("the agreement does not let you bring {}; leave these columns out of the file",
                               fmt::join(columns, ", ")),
                   {{"columns", fmt::format("{}", fmt::join(columns, ","))}});
}

absl::Status PurposeNotAgreed(std::string_view purpose) {
  return MakeError(StatusCode::kPermissionDenied, "PURPOSE_NOT_AGREED",
                   "the agreement does not let you speak of consent for this purpose; name one that it lists",
                   {{"purpose", std::string(purpose)}});
}

absl::Status SyncOrderWrong() {
  return MakeError(StatusCode::kInvalidArgument, "SYNC_ORDER_WRONG",
                   "send one header first, then items or batches only");
}

absl::Status CursorWrong() {
  return MakeError(
      StatusCode::kInvalidArgument, "CURSOR_WRONG",
      "this cursor was not given out by this feed under this agreement; send the last one that you "
      "got from it, or an empty one to start again");
}

absl::Status CursorTooOld() {
  return MakeError(StatusCode::kOutOfRange, "CURSOR_TOO_OLD",
                   "the changes after this cursor are not kept any more; start again with an empty cursor");
}

absl::Status Stopping() {
  return MakeError(StatusCode::kUnavailable, "STOPPING", "the service stops; go on from the last cursor");
}

absl::Status AssertionNotFound(std::string_view assertion) {
  return MakeError(StatusCode::kNotFound, "ASSERTION_NOT_FOUND",
                   "there is no such decision; list them with ListAssertions",
                   {{"assertion", std::string(assertion)}});
}

absl::Status AssertionWrong(std::string_view what) {
  return MakeError(StatusCode::kInvalidArgument, "ASSERTION_WRONG",
                   fmt::format("this cannot be decided: {}", what));
}

absl::Status AssertionConflict(std::string_view words, std::string_view names) {
  return MakeError(
      StatusCode::kFailedPrecondition, "ASSERTION_CONFLICT",
      fmt::format("somebody decided otherwise: {}. Take that decision back first if it is wrong", words),
      {{"with", std::string(names)}});
}

absl::Status RecordNotLinked(std::string_view record) {
  return MakeError(StatusCode::kFailedPrecondition, "RECORD_NOT_LINKED",
                   fmt::format("{} does not belong to this person now; read the person again", record),
                   {{"record", std::string(record)}});
}

absl::Status ReviewNameWrong() {
  return MakeError(StatusCode::kInvalidArgument, "REVIEW_NAME_WRONG",
                   "this is no review's name; take it from ListReviews");
}

absl::Status ReviewGone(std::string_view became, std::string_view words, std::string_view by) {
  return MakeError(StatusCode::kFailedPrecondition, "REVIEW_GONE",
                   fmt::format("this review does not stand any more: {}", words),
                   {{"became", std::string(became)}, {"assertion", std::string(by)}});
}

absl::Status ModelNotFound(std::string_view model) {
  return MakeError(StatusCode::kNotFound, "MODEL_NOT_FOUND",
                   fmt::format("there is no model \"{}\"; list them with ListModels", model),
                   {{"model", std::string(model)}});
}

absl::Status TrainingBusy() {
  return MakeError(StatusCode::kResourceExhausted, "A model is being trained; wait until it is made",
                   {.reason = "TRAINING_BUSY", .metadata = {}, .violations = {}, .retry_after_ms = 30'000});
}

absl::Status StillWorking() {
  return MakeError(StatusCode::kUnavailable,
                   "all records are being compared under another model; ask the same again to wait on",
                   {.reason = "STILL_WORKING", .metadata = {}, .violations = {}, .retry_after_ms = 2'000});
}

absl::Status PersonErased(std::string_view person) {
  return MakeError(StatusCode::kFailedPrecondition, "PERSON_ERASED",
                   fmt::format("{} has been erased; nothing can be said of this person any more", person),
                   {{"person", std::string(person)}});
}

absl::Status PersonWithoutRecords(std::string_view person) {
  return MakeError(StatusCode::kFailedPrecondition, "PERSON_WITHOUT_RECORDS",
                   fmt::format("no source has a record of {} any more; there is nothing to correct", person),
                   {{"person", std::string(person)}});
}

absl::Status PersonNotKnownThen(std::string_view person) {
  return MakeError(StatusCode::kNotFound, "PERSON_NOT_KNOWN_THEN",
                   fmt::format("{} was not known at that time; ask for a later one", person),
                   {{"person", std::string(person)}});
}

absl::Status FieldNotCorrectable(std::string_view field) {
  return MakeError(
      StatusCode::kInvalidArgument, "FIELD_NOT_CORRECTABLE",
      fmt::format("{} is the union of what all records say; have the source correct its record", field),
      {{"field", std::string(field)}});
}

absl::Status EntryNotFound(std::string_view entry) {
  return MakeError(StatusCode::kNotFound, "ENTRY_NOT_FOUND",
                   fmt::format("there is no entry {}; list them with ListConsentEntries", entry),
                   {{"entry", std::string(entry)}});
}

absl::Status OptOutNotThere(std::string_view entry, std::string_view person) {
  return MakeError(
      StatusCode::kFailedPrecondition, "OPT_OUT_NOT_THERE",
      fmt::format("{} is no opt-out that stands for {}; list the person's entries again", entry, person),
      {{"entry", std::string(entry)}, {"person", std::string(person)}});
}

absl::Status OptOutDirect(std::string_view entry, std::string_view why) {
  return MakeError(
      StatusCode::kFailedPrecondition, "OPT_OUT_DIRECT",
      fmt::format("{} stays: {}. If this person agrees again, record that with GrantConsent", entry, why),
      {{"entry", std::string(entry)}});
}

absl::Status ErasureUnfinished(std::string_view person) {
  return MakeError(StatusCode::kAborted, "ERASURE_UNFINISHED",
                   fmt::format("records of {} kept coming; ask for the erasure again", person),
                   {{"person", std::string(person)}});
}

}  // namespace pharos::customer::errors
