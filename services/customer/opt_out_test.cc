#include "services/customer/opt_out.h"

#include <gtest/gtest.h>

#include "services/base/errors.h"
#include "services/customer/permit_fixture.h"

namespace pharos::customer {
namespace {

using namespace internal::v1;  // NOLINT: requests and answers

const std::string kPhone = "447700900001", kOtherPhone = "447700900002";

struct OptOutTest : testing::Test {
  base::FakeClock clock;
  PermitFixture at{clock};
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  const std::string bert = at.AddPerson("2", "Bert", kPhone);  // shares the phone
  TestCall call;
  Collected<RecordReplyResponse> answers;

  bool Granted(const std::string& id, const std::string& person, const std::string& phone = kPhone) {
    return at.Issue(at.Wanted(id, person, phone)).has_granted();
  }
  void Stop(const std::string& reply_id = "r") {
    EXPECT_TRUE(at.opt_out_service.RecordReply(call, at.Reply(reply_id, kPhone, STOP), answers).ok());
  }
};

TEST_F(OptOutTest, AnswersDurableThenAcknowledged) {
  Stop();
  const auto all = answers.Await(2);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].stage(), RecordReplyResponse::DURABLE);
  EXPECT_EQ(all[1].stage(), RecordReplyResponse::ACKNOWLEDGED);
  EXPECT_EQ(all[0].opt_out(), all[1].opt_out());
  EXPECT_EQ(all[1].endpoint(), at.Phone(kPhone));
  EXPECT_TRUE(all[1].changed());
  EXPECT_FALSE(Granted("1", anna));
}

TEST_F(OptOutTest, IsDurableAtOnceAndAcknowledgedWhenThePermitIsReleased) {
  ASSERT_TRUE(Granted("1", anna));
  Waiting stop([&] { Stop(); });
  ASSERT_EQ(answers.Await(1).front().stage(), RecordReplyResponse::DURABLE);
  EXPECT_FALSE(Granted("2", anna));  // from the commit on
  EXPECT_TRUE(stop.StaysOpen());
  at.Release("1");
  EXPECT_TRUE(stop.Ends());
}

TEST_F(OptOutTest, FreeWordsRecordNothingAndTellWhoseNumberItIs) {
  const auto before = at.store->LastPosition();
  EXPECT_TRUE(at.opt_out_service.RecordReply(call, at.Reply("r", kPhone, NOTED), answers).ok());
  const auto all = answers.Await(2);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].stage(), RecordReplyResponse::ACKNOWLEDGED);
  EXPECT_EQ(all[0].endpoint(), at.Phone(kPhone));
  EXPECT_EQ(all[0].person(), anna) << "of those who share it, who is known longest";
  EXPECT_EQ(all[0].opt_out(), "");
  EXPECT_EQ(at.store->LastPosition(), before);
  EXPECT_TRUE(Granted("1", anna));
  EXPECT_TRUE(at.opt_out_service.RecordReply(call, at.Reply("s", "447700900999", NOTED), answers).ok());
  EXPECT_EQ(answers.Await(4)[2].person(), "") << "nobody known";
}

TEST_F(OptOutTest, IsAcknowledgedAtDWhoeverElseIsDead) {
  ASSERT_TRUE(Granted("1", anna));
  Waiting stop([&] { Stop(); });
  ASSERT_EQ(answers.Await(1).size(), 1u);
  clock.Advance(kTerm - 1);
  EXPECT_TRUE(stop.StaysOpen());
  clock.Advance(1);
  EXPECT_TRUE(stop.Ends());
}

TEST_F(OptOutTest, WaitsForEverybodyAtTheEndpoint) {
  ASSERT_TRUE(Granted("1", bert));
  Waiting stop([&] { Stop(); });
  EXPECT_TRUE(stop.StaysOpen());
  at.Release("1");
  EXPECT_TRUE(stop.Ends());
  EXPECT_FALSE(Granted("2", bert));
}

