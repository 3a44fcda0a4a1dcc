// Promise 8: nobody sees what is not theirs. Every RPC denies by default, each role may do its own work and
// no other, contact data is for those who answer for it, and what is between our processes stays there. Made
// true by services/rpc/serve.cc (no call round it), services/rpc/policy.cc (who may what),
// services/rpc/credentials.cc (who is who), services/customer/person_service.cc (fields) and
// services/rpc/reflection.cc (what is shown of the API).
//
// An unknown or missing credential on every single RPC: services/every_rpc_test.cc. What numbers tell:
// tests/scenarios/numbers_disclose_nobody_test.cc.
#include <set>

#include "gmock/gmock.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using Roles = std::set<std::string>;

const Roles kAll = {"operator", "marketing", "approver", "governance", "analyst", "partner", "service"};

struct Door {
  const char* method;
  Roles open_to;  // and to "service"
};

const std::vector<Door> kDoors = {
    {"customer.v1.PersonService/GetPerson", {"governance"}},
    {"customer.v1.PersonService/LookupPeople", {"governance"}},
    {"customer.v1.PersonService/ListPersonRecords", {"governance"}},
    {"customer.v1.PersonService/JudgePerson", {"marketing", "approver", "governance"}},
    {"customer.v1.PersonService/GetCounts", {"operator", "marketing", "approver", "governance", "analyst"}},
    {"customer.v1.PersonService/ListTimeline", {"governance"}},
    {"customer.v1.PersonService/CorrectPerson", {"governance"}},
    {"customer.v1.PersonService/ErasePerson", {"governance"}},
    {"customer.v1.IdentityService/ListReviews", {"governance"}},
    {"customer.v1.IdentityService/AssertSame", {"governance"}},
    {"customer.v1.IdentityService/ExplainLink", {"governance"}},
    {"customer.v1.IdentityService/SwitchModel", {"operator"}},
    {"customer.v1.IdentityService/GetIdentityState", {"operator", "governance"}},
    {"customer.v1.AgreementService/CreateAgreement", {"governance"}},
    {"customer.v1.AgreementService/ListAgreements", {"operator", "governance", "partner"}},
    {"customer.v1.SyncService/CountRecords", {"operator", "partner"}},
    {"customer.v1.ConsentService/WithdrawConsent", {"governance"}},
    {"customer.v1.ConsentService/GrantConsent", {"governance"}},
    {"customer.v1.ConsentService/ListConsentEntries", {"governance"}},
    {"customer.v1.ConsentService/SetPersonFact", {"governance"}},
    {"customer.v1.EndpointService/ResolveEndpoints", {"governance"}},
    {"customer.v1.EndpointService/SuppressEndpoint", {"governance"}},
    {"customer.v1.SourceService/CreateSource", {"operator"}},
    {"customer.v1.PurposeService/ListPurposes",
     {"operator", "marketing", "approver", "governance", "analyst", "partner"}},
    {"audience.v1.AudienceService/CreateAudience", {"marketing"}},
    {"audience.v1.AudienceService/CountAudience", {"marketing", "approver", "governance", "analyst"}},
    {"audience.v1.AudienceService/BreakDownAudience", {"marketing", "approver", "governance", "analyst"}},
    {"audience.v1.AudienceService/UpdateAudience", {"marketing"}},
    {"audience.v1.AudienceService/PreviewAudience", {"marketing", "approver", "governance"}},
    {"audience.v1.QueryService/GetQuery", {"governance"}},
    {"audience.v1.ReferenceService/GetReferenceState",
     {"operator", "marketing", "approver", "governance", "analyst"}},
    {"campaign.v1.CampaignService/CreateCampaign", {"marketing"}},
    {"campaign.v1.CampaignService/ApproveCampaign", {"approver"}},
    {"campaign.v1.CampaignService/LaunchCampaign", {"marketing"}},
    {"campaign.v1.TemplateService/CreateTemplate", {"marketing"}},
    {"dispatch.v1.IntentService/ListIntents", {"operator", "marketing", "approver", "governance"}},
    {"customer.internal.v1.FeedService/GetPosition", {}},
    {"customer.internal.v1.PermitService/IssuePermits", {}},
    {"dispatch.internal.v1.PlanService/PlanIntents", {}},
    {"audience.internal.v1.MemberService/PinMembers", {}},
};

