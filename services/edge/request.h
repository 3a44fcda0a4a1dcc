// A whole HTTP request and its answer, without sockets.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/edge/target.h"
#include "services/edge/webhook_signature.h"

namespace pharos::edge {

struct Request {
  std::string method;  // "POST"
  Target target;
  std::string path;   // "/console/people", as sent, without the query
  std::string query;  // "page=2", as sent
  std::string content_type, accept_language, authorization;
  WebhookHeaders webhook;
  std::map<std::string, std::string, std::less<>> headers;  // all, names in lower case; the last of a name
  std::string asker;  // address of who asks, as far as our own proxies can be believed
  bool tls = false;   // the browser speaks TLS, with us or with a proxy of ours
  std::string body;   // raw, as signed

  std::string_view Header(std::string_view lower_case_name) const {
    const auto at = headers.find(lower_case_name);
    return at == headers.end() ? std::string_view() : std::string_view(at->second);
  }
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  int retry_after_s = 0;  // 0 = none
  std::string allow;      // of 405
  // Further headers; one that the server sets itself (Cache-Control, Content-Security-Policy) is replaced.
  std::vector<std::pair<std::string, std::string>> headers;
  // If set, the body is a stream: called again and again on a worker of its own, each text is sent at once.
  // False: it has ended. Must come back within kStreamSilence, with an empty text if there is nothing to say.
  std::function<bool(std::string& text)> next;
};

// What one group of routes does. Handle may block on calls to services; any thread.
class Site {
 public:
  virtual ~Site() = default;
  virtual Response Handle(const Request& request) = 0;
};

// The sites of a deployment; a null one is not served (404).
struct Sites {
  Site* api = nullptr;           // POST /pharos.<service>.v1.<Service>/<Method>: Connect's JSON form
  Site* api_document = nullptr;  // GET /openapi.json
  Site* notify_api = nullptr;    // /v2/…, as GOV.UK Notify's
  Site* console = nullptr;       // /console…
  Site* links = nullptr;         // /l/{token}
  Site* preferences = nullptr;   // /p/{token}

  Site* Of(Route route) const;
};

}  // namespace pharos::edge
