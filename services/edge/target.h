// Which route a request asks for. Pure.
#pragma once

#include <string>
#include <string_view>

namespace pharos::edge {

enum class Route {
  kNone,
  kHealth,
  kUnsubscribe,
  kNotifyReceipt,
  kNotifyMessage,
  kSigned,
  kApi,
  kApiDocument,
  kNotifyApi,
  kConsole,
  kConsoleStream,
  kAsset,
  kLink,
  kPreferences,
};

// The route's name for logs and metrics: never the target itself, which may hold a token.
std::string_view NameOf(Route route);

struct Target {
  Route route = Route::kNone;
  std::string token;      // of kUnsubscribe, kLink, kPreferences
  std::string connector;  // of callbacks
  std::string method;     // of kApi: "/pharos.customer.v1.PersonService/GetPerson"
  bool welsh = false;     // ?lang=cy
  bool english = false;   // ?lang=en
};

// "/u/{token}" (one-click unsubscribing), "/p/{token}" (preferences), "/l/{token}" (tracked link),
// "/callbacks/notify/{connector}/receipt|inbound", "/callbacks/signed/{connector}", "/health",
// "/pharos.{service}.v1.{Service}/{Method}", "/openapi.json", "/v2/…", "/", "/console…" (a stream if it ends
// in
// "/stream"), "/assets/…". A token is base64url of at most 128 characters (256 of a link); a connector's name
// [a-zA-Z0-9._-], at most 64.
Target ReadTarget(std::string_view target);

}  // namespace pharos::edge
