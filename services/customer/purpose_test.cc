// The purpose register: versions, retirement, and what a retired purpose stops.
#include <gtest/gtest.h>

#include "services/base/errors.h"
#include "services/customer/permit_fixture.h"
#include "services/customer/person_service.h"
#include "services/customer/purpose_service.h"

namespace pharos::customer {
namespace {

const std::string kPhone = "447700900001";

struct PurposeTest : testing::Test {
  base::FakeClock clock;
  PermitFixture at{clock};
  PurposeService purposes{*at.store, clock, [this] { at.opt_outs.AwaitAllOutstanding(); }};
  TestCall call;

  v1::Purpose Get(const std::string& name, uint64_t version = 0) {
    v1::GetPurposeRequest request;
    request.set_name(name);
    request.set_version(version);
    v1::Purpose purpose;
    const absl::Status status = purposes.GetPurpose(call, request, purpose);
    EXPECT_TRUE(status.ok()) << status;
    return purpose;
  }
  absl::Status Update(const v1::Purpose& purpose) {
    v1::UpdatePurposeRequest request;
    *request.mutable_purpose() = purpose;
    v1::Purpose updated;
    return purposes.UpdatePurpose(call, request, updated);
  }
  v1::Purpose Retire(const std::string& name) {
    v1::RetirePurposeRequest request;
    request.set_name(name);
    v1::Purpose retired;
    const absl::Status status = purposes.RetirePurpose(call, request, retired);
    EXPECT_TRUE(status.ok()) << status;
    return retired;
  }
  void Create(const std::string& id) {
    v1::CreatePurposeRequest request;
    request.set_purpose_id(id);
    request.mutable_purpose()->set_purpose_class(type::v1::PURPOSE_CLASS_SERVICE);
    request.mutable_purpose()->set_lawful_basis(type::v1::LAWFUL_BASIS_PUBLIC_TASK);
    request.mutable_purpose()->set_controller("Council");
    v1::Purpose made;
    EXPECT_TRUE(purposes.CreatePurpose(call, request, made).ok());
    EXPECT_EQ(made.version(), 1u);
  }
};

TEST_F(PurposeTest, EarlierVersionsStay) {
  Create("checks");
  v1::Purpose purpose = Get("purposes/checks");
  purpose.set_description("Your yearly check");
  ASSERT_TRUE(Update(purpose).ok());
  EXPECT_EQ(Get("purposes/checks").version(), 2u);
  EXPECT_EQ(Get("purposes/checks").description(), "Your yearly check");
  EXPECT_EQ(Get("purposes/checks", 1).description(), "");
  EXPECT_EQ(Get("purposes/checks", 2).version(), 2u);
  v1::GetPurposeRequest request;
  request.set_name("purposes/checks");
  request.set_version(3);
  v1::Purpose none;
  EXPECT_EQ(base::ReasonOf(purposes.GetPurpose(call, request, none)), "PURPOSE_NOT_FOUND");
}

TEST_F(PurposeTest, NobodysEditIsLost) {
  Create("checks");
  v1::Purpose mine = Get("purposes/checks"), theirs = mine;
  theirs.set_display_name("Checks");
  ASSERT_TRUE(Update(theirs).ok());
  mine.set_display_name("Yearly checks");
  EXPECT_EQ(base::ReasonOf(Update(mine)), "ETAG_MISMATCH");
  mine.clear_etag();
  EXPECT_EQ(base::ReasonOf(Update(mine)), "ETAG_MISSING");
}

TEST_F(PurposeTest, ClassAndBasisNeverChange) {
  Create("checks");
  v1::Purpose purpose = Get("purposes/checks");
  purpose.set_lawful_basis(type::v1::LAWFUL_BASIS_CONSENT);
  EXPECT_EQ(base::ReasonOf(Update(purpose)), "PURPOSE_FIXED");
  purpose = Get("purposes/checks");
  purpose.set_purpose_class(type::v1::PURPOSE_CLASS_URGENT);
  EXPECT_EQ(base::ReasonOf(Update(purpose)), "PURPOSE_FIXED");
}

TEST_F(PurposeTest, APurposeFromBeforeThereWereVersionsIsVersionOne) {
  EXPECT_EQ(Get("purposes/service").version(), 1u);
  EXPECT_EQ(Get("purposes/service", 1).name(), "purposes/service");
  v1::Purpose purpose = Get("purposes/service");
  purpose.set_controller("Council");
  ASSERT_TRUE(Update(purpose).ok());
  EXPECT_EQ(Get("purposes/service").version(), 2u);
}

TEST_F(PurposeTest, RetirementIsForGoodAndMayBeRepeated) {
  const v1::Purpose retired = Retire("purposes/service");
  EXPECT_GT(retired.retire_time_us(), 0);
  clock.Advance(1'000'000);
  EXPECT_EQ(Retire("purposes/service").retire_time_us(), retired.retire_time_us());
  v1::Purpose purpose = Get("purposes/service");
  purpose.set_controller("Council");
  EXPECT_EQ(base::ReasonOf(Update(purpose)), "PURPOSE_RETIRED");
}

TEST_F(PurposeTest, NothingIsGrantedForARetiredPurposeAndWithdrawalsAreTaken) {
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  EXPECT_TRUE(at.Issue(at.Wanted("1", anna, kPhone)).has_granted());
  at.Release("1");
  Retire("purposes/service");
  const auto answer = at.Issue(at.Wanted("2", anna, kPhone));
  ASSERT_TRUE(answer.has_denied());
  EXPECT_EQ(answer.denied(), type::v1::GATE_REASON_UNSPECIFIED);  // no rule of the gate: it was not asked
  EXPECT_EQ(at.permits->size(), 0u);

  v1::GrantConsentRequest grant;
  grant.set_person(anna);
  grant.set_purpose("purposes/service");
  grant.set_channel(type::v1::CHANNEL_SMS);
  v1::ConsentEntry entry;
  EXPECT_EQ(base::ReasonOf(at.consents.GrantConsent(call, grant, entry)), "PURPOSE_RETIRED");
  v1::WithdrawConsentRequest withdrawal;
  withdrawal.set_person(anna);
  withdrawal.set_scope(type::v1::SCOPE_PURPOSE);
  withdrawal.set_purpose("purposes/service");
  EXPECT_TRUE(at.consents.WithdrawConsent(call, withdrawal, entry).ok());

  PersonService persons(*at.store, at.people, clock);
  v1::JudgePersonRequest judge;
  judge.set_person(anna);
  judge.set_purpose("purposes/service");
  judge.add_channels(type::v1::CHANNEL_SMS);
  v1::Judgement judgement;
  EXPECT_EQ(base::ReasonOf(persons.JudgePerson(call, judge, judgement)), "PURPOSE_RETIRED");
}

TEST_F(PurposeTest, ARetirementIsAnsweredWhenNoPermitIsOutAnyMore) {
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  ASSERT_TRUE(at.Issue(at.Wanted("1", anna, kPhone)).has_granted());
  Waiting retiring([&] { Retire("purposes/service"); });
  EXPECT_TRUE(retiring.StaysOpen());
  at.Release("1");
  EXPECT_TRUE(retiring.Ends());
}

}  // namespace
}  // namespace pharos::customer
