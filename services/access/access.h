// The access service, ready to be wired: who may call, what roles may do, acts of two people, data keys, the
// signature under approvals.
//
// Its folder holds the data keys, and the key file opens them. Neither is part of a data backup: whoever
// holds a backup of the other stores must not be able to read it, and a person who was erased must stay
// erased when one is restored. Access has a backup of its own, kept apart; the key file is copied once, by
// hand, to a third place.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/base/clock.h"
#include "services/rpc/peers.h"
#include "services/rpc/service.h"
#include "storage/open.h"

namespace pharos::policy {
class SnapshotHolder;
}

namespace pharos::access {

struct AccessOptions {
  std::string folder;
  std::string tokens_file;       // bootstrap file of callers (services/access/token_file.h); may be empty
  std::string kek_file;          // 32 bytes, made if missing, mode 0600; may be empty with in_memory only
  base::Clock* clock = nullptr;  // nullptr: the system's
  bool in_memory = false;
  storage::Settings store;
};

class Access {
 public:
  // What storage::Open says; TOKEN_FILE_WRONG; KEK_MISSING, KEK_WRONG, KEK_UNUSABLE in words; POLICY_WRONG if
  // this program no longer accepts the policy in force.
  static absl::StatusOr<std::unique_ptr<Access>> Open(const AccessOptions& options);
  virtual ~Access() = default;
  virtual std::vector<std::unique_ptr<rpc::Service>> Services() = 0;
  virtual void Start(const rpc::Peers& peers) = 0;
  // Ends the streams of those who follow the snapshot.
  virtual void Stop() = 0;
  // Sets the holder at once, before the server listens, and after every change. It must outlive this.
  virtual void Attach(policy::SnapshotHolder& holder) = 0;
};

}  // namespace pharos::access
