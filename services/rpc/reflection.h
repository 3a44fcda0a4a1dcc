// grpc.reflection.v1alpha for the public services of this server. Internal services, and files that no public
// service needs, do not exist for it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "services/rpc/service.h"

namespace pharos::rpc {

// `services`: full names of everything the server serves.
std::unique_ptr<Service> MakeReflection(const std::vector<std::string>& services);

}  // namespace pharos::rpc
