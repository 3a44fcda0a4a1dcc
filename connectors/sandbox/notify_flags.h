// Flags of pharos-sandbox for its simulated GOV.UK Notify.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "connectors/sandbox/notify_server.h"
#include "connectors/sdk/flags.h"

namespace pharos::sandbox {

extern const char kNotifyHelp[];
std::vector<std::string> WithNotifyFlags(std::vector<std::string> flags);
// nullptr without --notify-listen; `journal`, `inbox` and `rules` are those of the rest. INVALID_ARGUMENT
// (FLAG_WRONG) and those of NotifyServer::Start.
absl::StatusOr<std::unique_ptr<NotifyServer>> StartNotify(const sdk::Flags& flags, const std::string& journal,
                                                          std::shared_ptr<Inbox> inbox, const Rules& rules);

}  // namespace pharos::sandbox
