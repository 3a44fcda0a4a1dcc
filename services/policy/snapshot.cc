#include "services/policy/snapshot.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>

#include "services/base/errors.h"
#include "services/base/ids.h"

namespace pharos::policy {
namespace {

constexpr size_t kKeyBytes = 32;
constexpr size_t kSignatureBytes = 64;

const uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

bool Verifies(const std::string& key, std::string_view bytes, std::string_view signature) {
  if (key.size() != kKeyBytes || signature.size() != kSignatureBytes) return false;
  EVP_PKEY* pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Bytes(key), key.size());
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  const bool good =
      pkey != nullptr && context != nullptr &&
      EVP_DigestVerifyInit(context, nullptr, nullptr, nullptr, pkey) == 1 &&
      EVP_DigestVerify(context, Bytes(signature), signature.size(), Bytes(bytes), bytes.size()) == 1;
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(pkey);
  return good;
}

}  // namespace

SnapshotHolder::SnapshotHolder() {
  auto empty = std::make_shared<Snapshot>();
  empty->policy = Policy::Shipped();
  snapshot_ = std::move(empty);
}

std::shared_ptr<const Snapshot> SnapshotHolder::Get() const {
  base::MutexLock lock(mutex_);
  return snapshot_;
}

void SnapshotHolder::Set(Snapshot snapshot) {
  if (snapshot.policy == nullptr) snapshot.policy = Policy::Shipped();
  const auto fresh = std::make_shared<const Snapshot>(std::move(snapshot));
  base::MutexLock one_at_a_time(
      set_mutex_);  // so that nobody who watches sees an older one after a newer one
  std::vector<std::function<void(const Snapshot&)>> watchers;
  {
    base::MutexLock lock(mutex_);
    if (fresh->version < snapshot_->version) return;
    snapshot_ = fresh;
    watchers = watchers_;
  }
  for (const auto& watcher : watchers) watcher(*fresh);
}

void SnapshotHolder::Watch(std::function<void(const Snapshot&)> changed) {
  base::MutexLock lock(mutex_);
  watchers_.push_back(std::move(changed));
}

std::string ApprovalBytes(std::string_view manifest, std::string_view approver, int64_t time_us) {
  return fmt::format("pharos approval 1\n{}{}\n{}", base::Sha256(manifest), approver, time_us);
}

absl::Status CheckApprovalSignature(std::string_view manifest, std::string_view approver, int64_t time_us,
                                    std::string_view signature, const std::vector<std::string>& keys) {
  const std::string bytes = ApprovalBytes(manifest, approver, time_us);
  const bool good = std::any_of(keys.begin(), keys.end(),
                                [&](const std::string& key) { return Verifies(key, bytes, signature); });
  if (good) return absl::OkStatus();
  return base::MakeError(
      absl::StatusCode::kPermissionDenied, "APPROVAL_FORGED",
      "The approval was not signed by this installation's access service, or what it approves was "
      "changed afterwards. Submit the campaign again and have it approved.");
}

}  // namespace pharos::policy
