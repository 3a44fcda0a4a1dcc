// Addressing a role: across a body that closed, its sites, and the ways in which people write a title.
#include <gtest/gtest.h>

#include "services/base/errors.h"
#include "services/customer/organisation_service.h"
#include "services/customer/permit_fixture.h"

namespace pharos::customer {
namespace {

constexpr int64_t kDay = 86'400'000'000;

struct RoleHoldersTest : testing::Test {
  base::FakeClock clock;
  PermitFixture at{clock};
  OrganisationService service{*at.store, at.people, clock};
  TestCall call;

  v1::Organisation Create(const std::string& id, const std::string& parent = "") {
    v1::CreateOrganisationRequest request;
    request.set_organisation_id(id);
    auto& organisation = *request.mutable_organisation();
    organisation.set_display_name(id);
    organisation.set_kind(v1::COUNCIL);
    if (!parent.empty()) organisation.set_parent("organisations/" + parent);
    v1::Organisation made;
    const absl::Status status = service.CreateOrganisation(call, request, made);
    EXPECT_TRUE(status.ok()) << status;
    return made;
  }
  std::string Update(const v1::Organisation& organisation) {
    v1::UpdateOrganisationRequest request;
    *request.mutable_organisation() = organisation;
    return base::ReasonOf(service.UpdateOrganisation(call, request, updated));
  }
  v1::Role Assign(const std::string& id, const std::string& person, const std::string& title) {
    v1::AssignRoleRequest request;
    request.set_parent("organisations/" + id);
    request.set_person(person);
    request.set_title(title);
    v1::Role role;
    const absl::Status status = service.AssignRole(call, request, role);
    EXPECT_TRUE(status.ok()) << status;
    return role;
  }
  std::vector<std::string> Holders(const std::string& id, const std::string& title, bool below = false,
                                   int64_t time = 0) {
    v1::FindRoleHoldersRequest request;
    request.set_parent("organisations/" + id);
    request.set_title(title);
    request.set_below(below);
    request.set_at_time_us(time);
    v1::ListRolesResponse response;
    const absl::Status status = service.FindRoleHolders(call, request, response);
    EXPECT_TRUE(status.ok()) << status;
    std::vector<std::string> people;
    for (const auto& role : response.roles()) people.push_back(role.person());
    return people;
  }
  using People = std::vector<std::string>;
  v1::Organisation updated;
};

TEST_F(RoleHoldersTest, ByTitleOrAbbreviationWhileItIsHeld) {
  const std::string anna = at.AddPerson("1", "Anna", "447700900001");
  const std::string bea = at.AddPerson("2", "Bea", "447700900002");
  Create("leeds");
  const int64_t before = clock.WallMicros() - kDay;
  const v1::Role role = Assign("leeds", anna, "Director of Public Health");
  Assign("leeds", bea, "Deputy Director of Public Health");
  EXPECT_EQ(Holders("leeds", "DPH"), People{anna});
  EXPECT_EQ(Holders("leeds", "deputy DPH"), People{bea});
  EXPECT_EQ(Holders("leeds", "Director of Housing"), People{});
  EXPECT_EQ(Holders("leeds", "DPH", false, before), People{});
  clock.Advance(kDay);
  v1::EndRoleRequest end;
  end.set_name(role.name());
  v1::Role ended;
  ASSERT_TRUE(service.EndRole(call, end, ended).ok());
  EXPECT_EQ(Holders("leeds", "DPH"), People{}) << "nobody holds it now";
  EXPECT_EQ(Holders("leeds", "DPH", false, clock.WallMicros() - 1), People{anna});
}

TEST_F(RoleHoldersTest, FollowsAClosedBodyToItsSuccessorAtThatDate) {
  const std::string anna = at.AddPerson("1", "Anna", "447700900001");
  const std::string bea = at.AddPerson("2", "Bea", "447700900002");
  v1::Organisation craven = Create("craven");
  Create("north");
  Assign("craven", anna, "Director of Public Health");
  clock.Advance(30 * kDay);
  const int64_t closing = clock.WallMicros();
  craven.set_close_time_us(closing);
  craven.set_successor("organisations/north");
  ASSERT_EQ(Update(craven), "");
  clock.Advance(kDay);
  Assign("north", bea, "DPH");
  EXPECT_EQ(Holders("craven", "Director of Public Health"), (People{anna, bea}))
      << "her role did not end with it";
  EXPECT_EQ(Holders("north", "DPH"), (People{anna, bea}));
  EXPECT_EQ(Holders("craven", "DPH", false, closing - 1), People{anna});
  EXPECT_EQ(Holders("north", "DPH", false, closing - 1), People{});
}

TEST_F(RoleHoldersTest, SitesCountIfAskedFor) {
  const std::string anna = at.AddPerson("1", "Anna", "447700900001");
  Create("trust");
  Create("hospital", "trust");
  Create("ward", "hospital");
  Assign("ward", anna, "Ward Manager");
  EXPECT_EQ(Holders("trust", "ward mgr"), People{});
  EXPECT_EQ(Holders("trust", "ward mgr", true), People{anna});
}

TEST_F(RoleHoldersTest, AnOrganisationSaysWhatSortOfSubscriberItIsAndWhichDomainsAreItsOwn) {
  v1::Organisation leeds = Create("leeds");
  EXPECT_EQ(leeds.subscriber_kind(), v1::SUBSCRIBER_KIND_UNSPECIFIED) << "counts as individual";
  leeds.set_subscriber_kind(v1::CORPORATE);
  leeds.set_area("E08000035");
  leeds.add_mail_domains(" @Leeds.Example ");
  leeds.add_mail_domains("leeds.example");
  ASSERT_EQ(Update(leeds), "");
  EXPECT_EQ(updated.subscriber_kind(), v1::CORPORATE);
  EXPECT_EQ(updated.area(), "E08000035");
  ASSERT_EQ(updated.mail_domains_size(), 1);
  EXPECT_EQ(updated.mail_domains(0), "leeds.example");
  updated.add_mail_domains("not a domain");
  EXPECT_EQ(Update(v1::Organisation(updated)), "VALUE_UNREADABLE");
}

}  // namespace
}  // namespace pharos::customer
