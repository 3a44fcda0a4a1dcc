// Data keys over the network or in process, for storage::KeyRing.
#pragma once

#include <memory>
#include <string>

#include "storage/seal.h"

namespace grpc {
class Channel;
}

namespace pharos::rpc {

// Asks access; UNAVAILABLE (ACCESS_AWAY) while it is away. Thread-safe.
std::unique_ptr<storage::KeySource> MakeKeyClient(std::shared_ptr<grpc::Channel> access, std::string token);

}  // namespace pharos::rpc
