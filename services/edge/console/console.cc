#include "services/edge/console/console.h"

#include <fmt/format.h>

#include <algorithm>

#include "pharos/access/v1/principal_service.pb.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/log.h"
#include "services/base/text.h"
#include "services/edge/console/areas.h"
#include "services/edge/console/assets.h"
#include "services/edge/console/try_out.h"
#include "services/edge/request_rate.h"

namespace pharos::edge::console {
namespace {

constexpr char kPolicy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
constexpr double kTriesPerSecond = 0.2, kTriesAtOnce = 10;  // of signing in, for each address
constexpr int kRetrySeconds = 30;

struct NavigationItem {
  const char *path, *words, *permission;
};
constexpr NavigationItem kNavigation[] = {
    {"/console", "Home", ""},
    {"/console/campaigns", "Campaigns", "campaigns.read"},
    {"/console/audiences", "Audiences", "audiences.read"},
    {"/console/templates", "Templates", "templates.read"},
    {"/console/people", "People", "people.read_personal"},
    {"/console/reviews", "Reviews", "identity.read"},
    {"/console/partners", "Partners", "agreements.read"},
    {"/console/inbox", "Inbox", "replies.read"},
    {"/console/connectors", "Connectors", "connectors.read"},
    {"/console/questions", "Questions asked", "queries.read"},
    {"/console/access", "Access", "principals.read"},
};

// A path of the console, plain enough for a header.
bool IsOurs(std::string_view path) {
  constexpr size_t kLongest = 2048;
  const bool plain =
      std::all_of(path.begin(), path.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '\\'; });
  return plain && path.size() <= kLongest && (path == "/console" || path.starts_with("/console/"));
}

class Console final : public Site {
 public:
  Console(const ConsoleOptions& options, const Backend& backend, base::Clock& clock)
      : backend_(backend),
        clock_(clock),
        assets_(options.assets),
        sessions_(clock),
        try_out_(options.try_out, backend, clock) {
    AddHomePages(routes_);
    AddCampaignPages(routes_);
    AddTemplatePages(routes_);
    AddTryOutPages(routes_);
    AddAudiencePages(routes_);
    AddPeoplePages(routes_);
    AddPartnerPages(routes_);
    AddOperationPages(routes_);
  }

  Response Handle(const Request& request) override {
    if (request.target.route == Route::kAsset) return assets_.Answer(request);
    Response response = Answer(request);
    response.headers.emplace_back("Content-Security-Policy", kPolicy);
    response.headers.emplace_back("Cross-Origin-Opener-Policy", "same-origin");
    // Without a referrer browsers do not say from where a form comes either.
    response.headers.emplace_back("Referrer-Policy", "same-origin");
    return response;
  }

 private:
  Response Answer(const Request& request) {
    if (request.path == "/") return Redirect("/console");
    Visit visit(request, backend_, clock_);
    visit.session_id = CookieOf(request);
    visit.session = sessions_.Find(visit.session_id);
    visit.sessions = &sessions_;
    if (try_out_.offered()) visit.try_out = &try_out_;
    if (absl::Status wrong = ReadForms(visit); !wrong.ok()) return OfFailure(visit, wrong);
    if (request.path == "/console/sign-in") return SignIn(visit);
    if (visit.session == nullptr) return ToSignIn(visit);
    if (request.method == "POST" && !base::SameBytes(visit.form.Get("csrf"), visit.session->csrf))
      return OfFailure(visit,
                       base::MakeError(absl::StatusCode::kPermissionDenied, "FORM_FOREIGN",
                                       "This form is from an earlier visit. Go back, reload the page, and "
                                       "send it again."));
    if (request.path == "/console/sign-out" && request.method == "POST") return SignOut(visit);
    return OfPage(visit);
  }

  absl::Status ReadForms(Visit& visit) {
    PHAROS_ASSIGN_OR_RETURN(visit.query, ReadPairs(visit.request.query));
    if (visit.request.method != "POST") return absl::OkStatus();
    // A browser says where a form comes from; a form of another site has no business here.
    const std::string_view origin = visit.request.Header("origin");
    const size_t scheme = origin.find("://");
    const std::string_view host = scheme == std::string_view::npos ? origin : origin.substr(scheme + 3);
    if (!origin.empty() && host != visit.request.Header("host"))
      return base::MakeError(absl::StatusCode::kPermissionDenied, "FORM_FOREIGN",
                             "This form comes from another site. Open the console and send it from there.");
    PHAROS_ASSIGN_OR_RETURN(visit.form, ReadForm(visit.request.content_type, visit.request.body));
    return absl::OkStatus();
  }

