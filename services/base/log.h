// One line of JSON an event on standard error: time, level, event, fields. Fields are ids and counts, never
// contact data: there is no way to log a Sensitive. Thread-safe.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace pharos::base {

using LogValue = std::variant<std::string, int64_t, double, bool>;
using LogField = std::pair<std::string_view, LogValue>;

enum class LogLevel { kDebug, kInfo, kWarning, kError };

void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});
// Below this level nothing is written. Default kInfo.
void SetLogLevel(LogLevel level);

}  // namespace pharos::base
