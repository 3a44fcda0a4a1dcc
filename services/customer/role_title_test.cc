#include "services/customer/role_title.h"

#include <gtest/gtest.h>

#include "services/customer/role_search.h"

namespace pharos::customer {
namespace {

TEST(RoleTitle, ComparesWithoutCasePunctuationAndSmallWords) {
  EXPECT_TRUE(SameTitle("Director of Public Health", "director, public health"));
  EXPECT_TRUE(SameTitle("Director for Adults & Children's Services", "DIRECTOR ADULTS CHILDRENS SERVICES"));
  EXPECT_TRUE(SameTitle("Dir. of Public Hlth", "Director of Public Health"));
  EXPECT_TRUE(SameTitle("Interim Director of Public Health", "Director of Public Health"));
  EXPECT_FALSE(SameTitle("Deputy Director of Public Health", "Director of Public Health"));
  EXPECT_FALSE(SameTitle("Director of Public Health", "Director of Housing"));
  EXPECT_FALSE(SameTitle("", ""));
  EXPECT_FALSE(SameTitle("of the", "of the")) << "says nothing";
}

TEST(RoleTitle, InitialsStandForTheirWords) {
  EXPECT_TRUE(SameTitle("DPH", "Director of Public Health"));
  EXPECT_TRUE(SameTitle("Director of Public Health", "D.P.H."));
  EXPECT_TRUE(SameTitle("Deputy DPH", "Deputy Director of Public Health"));
  EXPECT_TRUE(SameTitle("Consultant PH", "consultant in public health"));
  EXPECT_TRUE(SameTitle("CEO", "Chief Executive Officer"));
  EXPECT_FALSE(SameTitle("DPH", "Deputy Director of Public Health"));
  EXPECT_FALSE(SameTitle("DPH", "Director of Public Housing Works"));
  EXPECT_FALSE(SameTitle("D", "Director")) << "one letter is no abbreviation";
}

OrganisationMap Councils() {
  OrganisationMap all;
  const auto add = [&](const std::string& name, const std::string& parent, const std::string& successor,
                       int64_t close) {
    auto& row = all["organisations/" + name];
    row.set_name("organisations/" + name);
    if (!parent.empty()) row.set_parent("organisations/" + parent);
    if (!successor.empty()) row.set_successor("organisations/" + successor);
    row.set_close_time_us(close);
  };
  add("craven", "yorkshire", "north", 100);
  add("harrogate", "yorkshire", "north", 100);
  add("north", "yorkshire", "whole", 200);
  add("whole", "", "", 0);
  add("yorkshire", "", "", 0);
  add("clinic", "craven", "", 0);
  return all;
}

TEST(RoleSearch, AClosedBodyIsFollowedToWhoeverStandsForItThen) {
  const OrganisationMap all = Councils();
  EXPECT_EQ(StandsForThen(all, "organisations/craven", 99), "organisations/craven");
  EXPECT_EQ(StandsForThen(all, "organisations/craven", 100), "organisations/north");
  EXPECT_EQ(StandsForThen(all, "organisations/craven", 200), "organisations/whole");
  EXPECT_EQ(StandsForThen(all, "organisations/nowhere", 5), "organisations/nowhere");
}

TEST(RoleSearch, RolesOfThePredecessorsAndOfSitesCount) {
  const OrganisationMap all = Councils();
  using Names = std::vector<std::string>;
  EXPECT_EQ(PlacesOf(all, "organisations/craven", false, 50), Names{"organisations/craven"});
  EXPECT_EQ(PlacesOf(all, "organisations/craven", false, 150),
            (Names{"organisations/craven", "organisations/harrogate", "organisations/north"}));
  EXPECT_EQ(PlacesOf(all, "organisations/north", true, 150),
            (Names{"organisations/clinic", "organisations/craven", "organisations/harrogate",
                   "organisations/north"}));
  EXPECT_EQ(PlacesOf(all, "organisations/craven", true, 50),
            (Names{"organisations/clinic", "organisations/craven"}));
}

TEST(RoleSearch, HeldFromItsBeginningToBeforeItsEnd) {
  record::v1::RoleRow role;
  role.set_start_time_us(10);
  EXPECT_FALSE(IsHeldAt(role, 9));
  EXPECT_TRUE(IsHeldAt(role, 10));
  EXPECT_TRUE(IsHeldAt(role, 1'000));
  role.set_end_time_us(20);
  EXPECT_TRUE(IsHeldAt(role, 19));
  EXPECT_FALSE(IsHeldAt(role, 20));
}

}  // namespace
}  // namespace pharos::customer
