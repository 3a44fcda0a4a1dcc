#include "services/edge/target.h"

#include <algorithm>
#include <vector>

#include "services/base/text.h"

namespace pharos::edge {
namespace {

constexpr size_t kLongestToken = 128, kLongestLink = 256, kLongestConnector = 64;

bool IsWord(std::string_view text, size_t longest, std::string_view others) {
  return !text.empty() && text.size() <= longest && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           others.find(c) != std::string_view::npos;
  });
}

Target OfCallback(const std::vector<std::string>& parts) {
  Target target;
  const std::string& connector = parts[2];
  if (!IsWord(connector, kLongestConnector, "._-")) return target;
  target.connector = connector;
  if (parts[1] == "signed" && parts.size() == 3) target.route = Route::kSigned;
  if (parts[1] == "notify" && parts.size() == 4 && parts[3] == "receipt")
    target.route = Route::kNotifyReceipt;
  if (parts[1] == "notify" && parts.size() == 4 && parts[3] == "inbound")
    target.route = Route::kNotifyMessage;
  return target;
}

Target OfToken(Route route, const std::string& token, size_t longest) {
  Target target;
  if (!IsWord(token, longest, "-_")) return target;
  target.route = route;
  target.token = token;
  return target;
}

// "pharos.customer.v1.PersonService" and "GetPerson". What is internal, or not there, the site refuses.
Target OfApi(std::string_view path, const std::vector<std::string>& parts) {
  Target target;
  if (parts.size() != 2 || !IsWord(parts[0], 128, "._") || !IsWord(parts[1], 64, "")) return target;
  target.route = Route::kApi;
  target.method = path;
  return target;
}

Target OfRoute(Route route) {
  Target target;
  target.route = route;
  return target;
}

Target OfPath(std::string_view path) {
  if (path.empty() || path.front() != '/') return {};
  const std::vector<std::string> parts = base::Split(path.substr(1), '/');
  const std::string& first = parts[0];
  if (path == "/") return OfRoute(Route::kConsole);
  if (path == "/health") return OfRoute(Route::kHealth);
  if (path == "/openapi.json") return OfRoute(Route::kApiDocument);
  if (first == "u" && parts.size() == 2) return OfToken(Route::kUnsubscribe, parts[1], kLongestToken);
  if (first == "p" && parts.size() == 2) return OfToken(Route::kPreferences, parts[1], kLongestToken);
  if (first == "l" && parts.size() == 2) return OfToken(Route::kLink, parts[1], kLongestLink);
  if (first == "console") return OfRoute(parts.back() == "stream" ? Route::kConsoleStream : Route::kConsole);
  if (first == "assets" && parts.size() == 2) return OfRoute(Route::kAsset);
  if (first == "v2" && parts.size() >= 2) return OfRoute(Route::kNotifyApi);
  if (first.starts_with("pharos.")) return OfApi(path, parts);
  return parts.size() >= 3 && first == "callbacks" ? OfCallback(parts) : Target();
}

}  // namespace

std::string_view NameOf(Route route) {
  switch (route) {
    case Route::kHealth:
      return "health";
    case Route::kUnsubscribe:
      return "unsubscribe";
    case Route::kNotifyReceipt:
      return "notify_receipt";
    case Route::kNotifyMessage:
      return "notify_message";
    case Route::kSigned:
      return "signed";
    case Route::kApi:
      return "api";
    case Route::kApiDocument:
      return "api_document";
    case Route::kNotifyApi:
      return "notify_api";
    case Route::kConsole:
      return "console";
    case Route::kConsoleStream:
      return "console_stream";
    case Route::kAsset:
      return "asset";
    case Route::kLink:
      return "link";
    case Route::kPreferences:
      return "preferences";
    case Route::kNone:
      break;
  }
  return "none";
}

Target ReadTarget(std::string_view target) {
  const size_t question = target.find('?');
  Target read = OfPath(target.substr(0, question));
  if (question == std::string_view::npos) return read;
  for (const std::string& pair : base::Split(target.substr(question + 1), '&')) {
    read.welsh |= pair == "lang=cy";
    read.english |= pair == "lang=en";
  }
  return read;
}

}  // namespace pharos::edge
