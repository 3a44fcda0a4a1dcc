// Words of the command line and of reports: names, enums, times, reasons in plain English.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/descriptor.h"

namespace pharos::cli {

// "stop-smoking" and "purposes/stop-smoking" both name purposes/stop-smoking.
std::string Name(std::string_view collection, std::string_view word);
// The last part of a name: "stop-smoking".
std::string Short(std::string_view name);

// The number of an enum's value by its short word: Enum(Channel_descriptor(), "CHANNEL_", "sms") =
// CHANNEL_SMS. '-' and '_' are the same, case does not matter. INVALID_ARGUMENT (USAGE) lists the words.
absl::StatusOr<int> Enum(const google::protobuf::EnumDescriptor* type, std::string_view prefix,
                         std::string_view word);
// The short word of a value: "sms".
std::string EnumWord(const google::protobuf::EnumDescriptor* type, std::string_view prefix, int number);

// "2026-03-01 09:30:00 UTC"; "at an unknown time" for 0.
std::string Time(int64_t micros);
// ISO 8601 to microseconds since the epoch: "2026-03-01T09:30:00Z", "…+01:00", seconds may be left out; a
// date alone is midnight UTC. Without a zone it is refused, as nobody knows which one is meant.
// INVALID_ARGUMENT (USAGE).
absl::StatusOr<int64_t> ParseTime(std::string_view text);
// "sms,email" into its words, trimmed.
std::vector<std::string> CommaWords(std::string_view text);

// 1'234'560'000 millionths of a pound: "£1,234.56".
std::string Pounds(int64_t micropounds);

// A reason of the gate or of dispatch as a sentence part: "NO_CONSENT" → "no consent is in force for this
// purpose".
std::string ReasonInWords(std::string_view reason);
// What is wrong with a connector's provider: "WRONG_PASSWORD" → "the provider refused our name or password".
std::string ProblemInWords(std::string_view problem);
// A state of an intent: "accepted by the provider".
std::string StateInWords(std::string_view state);

}  // namespace pharos::cli
