// Which route a request asks for. Pure.
#pragma once

#include <string>
#include <string_view>

namespace pharos::edge {

enum class Route { kNone, kHealth, kUnsubscribe, kNotifyReceipt, kNotifyMessage, kSigned };

// The route's name for logs and metrics: never the target itself, which may hold a token.
std::string_view NameOf(Route route);

struct Target {
  Route route = Route::kNone;
  std::string token;      // of kUnsubscribe
  std::string connector;  // of callbacks
  bool welsh = false;     // ?lang=cy
  bool english = false;   // ?lang=en
};

// "/u/{token}", "/callbacks/notify/{connector}/receipt|inbound", "/callbacks/signed/{connector}", "/health".
// A token is base64url of at most 128 characters; a connector's name [a-zA-Z0-9._-], at most 64.
Target ReadTarget(std::string_view target);

}  // namespace pharos::edge
