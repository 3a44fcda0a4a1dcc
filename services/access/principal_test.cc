// The rules of principals and their tokens.
#include "services/access/principal.h"

#include "gmock/gmock.h"
#include "services/base/errors.h"
#include "services/base/ids.h"

namespace pharos::access {
namespace {

using record::v1::PrincipalRow;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kNow = 1'790'000'000'000'000;

const policy::Policy& Policy() {
  return *policy::Policy::Shipped();
}
v1::Principal Asked(std::vector<std::string> roles) {
  v1::Principal asked;
  asked.set_display_name("Ada");
  asked.mutable_roles()->Assign(roles.begin(), roles.end());
  return asked;
}
PrincipalRow Ada() {
  return NewPrincipal("ada", Asked({"marketing"}), Policy(), kNow).value();
}
std::string ReasonOf(const absl::StatusOr<PrincipalRow>& row) {
  return base::ReasonOf(row.status());
}

TEST(Principal, IsMadeWithKnownRolesEachOnce) {
  const auto row = NewPrincipal("ada", Asked({"marketing", "approver", "marketing"}), Policy(), kNow);
  ASSERT_TRUE(row.ok()) << row.status();
  EXPECT_EQ(row->principal().name(), "principals/ada");
  EXPECT_THAT(row->principal().roles(), ElementsAre("approver", "marketing"));
  const auto wrong = NewPrincipal("ada", Asked({"markting"}), Policy(), kNow);
  EXPECT_EQ(ReasonOf(wrong), "ROLE_UNKNOWN");
  EXPECT_THAT(std::string(wrong.status().message()), HasSubstr("Did you mean \"marketing\"?"));
}

TEST(Principal, HasAnIdOfItsOwn) {
  EXPECT_EQ(ReasonOf(NewPrincipal("Ada Lovelace", Asked({"analyst"}), Policy(), kNow)), "ID_WRONG");
  EXPECT_EQ(ReasonOf(NewPrincipal("pharosd", Asked({"analyst"}), Policy(), kNow)), "ID_WRONG");
}

TEST(Principal, IsNotChangedByItself) {
  v1::Principal asked = Shown(Ada(), kNow);
  asked.add_roles("operator");
  EXPECT_EQ(ReasonOf(Changed(Ada(), asked, "principals/ada", Policy())), "OWN_ROLES");
  const auto changed = Changed(Ada(), asked, "principals/olga", Policy());
  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_THAT(changed->principal().roles(), ElementsAre("marketing", "operator"));
  EXPECT_NE(Shown(*changed, kNow).etag(), asked.etag());
}

TEST(Principal, NobodysEditIsLost) {
  v1::Principal asked = Shown(Ada(), kNow);
  const PrincipalRow after = Changed(Ada(), asked, "principals/olga", Policy()).value();
  EXPECT_EQ(ReasonOf(Changed(after, asked, "principals/olga", Policy())), "ETAG_MISMATCH");
  asked.clear_etag();
  EXPECT_EQ(ReasonOf(Changed(after, asked, "principals/olga", Policy())), "ETAG_MISSING");
}

TEST(Principal, HasEightTokensAtMostAndExpiredOnesDoNotCount) {
  PrincipalRow row = Ada();
  for (int i = 0; i < kMaxTokens; ++i)
    row = WithToken(row, base::Sha256(std::to_string(i)), 10, kNow).value();
  EXPECT_EQ(ReasonOf(WithToken(row, base::Sha256("more"), 0, kNow)), "TOKENS_TOO_MANY");
  const int64_t later = kNow + 10'000'000;
  EXPECT_EQ(Shown(row, later).tokens_size(), 0);
  const auto fresh = WithToken(row, base::Sha256("more"), 0, later);
  ASSERT_TRUE(fresh.ok()) << fresh.status();
  EXPECT_EQ(fresh->tokens_size(), 1);
  EXPECT_EQ(fresh->tokens(0).expire_time_us(), 0);
}

TEST(Principal, ATokenIsRevokedByItsId) {
  PrincipalRow row = WithToken(Ada(), base::Sha256("secret"), 0, kNow).value();
  const v1::Principal shown = Shown(row, kNow);
  ASSERT_EQ(shown.tokens_size(), 1);
  EXPECT_EQ(shown.tokens(0).id(), base::ToHex(base::Sha256("secret")).substr(0, 12));
  EXPECT_EQ(ReasonOf(WithoutToken(row, "000000000000")), "TOKEN_NOT_FOUND");
  EXPECT_EQ(WithoutToken(row, shown.tokens(0).id())->tokens_size(), 0);
}

}  // namespace
}  // namespace pharos::access
