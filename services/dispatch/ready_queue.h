// The pending intents that may be tried next, read ahead from the queue on disk: by channel, lane and
// campaign. A higher lane first; within a lane the campaigns take turns, and each gives its oldest first.
// Used by the loop's thread only.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "pharos/record/v1/dispatch.pb.h"
#include "storage/store.h"

namespace pharos::dispatch {

class ReadyQueue {
 public:
  static constexpr uint64_t kLanes = 3;       // urgent protection, service, campaign
  static constexpr size_t kReadAhead = 1024;  // of each campaign
  static constexpr size_t kShare = 32;        // taken of one campaign before the next has its turn
  static constexpr int64_t kRescanMicros =
      2'000'000;  // campaigns are looked for, and an idle one is read from its beginning again, this often

  // May one more message of this campaign (of its canary, or of the rest) be tried now? Asked once for each
  // message that is taken.
  using Admit = std::function<bool(const std::string& campaign, bool canary)>;

  // Up to `most` intents of `channel` that are due and admitted. They stay out until Forget or Return. The
  // store's error if it cannot be read: the turn must fail.
  absl::StatusOr<std::vector<record::v1::IntentKey>> Take(const storage::Store& store, int channel,
                                                          size_t most, int64_t now_us, const Admit& admit);
  // The intent has left PENDING, or its queue key has changed.
  void Forget(const record::v1::IntentKey& key);
  // It was taken and nothing came of it: first in its campaign again.
  void Return(const record::v1::IntentRow& row);
  // It is PENDING from now on: its campaign is looked at without waiting for the next rescan.
  void Noted(const record::v1::IntentRow& row);
  // Held campaigns go on: read everything again.
  void Rescan();

 private:
  struct Source {  // the pending ones of a campaign's canary, or of its rest
    std::string campaign;
    uint64_t tier = 0;
    std::deque<record::v1::IntentKey> ready;
    std::string cursor;           // last key read; empty: from the beginning
    int64_t exhausted_at_us = 0;  // when the end was first reached since the last reading from the beginning
  };
  struct Lane {
    std::vector<Source> sources;
    size_t first = 0;  // whose turn it is
    int64_t looked_at_us = 0;
  };
  using Lanes = std::array<Lane, kLanes>;

  absl::Status Discover(const storage::Store& store, int channel, uint64_t number, int64_t now_us);
  absl::Status TakeFrom(const storage::Store& store, int channel, uint64_t number, size_t most,
                        int64_t now_us, const Admit& admit, std::vector<record::v1::IntentKey>& taken);
  absl::Status Fill(const storage::Store& store, int channel, uint64_t lane, Source& source, int64_t now_us);
  Source& SourceOf(Lane& lane, const std::string& campaign, uint64_t tier);

  std::map<int, Lanes> lanes_;              // by channel
  absl::flat_hash_set<std::string> known_;  // ready or taken
};

}  // namespace pharos::dispatch
