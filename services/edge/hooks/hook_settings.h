// [edge.webhooks.<name>] of pharos.toml, with the files that it names read.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/config/config.h"
#include "services/edge/backend_client.h"
#include "services/edge/hooks/address_guard.h"
#include "services/edge/hooks/event.h"
#include "services/edge/hooks/receiver_url.h"
#include "services/edge/hooks/signing_key.h"

namespace pharos::edge::hooks {

struct Hook {
  std::string name;
  ReceiverUrl url;
  EventForm form;
  Credential partner;            // as whom the feed is read
  std::vector<SigningKey> keys;  // the first is the newest
  std::string ca_file;           // empty: the system's
  std::vector<Network> allowed;  // networks inside, by name
};

// Each has a thread and a stream; partners beyond that want one follower of the log for all of them.
inline constexpr size_t kMostHooks = 32;
inline constexpr size_t kMostAllowed = 16;  // networks of one webhook: more is a list of everything

// CONFIG_WRONG names the setting. Nothing is looked up or connected to.
absl::StatusOr<std::vector<Hook>> ReadHooks(const config::Edge& edge);

}  // namespace pharos::edge::hooks
