#include "services/rpc/credentials.h"

#include <algorithm>

#include "services/base/errors.h"
#include "services/base/ids.h"

namespace pharos::rpc {
namespace {

constexpr int64_t kRetryAfterMs = 1'000;  // a process hears of access within a second of its start

absl::Status Unknown() {
  return base::MakeError(absl::StatusCode::kUnauthenticated, "CREDENTIAL_UNKNOWN",
                         "Send a valid token in the metadata key \"authorization\" as \"Bearer <token>\".");
}

absl::Status AccessAway() {
  base::ErrorFacts facts;
  facts.reason = "ACCESS_AWAY";
  facts.retry_after_ms = kRetryAfterMs;
  return base::MakeError(
      absl::StatusCode::kUnavailable,
      "This process has not heard of the access service yet, so that it knows no caller. Start "
      "access, or wait a moment and try again.",
      facts);
}

Caller CallerOf(const policy::KnownCaller& known) {
  Caller caller;
  caller.principal = known.principal;
  caller.roles = known.roles;
  caller.internal =
      std::find(known.roles.begin(), known.roles.end(), policy::kServiceRole) != known.roles.end();
  return caller;
}

}  // namespace

Credentials::Credentials(const policy::SnapshotHolder* access, base::Clock* clock)
    : access_(access), clock_(clock != nullptr ? *clock : base::Clock::System()) {}

std::string Credentials::DigestOf(std::string_view token) {
  return base::Sha256(token);
}

void Credentials::Add(std::string_view token, Caller caller) {
  local_[DigestOf(token)] = std::move(caller);
}

absl::StatusOr<Caller> Credentials::Authenticate(std::string_view token) const {
  return AuthenticateDigest(DigestOf(token));
}

absl::StatusOr<Caller> Credentials::AuthenticateDigest(const std::string& digest) const {
  if (const auto local = local_.find(digest); local != local_.end()) return local->second;
  if (access_ == nullptr) return Unknown();
  const std::shared_ptr<const policy::Snapshot> snapshot = access_->Get();
  if (snapshot->version == 0) return AccessAway();
  const auto known = snapshot->callers.find(digest);
  if (known == snapshot->callers.end()) return Unknown();
  const int64_t end_us = known->second.expire_time_us;
  if (end_us != 0 && end_us <= clock_.WallMicros()) return Unknown();
  return CallerOf(known->second);
}

std::shared_ptr<const policy::Policy> Credentials::policy() const {
  return access_ != nullptr ? access_->Get()->policy : policy::Policy::Shipped();
}

}  // namespace pharos::rpc
