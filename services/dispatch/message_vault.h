// What is personal in single messages and in what people answer: sealed on disk under data keys that access
// keeps (one for each life and day of dispatch), and for a while open in memory, so that a message that is
// about to leave need not wait for a key. Thread-safe; the loop's thread never waits here.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
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

  // Replies have a key of their own each day, as they are kept longer. Never waits: nullopt if there is no
  // key at hand, as access is away; one is fetched meanwhile, so try again.
  std::optional<Sealed> SealReply(const record::v1::ReplyContentRow& content, const std::string& id,
                                  int64_t now_us);
  // Now and then: fetches today's key before a reply needs it, so that the first one of a day is not lost.
  void FreshenReplyKey(int64_t now_us);
  // As Open. A destroyed key gives an empty row: what it said is not kept any more.
  absl::StatusOr<record::v1::ReplyContentRow> OpenReply(const std::string& envelope, const std::string& id);
  // A note to a reply, under the reply's key (`content` is its envelope).
  absl::StatusOr<std::string> SealNote(std::string_view note, const std::string& content,
                                       const std::string& id);
  // Likewise: "" where the key is destroyed.
  absl::StatusOr<std::string> OpenNote(const std::string& envelope, const std::string& id);

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
  void FetchReplyKey(int64_t day);

  LateSource* const source_;  // the ring's; nullptr: nothing is sealed
  storage::KeyRing ring_;
  Destroyer destroyer_;
  base::BoundedQueue<std::function<void()>> jobs_{kMostJobs};
  std::thread worker_;

  mutable base::Mutex mutex_;
  storage::DataKey today_ ABSL_GUARDED_BY(mutex_);
  int64_t day_ ABSL_GUARDED_BY(mutex_) = -1;
  storage::DataKey reply_key_ ABSL_GUARDED_BY(mutex_);
  int64_t reply_day_ ABSL_GUARDED_BY(mutex_) = -100;                       // none yet
  bool fetching_ ABSL_GUARDED_BY(mutex_) = false;                          // a key for replies is on its way
  std::unordered_map<std::string, Content> kept_ ABSL_GUARDED_BY(mutex_);  // by message id; null: gone
  std::deque<std::string> order_
      ABSL_GUARDED_BY(mutex_);  // in which they came; what was dropped since among them
};

}  // namespace pharos::dispatch
