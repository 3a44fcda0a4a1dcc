#include "connectors/sandbox/timing.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace pharos::sandbox {
namespace {

constexpr int64_t kLongestUs = int64_t{7} * 24 * 3600 * 1'000'000;  // a delay beyond a week is a slip

}  // namespace

uint64_t Hash(uint64_t seed, std::string_view what, std::string_view subject) {
  uint64_t h = 1469598103934665603ULL ^ (seed * 0x9E3779B97F4A7C15ULL);
  for (std::string_view part : {what, subject})
    for (unsigned char c : part) h = (h ^ c) * 1099511628211ULL;
  h ^= h >> 33;
  h *= 0xFF51AFD7ED558CCDULL;
  h ^= h >> 33;
  return h;
}

int64_t Delay::At(uint64_t random) const {
  const double x = static_cast<double>(random >> 11) * 0x1p-53;  // 0 ≤ x < 1
  if (kind == Kind::kFixed) return first_us;
  if (kind == Kind::kUniform) return first_us + static_cast<int64_t>(x * double(last_us - first_us + 1));
  // Pareto through (1/2, first) and (1/1000, last).
  const double shape = std::log(500.0) / std::log(std::max(1.001, double(last_us) / double(first_us)));
  return static_cast<int64_t>(
      std::min(double(last_us), double(first_us) * std::pow(0.5 / (1 - x), 1 / shape)));
}

std::optional<int64_t> ReadTime(std::string_view text) {
  int64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  const int64_t scale = unit == "us" ? 1 : unit == "ms" ? 1'000 : unit == "s" ? 1'000'000 : 0;
  if (error != std::errc() || scale == 0 || number < 0 || number > kLongestUs / scale) return std::nullopt;
  return number * scale;
}

std::optional<Delay> ReadDelay(std::string_view text) {
  Delay delay;
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    auto fixed = ReadTime(text);
    if (!fixed) return std::nullopt;
    delay.first_us = delay.last_us = *fixed;
    return delay;
  }
  std::string_view kind = text.substr(0, colon), rest = text.substr(colon + 1);
  const size_t second = rest.find(':');
  if (second == std::string_view::npos || (kind != "uniform" && kind != "tail")) return std::nullopt;
  auto first = ReadTime(rest.substr(0, second)), last = ReadTime(rest.substr(second + 1));
  if (!first || !last || *first > *last || (kind == "tail" && *first == 0)) return std::nullopt;
  delay.kind = kind == "tail" ? Delay::Kind::kTail : Delay::Kind::kUniform;
  delay.first_us = *first;
  delay.last_us = *last;
  return delay;
}

bool Bucket::Take(int64_t now_us) {
  if (last_us_ >= 0) tokens_ = std::min(burst_, tokens_ + double(now_us - last_us_) * per_second_ / 1e6);
  last_us_ = now_us;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

}  // namespace pharos::sandbox
