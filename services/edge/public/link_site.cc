#include "services/edge/public/link_site.h"

#include <algorithm>

#include "services/base/text.h"
#include "services/edge/public/link_page.h"
#include "services/edge/unsubscribe_page.h"

namespace pharos::edge {
namespace {

constexpr int kRetrySeconds = 30;
constexpr size_t kMostPairs = 8;  // the page's form has one

Language LanguageOf(const Request& request) {
  if (request.target.welsh) return Language::kWelsh;
  return request.target.english ? Language::kEnglish : PreferredLanguage(request.accept_language);
}

Response OfPage(int status, LinkPage page, const Request& request, const std::string& url) {
  Response response;
  response.status = status;
  response.content_type = "text/html; charset=utf-8";
  response.body = MakeLinkPage(page, LanguageOf(request), url);
  // The button leads to another host by way of us, which may send on to yet another: browsers ask the policy
  // about all of them, and stay where they are, silently, at one that it does not name.
  response.headers.emplace_back("Content-Security-Policy",
                                PublicPagePolicy(HostOfLink(url).empty() ? "" : "https:"));
  if (status == 503) response.retry_after_s = kRetrySeconds;
  return response;
}

// What the page's own button says: scanners post forms' addresses, too.
bool IsPressed(const Request& request) {
  if (request.method != "POST") return false;
  const std::string type = base::LowerAscii(request.content_type.substr(0, request.content_type.find(';')));
  if (base::TrimAscii(type) != "application/x-www-form-urlencoded") return false;
  const auto pairs = base::Split(request.body, '&');
  for (size_t i = 0; i < std::min(pairs.size(), kMostPairs); ++i) {
    if (pairs[i] == "follow=yes") return true;
  }
  return false;
}

Response GoTo(const std::string& url) {
  Response response;
  response.status = 303;
  response.headers.emplace_back("Location", url);
  return response;
}

}  // namespace

Response LinkSite::Handle(const Request& request) {
  const bool pressed = IsPressed(request);
  const std::string& token = request.target.token;
  const auto url = pressed ? dispatch_.FollowLink(token) : dispatch_.DescribeLink(token);
  if (!url.ok()) {
    const bool unknown = absl::IsNotFound(url.status()) || absl::IsInvalidArgument(url.status());
    return unknown ? OfPage(404, LinkPage::kUnknown, request, "") : OfPage(503, LinkPage::kAway, request, "");
  }
  if (HostOfLink(*url).empty()) return OfPage(404, LinkPage::kUnknown, request, "");
  return pressed ? GoTo(*url) : OfPage(request.method == "POST" ? 400 : 200, LinkPage::kAsk, request, *url);
}

}  // namespace pharos::edge
