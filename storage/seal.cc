#include "storage/seal.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <deque>
#include <unordered_set>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "storage/envelope.h"

namespace pharos::storage {
namespace {

constexpr size_t kNonceBytes = 12, kTagBytes = 16, kKeyBytes = 32;
constexpr char kClearFormat = 1, kSealedFormat = 2;  // storage/envelope.h
constexpr int kMaxVarintBytes = 10;

absl::Status Damaged() {
  return base::MakeError(
      absl::StatusCode::kDataLoss, "STORE_VALUE_DAMAGED",
      "A sealed value was changed, or stands where it was not written. Check the disk and restore the newest "
      "backup.");
}
absl::Status Destroyed(uint64_t id) {
  return base::MakeError(absl::StatusCode::kFailedPrecondition, "KEY_DESTROYED",
                         "The key of this value has been destroyed: the record was erased.",
                         {{"key_id", fmt::format("{}", id)}});
}
absl::Status NoSource(uint64_t id) {
  return base::MakeError(
      absl::StatusCode::kFailedPrecondition, "KEYS_MISSING",
      "A stored value is sealed, but this process was given no keys; start it with sealing on.",
      {{"key_id", fmt::format("{}", id)}});
}

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* Bytes(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

// One context a thread: making one costs more than sealing a small value.
EVP_CIPHER_CTX* Context() {
  struct Free {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };
  thread_local const std::unique_ptr<EVP_CIPHER_CTX, Free> context(EVP_CIPHER_CTX_new());
  return context.get();
}

// Looked up once: by name at every use it costs more than sealing a small value.
const EVP_CIPHER* Cipher() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return cipher;
}

// A broken OpenSSL is not to be worked around: nothing may be written unsealed.
void Insist(int ok) {
  if (ok != 1) std::abort();
}

// Random bytes are asked for by the hundred: one call costs as much as sealing.
void PutNonce(unsigned char* to) {
  constexpr size_t kNoncesAtOnce = 128;
  thread_local unsigned char bytes[kNoncesAtOnce * kNonceBytes];
  thread_local size_t used = sizeof bytes;
  if (used == sizeof bytes) {
    Insist(RAND_bytes(bytes, sizeof bytes));
    used = 0;
  }
  std::copy_n(bytes + used, kNonceBytes, to);
  used += kNonceBytes;
}

// An envelope taken apart.
struct Opened {
  uint64_t key_id = 0;
  std::string_view payload;
};
absl::StatusOr<Opened> TakeApart(std::string_view envelope) {
  if (envelope.empty()) return Damaged();
  const char format = envelope.front();
  if (format != kClearFormat && format != kSealedFormat) return Damaged();
  envelope.remove_prefix(1);
  Opened opened;
  for (int i = 0; i < kMaxVarintBytes; ++i) {
    if (envelope.empty()) return Damaged();
    const auto byte = static_cast<uint8_t>(envelope.front());
    envelope.remove_prefix(1);
    opened.key_id |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if ((byte & 0x80) == 0) {
      opened.payload = envelope;
      if ((opened.key_id != 0) != (format == kSealedFormat)) return Damaged();
      return opened;
    }
  }
  return Damaged();
}

}  // namespace

struct KeyRing::Impl {
  explicit Impl(size_t most) : capacity(most) {}

  const size_t capacity;
  base::Mutex mutex;
  // Least recently used last.
  std::list<DataKey> order ABSL_GUARDED_BY(mutex);
  std::unordered_map<uint64_t, std::list<DataKey>::iterator> cached ABSL_GUARDED_BY(mutex);
  std::deque<DataKey> fresh ABSL_GUARDED_BY(mutex);
  // While calls to Fetch are under way: what was forgotten meanwhile must not come back with their answers.
  size_t fetching ABSL_GUARDED_BY(mutex) = 0;
  std::unordered_set<uint64_t> forgotten ABSL_GUARDED_BY(mutex);

