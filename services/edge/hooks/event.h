// One post: an event of a partner's feed in the form of Standard Webhooks 1.0: {"type", "timestamp", "data"}.
// Pure.
//
//   feed.started     {agreement, feed}: everybody follows, from the beginning; who is not among them is not
//   shared any more person.changed   {agreement, person, version, records, fields}: as FollowChanges says;
//   fields only in a full payload person.gone      {agreement, person, version} consent.changed  {agreement,
//   records, version, states: [{purpose, channel, reason}]}: as FollowConsents says, a person at a time
//
// `version` is a number in quotes, as everywhere in our JSON; a lower one is older.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace pharos::edge::hooks {

enum class Feed { kConsent, kChanges };
std::string_view NameOf(Feed feed);    // "consent", "changes"
std::string_view MethodOf(Feed feed);  // "/pharos.customer.v1.SyncService/FollowConsents"

// How much an event says. Thin ones name people and records and hold nothing that a person told us.
enum class Payload { kThin, kFull };

struct EventForm {
  Feed feed = Feed::kConsent;
  Payload payload = Payload::kThin;
  std::string agreement;  // "agreements/…"
};

// Where a message of the feed was read. The same event read again from the same place has the same id; what
// came back to an earlier state has another one, because its version is another.
struct EventPlace {
  std::string run;     // secret and random, new whenever the feed begins with everybody
  std::string cursor;  // the last one that is durable
};

struct Event {
  std::string id;       // webhook-id: of place and content
  std::string subject;  // whose state it is, so that a reader who starts again knows what was said already
  std::string body;     // JSON
};

struct Batch {
  std::vector<Event> events;  // in order
  std::string cursor;         // everything up to here is in these events and those before; empty: not yet
};

// The first event of a run.
Event FeedStarted(const EventForm& form, const EventPlace& place, int64_t now_us);
// A request for the feed from `cursor` on, and what one message of its answer says. DATA_LOSS if it cannot be
// read.
std::string RequestOf(const EventForm& form, const std::string& cursor);
absl::StatusOr<Batch> ReadBatch(const EventForm& form, const EventPlace& place, const std::string& message,
                                int64_t now_us);

}  // namespace pharos::edge::hooks
