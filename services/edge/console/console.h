// The console: pages for people who work with Pharos, at /console. They work without scripts. Signing in
// takes an access key (a principal's token); what a person may do is decided by the services, the console
// only leaves out what they would refuse.
#pragma once

#include <memory>
#include <string>

#include "services/base/clock.h"
#include "services/edge/backend_client.h"
#include "services/edge/request.h"

namespace pharos::edge::console {

// "Send it to yourself" goes out as single messages: by whom, and through what.
struct TryOutSettings {
  std::string token;       // of the principal that sends
  std::string campaign;    // "campaigns/…", STANDING; empty: not offered
  std::string sms, email;  // "templates/…"; empty: not this way
};

struct ConsoleOptions {
  std::string
      assets;  // folder of govuk-frontend (govuk-frontend.min.css, .js); empty: a plain style of our own
  TryOutSettings try_out = {};
};

// Thread-safe. `backend` and `clock` outlive it.
std::unique_ptr<Site> MakeConsole(const ConsoleOptions& options, const Backend& backend, base::Clock& clock);

}  // namespace pharos::edge::console
