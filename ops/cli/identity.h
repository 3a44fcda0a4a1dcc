// pharos identity is in two files; this is what the one needs of the other.
#pragma once

#include <vector>

#include "ops/cli/command.h"

namespace pharos::cli {

// train, models, diff, switch, state.
std::vector<Command> IdentityModelCommands();

}  // namespace pharos::cli
