// One request to the console by somebody who is signed in, and what a page answers. A page is a plain
// function: it reads the visit, calls services as the visitor, and replies.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/base/clock.h"
#include "services/edge/backend_client.h"
#include "services/edge/console/form.h"
#include "services/edge/console/page.h"
#include "services/edge/console/session_store.h"
#include "services/edge/request.h"

namespace pharos::edge::console {

// What a page answers; made by the functions below.
struct Reply {
  int status = 200;
  std::string page;  // a template inside the layout
  std::string part;  // a template alone, for what a script puts into a page
  Model model = Model::object();
  std::string go;      // 303 to this path of the console
  std::string notice;  // shown once where `go` leads
  Response raw;        // if none of these: as it is (downloads, streams)
};

// model["title"] is the page's heading and title. The layout adds session, navigation, csrf, request_id.
Reply Show(std::string_view page, Model model);
// A page again after a mistake (422). `errors`: field id → words, shown on top and beside the field: the
// model gets errors = [{field, text}] and error_<field> = text (characters other than letters and digits
// become "_").
Reply ShowErrors(std::string_view page, Model model,
                 const std::vector<std::pair<std::string, std::string>>& errors);
Reply ShowPart(std::string_view part, Model model);
Reply Go(std::string path, std::string notice = "");
Reply Download(std::string file_name, std::string content_type, std::string body);
// Server-sent events (WHATWG HTML, section 9.2). `next` gives one JSON object {element id: HTML} a time, or
// an empty one; false ends it.
Reply Events(std::function<bool(Model& changes)> next);

class TryOut;

class Visit {
 public:
  Visit(const Request& request, const Backend& backend, base::Clock& clock)
      : request(request), backend(backend), clock(clock) {}

  const Request& request;
  const Backend& backend;
  base::Clock& clock;
  std::shared_ptr<const Session> session;  // never null in a page
  std::string session_id;
  SessionStore* sessions = nullptr;  // whose session it is
  TryOut* try_out = nullptr;         // sends to whoever asks; null: not set up
  std::vector<std::string> args;     // what stood for each {} of the route, decoded
  FormValues form;                   // of a POST
  FormValues query;                  // of the address

  // For what personal data is looked at from now on, in this visit and later ones: "purposes/…".
  void SetPurpose(std::string purpose) {
    if (sessions == nullptr) return;
    sessions->SetPurpose(session_id, std::move(purpose));
    if (auto changed = sessions->Find(session_id)) session = std::move(changed);
  }
  bool May(std::string_view permission) const { return session->permissions.contains(permission); }
  Credential credential() const { return {session->token, session->purpose}; }
  absl::Status Call(const google::protobuf::Message& request_message,
                    google::protobuf::Message* response) const {
    return backend.Call(credential(), request_message, response);
  }
};

using PageFunction = absl::StatusOr<Reply> (*)(Visit& visit);

// The routes of the console: "/console/campaigns/{}", {} being one segment. The first that fits counts.
class Routes {
 public:
  // `permission`: without it the visitor is told whom to ask. Empty: everybody who is signed in.
  void Get(std::string pattern, std::string permission, PageFunction page);
  void Post(std::string pattern, std::string permission, PageFunction page);

  struct Route {
    std::string method;
    std::vector<std::string> pattern;
    std::string permission;
    PageFunction page;
  };
  // Null if there is none; `args` gets what stands for {}.
  const Route* Find(std::string_view method, std::string_view path, std::vector<std::string>& args) const;

 private:
  std::vector<Route> routes_;
};

// A status in words for the top of a page: its message, which says what to do next.
std::string WordsOf(const absl::Status& status);

}  // namespace pharos::edge::console
