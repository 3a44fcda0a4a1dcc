// Who may call this process: the tokens it knows by itself (its own service token), and those of access's
// snapshot.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "services/base/clock.h"
#include "services/policy/snapshot.h"
#include "services/rpc/call.h"

namespace pharos::rpc {

// Thread-safe once the local tokens have been added.
class Credentials {
 public:
  // Without a holder: local tokens only, and the policy that ships. The holder must outlive this.
  explicit Credentials(const policy::SnapshotHolder* access = nullptr, base::Clock* clock = nullptr);

  // A token that this process knows by itself. Before the server starts.
  void Add(std::string_view token, Caller caller);
  // UNAUTHENTICATED (CREDENTIAL_UNKNOWN): there is no such token, or it has expired; UNAVAILABLE
  // (ACCESS_AWAY): nothing has been heard of access yet, so that nobody can know.
  absl::StatusOr<Caller> Authenticate(std::string_view token) const;
  // The same by the token's digest (DigestOf), for calls that last.
  absl::StatusOr<Caller> AuthenticateDigest(const std::string& digest) const;
  // The policy in force. Never null.
  std::shared_ptr<const policy::Policy> policy() const;

  // SHA-256, 32 bytes.
  static std::string DigestOf(std::string_view token);

 private:
  const policy::SnapshotHolder* access_;
  base::Clock& clock_;
  std::unordered_map<std::string, Caller> local_;  // by digest
};

}  // namespace pharos::rpc
