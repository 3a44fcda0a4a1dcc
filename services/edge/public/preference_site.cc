#include "services/edge/public/preference_site.h"

#include <optional>

#include "services/base/text.h"
#include "services/edge/public/preference_page.h"
#include "services/edge/unsubscribe_page.h"

namespace pharos::edge {
namespace {

constexpr int kRetrySeconds = 30;
constexpr size_t kMostPairs = 8;  // the page's form has two

Language LanguageOf(const Request& request) {
  if (request.target.welsh) return Language::kWelsh;
  return request.target.english ? Language::kEnglish : PreferredLanguage(request.accept_language);
}

Response OfHtml(int status, std::string html) {
  Response response;
  response.status = status;
  response.content_type = "text/html; charset=utf-8";
  response.body = std::move(html);
  response.headers.emplace_back("Content-Security-Policy", PublicPagePolicy());
  if (status == 503) response.retry_after_s = kRetrySeconds;
  return response;
}

Response OfPage(int status, PreferencePage page, const Request& request, std::string_view purpose) {
  return OfHtml(status, MakePreferencePage(page, LanguageOf(request), purpose));
}

Response OfFailed(const absl::Status& status, const Request& request) {
  const bool unknown = absl::IsNotFound(status) || absl::IsInvalidArgument(status);
  return unknown ? OfPage(404, PreferencePage::kUnknown, request, "")
                 : OfPage(503, PreferencePage::kAway, request, "");
}

// What the page's own form said: scanners post what they find, too.
struct Form {
  bool ours = false;
  std::optional<Choice> choice;
};
Form FormOf(const Request& request) {
  Form form;
  if (request.method != "POST") return form;
  const std::string type = base::LowerAscii(request.content_type.substr(0, request.content_type.find(';')));
  if (base::TrimAscii(type) != "application/x-www-form-urlencoded") return form;
  const auto pairs = base::Split(request.body, '&');
  for (size_t i = 0; i < std::min(pairs.size(), kMostPairs); ++i) {
    if (pairs[i] == "preferences=save") form.ours = true;
    if (pairs[i] == "choice=stop_purpose") form.choice = Choice::kStopPurpose;
    if (pairs[i] == "choice=stop_all") form.choice = Choice::kStopAll;
    if (pairs[i] == "choice=pause") form.choice = Choice::kPause;
    if (pairs[i] == "choice=resume") form.choice = Choice::kResume;
  }
  return form;
}

}  // namespace

Response PreferenceSite::Choose(const Request& request, Choice choice) {
  const auto chosen = dispatch_.Choose(request.target.token, choice);
  if (!chosen.ok()) return OfFailed(chosen.status(), request);
  return OfHtml(200,
                MakeChosenPage(choice, *chosen, LanguageOf(request), dispatch_.PurposeName(chosen->purpose)));
}

Response PreferenceSite::Handle(const Request& request) {
  const Form form = FormOf(request);
  if (form.ours && form.choice) return Choose(request, *form.choice);
  const auto purpose = dispatch_.DescribeUnsubscribe(request.target.token);
  if (!purpose.ok()) return OfFailed(purpose.status(), request);
  return OfPage(request.method == "POST" ? 400 : 200,
                form.ours ? PreferencePage::kMissing : PreferencePage::kAsk, request,
                dispatch_.PurposeName(*purpose));
}

}  // namespace pharos::edge
