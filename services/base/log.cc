#include "services/base/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <memory>

#include "services/base/clock.h"

namespace pharos::base {
namespace {

std::atomic<LogLevel> g_level = LogLevel::kInfo;

std::string_view NameOf(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

void PutText(std::string& line, std::string_view text) {
  line.push_back('"');
  for (unsigned char c : text) {
    if (c == '"' || c == '\\') {
      line.push_back('\\');
      line.push_back(static_cast<char>(c));
    } else if (c < 0x20 || c == 0x7f) {
      fmt::format_to(std::back_inserter(line), "\\u{:04x}", c);
    } else {
      line.push_back(static_cast<char>(c));
    }
  }
  line.push_back('"');
}

struct PutValue {
  std::string& line;
  void operator()(const std::string& value) const { PutText(line, value); }
  void operator()(int64_t value) const { line += fmt::format("{}", value); }
  void operator()(double value) const { line += fmt::format("{:.3f}", value); }
  void operator()(bool value) const { line += value ? "true" : "false"; }
};

std::string TimeText(int64_t micros) {
  const std::time_t seconds = static_cast<std::time_t>(micros / 1'000'000);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(seconds), micros % 1'000'000);
}

// Never destroyed: threads may log while the process ends.
spdlog::logger& Output() {
  static spdlog::logger* logger = [] {
    auto* made = new spdlog::logger("pharos", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->set_level(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

}  // namespace

void SetLogLevel(LogLevel level) {
  g_level = level;
}

void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  if (level < g_level.load()) return;
  std::string line = fmt::format(
      "{{\"time\":\"{}\",\"level\":\"{}\",\"event\":", TimeText(Clock::System().WallMicros()), NameOf(level));
  PutText(line, event);
  for (const auto& [name, value] : fields) {
    line.push_back(',');
    PutText(line, name);
    line.push_back(':');
    std::visit(PutValue{line}, value);
  }
  line.push_back('}');
  Output().log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace pharos::base
