#include "services/dispatch/canary.h"

#include <fmt/format.h>

#include <algorithm>

namespace pharos::dispatch {
namespace {

using record::v1::CanaryRow;
using type::v1::SendRules;

constexpr int64_t kSecond = 1'000'000;
// What 0 means in SendRules.
constexpr int kWaitSeconds = 300;
constexpr int kMostFailedPermille = 50;
constexpr int kMostComplaintsPermille = 2;
constexpr int kMostOptOutsPermille = 30;

int Or(int value, int standard) {
  return value > 0 ? value : standard;
}

// "1" or "0.5": thousandths as per cent.
std::string PerCent(int permille) {
  return permille % 10 == 0 ? fmt::format("{}", permille / 10) : fmt::format("{:.1f}", permille / 10.0);
}

// Adds a clause if more than that share did what `did` says. The share is of all that will leave: what is
// exceeded already stays so.
void Check(const CanaryRow& row, const SendRules& rules, int64_t count, int most_permille,
           std::string_view did, std::string& verdict) {
  if (count * 1000 <= most_permille * row.size()) return;
  verdict += fmt::format("{}{} of {} messages of the first {} % {}; at most {:.1f} % may",
                         verdict.empty() ? "" : ". ", count, row.size(), PerCent(rules.canary_permille()),
                         did, most_permille / 10.0);
}

std::string Exceeded(const CanaryRow& row, const SendRules& rules) {
  std::string verdict;
  Check(row, rules, row.failed(), Or(rules.canary_most_failed_permille(), kMostFailedPermille), "failed",
        verdict);
  Check(row, rules, row.complained(), Or(rules.canary_most_complaints_permille(), kMostComplaintsPermille),
        "were reported as unwanted", verdict);
  Check(row, rules, row.opted_out(), Or(rules.canary_most_opt_outs_permille(), kMostOptOutsPermille),
        "were answered with an opt-out", verdict);
  if (!verdict.empty()) verdict += ". Find out why, then resume the campaign or stop it";
  return verdict;
}

}  // namespace

int64_t CanarySize(const SendRules& rules, int64_t members) {
  if (rules.canary_permille() <= 0 || members <= 0) return 0;
  const int64_t permille = std::min(rules.canary_permille(), 1000);
  return (members * permille + 999) / 1000;
}

bool IsCanary(const SendRules& rules, int64_t position, int64_t members) {
  const int64_t size = CanarySize(rules, members);
  if (size == 0 || position < 0 || position >= members) return false;
  return (position + 1) * size / members > position * size / members;
}

CanaryRow StartCanary(int64_t size) {
  CanaryRow row;
  row.set_size(std::max<int64_t>(size, 0));
  row.set_phase(static_cast<int>(size > 0 ? CanaryPhase::kSending : CanaryPhase::kPassed));
  return row;
}

void CountCanary(CanaryRow& row, CanaryEvent event, int64_t now_us) {
  const auto one_less = [](int64_t count) { return std::max<int64_t>(count - 1, 0); };
  switch (event) {
    case CanaryEvent::kLeft:
      row.set_left(row.left() + 1);
      row.set_last_time_us(std::max(row.last_time_us(), now_us));
      return;
    case CanaryEvent::kReturned:
      return row.set_left(one_less(row.left()));
    case CanaryEvent::kWithheld:
      return row.set_size(one_less(row.size()));
    case CanaryEvent::kFailed:
      return row.set_failed(row.failed() + 1);
    case CanaryEvent::kNotFailed:
      return row.set_failed(one_less(row.failed()));
    case CanaryEvent::kComplained:
      return row.set_complained(row.complained() + 1);
    case CanaryEvent::kOptedOut:
      return row.set_opted_out(row.opted_out() + 1);
  }
}

CanaryDecision DecideCanary(const CanaryRow& row, const SendRules& rules, int64_t now_us) {
  const CanaryPhase phase = PhaseOf(row);
  if (phase != CanaryPhase::kSending && phase != CanaryPhase::kWaiting) return {phase, row.verdict(), 0};
  if (row.size() <= 0) return {CanaryPhase::kPassed, "", 0};
  std::string verdict = Exceeded(row, rules);
  if (!verdict.empty()) return {CanaryPhase::kHeld, std::move(verdict), 0};
  if (row.left() < row.size()) return {CanaryPhase::kSending, "", 0};
  const int64_t over_us = row.last_time_us() + Or(rules.canary_wait_s(), kWaitSeconds) * kSecond;
  if (now_us < over_us) return {CanaryPhase::kWaiting, "", over_us};
  return {CanaryPhase::kPassed, "", 0};
}

bool ApplyCanary(CanaryRow& row, const CanaryDecision& decision) {
  if (PhaseOf(row) == decision.phase && row.verdict() == decision.verdict) return false;
  row.set_phase(static_cast<int>(decision.phase));
  row.set_verdict(decision.verdict);
  return true;
}

bool ResumeCanary(CanaryRow& row) {
  if (PhaseOf(row) != CanaryPhase::kHeld) return false;
  row.set_phase(static_cast<int>(CanaryPhase::kPassed));
  return true;
}

bool MayLeave(CanaryPhase phase, bool is_canary) {
  switch (phase) {
    case CanaryPhase::kNone:
    case CanaryPhase::kPassed:
      return true;
    case CanaryPhase::kSending:
    case CanaryPhase::kWaiting:
      return is_canary;
    case CanaryPhase::kHeld:
      return false;
  }
  return false;
}

CanaryPhase PhaseOf(const CanaryRow& row) {
  const bool known = row.phase() >= static_cast<int>(CanaryPhase::kNone) &&
                     row.phase() <= static_cast<int>(CanaryPhase::kHeld);
  return known ? static_cast<CanaryPhase>(row.phase()) : CanaryPhase::kHeld;  // of a later format: a person
}

}  // namespace pharos::dispatch