TEST_F(OptOutTest, DoesNotWaitForOtherEndpoints) {
  const std::string carl = at.AddPerson("3", "Carl", kOtherPhone);
  ASSERT_TRUE(Granted("1", carl, kOtherPhone));
  EXPECT_TRUE(Waiting([&] { Stop(); }).Ends());
  EXPECT_TRUE(Granted("2", carl, kOtherPhone));
}

TEST_F(OptOutTest, ARepeatOfAReplyIsTheSameOptOutAndWaitsLikewise) {
  ASSERT_TRUE(Granted("1", anna));
  Waiting first([&] { Stop(); });
  ASSERT_EQ(answers.Await(1).size(), 1u);
  Waiting second([&] { Stop(); });
  const auto durable = answers.Await(2);
  ASSERT_EQ(durable.size(), 2u);
  EXPECT_EQ(durable[0].opt_out(), durable[1].opt_out());
  EXPECT_TRUE(durable[1].changed());
  EXPECT_TRUE(first.StaysOpen());
  EXPECT_TRUE(second.StaysOpen());
  at.Release("1");
  EXPECT_TRUE(first.Ends());
  EXPECT_TRUE(second.Ends());
}

TEST_F(OptOutTest, AStopThatChangesNothingWaitsLikewise) {
  ASSERT_TRUE(Granted("1", anna));
  Waiting first([&] { Stop("r1"); });
  ASSERT_EQ(answers.Await(1).size(), 1u);
  Waiting second([&] { Stop("r2"); });
  EXPECT_FALSE(answers.Await(2).back().changed());
  EXPECT_TRUE(second.StaysOpen());
  at.Release("1");
  EXPECT_TRUE(second.Ends());
}

TEST_F(OptOutTest, PermitsAskedForLaterDoNotExtendTheWait) {
  const std::string carl = at.AddPerson("3", "Carl", kOtherPhone);
  ASSERT_TRUE(Granted("1", anna));
  Waiting stop([&] { Stop(); });
  ASSERT_EQ(answers.Await(1).size(), 1u);
  clock.Advance(kTerm / 2);
  EXPECT_FALSE(Granted("2", anna));
  EXPECT_TRUE(Granted("3", carl, kOtherPhone));
  clock.Advance(kTerm / 2);
  EXPECT_TRUE(stop.Ends());
}

TEST_F(OptOutTest, StartUndoesStopAndAStopAfterItHoldsWhateverItsClockSays) {
  Stop("r1");
  clock.Advance(60'000'000);
  EXPECT_TRUE(at.Say(at.Reply("s", kPhone, START)).changed());
  EXPECT_TRUE(Granted("1", anna));
  at.Release("1");
  RecordReplyRequest late = at.Reply("r2", kPhone, STOP);
  late.set_event_time_us(clock.WallMicros() - 30'000'000);  // the provider's clock is behind
  EXPECT_TRUE(at.Say(late).changed());
  EXPECT_FALSE(Granted("2", anna));
}

