// What every process knows of access: who may call, what roles may do, whether real providers may be used.
// Access owns it (services/access); the others watch it (services/rpc/snapshot_client.h). Never written in
// place: a change is a new snapshot.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "services/base/mutex.h"
#include "services/policy/policy.h"

namespace pharos::policy {

struct KnownCaller {
  std::string principal;  // "principals/…"
  std::vector<std::string> roles;
  int64_t expire_time_us = 0;  // wall time; 0 = never by itself
};

struct Snapshot {
  uint64_t version = 0;                                  // 0: nothing has been heard of access yet
  std::unordered_map<std::string, KnownCaller> callers;  // by SHA-256 of the token, 32 bytes
  std::shared_ptr<const Policy> policy;                  // never null
  uint64_t policy_version = 1;
  bool live = false;                       // real providers may be used
  std::vector<std::string> approval_keys;  // Ed25519 public keys, 32 bytes each, newest first
};

// The newest snapshot of this process. Thread-safe.
class SnapshotHolder {
 public:
  // Holds version 0: nobody may call, the shipped policy, trial mode, no key.
  SnapshotHolder();

  std::shared_ptr<const Snapshot> Get() const;
  // Takes it over if its version is not older than the one held, then calls those who watch, one after the
  // other.
  void Set(Snapshot snapshot);
  // `changed` is called after every change until the process ends, on the thread that called Set; it must be
  // quick.
  void Watch(std::function<void(const Snapshot&)> changed);

 private:
  base::Mutex set_mutex_;  // taken before mutex_; held while those who watch are called
  mutable base::Mutex mutex_;
  std::shared_ptr<const Snapshot> snapshot_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::function<void(const Snapshot&)>> watchers_ ABSL_GUARDED_BY(mutex_);
};

// OK if `signature` is Ed25519 by one of `keys` over the bytes that an approval signs
// (type/v1/manifest.proto); else PERMISSION_DENIED (APPROVAL_FORGED).
absl::Status CheckApprovalSignature(std::string_view manifest, std::string_view approver, int64_t time_us,
                                    std::string_view signature, const std::vector<std::string>& keys);
// The bytes that are signed.
std::string ApprovalBytes(std::string_view manifest, std::string_view approver, int64_t time_us);

}  // namespace pharos::policy
