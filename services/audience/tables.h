// The audience store: its tables and keys. Values are records of pharos/record/v1/audience.proto in an
// envelope.
#pragma once

#include <cstdint>

namespace pharos::audience {

inline constexpr uint32_t kFormat = 1;

enum Table : uint8_t {
  kAudience = 1,         // String(audience id) → AudienceRow
  kPin = 2,              // String(pin id) → PinRow
  kMemberChunk = 3,      // String(pin id) U64(number from 0) → MemberChunkRow
  kExcludedChunk = 4,    // String(pin id) U64(number from 0) → ExcludedChunkRow
  kCampaignPin = 5,      // String(campaign id) → PinNameRow: the newest
  kPinRequest = 6,       // String(principal) String(request id) → PinRequestRow
  kDraftPin = 7,         // String(pin id) → PinNameRow: chunks are being written
  kAudienceVersion = 8,  // String(audience id) U64(version) → AudienceRow
  kQuery = 9,            // String(query id) → QueryRow; ids ascend with time
  kQueryBy = 10,         // String(principal) String(query id) → empty
  kReference = 11,       // U64(kind) → ReferenceRow
  kReferenceChunk = 12,  // U64(kind) U64(generation) U64(number from 0) → ReferenceChunkRow
  kSecret = 13,          // String("pseudonyms") → SecretRow
};

}  // namespace pharos::audience