TEST_F(OptOutTest, AStopFromTheFutureDoesNotOutliveAStart) {
  RecordReplyRequest ahead = at.Reply("r", kPhone, STOP);
  ahead.set_event_time_us(clock.WallMicros() + 3'600'000'000);
  at.Say(ahead);
  clock.Advance(1'000'000);
  at.Say(at.Reply("s", kPhone, START));
  EXPECT_TRUE(Granted("1", anna));
}

TEST_F(OptOutTest, AStartFromBeforeTheStopUndoesNothing) {
  Stop("r");
  RecordReplyRequest old = at.Reply("s", kPhone, START);
  old.set_event_time_us(clock.WallMicros() - 1);
  EXPECT_FALSE(at.Say(old).changed());
  EXPECT_FALSE(Granted("1", anna));
}

TEST_F(OptOutTest, WrongPersonSuppressesTheEndpoint) {
  EXPECT_TRUE(at.Say(at.Reply("w", kPhone, WRONG_PERSON_REPLY)).changed());
  EXPECT_EQ(at.Issue(at.Wanted("1", anna, kPhone)).denied(), type::v1::ENDPOINT_SUPPRESSED);
  EXPECT_FALSE(at.Say(at.Reply("w2", kPhone, WRONG_PERSON_REPLY)).changed());
}

TEST_F(OptOutTest, HoldsForSomebodyWhoGetsTheEndpointLater) {
  Stop();
  const std::string dora = at.AddPerson("4", "Dora", kPhone);
  EXPECT_FALSE(Granted("1", dora));
}

TEST_F(OptOutTest, AStopFromANumberThatNobodyHasIsKept) {
  EXPECT_TRUE(at.Say(at.Reply("r", kOtherPhone, STOP)).changed());
  EXPECT_TRUE(at.Say(at.Reply("r2", "60006", STOP)).changed());  // not a number that could be read
  const std::string carl = at.AddPerson("3", "Carl", kOtherPhone);
  EXPECT_FALSE(Granted("1", carl, kOtherPhone));
}

TEST_F(OptOutTest, BeforeTheEndOfAnImportEveryPermitIsWaitedFor) {
  ASSERT_TRUE(Granted("1", anna));
  ASSERT_TRUE(Granted("2", bert));
  Waiting import([&] { at.opt_outs.AwaitAllOutstanding(); });
  at.Release("1");
  EXPECT_TRUE(import.StaysOpen());
  at.Release("2");
  EXPECT_TRUE(import.Ends());
}

TEST(OptOutRestart, IsNotAcknowledgedBeforeTheStartPlusD) {
  base::FakeClock clock;
  PermitFixture at(clock);
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  // A second life of the service on the same store: it knows no permits, and those of the first may still
  // live.
  auto permits = *PermitTable::Open(*at.store, clock, kTerm);
  OptOuts opt_outs(*at.store, at.people, *permits, clock);
  OptOutService service(opt_outs);
  PermitService issues(*at.store, at.people, *permits, clock);
  TestCall call;
  Collected<RecordReplyResponse> answers;
  Waiting stop([&] { (void)service.RecordReply(call, at.Reply("r", kPhone, STOP), answers); });
  EXPECT_EQ(answers.Await(1).size(), 1u);  // durable at once
  clock.Advance(kTerm - 1);
  EXPECT_TRUE(stop.StaysOpen());
  clock.Advance(1);
  EXPECT_TRUE(stop.Ends());
}

// ------------------------------------------------------------------------------------------ unsubscribe

struct UnsubscribeTest : OptOutTest {
  RecordReplyRequest Unsubscribe(const std::string& id) {
    RecordReplyRequest request;
    request.set_reply_id(id);
    request.set_channel(type::v1::CHANNEL_EMAIL);
    request.set_kind(UNSUBSCRIBE);
    request.set_person(anna);
    request.set_purpose("purposes/service");
    return request;
  }
  void Record(const RecordReplyRequest& request) {
    const absl::Status status = at.opt_out_service.RecordReply(call, request, answers);
    EXPECT_TRUE(status.ok()) << status;
  }
};

TEST_F(UnsubscribeTest, EndsThePurposeOnEveryChannelForThatPersonOnly) {
  at.AddPurpose("purposes/other", type::v1::PURPOSE_CLASS_SERVICE, type::v1::LAWFUL_BASIS_PUBLIC_TASK);
  Record(Unsubscribe("u"));
  const auto all = answers.Await(2);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].stage(), RecordReplyResponse::DURABLE);
  EXPECT_EQ(all[1].stage(), RecordReplyResponse::ACKNOWLEDGED);
  EXPECT_TRUE(all[1].changed());
  EXPECT_EQ(at.Issue(at.Wanted("1", anna, kPhone)).denied(), type::v1::OPTED_OUT);  // by SMS too
  EXPECT_TRUE(at.Issue(at.Wanted("2", anna, kPhone, "purposes/other")).has_granted());
  EXPECT_TRUE(Granted("3", bert));
}

