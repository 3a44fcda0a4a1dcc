// What is personal in single messages: sealed on disk under data keys that access keeps (one for each life
// and day of dispatch), and for a while open in memory, so that a message that is about to leave need not
// wait for a key. Thread-safe; the loop's thread never waits here.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/record/v1/dispatch.pb.h"
#include "services/base/mutex.h"
#include "services/base/queue.h"
#include "storage/seal.h"

namespace pharos::dispatch {

class MessageVault {
 public:
  // Destroys keys in access.
  using Destroyer = std::function<absl::Status(const std::vector<uint64_t>&)>;

  // `seal` false: nothing is sealed (key id 0).
  explicit MessageVault(bool seal);
  ~MessageVault();
  // From now on keys can be had; until then a call for one is UNAVAILABLE (ACCESS_AWAY).
  void Start(std::unique_ptr<storage::KeySource> access, Destroyer destroyer);
  void Stop();

  struct Sealed {
    std::string envelope;
    uint64_t key_id = 0;
  };
  // Seals under today's key, which may take a round trip to access.
  absl::StatusOr<Sealed> Seal(const record::v1::MessageContentRow& content, const std::string& id,
                              int64_t now_us);
  // Opens; may take a round trip. FAILED_PRECONDITION (KEY_DESTROYED).
  absl::StatusOr<record::v1::MessageContentRow> Open(const std::string& envelope, const std::string& id);
  // Has the keys of all of them ready, with one call.
  absl::Status Prepare(const std::vector<std::string>& envelopes);

  using Content = std::shared_ptr<const record::v1::MessageContentRow>;
  // In memory from now on, for as long as there is room.
  void Keep(const std::string& id, record::v1::MessageContentRow content);
  // nullptr: not in memory.
  Content Find(const std::string& id) const;
  // Brings it into memory, later. Then Find has it; or IsGone says that its key was destroyed.
  void Fetch(const std::string& id, const std::string& envelope);
  bool IsGone(const std::string& id) const;
  void Drop(const std::string& id);

  // Destroys a key, later; `done` is called once access has answered.
  void Destroy(uint64_t key, std::function<void(absl::Status)> done);

  static constexpr size_t kMostKept = 65'536;  // messages in memory; some 1 KiB each
  static constexpr size_t kMostJobs = 4'096;   // past it a fetch is asked for again later

 private:
  class LateSource;
  explicit MessageVault(std::unique_ptr<LateSource> source);
  void Work();
  void Note(const std::string& id, Content content) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  LateSource* const source_;  // the ring's; nullptr: nothing is sealed
  storage::KeyRing ring_;
  Destroyer destroyer_;
  base::BoundedQueue<std::function<void()>> jobs_{kMostJobs};
  std::thread worker_;

  mutable base::Mutex mutex_;
  storage::DataKey today_ ABSL_GUARDED_BY(mutex_);
  int64_t day_ ABSL_GUARDED_BY(mutex_) = -1;
  std::unordered_map<std::string, Content> kept_ ABSL_GUARDED_BY(mutex_);  // by message id; null: gone
  std::deque<std::string> order_
      ABSL_GUARDED_BY(mutex_);  // in which they came; what was dropped since among them
};

}  // namespace pharos::dispatch
