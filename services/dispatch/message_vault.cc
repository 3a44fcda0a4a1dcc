#include "services/dispatch/message_vault.h"

#include <utility>

#include "services/base/errors.h"
#include "services/dispatch/errors.h"

namespace pharos::dispatch {
namespace {

constexpr int64_t kDayMicros = int64_t{86'400} * 1'000'000;
constexpr int64_t kIdleMicros = 100'000;
constexpr int64_t kNotUsed = -2;  // the day of a key that has sealed nothing yet

std::string AssociatedWith(const std::string& id) {
  return "message " + id;
}
std::string ReplyOf(const std::string& id) {
  return "reply " + id;
}
std::string NoteOf(const std::string& id) {
  return "note " + id;
}

bool IsDestroyed(const absl::Status& status) {
  return base::ReasonOf(status) == "KEY_DESTROYED";
}

}  // namespace

class MessageVault::LateSource : public storage::KeySource {
 public:
  void Bind(std::unique_ptr<storage::KeySource> access) {
    base::MutexLock lock(mutex_);
    access_ = std::move(access);
  }
  absl::StatusOr<std::vector<storage::DataKey>> Create(size_t) override {
    const auto access = Access();
    if (access == nullptr) return DispatchErrors::KeysAway();
    return access->Create(1);  // one a day is used
  }
  absl::StatusOr<std::vector<storage::DataKey>> Fetch(const std::vector<uint64_t>& ids) override {
    const auto access = Access();
    if (access == nullptr) return DispatchErrors::KeysAway();
    return access->Fetch(ids);
  }

