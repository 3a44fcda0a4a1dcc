#include "services/dispatch/ready_queue.h"

#include <algorithm>

#include "services/base/errors.h"
#include "services/dispatch/tables.h"

namespace pharos::dispatch {
namespace {

storage::KeyWriter LaneKey(int channel, uint64_t lane) {
  return std::move(storage::KeyWriter(kQueue).U64(static_cast<uint64_t>(channel)).U64(lane));
}
std::string DueFrom(int channel, uint64_t lane, int64_t due_us) {
  return LaneKey(channel, lane).U64(static_cast<uint64_t>(due_us)).str();
}

}  // namespace

absl::StatusOr<std::vector<record::v1::IntentKey>> ReadyQueue::Take(const storage::Store& store, int channel,
                                                                    size_t most, int64_t now_us,
                                                                    const MayGo& may_go) {
  std::vector<record::v1::IntentKey> taken;
  for (uint64_t number = 0; number < kLanes && taken.size() < most; ++number) {
    Lane& lane = lanes_[channel][number];
    if (lane.ready.empty()) PHAROS_RETURN_IF_ERROR(Fill(store, channel, number, now_us, may_go));
    while (!lane.ready.empty() && taken.size() < most) {
      record::v1::IntentKey key = std::move(lane.ready.front());
      lane.ready.pop_front();
      if (may_go(key.campaign())) {
        taken.push_back(std::move(key));
      } else {
        known_.erase(IntentKeyOf(key));  // held since it was read; found again by Rescan
      }
    }
  }
  return taken;
}

absl::Status ReadyQueue::Fill(const storage::Store& store, int channel, uint64_t number, int64_t now_us,
                              const MayGo& may_go) {
  Lane& lane = lanes_[channel][number];
  if (lane.exhausted_at_us != 0 && now_us - lane.exhausted_at_us > kRescanMicros) {
    lane.cursor.clear();
    lane.exhausted_at_us = 0;
  }
  size_t read = 0;
  bool stopped = false;
  const std::string begin = lane.cursor.empty() ? LaneKey(channel, number).str() : lane.cursor + '\0';
  const auto take = [&](std::string_view key, std::string_view) {
    storage::KeyReader reader(key);
    reader.U64();
    reader.U64();
    reader.U64();
    record::v1::IntentKey intent;
    intent.set_campaign(reader.String());
    intent.set_step(reader.String());
    intent.set_person(reader.String());
    lane.cursor = std::string(key);
    if (may_go(intent.campaign()) && known_.insert(IntentKeyOf(intent)).second)
      lane.ready.push_back(std::move(intent));
    stopped = ++read >= kReadAhead;  // held campaigns may fill all of it; the next call goes on from here
    return !stopped;
  };
  PHAROS_RETURN_IF_ERROR(store.Read()->Scan({begin, DueFrom(channel, number, now_us + 1)}, take));
  if (stopped) return absl::OkStatus();
  // At the end: go on from now, past what has been deleted; what a stepping clock puts before now waits for
  // the next reading from the beginning. A change that is not committed yet may still be due at this very
  // microsecond, so the cursor stops short of it.
  if (lane.exhausted_at_us == 0) lane.exhausted_at_us = now_us;
  lane.cursor = std::max(lane.cursor, DueFrom(channel, number, now_us));
  return absl::OkStatus();
}

void ReadyQueue::Forget(const record::v1::IntentKey& key) {
  known_.erase(IntentKeyOf(key));
}

void ReadyQueue::Return(int channel, uint64_t lane, const record::v1::IntentKey& key) {
  known_.insert(IntentKeyOf(key));
  lanes_[channel][lane].ready.push_front(key);
}

void ReadyQueue::Rescan() {
  for (auto& [channel, lanes] : lanes_) {
    for (Lane& lane : lanes) {
      lane.cursor.clear();
      lane.exhausted_at_us = 0;
    }
  }
}

}  // namespace pharos::dispatch