  void Put(DataKey key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    if (const auto at = cached.find(key.id); at != cached.end()) {
      at->second->bytes = std::move(key.bytes);
      order.splice(order.begin(), order, at->second);
      return;
    }
    order.push_front(std::move(key));
    cached[order.front().id] = order.begin();
    if (order.size() <= capacity) return;
    cached.erase(order.back().id);
    order.pop_back();
  }
  bool Find(uint64_t id, DataKey& key) {
    base::MutexLock lock(mutex);
    const auto at = cached.find(id);
    if (at == cached.end()) return false;
    order.splice(order.begin(), order, at->second);
    key = *at->second;
    return true;
  }
  void BeginFetch() {
    base::MutexLock lock(mutex);
    ++fetching;
  }
  void EndFetch(std::vector<DataKey> keys) {
    base::MutexLock lock(mutex);
    for (DataKey& key : keys)
      if (key.bytes.size() == kKeyBytes && forgotten.count(key.id) == 0) Put(std::move(key));
    if (--fetching == 0) forgotten.clear();
  }
  bool TakeFresh(DataKey& key) {
    base::MutexLock lock(mutex);
    if (fresh.empty()) return false;
    key = std::move(fresh.front());
    fresh.pop_front();
    Put(key);
    return true;
  }
};

KeyRing::KeyRing(std::unique_ptr<KeySource> source, size_t capacity)
    : source_(std::move(source)), impl_(std::make_shared<Impl>(capacity)) {}

absl::StatusOr<DataKey> KeyRing::Fresh() {
  DataKey key;
  if (source_ == nullptr || impl_->TakeFresh(key)) return key;
  PHAROS_ASSIGN_OR_RETURN(std::vector<DataKey> made, source_->Create(kFreshBatch));
  {
    base::MutexLock lock(impl_->mutex);
    for (DataKey& one : made) impl_->fresh.push_back(std::move(one));
  }
  if (impl_->TakeFresh(key)) return key;
  return absl::InternalError("access gave no keys");
}

absl::StatusOr<DataKey> KeyRing::Get(uint64_t id) {
  DataKey key;
  if (impl_->Find(id, key)) return key;
  PHAROS_RETURN_IF_ERROR(Prefetch({id}));
  if (impl_->Find(id, key)) return key;
  return Destroyed(id);
}

absl::Status KeyRing::Prefetch(const std::vector<uint64_t>& ids) {
  std::vector<uint64_t> missing;
  {
    base::MutexLock lock(impl_->mutex);
    for (const uint64_t id : ids)
      if (id != 0 && impl_->cached.count(id) == 0) missing.push_back(id);
  }
  std::sort(missing.begin(), missing.end());
  missing.erase(std::unique(missing.begin(), missing.end()), missing.end());
  if (missing.empty()) return absl::OkStatus();
  if (source_ == nullptr) return NoSource(missing.front());
  for (size_t begin = 0; begin < missing.size(); begin += kFetchBatch) {
    const auto end = missing.begin() + static_cast<int64_t>(std::min(missing.size(), begin + kFetchBatch));
    impl_->BeginFetch();
    absl::StatusOr<std::vector<DataKey>> keys =
        source_->Fetch({missing.begin() + static_cast<int64_t>(begin), end});
    impl_->EndFetch(keys.ok() ? *std::move(keys) : std::vector<DataKey>());
    PHAROS_RETURN_IF_ERROR(keys.status());
  }
  return absl::OkStatus();
}

void KeyRing::Forget(uint64_t id) {
  base::MutexLock lock(impl_->mutex);
  if (impl_->fetching > 0) impl_->forgotten.insert(id);
  const auto at = impl_->cached.find(id);
  if (at == impl_->cached.end()) return;
  impl_->order.erase(at->second);
  impl_->cached.erase(at);
}

std::string Seal(const DataKey& key, std::string_view payload, std::string_view associated) {
  if (key.id == 0) return Wrap(payload);
  if (key.bytes.size() != kKeyBytes) std::abort();  // nothing may be written under half a key
  std::string sealed = Wrap({}, key.id);
  const size_t head = sealed.size();
  sealed.resize(head + kNonceBytes + payload.size() + kTagBytes);
  unsigned char* nonce = Bytes(sealed) + head;
  PutNonce(nonce);
  unsigned char* text = nonce + kNonceBytes;
  EVP_CIPHER_CTX* context = Context();
  int length = 0;
  Insist(EVP_EncryptInit_ex(context, Cipher(), nullptr, Bytes(key.bytes), nonce));
  Insist(
      EVP_EncryptUpdate(context, nullptr, &length, Bytes(associated), static_cast<int>(associated.size())));
  Insist(EVP_EncryptUpdate(context, text, &length, Bytes(payload), static_cast<int>(payload.size())));
  Insist(EVP_EncryptFinal_ex(context, text + length, &length));
  Insist(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, kTagBytes, text + payload.size()));
  return sealed;
}

absl::StatusOr<std::string> Unseal(KeyRing& ring, std::string_view envelope, std::string_view associated) {
  PHAROS_ASSIGN_OR_RETURN(const Opened opened, TakeApart(envelope));
  if (opened.key_id == 0) return std::string(opened.payload);
  if (opened.payload.size() < kNonceBytes + kTagBytes) return Damaged();
  PHAROS_ASSIGN_OR_RETURN(const DataKey key, ring.Get(opened.key_id));
  const std::string_view nonce = opened.payload.substr(0, kNonceBytes);
  const std::string_view text =
      opened.payload.substr(kNonceBytes, opened.payload.size() - kNonceBytes - kTagBytes);
  std::string tag(opened.payload.substr(opened.payload.size() - kTagBytes));
  std::string payload(text.size(), '\0');
  EVP_CIPHER_CTX* context = Context();
  int length = 0;
  Insist(EVP_DecryptInit_ex(context, Cipher(), nullptr, Bytes(key.bytes), Bytes(nonce)));
  Insist(
      EVP_DecryptUpdate(context, nullptr, &length, Bytes(associated), static_cast<int>(associated.size())));
  Insist(EVP_DecryptUpdate(context, Bytes(payload), &length, Bytes(text), static_cast<int>(text.size())));
  Insist(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()));
  if (EVP_DecryptFinal_ex(context, Bytes(payload) + length, &length) != 1) return Damaged();
  return payload;
}

absl::StatusOr<uint64_t> KeyIdOf(std::string_view envelope) {
  PHAROS_ASSIGN_OR_RETURN(const Opened opened, TakeApart(envelope));
  return opened.key_id;
}

}  // namespace pharos::storage
