// The model that ships with the program.
#pragma once

#include "pharos/record/v1/identity.pb.h"

namespace pharos::customer::identity {

record::v1::LinkModel DefaultRow();

}  // namespace pharos::customer::identity
