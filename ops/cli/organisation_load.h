// pharos organisation load.
#pragma once

#include "ops/cli/command.h"

namespace pharos::cli {

Command OrganisationLoadCommand();

}  // namespace pharos::cli
