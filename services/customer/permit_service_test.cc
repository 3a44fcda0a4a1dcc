#include "services/customer/permit_service.h"

#include <gtest/gtest.h>

#include "services/base/errors.h"
#include "services/customer/permit_fixture.h"

namespace pharos::customer {
namespace {

using namespace internal::v1;  // NOLINT: requests and answers
using type::v1::GateReason;

const std::string kPhone = "447700900001";

struct PermitServiceTest : testing::Test {
  base::FakeClock clock;
  PermitFixture at{clock};
  const std::string anna = at.AddPerson("1", "Anna", kPhone);

  GateReason Denied(const PermitRequest& wanted) {
    const PermitAnswer answer = at.Issue(wanted);
    EXPECT_TRUE(answer.has_denied()) << answer.ShortDebugString();
    return answer.denied();
  }
};

TEST_F(PermitServiceTest, GrantsWithWhatTheMessageNeeds) {
  const PermitAnswer answer = at.Issue(at.Wanted("1", anna, kPhone), {"given_name", "postcode"});
  ASSERT_TRUE(answer.has_granted());
  EXPECT_EQ(answer.granted().person(), anna);
  EXPECT_EQ(answer.granted().address(), kPhone);
  EXPECT_EQ(answer.granted().fields().size(), 1u);  // only what was asked for and is there
  EXPECT_EQ(answer.granted().fields().at("given_name"), "Anna");
  EXPECT_EQ(at.permits->size(), 1u);
}

TEST_F(PermitServiceTest, SaysWhichNationsBankHolidaysCount) {
  const std::string moira = at.AddPerson("2", "Moira", "447700900002", "", "EH1 1YZ");
  EXPECT_EQ(at.Issue(at.Wanted("1", moira, "447700900002")).granted().nation(), type::v1::SCOTLAND);
  EXPECT_EQ(at.Issue(at.Wanted("2", anna, kPhone)).granted().nation(), type::v1::NATION_UNSPECIFIED);
}

TEST_F(PermitServiceTest, ADeniedIdLeavesTheTable) {
  EXPECT_EQ(Denied(at.Wanted("1", anna, kPhone, "purposes/marketing")), type::v1::NO_CONSENT);
  EXPECT_EQ(at.permits->size(), 0u);
}

TEST_F(PermitServiceTest, DeniesWhatItCannotKnow) {
  EXPECT_EQ(Denied(at.Wanted("1", "people/nobody", kPhone)), type::v1::NO_ENDPOINT);
  EXPECT_EQ(Denied(at.Wanted("2", anna, "447700900999")), type::v1::NO_ENDPOINT);
  EXPECT_EQ(Denied(at.Wanted("3", anna, kPhone, "purposes/unknown")), type::v1::NO_CONSENT);
  PermitRequest email = at.Wanted("4", anna, kPhone);
  email.set_channel(type::v1::CHANNEL_EMAIL);
  EXPECT_EQ(Denied(email), type::v1::NO_ENDPOINT);
}

TEST_F(PermitServiceTest, SaysSuppressedEvenOfAnEndpointThatThePersonLost) {
  at.Say(at.Reply("r", "447700900999", WRONG_PERSON_REPLY));
  EXPECT_EQ(Denied(at.Wanted("1", anna, "447700900999")), type::v1::ENDPOINT_SUPPRESSED);
}

TEST_F(PermitServiceTest, ResolvesAFormerNameAndTellsIt) {
  const std::string second = at.AddPerson("2", "Anna", "", "anna@example.org");
  ASSERT_NE(second, anna);
  at.AddPerson("3", "Anna", kPhone, "anna@example.org");  // both are she
  const PermitAnswer answer = at.Issue(at.Wanted("1", second, kPhone));
  ASSERT_TRUE(answer.has_granted());
  EXPECT_EQ(answer.granted().person(), anna);
  EXPECT_THAT(answer.granted().former_names(), testing::ElementsAre(second));
}

TEST_F(PermitServiceTest, ARepeatIsAnsweredAsBeforeEvenAfterAnOptOut) {
  EXPECT_TRUE(at.Issue(at.Wanted("1", anna, kPhone)).has_granted());
  Collected<RecordReplyResponse> answers;
  TestCall call;
  Waiting stop([&] { (void)at.opt_out_service.RecordReply(call, at.Reply("r", kPhone, STOP), answers); });
  ASSERT_EQ(answers.Await(1).size(), 1u);
  // Taking the live permit out because its repeat is denied now would acknowledge too early.
  EXPECT_TRUE(at.Issue(at.Wanted("1", anna, kPhone)).has_granted());
  EXPECT_TRUE(stop.StaysOpen());
  EXPECT_EQ(Denied(at.Wanted("2", anna, kPhone)), type::v1::OPTED_OUT);
  EXPECT_TRUE(stop.StaysOpen());
  at.Release("1");
  EXPECT_TRUE(stop.Ends());
  EXPECT_EQ(Denied(at.Wanted("1", anna, kPhone)), type::v1::OPTED_OUT);
}

TEST_F(PermitServiceTest, TheSameIdTwiceInOneCallIsOnePermit) {
  TestCall call;
  IssuePermitsRequest request;
  *request.add_requests() = at.Wanted("1", anna, kPhone);
  *request.add_requests() = at.Wanted("2", anna, kPhone, "purposes/marketing");
  *request.add_requests() = at.Wanted("1", anna, kPhone);
  *request.add_requests() = at.Wanted("2", anna, kPhone, "purposes/marketing");
  IssuePermitsResponse response;
  ASSERT_TRUE(at.permit_service.IssuePermits(call, request, response).ok());
  ASSERT_EQ(response.answers_size(), 4);
  EXPECT_TRUE(response.answers(2).has_granted());
  EXPECT_EQ(response.answers(3).denied(), type::v1::NO_CONSENT);
  EXPECT_EQ(at.permits->size(), 1u);
}

TEST_F(PermitServiceTest, RefusesIdsOfAnotherLength) {
  TestCall call;
  IssuePermitsRequest request;
  *request.add_requests() = at.Wanted("1", anna, kPhone);
  request.mutable_requests(0)->set_id("short");
  IssuePermitsResponse response;
  EXPECT_EQ(at.permit_service.IssuePermits(call, request, response).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(at.permits->size(), 0u);
}

TEST_F(PermitServiceTest, ReleasesByIdAndIgnoresUnknownOnes) {
  at.Issue(at.Wanted("1", anna, kPhone));
  TestCall call;
  ReleasePermitsRequest request;
  request.add_ids("unknown");
  request.add_ids(at.Wanted("1", anna, kPhone).id());
  ReleasePermitsResponse response;
  EXPECT_TRUE(at.permit_service.ReleasePermits(call, request, response).ok());
  EXPECT_EQ(at.permits->size(), 0u);
}

// ------------------------------------------------------------------------------------------ the one
// confirmation

struct ConfirmationTest : PermitServiceTest {
  PermitRequest Confirmation(const std::string& id, const std::string& opt_out,
                             const std::string& phone = kPhone) {
    PermitRequest wanted = at.Wanted(id, anna, phone, "");
    wanted.set_confirmation_of(opt_out);
    return wanted;
  }
};

TEST_F(ConfirmationTest, PassesItsOwnOptOut) {
  const auto stop = at.Say(at.Reply("r", kPhone, STOP));
  ASSERT_TRUE(stop.changed());
  EXPECT_TRUE(at.Issue(Confirmation("c", stop.opt_out())).has_granted());
  EXPECT_EQ(Denied(at.Wanted("m", anna, kPhone)), type::v1::OPTED_OUT);
  record::v1::OptOutRow row;
  ASSERT_TRUE(at.store
                  ->Transact([&](storage::Transaction& tx) -> absl::Status {
                    PHAROS_ASSIGN_OR_RETURN(auto loaded, LoadOptOut(tx, stop.opt_out()));
                    row = loaded.value();
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_EQ(row.confirmation(), base::ToHex(Confirmation("c", "").id()));
}

TEST_F(ConfirmationTest, MayBeAskedForAgainWithANewAttempt) {
  const auto stop = at.Say(at.Reply("r", kPhone, STOP));
  EXPECT_TRUE(at.Issue(Confirmation("c", stop.opt_out())).has_granted());
  clock.Advance(kTerm);
  EXPECT_TRUE(at.Issue(Confirmation("d", stop.opt_out())).has_granted());
}

TEST_F(ConfirmationTest, IsNotDueForAStopThatChangedNothing) {
  at.Say(at.Reply("r", kPhone, STOP));
  const auto again = at.Say(at.Reply("r2", kPhone, STOP));
  EXPECT_FALSE(again.changed());
  EXPECT_EQ(Denied(Confirmation("c", again.opt_out())), type::v1::OPTED_OUT);
}

TEST_F(ConfirmationTest, IsForThatOptOutAndEndpointOnly) {
  at.AddPerson("2", "Bert", "447700900002");
  const auto stop = at.Say(at.Reply("r", kPhone, STOP));
  EXPECT_EQ(Denied(Confirmation("c", stop.opt_out(), "447700900002")), type::v1::OPTED_OUT);
  EXPECT_EQ(Denied(Confirmation("d", "optOuts/unknown")), type::v1::OPTED_OUT);
  const auto start = at.Say(at.Reply("s", kPhone, START));
  EXPECT_EQ(Denied(Confirmation("e", start.opt_out())), type::v1::OPTED_OUT);
}

TEST_F(ConfirmationTest, DoesNotPassASuppression) {
  const auto stop = at.Say(at.Reply("r", kPhone, STOP));
  at.Say(at.Reply("w", kPhone, WRONG_PERSON_REPLY));
  EXPECT_EQ(Denied(Confirmation("c", stop.opt_out())), type::v1::ENDPOINT_SUPPRESSED);
}

// A single message is addressed to whoever has the number.
struct WhoeverTest : PermitServiceTest {
  PermitRequest ToNumber(const std::string& id, const std::string& person) {
    PermitRequest wanted = at.Wanted(id, person, kPhone);
    wanted.set_whoever(true);
    return wanted;
  }
  // Somebody else at Anna's number.
  const std::string bert = at.AddPerson("2", "Bert", kPhone);
};

TEST_F(WhoeverTest, IsGrantedForThePersonAskedIfAllMayGetIt) {
  ASSERT_NE(anna, bert);
  EXPECT_EQ(at.Issue(ToNumber("1", bert)).granted().person(), bert);
  EXPECT_EQ(at.Issue(ToNumber("2", anna)).granted().person(), anna);
  EXPECT_EQ(at.Issue(ToNumber("3", "people/gone")).granted().address(), kPhone);  // another of them has it
}

TEST_F(WhoeverTest, TheStrictestOfThoseWhoHaveItDecides) {
  TestCall call;
  v1::WithdrawConsentRequest stop;
  stop.set_person(bert);
  stop.set_scope(type::v1::SCOPE_PURPOSE);
  stop.set_purpose("purposes/service");
  stop.set_objection(true);
  stop.set_how("phone call");
  v1::ConsentEntry entry;
  ASSERT_EQ(at.consents.WithdrawConsent(call, stop, entry), absl::OkStatus());
  EXPECT_TRUE(at.Issue(at.Wanted("1", anna, kPhone)).has_granted());  // a campaign writes to Anna
  EXPECT_EQ(Denied(ToNumber("2", anna)), type::v1::OBJECTED);  // a message to the number reaches Bert, too
}

TEST_F(WhoeverTest, AnOptOutOfAnyOfThemWaitsForItsPermit) {
  ASSERT_TRUE(at.Issue(ToNumber("1", anna)).has_granted());
  Waiting berts([&] { (void)at.opt_outs.AwaitPerson(bert); });
  EXPECT_TRUE(berts.StaysOpen());
  at.Release("1");
  EXPECT_TRUE(berts.Ends());
}

TEST_F(WhoeverTest, NobodyHasIt) {
  PermitRequest wanted = at.Wanted("1", anna, "447700900999");
  wanted.set_whoever(true);
  EXPECT_EQ(Denied(wanted), type::v1::NO_ENDPOINT);
}

struct MeasureTest : testing::Test {
  base::FakeClock clock;
  PermitFixture at{clock};
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  TestCall call;
  int asked = 0;

  bool Measured() {
    PermitRequest wanted = at.Wanted(std::to_string(++asked), anna, kPhone);
    wanted.set_measure(true);
    const PermitAnswer answer = at.Issue(wanted);
    EXPECT_TRUE(answer.has_granted()) << answer.ShortDebugString();
    MayMeasureRequest request;
    request.set_person(anna);
    request.set_endpoint(at.Phone(kPhone));
    request.set_channel(type::v1::CHANNEL_SMS);
    MayMeasureResponse response;
    EXPECT_TRUE(at.permit_service.MayMeasure(call, request, response).ok());
    EXPECT_EQ(response.measured(), answer.granted().measured()) << "one rule";
    return answer.granted().measured();
  }
  void Agree(type::v1::Channel channel = type::v1::CHANNEL_SMS) {
    v1::GrantConsentRequest request;
    request.set_person(anna);
    request.set_purpose("purposes/measurement");
    request.set_channel(channel);
    request.set_how("page");
    request.set_wording("Yes, count which links I follow.");
    v1::ConsentEntry entry;
    ASSERT_EQ(at.consents.GrantConsent(call, request, entry), absl::OkStatus());
  }
};

TEST_F(MeasureTest, OnlyWhoAgreedToItIsMeasured) {
  EXPECT_FALSE(Measured()) << "nobody can have agreed to what is not registered";
  at.AddPurpose("purposes/measurement", type::v1::PURPOSE_CLASS_MARKETING, type::v1::LAWFUL_BASIS_CONSENT);
  EXPECT_FALSE(Measured());
  Agree(type::v1::CHANNEL_EMAIL);
  EXPECT_FALSE(Measured()) << "agreed on another channel";
  Agree();
  EXPECT_TRUE(Measured());
  EXPECT_FALSE(at.Issue(at.Wanted("unasked", anna, kPhone)).granted().measured());

  clock.Advance(1);
  v1::WithdrawConsentRequest stop;
  stop.set_person(anna);
  stop.set_scope(type::v1::SCOPE_PURPOSE);
  stop.set_purpose("purposes/measurement");
  stop.set_how("page");
  v1::ConsentEntry entry;
  for (int i = 1; i <= asked; ++i) at.Release(std::to_string(i));
  at.Release("unasked");
  ASSERT_EQ(at.consents.WithdrawConsent(call, stop, entry), absl::OkStatus());
  EXPECT_FALSE(Measured()) << "and their messages still go";
}

TEST_F(MeasureTest, WithoutConsentAsItsBasisNobodyIsMeasured) {
  at.AddPurpose("purposes/measurement", type::v1::PURPOSE_CLASS_SERVICE, type::v1::LAWFUL_BASIS_PUBLIC_TASK);
  EXPECT_FALSE(Measured());
}

TEST_F(MeasureTest, NobodyKnownIsNotMeasured) {
  MayMeasureRequest request;
  request.set_person("people/nobody");
  request.set_endpoint(at.Phone(kPhone));
  request.set_channel(type::v1::CHANNEL_SMS);
  MayMeasureResponse response;
  ASSERT_TRUE(at.permit_service.MayMeasure(call, request, response).ok());
  EXPECT_FALSE(response.measured());
  request.set_endpoint("short");
  EXPECT_EQ(base::ReasonOf(at.permit_service.MayMeasure(call, request, response)), "FIELD_MISSING");
}

}  // namespace
}  // namespace pharos::customer
