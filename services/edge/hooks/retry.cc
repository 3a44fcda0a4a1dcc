#include "services/edge/hooks/retry.h"

#include <algorithm>
#include <ctime>
#include <string>

#include "services/base/text.h"

namespace pharos::edge::hooks {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int kMostDoublings = 30;  // far beyond any longest pause

}  // namespace

Verdict VerdictOf(int status) {
  if (status >= 200 && status < 300) return Verdict::kAccepted;
  return status == 410 ? Verdict::kGone : Verdict::kAgain;
}

int64_t RetryMicros(int failures, double chance, const Pace& pace) {
  const int doublings = std::clamp(failures - 1, 0, kMostDoublings);
  const int64_t whole = std::min(pace.most_us, pace.first_us << doublings);
  return whole / 2 + static_cast<int64_t>(static_cast<double>(whole - whole / 2) * chance);
}

int64_t RetryAfterMicros(std::string_view value, int64_t now_us) {
  const std::string text(base::TrimAscii(value));
  if (text.empty()) return 0;
  if (std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    if (text.size() > 9) return kMostRetryAfterMicros;
    return std::min<int64_t>(kMostRetryAfterMicros, std::stoll(text) * kSecond);
  }
  tm date{};
  const char* end = strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
  if (end == nullptr || *end != '\0') return 0;
  return std::clamp<int64_t>(static_cast<int64_t>(timegm(&date)) * kSecond - now_us, 0,
                             kMostRetryAfterMicros);
}

}  // namespace pharos::edge::hooks
