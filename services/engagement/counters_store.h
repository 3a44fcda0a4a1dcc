// Counters, events and the feed's cursor on disk, always changed together. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/dispatch/internal/v1/feed_service.pb.h"
#include "pharos/engagement/internal/v1/feed_service.pb.h"
#include "pharos/engagement/v1/engagement_service.pb.h"
#include "pharos/record/v1/engagement.pb.h"
#include "storage/store.h"

namespace pharos::engagement {

class CountersStore {
 public:
  explicit CountersStore(storage::Store& store) : store_(store) {}

  // How far dispatch's feed has been followed.
  absl::StatusOr<uint64_t> Cursor() const;
  // Zeros for a campaign that nothing is known of.
  absl::StatusOr<record::v1::CountersRow> Load(const std::string& campaign) const;
  // Adds what came, replies for the inbox too, in one commit with the cursor; what is at or before the cursor
  // is passed over. Answers the counters that changed. Counters that would not add up stand still from then
  // on, say so (wrong_from_position) and are logged and counted once; events and other campaigns go on.
  absl::StatusOr<std::map<std::string, record::v1::CountersRow>> Apply(
      const dispatch::internal::v1::FollowEventsResponse& news);
  // Events of one campaign, oldest first, of one person or (empty) all. `size` 0 = 100. Looks at most at
  // kMostBatchesLookedAt batches a page, so a page may hold fewer than asked and still have a next one.
  // INVALID_ARGUMENT (PAGE_TOKEN_WRONG).
  absl::Status List(const std::string& campaign, const std::string& person, int size,
                    const std::string& token, engagement::v1::ListEventsResponse& page) const;

  // What happened to people after `position`, in dispatch's order, at most about kMostEngaged of them; sets
  // `to.position`: everything up to there is in it.
  absl::Status ReadEngaged(uint64_t position, internal::v1::FollowEngagementResponse& to) const;
  // Once, for a store that was written before events were kept in order. Before anything is applied.
  absl::Status OrderEvents();

  static constexpr size_t kMostEngaged = 10'000;  // some 400 KiB of a message
  static constexpr size_t kMostOrdered = 10'000;  // entries that OrderEvents writes at once
  static constexpr int kMostOnAPage = 1000;
  static constexpr size_t kMostBatchesLookedAt = 5000;  // a few megabytes of reading

 private:
  storage::Store& store_;
};

}  // namespace pharos::engagement
