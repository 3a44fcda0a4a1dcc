// Keys of the API of GOV.UK Notify, from pharos.toml.
#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "services/config/config.h"
#include "services/edge/notify_api.h"

namespace pharos::edge {

// All of [edge.notify_keys], by service id. CONFIG_WRONG names the setting.
absl::StatusOr<std::map<std::string, NotifyKey>> ReadNotifyKeys(const config::Edge& edge);

}  // namespace pharos::edge
