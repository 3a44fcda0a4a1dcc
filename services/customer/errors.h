// Every error of the customer service, by name. Reasons are stable; messages say what to do next and hold no
// personal data.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace pharos::customer::errors {

// NOT_FOUND PERSON_NOT_FOUND.
absl::Status PersonNotFound(std::string_view person);
// NOT_FOUND SOURCE_NOT_FOUND / PURPOSE_NOT_FOUND.
absl::Status SourceNotFound(std::string_view source);
absl::Status PurposeNotFound(std::string_view purpose);
// ALREADY_EXISTS SOURCE_EXISTS / PURPOSE_EXISTS.
absl::Status SourceExists(std::string_view source);
absl::Status PurposeExists(std::string_view purpose);
// FAILED_PRECONDITION PURPOSE_RETIRED: nothing new for it.
absl::Status PurposeRetired(std::string_view purpose);
// INVALID_ARGUMENT PURPOSE_FIXED: class and lawful basis stay.
absl::Status PurposeFixed(std::string_view purpose);
// ABORTED ETAG_MISMATCH: somebody else was quicker. INVALID_ARGUMENT ETAG_MISSING.
absl::Status EtagMismatch(std::string_view resource);
absl::Status EtagMissing(std::string_view field);
// Organisations: NOT_FOUND ORGANISATION_NOT_FOUND, ALREADY_EXISTS ORGANISATION_EXISTS and
// ORGANISATION_CODE_TAKEN, INVALID_ARGUMENT ORGANISATION_MISSING (a parent or successor that is not
// registered) and ORGANISATION_CIRCLE (one that leads back, or a chain of more than `most`).
absl::Status OrganisationNotFound(std::string_view organisation);
absl::Status OrganisationExists(std::string_view organisation);
absl::Status OrganisationCodeTaken(std::string_view organisation);
absl::Status OrganisationMissing(std::string_view field);
absl::Status OrganisationCircle(std::string_view field, int most);
// NOT_FOUND ROLE_NOT_FOUND.
absl::Status RoleNotFound(std::string_view role);
// INVALID_ARGUMENT TIME_WRONG: it ends before it begins.
absl::Status TimeWrong(std::string_view field);
// INVALID_ARGUMENT ID_WRONG: an id that people choose has another shape.
absl::Status IdWrong(std::string_view field);
// INVALID_ARGUMENT FIELD_MISSING.
absl::Status FieldMissing(std::string_view field, std::string_view expected);
// INVALID_ARGUMENT MARKETING_NEEDS_CONSENT: PECR regulation 22.
absl::Status MarketingNeedsConsent();
// INVALID_ARGUMENT PAGE_TOKEN_WRONG.
absl::Status PageTokenWrong();
// INVALID_ARGUMENT VALUE_UNREADABLE: an address or number that cannot be read. Never holds the value.
absl::Status ValueUnreadable(std::string_view field);
// PERMISSION_DENIED PERSONAL_DATA_DENIED.
absl::Status PersonalDataDenied();
// INVALID_ARGUMENT IMPORT_HEADER_WRONG; `problems` names columns.
absl::Status ImportHeaderWrong(const std::vector<std::string>& problems);
// INVALID_ARGUMENT IMPORT_TOO_LARGE.
absl::Status ImportTooLarge(std::string_view what, long long limit_bytes);
// INVALID_ARGUMENT IMPORT_ORDER_WRONG: the stream has another order than header, then data.
absl::Status ImportOrderWrong();
// RESOURCE_EXHAUSTED IMPORT_BUSY: another import has the intake.
absl::Status ImportBusy();
// ABORTED CALLER_GONE.
absl::Status CallerGone();
// DATA_LOSS RECORD_MISSING: a person names a record that is not there.
absl::Status RecordMissing(std::string_view record);

}  // namespace pharos::customer::errors
