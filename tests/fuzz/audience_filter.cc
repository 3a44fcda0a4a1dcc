// Filters: any octets are a predicate or FILTER_WRONG with a place in the text, within the limits of depth
// and terms; and so is any expression that the grammar makes, of which there are more here than chance would
// write.
#include <algorithm>

#include "services/audience/errors.h"
#include "services/audience/filter_check.h"
#include "services/base/errors.h"
#include "services/base/text.h"
#include "tests/fuzz/fuzz.h"

namespace pharos::fuzz {
namespace {

using audience::Predicate;

size_t TermsOf(const Predicate& predicate) {
  size_t terms = predicate.parts.empty() ? 1 : 0;
  for (const Predicate& part : predicate.parts) terms += TermsOf(part);
  return terms;
}
int DepthOf(const Predicate& predicate) {
  int deepest = 0;
  for (const Predicate& part : predicate.parts) deepest = std::max(deepest, DepthOf(part));
  return deepest + 1;
}

// An expression out of the input's octets: mostly right, sometimes nearly.
std::string Grow(Input& input, int depth) {
  static constexpr const char* kTerms[] = {"age >= 18",
                                           "age < 400",
                                           "area = E08000035",
                                           "area = \"a \\\"b\\\"\"",
                                           "audience_kinds:PUBLIC",
                                           "consent(stop-smoking, SMS)",
                                           "consent(\"purposes/x\", email)",
                                           "date_of_birth > 1960-02-30",
                                           "date_of_birth <= 1960-02-29",
                                           "deprivation <= 3",
                                           "engaged(quit-1, DELIVERED, 30)",
                                           "engaged(\"*\", OPTED_OUT)",
                                           "interests:walking",
                                           "language != en",
                                           "organisation:*",
                                           "postcode = M*",
                                           "reachable(SMS)",
                                           "region = *",
                                           "role = \"Director of Public Health\"",
                                           "sex = F",
                                           "sources:quit",
                                           "update_time > 2026-01-01T00:00:00Z",
                                           "upper_tier = x",
                                           "person = 01jd3v7m8q0000000000000000",
                                           "digital_inclusion >= 5",
                                           "age : 1",
                                           "agee = 1",
                                           "age",
                                           "consent()",
                                           "reachable(SMS, SMS)",
                                           "(",
                                           ")"};
  const uint8_t choice = input.Octet();
  if (depth > 40 || choice < 128) return kTerms[choice % std::size(kTerms)];
  if (choice < 150) return "NOT " + Grow(input, depth + 1);
  if (choice < 160) return "-(" + Grow(input, depth + 1) + ")";
  const std::string connector = choice % 3 == 0 ? " OR " : choice % 3 == 1 ? " AND " : " ";
  std::string text = "(" + Grow(input, depth + 1);
  for (int i = input.Octet() % 4; i >= 0; --i) text += connector + Grow(input, depth + 1);
  return text + ")";
}

void Check(std::string_view filter) {
  const auto predicate = audience::CompileFilter(filter);
  if (predicate.ok()) {
    CHECK(TermsOf(*predicate) <=
          static_cast<size_t>(audience::kMaxFilterTerms) * 2);  // a comparison may become two
    CHECK(DepthOf(*predicate) <= 3 * audience::kMaxFilterDepth);
    (void)audience::PurposesIn(*predicate);
    (void)audience::CampaignsIn(*predicate);
    return;
  }
  CHECK(base::ReasonOf(predicate.status()) == "FILTER_WRONG");
  const auto facts = base::FactsOf(predicate.status());
  CHECK(facts && facts->metadata.contains("position"));
  CHECK(std::stoll(facts->metadata.at("position")) >= 1);
  CHECK(std::stoll(facts->metadata.at("position")) <= static_cast<long long>(filter.size()) + 1);
}

}  // namespace
}  // namespace pharos::fuzz

FUZZ(data) {
  pharos::fuzz::Input input(data);
  const bool grown = input.Octet() % 2 == 0;
  if (!grown) return pharos::fuzz::Check(input.Rest());
  pharos::fuzz::Check(pharos::fuzz::Grow(input, 0));
}
