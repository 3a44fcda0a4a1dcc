#include "services/audience/index_keeper.h"

#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include "services/base/log.h"
#include "services/rpc/key_client.h"
#include "services/rpc/metrics.h"

namespace pharos::audience {
namespace {

prometheus::Gauge& MakeGauge(const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(rpc::Metrics()).Add({});
}

struct Gauges {
  prometheus::Gauge& people = MakeGauge("pharos_audience_people", "People in the audience index.");
  prometheus::Gauge& index_bytes =
      MakeGauge("pharos_audience_index_bytes", "Memory of the audience index without the gate's facts.");
  prometheus::Gauge& gate_bytes =
      MakeGauge("pharos_audience_gate_bytes", "Memory of the gate's facts in the audience index.");
};

}  // namespace

IndexKeeper::IndexKeeper(PeopleIndex& index, FeedClient& feed, SnapshotShelf& shelf, base::Clock& clock,
                         std::string folder)
    : index_(index), feed_(feed), shelf_(shelf), clock_(clock), folder_(std::move(folder)) {}

void IndexKeeper::Start(const rpc::Peers& peers) {
  base::MutexLock lock(mutex_);
  if (stopped_ || thread_.joinable()) return;
  if (folder_.empty() || peers.access == nullptr) return feed_.Start(peers);
  thread_ = std::thread([this, peers] { Run(peers); });
}

void IndexKeeper::Stop() {
  std::thread thread;
  {
    base::MutexLock lock(mutex_);
    stopped_ = true;
    wake_.NotifyAll();
    thread.swap(thread_);
  }
  if (thread.joinable()) thread.join();
}

void IndexKeeper::Run(const rpc::Peers& peers) {
  const auto keys = std::make_shared<storage::KeyRing>(rpc::MakeKeyClient(peers.access, peers.token));
  shelf_.SetKeys(keys);
  const Checkpoint checkpoint(folder_, *keys);
  const absl::Status loaded = checkpoint.Load(index_);
  saved_ = loaded.ok() ? index_.position() : 0;
  saved_engagement_ = loaded.ok() ? index_.engagement_position() : 0;
  base::Log(base::LogLevel::kInfo, "audience.checkpoint_loaded",
            {{"code", static_cast<int64_t>(loaded.code())}, {"position", static_cast<int64_t>(saved_)}});
  checkpoint.Prepare();
  feed_.Start(peers);
  Measure();
  for (int64_t waited_us = 0; Pause(kMeasureEveryUs);) {
    Measure();
    waited_us += kMeasureEveryUs;
    if (waited_us < kSaveEveryUs) continue;
    SaveAndKeep(checkpoint);
    waited_us = 0;
  }
  Save(checkpoint);
}

void IndexKeeper::Measure() const {
  static auto* gauges = new Gauges;
  const PeopleIndex::Stats stats = index_.stats();
  gauges->people.Set(static_cast<double>(stats.people));
  gauges->index_bytes.Set(static_cast<double>(stats.index_bytes));
  gauges->gate_bytes.Set(static_cast<double>(stats.gate_bytes));
}

void IndexKeeper::SaveAndKeep(const Checkpoint& checkpoint) {
  const int64_t now_us = clock_.WallMicros();
  shelf_.Tidy();
  if (!Save(checkpoint) || !shelf_.Due()) return;
  const absl::Status status = shelf_.Keep(checkpoint.file(), now_us);
  base::Log(status.ok() ? base::LogLevel::kInfo : base::LogLevel::kWarning, "audience.snapshot_kept",
            {{"code", static_cast<int64_t>(status.code())}});
}

bool IndexKeeper::Save(const Checkpoint& checkpoint) {
  const uint64_t position = index_.position(), engagement = index_.engagement_position();
  if (position == saved_ && engagement == saved_engagement_) return position != 0;
  const absl::Status status = checkpoint.Save(index_);
  if (status.ok()) saved_ = position;
  if (status.ok()) saved_engagement_ = engagement;
  base::Log(status.ok() ? base::LogLevel::kInfo : base::LogLevel::kWarning, "audience.checkpoint_saved",
            {{"code", static_cast<int64_t>(status.code())}, {"position", static_cast<int64_t>(position)}});
  return status.ok() && position != 0;
}

bool IndexKeeper::Pause(int64_t micros) {
  base::MutexLock lock(mutex_);
  if (!stopped_) wake_.WaitForMicros(lock, micros);
  return !stopped_;
}

}  // namespace pharos::audience
