// The customer store: its tables and keys. Values are records of pharos/record/v1/customer.proto in an
// envelope.
#pragma once

#include <string>
#include <string_view>

#include "storage/key_codec.h"

namespace pharos::customer {

// 2: personal values in sealed parts, ledger indexes; 3: links from the index in memory, postings by NHS
// number only
inline constexpr uint32_t kFormat = 3;

enum Table : uint8_t {
  kSource = 1,         // String(source id) → SourceRow
  kPurpose = 2,        // String(purpose id) → PurposeRow
  kRecord = 3,         // String(source id) String(record id) → RecordRow
  kRecordVersion = 4,  // String(source id) String(record id) U64(version) → RecordRow as received
  kPerson = 5,         // String(person id) → PersonRow
  kAlias = 6,     // String(former person id) → envelope of the name of the record that it was born with
                  // (until format 2: of the person id at that time; both are read)
  kEndpoint = 7,  // Raw(16) → EndpointRow
  kEndpointPerson = 8,  // Raw(16) String(person id) → empty
  kPosting = 9,         // Raw(16: blind index of an NHS number) String(source id) String(record id) → empty
  kEntry = 10,          // String(entry id) → LedgerRow
  kOptOut = 11,         // String(opt-out id) → OptOutRow
  kReply = 12,          // String(reply id) → envelope of the opt-out id
  kCounts = 13,         // → CountsRow
  kPermitTerm = 14,     // → PermitTermRow
  kPurposeVersion = 15,      // String(purpose id) U64(version) → PurposeRow that is no longer current
  kOrganisation = 16,        // String(organisation id) → OrganisationRow
  kOrganisationCode = 17,    // String(code) → envelope of the organisation id
  kRole = 18,                // String(organisation id) String(role id) → RoleRow
  kRecordEntry = 19,         // String(source id) String(record id) String(entry id) → empty
  kEndpointEntry = 20,       // Raw(16) String(entry id) → empty
  kEntriesIndexed = 21,      // → empty: tables 19 and 20 hold every entry
  kPersonHistory = 22,       // String(person id) U64(until, microseconds) → PersonHistoryRow
  kAssertion = 23,           // String(assertion id) → AssertionRow
  kRecordAssertion = 24,     // String(source id) String(record id) String(assertion id) → empty
  kLinkModel = 25,           // String(model id) → LinkModel
  kLinkEpoch = 26,           // → LinkEpochRow
  kAgreement = 27,           // String(agreement id) → AgreementRow
  kSyncCursor = 28,          // String(source id) → SyncCursorRow
  kAgreementPrincipal = 29,  // String(principal id) String(agreement id) → empty
  kRecordFact = 30,          // String(source id) String(record id) String(fact id) → FactRow
  kErasure = 31,             // String(person id) String(erasure id) → ErasureRow
  kPersonRole = 32,  // String(person id as it was assigned) String(organisation id) String(role id) → empty
  kPauseEnd = 33,    // U64(until, microseconds) String(entry id) → empty: pauses that have not ended
};

}  // namespace pharos::customer
