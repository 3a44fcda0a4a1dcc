#include "services/dispatch/ready_queue.h"

#include <algorithm>

#include "services/base/errors.h"
#include "services/dispatch/tables.h"

namespace pharos::dispatch {
namespace {

storage::KeyWriter LaneKey(int channel, uint64_t lane) {
  storage::KeyWriter key(kTurn);
  key.U64(static_cast<uint64_t>(channel)).U64(lane);
  return key;
}

std::string SourceKey(int channel, uint64_t lane, const std::string& campaign, uint64_t tier) {
  return LaneKey(channel, lane).String(campaign).U64(tier).str();
}

std::string DueFrom(int channel, uint64_t lane, const std::string& campaign, uint64_t tier, int64_t due_us) {
  return LaneKey(channel, lane).String(campaign).U64(tier).U64(static_cast<uint64_t>(due_us)).str();
}

struct Turned {
  record::v1::IntentKey key;
  uint64_t tier = 0;
};

Turned Parse(std::string_view key) {
  storage::KeyReader reader(key);
  Turned turned;
  reader.U64();
  reader.U64();
  turned.key.set_campaign(reader.String());
  turned.tier = reader.U64();
  reader.U64();
  turned.key.set_step(reader.String());
  turned.key.set_person(reader.String());
  return turned;
}

}  // namespace

absl::StatusOr<std::vector<record::v1::IntentKey>> ReadyQueue::Take(const storage::Store& store, int channel,
                                                                    size_t most, int64_t now_us,
                                                                    const Admit& admit) {
  std::vector<record::v1::IntentKey> taken;
  for (uint64_t number = 0; number < kLanes && taken.size() < most; ++number) {
    PHAROS_RETURN_IF_ERROR(Discover(store, channel, number, now_us));
    PHAROS_RETURN_IF_ERROR(TakeFrom(store, channel, number, most, now_us, admit, taken));
  }
  return taken;
}

// Which campaigns have something pending: one seek each.
absl::Status ReadyQueue::Discover(const storage::Store& store, int channel, uint64_t number, int64_t now_us) {
  Lane& lane = lanes_[channel][number];
  if (lane.looked_at_us != 0 && now_us - lane.looked_at_us <= kRescanMicros) return absl::OkStatus();
  lane.looked_at_us = now_us;
  storage::KeyRange range = storage::PrefixRange(LaneKey(channel, number).str());
  const auto view = store.Read();
  absl::flat_hash_set<std::string> found;
  for (bool more = true; more;) {
    more = false;
    PHAROS_RETURN_IF_ERROR(view->Scan(range, [&](std::string_view key, std::string_view) {
      const Turned turned = Parse(key);
      (void)SourceOf(lane, turned.key.campaign(), turned.tier);
      const std::string prefix = SourceKey(channel, number, turned.key.campaign(), turned.tier);
      range.begin = storage::PrefixRange(prefix).end;
      found.insert(prefix);
      more = true;
      return false;
    }));
  }
  std::erase_if(lane.sources, [&](const Source& source) {
    return source.ready.empty() && !found.contains(SourceKey(channel, number, source.campaign, source.tier));
  });
  return absl::OkStatus();
}

// Shares of each campaign in turn, until nobody gives anything more.
absl::Status ReadyQueue::TakeFrom(const storage::Store& store, int channel, uint64_t number, size_t most,
                                  int64_t now_us, const Admit& admit,
                                  std::vector<record::v1::IntentKey>& taken) {
  Lane& lane = lanes_[channel][number];
  std::vector<bool> done(lane.sources.size(), false);
  for (bool any = true; any && taken.size() < most;) {
    any = false;
    for (size_t i = 0; i < lane.sources.size() && taken.size() < most; ++i) {
      const size_t index = (lane.first + i) % lane.sources.size();
      Source& source = lane.sources[index];
      for (size_t share = 0; share < kShare && !done[index] && taken.size() < most; ++share) {
        if (source.ready.empty()) PHAROS_RETURN_IF_ERROR(Fill(store, channel, number, source, now_us));
        done[index] = source.ready.empty() || !admit(source.campaign, source.tier == 0);
        if (done[index]) break;
        taken.push_back(std::move(source.ready.front()));
        source.ready.pop_front();
        any = true;
      }
    }
  }
  ++lane.first;
  return absl::OkStatus();
}

absl::Status ReadyQueue::Fill(const storage::Store& store, int channel, uint64_t number, Source& source,
                              int64_t now_us) {
  if (source.exhausted_at_us != 0 && now_us - source.exhausted_at_us > kRescanMicros) {
    source.cursor.clear();
    source.exhausted_at_us = 0;
  }
  size_t read = 0;
  bool stopped = false;
  const std::string begin =
      source.cursor.empty() ? SourceKey(channel, number, source.campaign, source.tier) : source.cursor + '\0';
  const auto take = [&](std::string_view key, std::string_view) {
    Turned turned = Parse(key);
    source.cursor = std::string(key);
    if (known_.insert(IntentKeyOf(turned.key)).second) source.ready.push_back(std::move(turned.key));
    stopped = ++read >= kReadAhead;
    return !stopped;
  };
  const std::string end = DueFrom(channel, number, source.campaign, source.tier, now_us + 1);
  if (begin < end) PHAROS_RETURN_IF_ERROR(store.Read()->Scan({begin, end}, take));
  if (stopped) return absl::OkStatus();
  // At the end: go on from now, past what has been deleted; what a stepping clock puts before now waits for
  // the next reading from the beginning. A change that is not committed yet may still be due at this very
  // microsecond, so the cursor stops short of it.
  if (source.exhausted_at_us == 0) source.exhausted_at_us = now_us;
  source.cursor = std::max(source.cursor, DueFrom(channel, number, source.campaign, source.tier, now_us));
  return absl::OkStatus();
}

ReadyQueue::Source& ReadyQueue::SourceOf(Lane& lane, const std::string& campaign, uint64_t tier) {
  for (Source& source : lane.sources) {
    if (source.tier == tier && source.campaign == campaign) return source;
  }
  lane.sources.push_back({campaign, tier, {}, "", 0});
  return lane.sources.back();
}

void ReadyQueue::Forget(const record::v1::IntentKey& key) {
  known_.erase(IntentKeyOf(key));
}

void ReadyQueue::Return(const record::v1::IntentRow& row) {
  known_.insert(IntentKeyOf(row.key()));
  SourceOf(lanes_[row.channel()][row.lane()], row.key().campaign(), TierOf(row)).ready.push_front(row.key());
}

void ReadyQueue::Noted(const record::v1::IntentRow& row) {
  (void)SourceOf(lanes_[row.channel()][row.lane()], row.key().campaign(), TierOf(row));
}

void ReadyQueue::Rescan() {
  for (auto& [channel, lanes] : lanes_) {
    for (Lane& lane : lanes) {
      lane.looked_at_us = 0;
      for (Source& source : lane.sources) {
        source.cursor.clear();
        source.exhausted_at_us = 0;
      }
    }
  }
}

}  // namespace pharos::dispatch
