#include "services/base/crash_point.h"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string>

namespace pharos::base::internal {
namespace {

struct Place {
  explicit Place(const char* variable) {
    const char* value = std::getenv(variable);
    if (value == nullptr) return;
    name = value;
    if (const size_t colon = name.rfind(':'); colon != std::string::npos) {
      left = std::strtol(name.c_str() + colon + 1, nullptr, 10);
      name.resize(colon);
    }
  }
  bool Reached(std::string_view at) { return !name.empty() && at == name && --left == 0; }
  std::string name;
  std::atomic<long> left = 1;
};

Place& Crash() {
  static auto* place = new Place("PHAROS_CRASH_AT");
  return *place;
}
Place& Stop() {
  static auto* place = new Place("PHAROS_STOP_AT");
  return *place;
}

}  // namespace

const bool kCrashPointsOn =
    std::getenv("PHAROS_CRASH_AT") != nullptr || std::getenv("PHAROS_STOP_AT") != nullptr;

void ReachCrashPoint(std::string_view name) {
  if (Crash().Reached(name)) std::raise(SIGKILL);
  if (Stop().Reached(name)) std::raise(SIGSTOP);
}

}  // namespace pharos::base::internal
