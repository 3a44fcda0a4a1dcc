// The engagement store: its tables and keys. Values are records of pharos/record/v1/engagement.proto in an
// envelope.
#pragma once

#include <cstdint>

namespace pharos::engagement {

// 2: events in the order of dispatch, for engagement's own feed.
inline constexpr uint32_t kFormat = 2;

enum Table : uint8_t {
  kCursor = 1,    // → FeedCursorRow
  kCounters = 2,  // String(campaign) → CountersRow
  kEvents = 3,    // String(campaign) U64(position at dispatch) → pharos.type.v1.EventBatch, what people had
  kOrder = 4,     // U64(position at dispatch) String(campaign) → empty: a batch stands in kEvents
  kOrdered = 5,   // → FeedCursorRow: kOrder has all of kEvents
  kInboxReply = 20,  // String("replies/…") → InboxRow
  kInboxList = 21,  // String(facet) U64(complement of the position at dispatch: newest first) → "replies/…"
  kInboxCount = 22,  // String(campaign; "": all) → InboxCountRow
};

}  // namespace pharos::engagement
