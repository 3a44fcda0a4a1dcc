// The snapshot that every process watches: made of the store and the bootstrap file, published after each
// change. Thread-safe.
#pragma once

#include <memory>
#include <vector>

#include "pharos/access/internal/v1/snapshot_service.pb.h"
#include "services/access/token_file.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "services/policy/snapshot.h"
#include "storage/store.h"

namespace pharos::access {

class SnapshotBoard {
 public:
  SnapshotBoard(const storage::Store& store, base::Clock& clock, std::vector<FileCaller> file,
                std::string approval_key);

  // Sets the holder at once and after every change. It must outlive this.
  void Attach(policy::SnapshotHolder& holder);
  // Reads the store again and publishes what it says. Call it after every commit that changes what the
  // snapshot shows.
  absl::Status Refresh();
  // The newest one. Never null after the first Refresh that was OK.
  std::shared_ptr<const policy::Snapshot> Get() const { return newest_.Get(); }
  // The same as a message for other processes.
  std::shared_ptr<const internal::v1::Snapshot> Message() const;
  // Waits until there is a version after `version`, at most `micros`.
  void Wait(uint64_t version, int64_t micros);
  // False: it is nearly too large for a message (kMaxBytes); nothing may be added.
  bool HasRoom() const;

  static constexpr size_t kMaxBytes =
      3u << 20;  // of the 4 MiB that a message may have; the rest is for calls that run at once

 private:
  absl::StatusOr<internal::v1::Snapshot> Build() const;
  void Publish(internal::v1::Snapshot message, std::shared_ptr<const policy::Policy> policy);

  const storage::Store& store_;
  base::Clock& clock_;
  const std::vector<FileCaller> file_;
  const std::string approval_key_;
  policy::SnapshotHolder newest_;
  mutable base::Mutex mutex_;
  base::CondVar changed_;
  std::shared_ptr<const internal::v1::Snapshot> message_ ABSL_GUARDED_BY(mutex_);
  std::vector<policy::SnapshotHolder*> holders_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace pharos::access
