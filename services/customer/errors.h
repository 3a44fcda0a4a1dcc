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
// FAILED_PRECONDITION RECORD_ERASED: an erased record takes no content any more.
absl::Status RecordErased(std::string_view record);
// NOT_FOUND RECORD_NOT_FOUND: a decision names a record that nobody sent.
absl::Status RecordNotFound(std::string_view record);
// INVALID_ARGUMENT RECORD_NAME_WRONG.
absl::Status RecordNameWrong();
// UNAVAILABLE IDENTITY_LOADING: the link index is brought up to date after a start.
absl::Status IdentityLoading();

// Agreements and partners. NOT_FOUND AGREEMENT_NOT_FOUND, ALREADY_EXISTS AGREEMENT_EXISTS, INVALID_ARGUMENT
// FIELD_UNKNOWN (with the nearest known one) and SOURCE_RESERVED.
absl::Status AgreementNotFound(std::string_view agreement);
absl::Status AgreementExists(std::string_view agreement);
absl::Status FieldUnknown(std::string_view path, std::string_view nearest);
absl::Status SourceReserved(std::string_view source);
// PERMISSION_DENIED AGREEMENT_MISSING: none that lets this caller do it; the same answer where the agreement
// or the source is somebody else's or does not exist. FAILED_PRECONDITION AGREEMENT_ENDED: it has run out or
// was ended.
absl::Status AgreementMissing();
absl::Status AgreementEnded(std::string_view agreement);
// UNAVAILABLE AGREEMENT_IN_USE: it is ended, but what was begun under it is not done yet.
absl::Status AgreementInUse(std::string_view agreement);
// PERMISSION_DENIED FIELD_NOT_AGREED, PURPOSE_NOT_AGREED: of a whole file.
absl::Status ColumnsNotAgreed(const std::vector<std::string>& columns);
absl::Status PurposeNotAgreed(std::string_view purpose);
// INVALID_ARGUMENT SYNC_ORDER_WRONG: the stream has another order than header, then items.
absl::Status SyncOrderWrong();
// Feeds: INVALID_ARGUMENT CURSOR_WRONG, OUT_OF_RANGE CURSOR_TOO_OLD, UNAVAILABLE STOPPING (come again).
absl::Status CursorWrong();
absl::Status CursorTooOld();
absl::Status Stopping();

// Decisions about who is who: NOT_FOUND ASSERTION_NOT_FOUND, INVALID_ARGUMENT ASSERTION_WRONG (`what` says
// what is wrong and what to do), FAILED_PRECONDITION ASSERTION_CONFLICT (`words` and `names` of those that it
// contradicts), FAILED_PRECONDITION RECORD_NOT_LINKED (the record is not that person's).
absl::Status AssertionNotFound(std::string_view assertion);
absl::Status AssertionWrong(std::string_view what);
absl::Status AssertionConflict(std::string_view words, std::string_view names);
absl::Status RecordNotLinked(std::string_view record);
// Reviews: INVALID_ARGUMENT REVIEW_NAME_WRONG, FAILED_PRECONDITION REVIEW_GONE; `became`: LINKED, TOLD_APART,
// NOT_LIKELY, RECORD_GONE; `by`: "assertions/…" or empty.
absl::Status ReviewNameWrong();
absl::Status ReviewGone(std::string_view became, std::string_view words, std::string_view by);
// Models: NOT_FOUND MODEL_NOT_FOUND, RESOURCE_EXHAUSTED TRAINING_BUSY, UNAVAILABLE STILL_WORKING (the same
// call again waits on).
absl::Status ModelNotFound(std::string_view model);
absl::Status TrainingBusy();
absl::Status StillWorking();

// FAILED_PRECONDITION PERSON_ERASED: nothing is known of this person any more, and nothing can be put there.
absl::Status PersonErased(std::string_view person);
// FAILED_PRECONDITION PERSON_WITHOUT_RECORDS: no source has a record of this person any more.
absl::Status PersonWithoutRecords(std::string_view person);
// NOT_FOUND PERSON_NOT_KNOWN_THEN: we did not know this person at that time.
absl::Status PersonNotKnownThen(std::string_view person);
// INVALID_ARGUMENT FIELD_NOT_CORRECTABLE: its value is made of all records (interests).
absl::Status FieldNotCorrectable(std::string_view field);
// NOT_FOUND ENTRY_NOT_FOUND. FAILED_PRECONDITION OPT_OUT_NOT_THERE (it does not stand for this person),
// OPT_OUT_DIRECT (they said it themselves; `why` in words).
absl::Status EntryNotFound(std::string_view entry);
absl::Status OptOutNotThere(std::string_view entry, std::string_view person);
absl::Status OptOutDirect(std::string_view entry, std::string_view why);
// ABORTED ERASURE_UNFINISHED: records kept coming; it goes on when asked for again.
absl::Status ErasureUnfinished(std::string_view person);

}  // namespace pharos::customer::errors
