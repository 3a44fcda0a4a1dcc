// The customer store: its tables and keys. Values are records of pharos/record/v1/customer.proto in an
// envelope.
#pragma once

#include <string>
#include <string_view>

#include "storage/key_codec.h"

namespace pharos::customer {

inline constexpr uint32_t kFormat = 2;  // 2: personal values in sealed parts, ledger indexes

enum Table : uint8_t {
  kSource = 1,          // String(source id) → SourceRow
  kPurpose = 2,         // String(purpose id) → PurposeRow
  kRecord = 3,          // String(source id) String(record id) → RecordRow
  kRecordVersion = 4,   // String(source id) String(record id) U64(version) → RecordRow as received
  kPerson = 5,          // String(person id) → PersonRow
  kAlias = 6,           // String(former person id) → envelope of the current person id
  kEndpoint = 7,        // Raw(16) → EndpointRow
  kEndpointPerson = 8,  // Raw(16) String(person id) → empty
  kPosting = 9,         // Raw(16: blind index of a linking key) String(source id) String(record id) → empty
  kEntry = 10,          // String(entry id) → LedgerRow
  kOptOut = 11,         // String(opt-out id) → OptOutRow
  kReply = 12,          // String(reply id) → envelope of the opt-out id
  kCounts = 13,         // → CountsRow
  kPermitTerm = 14,     // → PermitTermRow
  kPurposeVersion = 15,    // String(purpose id) U64(version) → PurposeRow that is no longer current
  kOrganisation = 16,      // String(organisation id) → OrganisationRow
  kOrganisationCode = 17,  // String(code) → envelope of the organisation id
  kRole = 18,              // String(organisation id) String(role id) → RoleRow
  kRecordEntry = 19,       // String(source id) String(record id) String(entry id) → empty
  kEndpointEntry = 20,     // Raw(16) String(entry id) → empty
  kEntriesIndexed = 21,    // → empty: tables 19 and 20 hold every entry
};

}  // namespace pharos::customer
