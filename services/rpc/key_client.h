// Data keys over the network or in process, for storage::KeyRing.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "storage/seal.h"

namespace grpc {
class Channel;
}

namespace pharos::rpc {

// Asks access; UNAVAILABLE (ACCESS_AWAY) while it is away. Thread-safe.
std::unique_ptr<storage::KeySource> MakeKeyClient(std::shared_ptr<grpc::Channel> access, std::string token);

// Destroys keys there: what was sealed under them is unreadable from then on, backups included. Repeatable;
// UNAVAILABLE (ACCESS_AWAY). Thread-safe.
std::function<absl::Status(const std::vector<uint64_t>&)> MakeKeyDestroyer(
    std::shared_ptr<grpc::Channel> access, std::string token);

}  // namespace pharos::rpc