  Response OfPage(Visit& visit) {
    const Routes::Route* route = routes_.Find(visit.request.method, visit.request.path, visit.args);
    if (route == nullptr)
      return OfFailure(visit,
                       base::MakeError(absl::StatusCode::kNotFound, "PAGE_NOT_FOUND",
                                       "If you typed the address, check it. If you followed a link, go back "
                                       "and tell whoever keeps Pharos running."));
    if (!route->permission.empty() && !visit.May(route->permission))
      return OfFailure(visit,
                       base::MakeError(absl::StatusCode::kPermissionDenied, "PERMISSION_DENIED",
                                       fmt::format("Your roles do not include \"{}\". Ask an operator if you "
                                                   "need it for your work.",
                                                   route->permission)));
    auto reply = route->page(visit);
    if (absl::IsUnauthenticated(reply.status())) {
      sessions_.End(visit.session_id);
      visit.session = nullptr;
      return ToSignIn(visit);
    }
    return reply.ok() ? OfReply(visit, *std::move(reply)) : OfFailure(visit, reply.status());
  }

  Response OfReply(Visit& visit, Reply reply) {
    if (!reply.go.empty()) {
      if (!reply.notice.empty()) sessions_.SetNotice(visit.session_id, reply.notice);
      return Redirect(IsOurs(reply.go) ? reply.go : "/console");
    }
    if (reply.page.empty() && reply.part.empty()) return WhileSignedIn(visit, std::move(reply.raw));
    Response response;
    response.status = reply.status;
    response.content_type = "text/html; charset=utf-8";
    AddFrame(visit, reply.model);
    response.body =
        reply.part.empty() ? FillInLayout(reply.page, reply.model) : Fill(reply.part, reply.model);
    return response;
  }

  // A stream ends with its session.
  Response WhileSignedIn(const Visit& visit, Response response) {
    if (!response.next) return response;
    auto place = sessions_.Listen(visit.session_id);
    if (place == nullptr) {  // the browser's script goes on without live numbers
      response = {};
      response.status = 429;
      response.retry_after_s = kRetrySeconds;
      response.body = "You have many pages with live numbers open. Close some of them.\n";
      return response;
    }
    response.next = [this, place = std::move(place), id = visit.session_id, next = std::move(response.next)](
                        std::string& text) { return sessions_.Lives(id) && next(text); };
    return response;
  }

  void AddFrame(Visit& visit, Model& model) {
    model["request_id"] = base::NewId(clock_.WallMicros());
    model["has_govuk"] = assets_.has_govuk();
    if (visit.session == nullptr) return;
    model["csrf"] = visit.session->csrf;
    model["signed_in"] = true;
    model["who"] = base::Segment(visit.session->principal, "principals");
    model["trial"] = !visit.session->live;
    std::string notice = visit.request.Header("x-part").empty() ? sessions_.TakeNotice(visit.session_id) : "";
    if (!notice.empty()) model["notice"] = notice;
    for (const NavigationItem& item : kNavigation) {
      if (*item.permission != 0 && !visit.May(item.permission)) continue;
      const std::string path = item.path;
      const bool here =
          path == "/console" ? visit.request.path == path : visit.request.path.starts_with(path);
      model["navigation"].push_back({{"path", path}, {"words", item.words}, {"here", here}});
    }
  }

  Response OfFailure(Visit& visit, const absl::Status& status) {
    Reply reply = Show("problem", {{"title", TitleOf(status)}, {"words", WordsOf(status)}});
    reply.status = StatusOf(status);
    if (reply.status >= 500)
      base::Log(base::LogLevel::kWarning, "console.failed", {{"reason", base::ReasonOf(status)}});
    return OfReply(visit, std::move(reply));
  }

  static int StatusOf(const absl::Status& status) {
    switch (status.code()) {
      case absl::StatusCode::kNotFound:
        return 404;
      case absl::StatusCode::kPermissionDenied:
        return 403;
      case absl::StatusCode::kInvalidArgument:
        return 400;
      case absl::StatusCode::kFailedPrecondition:
      case absl::StatusCode::kAborted:
      case absl::StatusCode::kAlreadyExists:
        return 409;
      case absl::StatusCode::kResourceExhausted:
        return 429;
      case absl::StatusCode::kUnavailable:
      case absl::StatusCode::kDeadlineExceeded:
        return 503;
      default:
        return 500;
    }
  }
  static std::string TitleOf(const absl::Status& status) {
    switch (StatusOf(status)) {
      case 404:
        return "Page not found";
      case 403:
        return "You cannot do this";
      case 503:
        return "Part of Pharos is away";
      default:
        return "There is a problem";
    }
  }

