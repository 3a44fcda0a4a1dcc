// Organisations: codes taken once, no circles, roles with dates.
#include "services/customer/organisation.h"

#include <gtest/gtest.h>

#include "services/base/errors.h"
#include "services/customer/organisation_service.h"
#include "services/customer/permit_fixture.h"

namespace pharos::customer {
namespace {

struct OrganisationTest : testing::Test {
  base::FakeClock clock;
  PermitFixture at{clock};
  OrganisationService service{*at.store, at.people, clock};
  TestCall call;

  absl::Status Create(const std::string& id, const std::string& parent = "", const std::string& code = "") {
    v1::CreateOrganisationRequest request;
    request.set_organisation_id(id);
    auto& organisation = *request.mutable_organisation();
    organisation.set_display_name(id);
    organisation.set_kind(v1::COUNCIL);
    organisation.set_code(code);
    if (!parent.empty()) organisation.set_parent("organisations/" + parent);
    v1::Organisation made;
    return service.CreateOrganisation(call, request, made);
  }
  v1::Organisation Get(const std::string& id) {
    v1::GetOrganisationRequest request;
    request.set_name("organisations/" + id);
    v1::Organisation organisation;
    const absl::Status status = service.GetOrganisation(call, request, organisation);
    EXPECT_TRUE(status.ok()) << status;
    return organisation;
  }
  std::string Update(const v1::Organisation& organisation) {
    v1::UpdateOrganisationRequest request;
    *request.mutable_organisation() = organisation;
    v1::Organisation updated;
    return base::ReasonOf(service.UpdateOrganisation(call, request, updated));
  }
  absl::StatusOr<v1::Role> Assign(const std::string& id, const std::string& person,
                                  const std::string& title) {
    v1::AssignRoleRequest request;
    request.set_parent("organisations/" + id);
    request.set_person(person);
    request.set_title(title);
    v1::Role role;
    const absl::Status status = service.AssignRole(call, request, role);
    if (!status.ok()) return status;
    return role;
  }
  v1::ListRolesResponse Roles(bool ended, int size = 0, const std::string& token = "") {
    v1::ListRolesRequest request;
    request.set_parent("organisations/leeds");
    request.set_show_ended(ended);
    request.set_page_size(size);
    request.set_page_token(token);
    v1::ListRolesResponse roles;
    const absl::Status status = service.ListRoles(call, request, roles);
    EXPECT_TRUE(status.ok()) << status;
    return roles;
  }
};

TEST_F(OrganisationTest, IsRegisteredOnceAndItsCodeToo) {
  ASSERT_TRUE(Create("leeds", "", "E08000035").ok());
  EXPECT_EQ(base::ReasonOf(Create("leeds")), "ORGANISATION_EXISTS");
  EXPECT_EQ(base::ReasonOf(Create("leeds-city", "", "E08000035")), "ORGANISATION_CODE_TAKEN");
  ASSERT_TRUE(Create("bradford", "", "E08000032").ok());
  v1::Organisation bradford = Get("bradford");
  bradford.set_code("E08000035");
  EXPECT_EQ(Update(bradford), "ORGANISATION_CODE_TAKEN");
  v1::Organisation leeds = Get("leeds");
  leeds.clear_code();
  EXPECT_EQ(Update(leeds), "");
  EXPECT_EQ(Update(bradford), "");  // the code is free again
  v1::ListOrganisationsResponse all;
  ASSERT_TRUE(service.ListOrganisations(call, {}, all).ok());
  EXPECT_EQ(all.organisations_size(), 2);
}

TEST_F(OrganisationTest, ParentsAreRegisteredAndLeadNowhereBack) {
  EXPECT_EQ(base::ReasonOf(Create("site", "leeds")), "ORGANISATION_MISSING");
  EXPECT_EQ(base::ReasonOf(Create("self", "self")), "ORGANISATION_CIRCLE");
  ASSERT_TRUE(Create("leeds").ok());
  ASSERT_TRUE(Create("site", "leeds").ok());
  ASSERT_TRUE(Create("desk", "site").ok());
  v1::Organisation leeds = Get("leeds");
  leeds.set_parent("organisations/desk");
  EXPECT_EQ(Update(leeds), "ORGANISATION_CIRCLE");
  EXPECT_EQ(Get("leeds").parent(), "");
}

TEST_F(OrganisationTest, SuccessorsLeadNowhereBack) {
  ASSERT_TRUE(Create("phe").ok());
  ASSERT_TRUE(Create("ukhsa").ok());
  v1::Organisation phe = Get("phe");
  phe.set_successor("organisations/ukhsa");
  phe.set_close_time_us(clock.WallMicros());
  EXPECT_EQ(Update(phe), "");
  v1::Organisation ukhsa = Get("ukhsa");
  ukhsa.set_successor("organisations/phe");
  EXPECT_EQ(Update(ukhsa), "ORGANISATION_CIRCLE");
}

TEST_F(OrganisationTest, AChainHasAnEnd) {
  ASSERT_TRUE(Create("o0").ok());
  for (int i = 1; i <= kMostOrganisationSteps; ++i) {
    ASSERT_TRUE(Create("o" + std::to_string(i), "o" + std::to_string(i - 1)).ok()) << i;
  }
  EXPECT_EQ(base::ReasonOf(Create("last", "o" + std::to_string(kMostOrganisationSteps))),
            "ORGANISATION_CIRCLE");
}

TEST_F(OrganisationTest, NobodysEditIsLost) {
  ASSERT_TRUE(Create("leeds").ok());
  v1::Organisation mine = Get("leeds");
  EXPECT_EQ(Update(mine), "");
  EXPECT_EQ(Update(mine), "ETAG_MISMATCH");
  mine.clear_etag();
  EXPECT_EQ(Update(mine), "ETAG_MISSING");
}

TEST_F(OrganisationTest, RolesKeepTheirDatesAndFollowThePerson) {
  ASSERT_TRUE(Create("leeds").ok());
  const std::string anna = at.AddPerson("1", "Anna", "447700900001");
  const std::string other = at.AddPerson("2", "Anna", "", "anna@example.org");
  EXPECT_EQ(base::ReasonOf(Assign("leeds", "people/nobody", "Clerk").status()), "PERSON_NOT_FOUND");
  EXPECT_EQ(base::ReasonOf(Assign("york", anna, "Clerk").status()), "ORGANISATION_NOT_FOUND");
  const auto clerk = Assign("leeds", anna, "Clerk");
  ASSERT_TRUE(clerk.ok());
  clock.Advance(1'000'000);
  ASSERT_TRUE(Assign("leeds", other, "Director of Public Health").ok());
  v1::EndRoleRequest end;
  end.set_name(clerk->name());
  end.set_end_time_us(1);
  v1::Role ended;
  EXPECT_EQ(base::ReasonOf(service.EndRole(call, end, ended)), "TIME_WRONG");
  end.clear_end_time_us();
  ASSERT_TRUE(service.EndRole(call, end, ended).ok());
  EXPECT_EQ(ended.end_time_us(), clock.WallMicros());

  at.AddPerson("3", "Anna", "447700900001", "anna@example.org");  // both are she
  ASSERT_EQ(Roles(false).roles_size(), 1);
  EXPECT_EQ(Roles(false).roles(0).title(), "Director of Public Health");
  EXPECT_EQ(Roles(false).roles(0).person(), anna);
  const auto first = Roles(true, 1);
  ASSERT_EQ(first.roles_size(), 1);
  EXPECT_EQ(first.roles(0).title(), "Clerk");
  const auto second = Roles(true, 1, first.next_page_token());
  ASSERT_EQ(second.roles_size(), 1);
  EXPECT_EQ(second.next_page_token(), "");
  EXPECT_EQ(at.Entries("roles.read").size(), 5u);
}

}  // namespace
}  // namespace pharos::customer