class NobodySees : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(system_.ok());
    story_.ImportAll(
        kQuit, FileOf({{.id = "a", .given = "Canary", .email = "canary@example.org", .phone = Phone(1)}}));
    person_ = story_.PersonWithPhone(Phone(1)).name();
  }
  absl::StatusOr<customer::v1::Person> Get(const std::string& role, customer::v1::PersonView view) {
    customer::v1::GetPersonRequest request;
    request.set_name(person_);
    request.set_view(view);
    return system_.As(role).Call<customer::v1::Person>("customer.v1.PersonService/GetPerson", request);
  }

  System system_{{.start_connector = false}};
  Story story_{system_};
  std::string person_;
};

// Each call is an empty message: past the door it is refused for its fields, or answers; it changes nothing.
TEST_F(NobodySees, WhatIsAnothersWork) {
  for (const Door& door : kDoors) {
    for (const std::string& role : kAll) {
      const bool open = role == "service" || door.open_to.contains(role);
      const std::string reason = base::ReasonOf(system_.As(role).CallRaw(door.method, ""));
      if (open) {
        EXPECT_NE(reason, "PERMISSION_MISSING") << role << " calls " << door.method;
      } else {
        EXPECT_EQ(reason, "PERMISSION_MISSING") << role << " calls " << door.method;
      }
    }
    EXPECT_EQ(base::ReasonOf(system_.Stranger().CallRaw(door.method, "")), "CREDENTIAL_MISSING")
        << door.method;
  }
}

TEST_F(NobodySees, ContactDataWithoutAnsweringForIt) {
  const auto full = Get("governance", customer::v1::PERSON_VIEW_FULL);
  ASSERT_TRUE(full.ok()) << full.status();
  EXPECT_THAT(full->ShortDebugString(), HasSubstr("canary@example.org"));
  const auto basic = Get("governance", customer::v1::PERSON_VIEW_BASIC);
  ASSERT_TRUE(basic.ok()) << basic.status();
  for (const char* canary : {"canary@example.org", "Canary"}) {
    EXPECT_THAT(basic->ShortDebugString(), Not(HasSubstr(canary)));
  }
  EXPECT_THAT(basic->ShortDebugString(), Not(HasSubstr(Number(1))));
  // A verdict comes with its evidence and without the address that it is about.
  const customer::v1::Judgement verdict = story_.Judge(person_);
  EXPECT_EQ(verdict.reason(), type::v1::ALLOW);
  EXPECT_THAT(verdict.ShortDebugString(), Not(HasSubstr(Number(1).substr(2))));
}

TEST_F(NobodySees, IntentsAndRepliesHoldNoContactData) {
  system_.smpp().Start();
  story_.Run("quit");
  ASSERT_TRUE(story_.Finished("quit"));
  for (const auto& intent : story_.Intents("quit")) {
    EXPECT_THAT(intent.ShortDebugString(), Not(HasSubstr(Number(1).substr(2))));
    EXPECT_THAT(intent.ShortDebugString(), Not(HasSubstr("Canary")));
  }
}

TEST_F(NobodySees, TheInternalApi) {
  for (const char* role : {"partner", "governance", "service"}) {
    const std::vector<std::string> services = Must(system_.As(role).ListServices());
    EXPECT_THAT(services, Contains("pharos.customer.v1.PersonService"));
    EXPECT_THAT(services, Each(Not(HasSubstr(".internal."))));
    EXPECT_TRUE(system_.As(role).DescribeSymbol("pharos.customer.v1.PersonService").ok());
    EXPECT_EQ(system_.As(role).DescribeSymbol("pharos.customer.internal.v1.FeedService").code(),
              absl::StatusCode::kNotFound);
  }
  EXPECT_EQ(base::ReasonOf(system_.Stranger().ListServices().status()), "CREDENTIAL_MISSING");
}

}  // namespace
}  // namespace pharos::tests
