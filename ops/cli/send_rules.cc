#include "ops/cli/send_rules.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "fmt/format.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

using type::v1::SendRules;

constexpr int kMinutesOfHour = 60, kMinutesOfDay = 24 * 60;
constexpr int kMostSeconds = 7 * 86'400;  // the service's own bound
constexpr int kMostPerSecond = 100'000;

// "20:00" in minutes after midnight; -1 if it is no time of day.
int MinuteOf(const std::string& text) {
  int hour = 0, minute = 0, end = 0;
  if (std::sscanf(text.c_str(), "%2d:%2d%n", &hour, &minute, &end) != 2) return -1;
  const bool good =
      end == static_cast<int>(text.size()) && hour >= 0 && hour < 24 && minute >= 0 && minute < 60;
  return good ? hour * kMinutesOfHour + minute : -1;
}
std::string Clock(int minute) {
  return fmt::format("{:02}:{:02}", minute / kMinutesOfHour % 24, minute % kMinutesOfHour);
}

absl::Status SetQuietHours(const std::string& text, SendRules& rules) {
  if (text == "none") {
    rules.clear_quiet_from_minute();
    rules.clear_quiet_until_minute();
    return absl::OkStatus();
  }
  const size_t dash = text.find('-');
  const int from = MinuteOf(text.substr(0, dash));
  const int until = dash == std::string::npos ? -1 : MinuteOf(text.substr(dash + 1));
  if (from < 0 || until < 0 || from == until)
    return UsageError("--quiet-hours needs two different times of day, e.g. 20:00-08:00, or none.");
  rules.set_quiet_from_minute(from);
  rules.set_quiet_until_minute(until);
  return absl::OkStatus();
}

absl::Status SetInDoubt(const std::string& word, SendRules& rules) {
  if (word == "prefer-miss") {
    rules.set_in_doubt(type::v1::PREFER_MISS);
  } else if (word == "prefer-duplicate") {
    rules.set_in_doubt(type::v1::PREFER_DUPLICATE);
  } else {
    return UsageError(
        "--in-doubt needs prefer-miss (a message in doubt is never sent again) or prefer-duplicate (it is, "
        "once "
        "nobody can tell).");
  }
  return absl::OkStatus();
}

std::string Percent(int permille) {
  return fmt::format("{:g}%", permille / 10.0);
}
// "10 minutes", "90 seconds".
std::string Span(int seconds) {
  constexpr struct {
    int seconds;
    const char* word;
  } kUnits[] = {{86'400, "day"}, {3'600, "hour"}, {60, "minute"}, {1, "second"}};
  for (const auto& [unit, word] : kUnits) {
    if (seconds >= unit && seconds % unit == 0)
      return fmt::format("{} {}{}", seconds / unit, word, seconds == unit ? "" : "s");
  }
  return "no time";
}

std::string CanaryInWords(const SendRules& r) {
  // What 0 stands for, as in pharos/type/v1/manifest.proto.
  const auto or_else = [](int value, int otherwise) { return value > 0 ? value : otherwise; };
  return fmt::format("first {}, then {} to look: held if more than {} fail, {} complain or {} opt out",
                     Percent(r.canary_permille()), Span(or_else(r.canary_wait_s(), 300)),
                     Percent(or_else(r.canary_most_failed_permille(), 50)),
                     Percent(or_else(r.canary_most_complaints_permille(), 2)),
                     Percent(or_else(r.canary_most_opt_outs_permille(), 30)));
}

}  // namespace

absl::StatusOr<int> ParseDuration(std::string_view option, std::string_view text) {
  const std::string whole(text);
  char* end = nullptr;
  const double number = std::strtod(whole.c_str(), &end);
  const std::string unit = end;
  const double seconds = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3'600 : unit == "d" ? 86'400 : 0;
  const double total = number * seconds;
  if (end == whole.c_str() || !(total >= 1 && total <= kMostSeconds))
    return UsageError(
        fmt::format("--{} needs a span of up to 7 days with its unit: 90s, 10m, 2h or 1d.", option));
  return static_cast<int>(std::lround(total));
}

