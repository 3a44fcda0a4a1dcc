// Asks whether a server is well, over gRPC's own health protocol.
#pragma once

#include <string>

#include "ops/cli/doctor.h"

namespace pharos::cli {

// Waits at most two seconds.
Answer AskHealth(const std::string& address);

}  // namespace pharos::cli
