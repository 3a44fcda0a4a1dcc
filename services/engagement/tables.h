// The engagement store: its tables and keys. Values are records of pharos/record/v1/engagement.proto in an
// envelope.
#pragma once

#include <cstdint>

namespace pharos::engagement {

inline constexpr uint32_t kFormat = 1;

enum Table : uint8_t {
  kCursor = 1,    // → FeedCursorRow
  kCounters = 2,  // String(campaign) → CountersRow
  kEvents = 3,    // String(campaign) U64(position at dispatch) → pharos.type.v1.EventBatch, its events only
};

}  // namespace pharos::engagement
