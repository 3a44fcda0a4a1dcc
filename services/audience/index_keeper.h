// Keeps the index: loads its checkpoint, follows the feed from there, and saves it now and then and at the
// end; the first checkpoint of a day stays on the shelf. Without a folder there is no checkpoint.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "services/audience/checkpoint.h"
#include "services/audience/feed_client.h"
#include "services/audience/people_index.h"
#include "services/audience/snapshot_shelf.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "services/rpc/peers.h"

namespace pharos::audience {

class IndexKeeper {
 public:
  static constexpr int64_t kSaveEveryUs =
      120'000'000;  // a start after a crash follows two minutes of changes

  static constexpr int64_t kMeasureEveryUs = 10'000'000;  // its size is told by metrics

  IndexKeeper(PeopleIndex& index, FeedClient& feed, SnapshotShelf& shelf, base::Clock& clock,
              std::string folder);
  ~IndexKeeper() { Stop(); }

  // On a thread of its own.
  void Start(const rpc::Peers& peers);
  // Saves what is new. Idempotent.
  void Stop();

 private:
  void Run(const rpc::Peers& peers);
  // True: the file is as the index was when this began.
  bool Save(const Checkpoint& checkpoint);
  void Measure() const;
  void SaveAndKeep(const Checkpoint& checkpoint);
  // False: stopped.
  bool Pause(int64_t micros);

  PeopleIndex& index_;
  FeedClient& feed_;
  SnapshotShelf& shelf_;
  base::Clock& clock_;
  const std::string folder_;
  uint64_t saved_ = 0, saved_engagement_ = 0;  // positions; used by the thread only
  base::Mutex mutex_;
  base::CondVar wake_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace pharos::audience