  // ---- Signing in ---------------------------------------------------------------------------------------

  static std::string_view CookieName(const Request& request) {
    return request.tls ? "__Host-pharos" : "pharos";
  }
  static std::string CookieOf(const Request& request) {
    for (const std::string& pair : base::Split(request.Header("cookie"), ';')) {
      const std::string_view trimmed = base::TrimAscii(pair);
      const size_t equals = trimmed.find('=');
      if (trimmed.substr(0, equals) == CookieName(request) && equals != std::string_view::npos)
        return std::string(trimmed.substr(equals + 1));
    }
    return "";
  }
  static std::string Cookie(const Request& request, std::string_view value, std::string_view rest) {
    return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict{}{}", CookieName(request), value,
                       request.tls ? "; Secure" : "", rest);
  }

  static Response Redirect(const std::string& path) {
    Response response;
    response.status = 303;
    response.headers.emplace_back("Location", path);
    return response;
  }

  Response ToSignIn(const Visit& visit) {
    if (!visit.request.Header("x-part").empty() || visit.request.target.route == Route::kConsoleStream) {
      Response response;
      response.status = 401;
      return response;
    }
    const bool back = visit.request.method == "GET" && visit.request.path != "/console";
    return Redirect(back ? "/console/sign-in?next=" + EscapeForUrl(visit.request.path) : "/console/sign-in");
  }

  Response ShowSignIn(Visit& visit, const std::string& error) {
    const std::string next =
        visit.request.method == "POST" ? visit.form.Get("next") : visit.query.Get("next");
    Model model = {{"title", "Sign in"}, {"next", next}};
    if (error.empty()) return OfReply(visit, Show("sign_in", std::move(model)));
    return OfReply(visit, ShowErrors("sign_in", std::move(model), {{"key", error}}));
  }

  Response SignIn(Visit& visit) {
    if (visit.session != nullptr && visit.request.method != "POST") return Redirect("/console");
    if (visit.request.method != "POST") return ShowSignIn(visit, "");
    if (!AdmitTry(visit.request.asker))
      return ShowSignIn(visit, "There were too many tries from where you are. Wait a minute and try again.");
    Session session;
    session.token = visit.form.Get("key");
    if (session.token.empty()) return ShowSignIn(visit, "Enter your access key.");
    access::v1::WhoAmIResponse who;
    const absl::Status asked = backend_.Call({session.token, ""}, access::v1::WhoAmIRequest(), &who);
    if (absl::IsUnauthenticated(asked) || absl::IsInvalidArgument(asked))
      return ShowSignIn(visit,
                        "This access key is not known. Check that you copied all of it, or ask an operator "
                        "for a new one.");
    if (!asked.ok()) return ShowSignIn(visit, WordsOf(asked));
    session.principal = who.principal();
    session.roles.insert(who.roles().begin(), who.roles().end());
    session.permissions.insert(who.permissions().begin(), who.permissions().end());
    session.live = who.live();
    sessions_.End(visit.session_id);
    const std::string next = visit.form.Get("next");
    Response response = Redirect(IsOurs(next) ? next : "/console");
    response.headers.emplace_back("Set-Cookie",
                                  Cookie(visit.request, sessions_.Begin(std::move(session)), ""));
    return response;
  }

  Response SignOut(const Visit& visit) {
    sessions_.End(visit.session_id);
    Response response = Redirect("/console/sign-in");
    response.headers.emplace_back("Set-Cookie", Cookie(visit.request, "", "; Max-Age=0"));
    response.headers.emplace_back("Clear-Site-Data", "\"cache\"");
    return response;
  }

  bool AdmitTry(const std::string& asker) {
    base::MutexLock lock(tries_mutex_);
    return tries_.Admit(asker, clock_.BootMicros());
  }

  const Backend& backend_;
  base::Clock& clock_;
  const Assets assets_;
  SessionStore sessions_;
  TryOut try_out_;
  Routes routes_;
  base::Mutex tries_mutex_;
  RequestRate tries_ ABSL_GUARDED_BY(tries_mutex_){kTriesPerSecond, kTriesAtOnce};
};

}  // namespace

std::unique_ptr<Site> MakeConsole(const ConsoleOptions& options, const Backend& backend, base::Clock& clock) {
  return std::make_unique<Console>(options, backend, clock);
}

}  // namespace pharos::edge::console
