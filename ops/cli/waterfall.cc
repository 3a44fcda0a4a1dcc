#include "ops/cli/waterfall.h"

#include <algorithm>
#include <cmath>

#include "fmt/format.h"

namespace pharos::cli {

using customer::v1::LinkEvidence;
using customer::v1::LinkExplanation;

namespace {

std::string FieldWords(std::string_view field) {
  std::string words(field);
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

std::string StandsAt(const LinkExplanation& e) {
  if (e.weight() >= e.auto_weight()) return "enough to link without asking";
  if (e.weight() >= e.review_weight()) return "not enough to link, enough to ask a person";
  return "not enough to ask a person";
}

}  // namespace

std::string BitsText(double bits) {
  const double rounded = std::round(bits * 10) / 10;
  return fmt::format("{:+.1f}", rounded == 0 ? 0.0 : rounded);
}

std::vector<std::string> WaterfallLines(const google::protobuf::RepeatedPtrField<LinkEvidence>& evidence) {
  size_t field_width = 5, level_width = 5;
  for (const auto& each : evidence) {
    field_width = std::max(field_width, each.field().size());
    level_width = std::max(level_width, each.level().size());
  }
  std::vector<std::string> lines;
  double sum = 0;
  for (const auto& each : evidence) {
    sum += each.weight();
    lines.push_back(fmt::format("  {:<{}}  {:<{}}  {:>6}  {:>6}", FieldWords(each.field()), field_width,
                                each.level(), level_width, BitsText(each.weight()), BitsText(sum)));
  }
  if (lines.empty()) return lines;
  lines.insert(lines.begin(), fmt::format("  {:<{}}  {:<{}}  {:>6}  {:>6}", "field", field_width, "level",
                                          level_width, "bits", "sum"));
  return lines;
}

std::vector<std::string> VerdictLines(const LinkExplanation& e) {
  std::vector<std::string> lines;
  lines.push_back(fmt::format("  {} bits: {} (auto from {}, review from {}).", BitsText(e.weight()),
                              StandsAt(e), BitsText(e.auto_weight()), BitsText(e.review_weight())));
  if (!e.veto().empty()) lines.push_back(fmt::format("  Not without a person's word: {}.", e.veto()));
  if (e.veto().empty() && e.weight() >= e.auto_weight() && e.person_a() != e.person_b())
    lines.push_back("  Other records of the two speak against it.");
  if (!e.assertion().empty()) lines.push_back(fmt::format("  A person decided it: {}.", e.assertion()));
  return lines;
}

}  // namespace pharos::cli