absl::StatusOr<int> ParsePermille(std::string_view option, std::string_view text) {
  const std::string whole(text);
  char* end = nullptr;
  const double percent = std::strtod(whole.c_str(), &end);
  const double permille = percent * 10;
  if (end == whole.c_str() || std::string(end) != "%" || !(permille >= 0 && permille <= 1000) ||
      std::abs(permille - std::round(permille)) > 1e-6)
    return UsageError(fmt::format("--{} needs a share in steps of 0.1%, e.g. 1% or 0.5%.", option));
  return static_cast<int>(std::lround(permille));
}

std::vector<Option> RuleOptions() {
  return {{"quiet-hours", "FROM-TO",
           "nothing leaves in this time of the day where people live, e.g. 20:00-08:00"},
          {"working-days", "", "only Monday to Friday, and on no bank holiday of the person's nation"},
          {"per-second", "N", "at most so many messages a second; 0 = as fast as the routes allow"},
          {"canary", "SHARE", "first this share, e.g. 1%; it is looked at before the rest goes"},
          {"canary-wait", "SPAN", "how long to wait for answers to it, e.g. 10m; else 5 minutes"},
          {"in-doubt", "POLICY",
           "prefer-miss (never twice) or prefer-duplicate (rather twice; not for marketing)"},
          {"in-doubt-after", "SPAN", "how long a message may stay in doubt before that, e.g. 15m"}};
}

absl::Status SetRules(const Args& args, SendRules& rules) {
  if (args.Has("quiet-hours")) PHAROS_RETURN_IF_ERROR(SetQuietHours(args.Get("quiet-hours"), rules));
  if (args.Has("working-days")) rules.set_working_days_only(true);
  if (args.Has("any-day")) rules.set_working_days_only(false);
  if (args.Has("per-second")) {
    PHAROS_ASSIGN_OR_RETURN(const int64_t number, NumberOf(args, "per-second", 0));
    if (number > kMostPerSecond) return UsageError("--per-second needs a number up to 100000.");
    rules.set_most_per_second(static_cast<int>(number));
  }
  if (args.Has("canary")) {
    PHAROS_ASSIGN_OR_RETURN(const int permille, ParsePermille("canary", args.Get("canary")));
    rules.set_canary_permille(permille);
  }
  if (args.Has("canary-wait")) {
    PHAROS_ASSIGN_OR_RETURN(const int seconds, ParseDuration("canary-wait", args.Get("canary-wait")));
    rules.set_canary_wait_s(seconds);
  }
  if (args.Has("in-doubt")) PHAROS_RETURN_IF_ERROR(SetInDoubt(args.Get("in-doubt"), rules));
  if (!args.Has("in-doubt-after")) return absl::OkStatus();
  PHAROS_ASSIGN_OR_RETURN(const int seconds, ParseDuration("in-doubt-after", args.Get("in-doubt-after")));
  rules.set_in_doubt_after_s(seconds);
  return absl::OkStatus();
}

std::vector<std::string> RulesInWords(const SendRules& r) {
  std::vector<std::string> lines;
  if (r.quiet_from_minute() % kMinutesOfDay != r.quiet_until_minute() % kMinutesOfDay)
    lines.push_back(
        fmt::format("quiet from {} to {}", Clock(r.quiet_from_minute()), Clock(r.quiet_until_minute())));
  if (r.working_days_only()) lines.emplace_back("working days only");
  if (r.most_per_second() > 0) lines.push_back(fmt::format("at most {} a second", r.most_per_second()));
  if (r.canary_permille() > 0) lines.push_back(CanaryInWords(r));
  if (r.in_doubt() == type::v1::PREFER_DUPLICATE)
    lines.push_back(fmt::format("in doubt for {}: sent again",
                                Span(r.in_doubt_after_s() > 0 ? r.in_doubt_after_s() : 900)));
  return lines;
}

}  // namespace pharos::cli
