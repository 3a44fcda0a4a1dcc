// Delays and limits that scripts speak of. Pure: time and chance are given.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pharos::sandbox {

// "50ms", "2s", "uniform:10ms:2s", "tail:20ms:10s" (half are under the first; the slowest in a thousand
// reach the second: a Pareto tail, cut there).
struct Delay {
  enum class Kind { kFixed, kUniform, kTail } kind = Kind::kFixed;
  int64_t first_us = 0, last_us = 0;
  // `random` is spread evenly over all its values.
  int64_t At(uint64_t random) const;
};
std::optional<Delay> ReadDelay(std::string_view text);
// "5s", "20ms", "300us".
std::optional<int64_t> ReadTime(std::string_view text);

// So many a second, at most `burst` at once.
class Bucket {
 public:
  Bucket(double per_second, double burst) : per_second_(per_second), burst_(burst), tokens_(burst) {}
  bool Take(int64_t now_us);

 private:
  double per_second_, burst_, tokens_;
  int64_t last_us_ = -1;
};

// The same on every machine (FNV-1a with a last stir).
uint64_t Hash(uint64_t seed, std::string_view what, std::string_view subject);

}  // namespace pharos::sandbox