TEST_F(UnsubscribeTest, WaitsForThePersonsPermitsAndSoDoesARepeat) {
  ASSERT_TRUE(Granted("1", anna));
  Waiting first([&] { Record(Unsubscribe("u")); });
  ASSERT_EQ(answers.Await(1).size(), 1u);
  RecordReplyRequest again;  // whoever repeats keeps only the id
  again.set_reply_id("u");
  again.set_channel(type::v1::CHANNEL_EMAIL);
  again.set_kind(UNSUBSCRIBE);
  Waiting repeat([&] { Record(again); });
  ASSERT_EQ(answers.Await(2).size(), 2u);
  EXPECT_TRUE(first.StaysOpen());
  EXPECT_TRUE(repeat.StaysOpen());
  at.Release("1");
  EXPECT_TRUE(first.Ends());
  EXPECT_TRUE(repeat.Ends());
  EXPECT_EQ(answers.Await(4).size(), 4u);
  EXPECT_EQ(at.Entries("optOut.recorded").size(), 1u);
}

TEST_F(UnsubscribeTest, ASecondMessageChangesNothingAndALaterGrantUndoesBoth) {
  Record(Unsubscribe("u"));
  Record(Unsubscribe("v"));
  EXPECT_FALSE(answers.Await(4).back().changed());
  clock.Advance(1'000'000);
  v1::GrantConsentRequest grant;
  grant.set_person(anna);
  grant.set_purpose("purposes/service");
  grant.set_channel(type::v1::CHANNEL_SMS);
  v1::ConsentEntry entry;
  ASSERT_TRUE(at.consents.GrantConsent(call, grant, entry).ok());
  EXPECT_TRUE(Granted("1", anna));
  at.Release("1");
  // Said before that grant, by the mail's own clock, but heard after it: an opt-out does not lose.
  RecordReplyRequest late = Unsubscribe("w");
  late.set_event_time_us(clock.WallMicros() - 500'000);
  Record(late);
  EXPECT_FALSE(Granted("2", anna));
}

TEST_F(UnsubscribeTest, NamesWhatItNeeds) {
  RecordReplyRequest request = Unsubscribe("u");
  request.clear_purpose();
  EXPECT_EQ(base::ReasonOf(at.opt_out_service.RecordReply(call, request, answers)), "FIELD_MISSING");
  request = Unsubscribe("u");
  request.set_person("people/nobody");
  EXPECT_EQ(base::ReasonOf(at.opt_out_service.RecordReply(call, request, answers)), "PERSON_NOT_FOUND");
  EXPECT_TRUE(answers.Await(0).empty());
}

TEST_F(OptOutTest, ReportedEndpointsAreSuppressedForEverybodyOnce) {
  ReportEndpointsRequest request;
  auto* report = request.add_reports();
  report->set_endpoint(at.Phone(kPhone));
  report->set_reason(type::v1::HARD_BOUNCE);
  report = request.add_reports();
  report->set_endpoint(at.Phone(kOtherPhone));  // nobody's yet
  report->set_reason(type::v1::COMPLAINT);
  ReportEndpointsResponse response;
  ASSERT_TRUE(at.opt_out_service.ReportEndpoints(call, request, response).ok());
  EXPECT_EQ(at.Issue(at.Wanted("1", anna, kPhone)).denied(), type::v1::ENDPOINT_SUPPRESSED);
  EXPECT_EQ(at.Issue(at.Wanted("2", bert, kPhone)).denied(), type::v1::ENDPOINT_SUPPRESSED);
  const std::string carl = at.AddPerson("3", "Carl", kOtherPhone);
  EXPECT_EQ(at.Issue(at.Wanted("3", carl, kOtherPhone)).denied(), type::v1::ENDPOINT_SUPPRESSED);
  const uint64_t position = at.store->LastPosition();
  ASSERT_TRUE(at.opt_out_service.ReportEndpoints(call, request, response).ok());
  EXPECT_EQ(at.store->LastPosition(), position);  // a repeat changes nothing
  request.mutable_reports(0)->set_reason(type::v1::ERASED);
  EXPECT_EQ(base::ReasonOf(at.opt_out_service.ReportEndpoints(call, request, response)), "FIELD_MISSING");
}

}  // namespace
}  // namespace pharos::customer
