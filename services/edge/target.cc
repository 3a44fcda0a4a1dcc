#include "services/edge/target.h"

#include <algorithm>
#include <vector>

#include "services/base/text.h"

namespace pharos::edge {
namespace {

constexpr size_t kLongestToken = 128, kLongestConnector = 64;

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

Target OfPath(std::string_view path) {
  Target target;
  if (path.empty() || path.front() != '/') return target;
  const std::vector<std::string> parts = base::Split(path.substr(1), '/');
  if (parts.size() == 1 && parts[0] == "health") target.route = Route::kHealth;
  if (parts.size() == 2 && parts[0] == "u" && IsWord(parts[1], kLongestToken, "-_")) {
    target.route = Route::kUnsubscribe;
    target.token = parts[1];
  }
  return parts.size() >= 3 && parts[0] == "callbacks" ? OfCallback(parts) : target;
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
