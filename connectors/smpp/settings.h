// The flags of pharos-smpp.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "connectors/sdk/flags.h"
#include "connectors/sdk/work_client.h"
#include "connectors/smpp/session_options.h"

namespace pharos::smpp {

extern const char kHelp[];
const std::vector<std::string>& KnownFlags();

struct Settings {
  std::string dispatch;
  sdk::WorkClientOptions work;
  SessionOptions session;
};
// INVALID_ARGUMENT: FLAG_WRONG, FILE_UNREADABLE, CA_WRONG, CERTIFICATE_WRONG; each says which flag.
absl::StatusOr<Settings> Configure(const sdk::Flags& flags);

}  // namespace pharos::smpp
