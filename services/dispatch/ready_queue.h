// The pending intents that may be tried next, read ahead from the queue on disk, by channel. Lane 0 first,
// oldest first within a lane. Used by the loop's thread only.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <unordered_set>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/record/v1/dispatch.pb.h"
#include "storage/store.h"

namespace pharos::dispatch {

class ReadyQueue {
 public:
  static constexpr uint64_t kLanes = 3;       // urgent protection, service, campaign
  static constexpr size_t kReadAhead = 2048;  // of each lane
  static constexpr int64_t kRescanMicros =
      2'000'000;  // an idle lane is read from its beginning again this often

  using MayGo = std::function<bool(const std::string& campaign)>;

  // Up to `most` intents of `channel` that are due and whose campaign may go. They stay out until Forget or
  // Return. The store's error if it cannot be read: the turn must fail.
  absl::StatusOr<std::vector<record::v1::IntentKey>> Take(const storage::Store& store, int channel,
                                                          size_t most, int64_t now_us, const MayGo& may_go);
  // The intent has left PENDING, or its queue key has changed.
  void Forget(const record::v1::IntentKey& key);
  // It was taken and nothing came of it: first in its lane again.
  void Return(int channel, uint64_t lane, const record::v1::IntentKey& key);
  // Held campaigns go on: read everything again.
  void Rescan();

 private:
  struct Lane {
    std::deque<record::v1::IntentKey> ready;
    std::string cursor;           // last key read; empty: from the beginning
    int64_t exhausted_at_us = 0;  // when the end was first reached since the last reading from the beginning
  };
  using Lanes = std::array<Lane, kLanes>;
  absl::Status Fill(const storage::Store& store, int channel, uint64_t number, int64_t now_us,
                    const MayGo& may_go);

  std::map<int, Lanes> lanes_;             // by channel
  std::unordered_set<std::string> known_;  // ready or taken
};

}  // namespace pharos::dispatch
