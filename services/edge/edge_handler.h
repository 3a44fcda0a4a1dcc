// What each route does, without HTTP's own business. Blocks on calls to dispatch; thread-safe.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "services/base/clock.h"
#include "services/edge/inbound_client.h"
#include "services/edge/request.h"
#include "services/edge/unsubscribe_page.h"

namespace pharos::edge {

// Who may call back, by connector.
struct CallbackSecrets {
  std::map<std::string, std::string> tokens;                     // bearer tokens
  std::map<std::string, std::vector<std::string>> signing_keys;  // HMAC keys: the one in use, and the old one
};

class EdgeHandler {
 public:
  EdgeHandler(const InboundClient& dispatch, CallbackSecrets secrets, base::Clock& clock, Sites sites = {})
      : dispatch_(dispatch), secrets_(std::move(secrets)), clock_(clock), sites_(sites) {}

  // Answers that need nobody else: 404, 405, /health. False: Handle must be asked, where it may block.
  bool HandleAtOnce(const Request& request, Response& response) const;
  Response Handle(const Request& request);
  // Most bytes of a body on this route.
  static size_t BodyLimit(Route route);

 private:
  bool IsServed(Route route) const;
  Response Unsubscribe(const Request& request);
  Response NotifyReceipt(const Request& request);
  Response NotifyMessage(const Request& request);
  Response Signed(const Request& request);
  absl::Status CheckBearer(const Request& request) const;

  const InboundClient& dispatch_;
  const CallbackSecrets secrets_;
  base::Clock& clock_;
  const Sites sites_;
  WebhookIds seen_;
};

// 503 with Retry-After: no room, or too many requests where `status` says so.
Response Busy(int status);

}  // namespace pharos::edge
