#include "services/base/errors.h"

#include "gmock/gmock.h"

namespace pharos::base {
namespace {

TEST(Errors, KeepTheirFacts) {
  ErrorFacts facts;
  facts.reason = "FIELD_WRONG";
  facts.metadata = {{"limit", "63"}, {"empty", ""}};
  facts.violations = {{"audience.name", "is too long"}, {"audience.filter", "does not parse"}};
  facts.retry_after_ms = 1500;
  const absl::Status status = MakeError(absl::StatusCode::kInvalidArgument, "Shorten it.", facts);

  const auto found = FactsOf(status);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->reason, "FIELD_WRONG");
  EXPECT_EQ(found->metadata, facts.metadata);
  ASSERT_EQ(found->violations.size(), 2u);
  EXPECT_EQ(found->violations[1].field, "audience.filter");
  EXPECT_EQ(found->retry_after_ms, 1500);
  EXPECT_EQ(status.message(), "Shorten it.");
}

TEST(Errors, OfOthersHaveNoFacts) {
  EXPECT_FALSE(FactsOf(absl::InternalError("x")).has_value());
  EXPECT_EQ(ReasonOf(absl::OkStatus()), "");
}

absl::StatusOr<int> Half(int n) {
  if (n % 2 != 0) return MakeError(absl::StatusCode::kInvalidArgument, "ODD", "Give an even number.");
  return n / 2;
}
absl::Status Quarter(int n, int& quarter) {
  PHAROS_ASSIGN_OR_RETURN(const int half, Half(n));
  PHAROS_ASSIGN_OR_RETURN(quarter, Half(half));
  return absl::OkStatus();
}

TEST(Errors, PassThroughTheMacros) {
  int quarter = 0;
  EXPECT_TRUE(Quarter(12, quarter).ok());
  EXPECT_EQ(quarter, 3);
  EXPECT_EQ(ReasonOf(Quarter(6, quarter)), "ODD");
}

}  // namespace
}  // namespace pharos::base