 private:
  std::shared_ptr<storage::KeySource> Access() {
    base::MutexLock lock(mutex_);
    return access_;
  }
  base::Mutex mutex_;
  std::shared_ptr<storage::KeySource> access_ ABSL_GUARDED_BY(mutex_);
};

MessageVault::MessageVault(bool seal) : MessageVault(seal ? std::make_unique<LateSource>() : nullptr) {}

MessageVault::MessageVault(std::unique_ptr<LateSource> source)
    : source_(source.get()), ring_(std::move(source)) {}

MessageVault::~MessageVault() {
  Stop();
}

void MessageVault::Start(std::unique_ptr<storage::KeySource> access, Destroyer destroyer) {
  if (source_ != nullptr) source_->Bind(std::move(access));
  destroyer_ = std::move(destroyer);
  {
    base::MutexLock lock(mutex_);
    fetching_ = source_ != nullptr && jobs_.TryPush([this] { FetchReplyKey(kNotUsed); });
  }
  worker_ = std::thread([this] { Work(); });
}

void MessageVault::Stop() {
  jobs_.Close();
  if (worker_.joinable()) worker_.join();
}

void MessageVault::Work() {
  while (!jobs_.closed()) {
    for (auto& job : jobs_.PopAll(1, kIdleMicros)) job();
  }
}

absl::StatusOr<MessageVault::Sealed> MessageVault::Seal(const record::v1::MessageContentRow& content,
                                                        const std::string& id, int64_t now_us) {
  const int64_t day = now_us / kDayMicros;
  storage::DataKey key;
  {
    base::MutexLock lock(mutex_);
    if (day_ == day) key = today_;
  }
  if (key.id == 0 && ring_.seals()) {
    // Two at once may each take one: the later one is used from then on.
    PHAROS_ASSIGN_OR_RETURN(key, ring_.Fresh());
    base::MutexLock lock(mutex_);
    today_ = key;
    day_ = day;
  }
  return Sealed{storage::Seal(key, content.SerializeAsString(), AssociatedWith(id)), key.id};
}

absl::StatusOr<record::v1::MessageContentRow> MessageVault::Open(const std::string& envelope,
                                                                 const std::string& id) {
  if (const Content kept = Find(id)) return *kept;
  PHAROS_ASSIGN_OR_RETURN(const std::string bytes, storage::Unseal(ring_, envelope, AssociatedWith(id)));
  record::v1::MessageContentRow content;
  if (!content.ParseFromString(bytes)) return DispatchErrors::MessageDamaged();
  return content;
}

absl::Status MessageVault::Prepare(const std::vector<std::string>& envelopes) {
  std::vector<uint64_t> ids;
  for (const std::string& envelope : envelopes) {
    PHAROS_ASSIGN_OR_RETURN(const uint64_t id, storage::KeyIdOf(envelope));
    if (id != 0) ids.push_back(id);
  }
  return ring_.Prefetch(ids);
}

std::optional<MessageVault::Sealed> MessageVault::SealReply(const record::v1::ReplyContentRow& content,
                                                            const std::string& id, int64_t now_us) {
  const int64_t day = now_us / kDayMicros;
  storage::DataKey key;
  if (ring_.seals()) {
    base::MutexLock lock(mutex_);
    if (reply_day_ == kNotUsed) reply_day_ = day;
    if (reply_day_ != day && !fetching_) fetching_ = jobs_.TryPush([this, day] { FetchReplyKey(day); });
    // Yesterday's will do while access is away at midnight.
    if (reply_day_ != day && reply_day_ != day - 1) return std::nullopt;
    key = reply_key_;
  }
  return Sealed{storage::Seal(key, content.SerializeAsString(), ReplyOf(id)), key.id};
}

void MessageVault::FreshenReplyKey(int64_t now_us) {
  if (!ring_.seals()) return;
  const int64_t day = now_us / kDayMicros;
  base::MutexLock lock(mutex_);
  if (reply_day_ == kNotUsed || reply_day_ == day || fetching_) return;
  fetching_ = jobs_.TryPush([this, day] { FetchReplyKey(day); });
}

void MessageVault::FetchReplyKey(int64_t day) {
  auto key = ring_.Fresh();
  base::MutexLock lock(mutex_);
  fetching_ = false;
  if (!key.ok()) return;  // whoever needs it next asks again
  reply_key_ = *std::move(key);
  reply_day_ = day;
}

absl::StatusOr<record::v1::ReplyContentRow> MessageVault::OpenReply(const std::string& envelope,
                                                                    const std::string& id) {
  record::v1::ReplyContentRow content;
  const auto bytes = storage::Unseal(ring_, envelope, ReplyOf(id));
  if (IsDestroyed(bytes.status())) return content;
  PHAROS_RETURN_IF_ERROR(bytes.status());
  if (!content.ParseFromString(*bytes)) return DispatchErrors::MessageDamaged();
  return content;
}

absl::StatusOr<std::string> MessageVault::SealNote(std::string_view note, const std::string& content,
                                                   const std::string& id) {
  storage::DataKey key;
  PHAROS_ASSIGN_OR_RETURN(const uint64_t key_id, storage::KeyIdOf(content));
  if (key_id != 0) {
    auto found = ring_.Get(key_id);
    if (IsDestroyed(found.status())) return DispatchErrors::ReplyForgotten();
    PHAROS_ASSIGN_OR_RETURN(key, std::move(found));
  }
  return storage::Seal(key, note, NoteOf(id));
}

absl::StatusOr<std::string> MessageVault::OpenNote(const std::string& envelope, const std::string& id) {
  auto note = storage::Unseal(ring_, envelope, NoteOf(id));
  if (IsDestroyed(note.status())) return std::string();
  return note;
}

void MessageVault::Note(const std::string& id, Content content) {
  if (kept_.insert_or_assign(id, std::move(content)).second) order_.push_back(id);
  while (order_.size() > kMostKept) {
    kept_.erase(order_.front());
    order_.pop_front();
  }
}

void MessageVault::Keep(const std::string& id, record::v1::MessageContentRow content) {
  auto kept = std::make_shared<const record::v1::MessageContentRow>(std::move(content));
  base::MutexLock lock(mutex_);
  Note(id, std::move(kept));
}

MessageVault::Content MessageVault::Find(const std::string& id) const {
  base::MutexLock lock(mutex_);
  const auto at = kept_.find(id);
  return at == kept_.end() ? nullptr : at->second;
}

void MessageVault::Fetch(const std::string& id, const std::string& envelope) {
  (void)jobs_.TryPush([this, id, envelope] {
    auto content = Open(envelope, id);
    if (content.ok()) return Keep(id, *std::move(content));
    if (absl::IsUnavailable(content.status())) return;  // access is away: it is asked for again
    base::MutexLock lock(mutex_);
    Note(id, nullptr);
  });
}

bool MessageVault::IsGone(const std::string& id) const {
  base::MutexLock lock(mutex_);
  const auto at = kept_.find(id);
  return at != kept_.end() && at->second == nullptr;
}

void MessageVault::Drop(const std::string& id) {
  base::MutexLock lock(mutex_);
  kept_.erase(id);
}

void MessageVault::Destroy(uint64_t key, std::function<void(absl::Status)> done) {
  const bool taken = jobs_.TryPush([this, key, done] {
    const absl::Status status =
        destroyer_ == nullptr ? DispatchErrors::KeysAway() : destroyer_(std::vector<uint64_t>{key});
    if (status.ok()) ring_.Forget(key);
    done(status);
  });
  if (!taken) done(DispatchErrors::KeysAway());
}

}  // namespace pharos::dispatch
