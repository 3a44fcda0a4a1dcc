// Every permission there is. An RPC that names another one fails services/rpc/policy_test.cc.
#pragma once

#include <string_view>

namespace pharos::policy {

struct Permission {
  std::string_view name;
  bool internal;  // of calls between our own processes: no policy file may give it to a role
};

// nullptr: there is none of this name.
const Permission* FindPermission(std::string_view name);

}  // namespace pharos::policy
