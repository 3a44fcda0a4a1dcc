#include "services/audience/index_keeper.h"

#include "services/base/log.h"
#include "services/rpc/key_client.h"

namespace pharos::audience {

IndexKeeper::IndexKeeper(PeopleIndex& index, FeedClient& feed, std::string folder)
    : index_(index), feed_(feed), folder_(std::move(folder)) {}

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
  storage::KeyRing keys(rpc::MakeKeyClient(peers.access, peers.token));
  const Checkpoint checkpoint(folder_, keys);
  const absl::Status loaded = checkpoint.Load(index_);
  saved_ = loaded.ok() ? index_.position() : 0;
  base::Log(base::LogLevel::kInfo, "audience.checkpoint_loaded",
            {{"code", static_cast<int64_t>(loaded.code())}, {"position", static_cast<int64_t>(saved_)}});
  checkpoint.Prepare();
  feed_.Start(peers);
  while (Pause(kSaveEveryUs)) Save(checkpoint);
  Save(checkpoint);
}

void IndexKeeper::Save(const Checkpoint& checkpoint) {
  const uint64_t position = index_.position();
  if (position == saved_) return;
  const absl::Status status = checkpoint.Save(index_);
  if (status.ok()) saved_ = position;
  base::Log(status.ok() ? base::LogLevel::kInfo : base::LogLevel::kWarning, "audience.checkpoint_saved",
            {{"code", static_cast<int64_t>(status.code())}, {"position", static_cast<int64_t>(position)}});
}

bool IndexKeeper::Pause(int64_t micros) {
  base::MutexLock lock(mutex_);
  if (!stopped_) wake_.WaitForMicros(lock, micros);
  return !stopped_;
}

}  // namespace pharos::audience
