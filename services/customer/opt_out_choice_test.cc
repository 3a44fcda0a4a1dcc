#include "services/customer/opt_out_choice.h"

#include <gtest/gtest.h>

#include "services/base/errors.h"
#include "services/customer/entry_index.h"
#include "services/customer/permit_fixture.h"

namespace pharos::customer {
namespace {

using namespace internal::v1;  // NOLINT: requests and answers

const std::string kPhone = "447700900001";
const std::string kMessage = "campaigns/quit/steps/1";
constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kDay = int64_t{24} * 3600 * kSecond;

struct ChoiceTest : testing::Test {
  base::FakeClock clock;
  PermitFixture at{clock};
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  const std::string bert = at.AddPerson("2", "Bert", kPhone);  // shares the phone
  PauseEnds pauses{*at.store, at.people, clock};
  int said = 0;

  RecordReplyRequest Request(ReplyKind kind, const std::string& person) {
    RecordReplyRequest request;
    request.set_reply_id("choice" + std::to_string(++said));
    request.set_channel(type::v1::CHANNEL_EMAIL);
    request.set_kind(kind);
    request.set_person(person);
    request.set_message(kMessage);
    if (kind == UNSUBSCRIBE) request.set_purpose("purposes/service");
    if (kind == PAUSE_PERSON) request.set_until_us(clock.WallMicros() + 90 * kDay);
    return request;
  }
  RecordReplyResponse Choose(ReplyKind kind, const std::string& person) {
    clock.Advance(kSecond);
    return at.Say(Request(kind, person));
  }
  type::v1::GateReason Reason(const std::string& person, const std::string& purpose = "purposes/service") {
    const auto answer = at.Issue(at.Wanted(base::NewId(clock.WallMicros()), person, kPhone, purpose));
    if (answer.has_granted()) at.permits->Release(answer.id());
    return answer.has_granted() ? type::v1::ALLOW : answer.denied();
  }
  std::vector<record::v1::LedgerRow> Ledger(const std::string& person) {
    const auto view = at.store->Read();
    return *EntriesOf(*view, **at.people.Load(*view, person), 100);
  }
  void Withdraw(const std::string& person, const std::string& how) {
    clock.Advance(kSecond);
    v1::WithdrawConsentRequest request;
    request.set_person(person);
    request.set_scope(type::v1::SCOPE_PURPOSE);
    request.set_purpose("purposes/service");
    request.set_how(how);
    v1::ConsentEntry entry;
    TestCall call;
    EXPECT_TRUE(at.consents.WithdrawConsent(call, request, entry).ok());
  }
  // What a feed says of a record of its own.
  void FeedWithdraws(const std::string& record, const std::string& purpose) {
    clock.Advance(kSecond);
    record::v1::LedgerRow entry;
    auto& gate = *entry.mutable_gate();
    gate.set_name("consentEntries/" + base::NewId(clock.WallMicros()));
    gate.set_record("sources/feed/records/" + record);
    gate.set_kind(type::v1::WITHDRAWN);
    gate.set_scope(type::v1::SCOPE_PURPOSE);
    gate.set_purpose(purpose);
    gate.set_event_time_us(clock.WallMicros());
    entry.add_subjects(gate.record());
    entry.set_create_time_us(clock.WallMicros());
    entry.set_how("import");
    const ChangeMaker change = [&](std::string_view resource, std::string_view kind, uint64_t version) {
      return rpc::ChangeByLoop("internal:test", resource, kind, version, clock.WallMicros());
    };
    EXPECT_TRUE(
        at.store->Transact([&](storage::Transaction& tx) { return at.people.AppendEntry(tx, entry, change); })
            .ok());
  }
  void SetPaused(const std::string& person, bool holds) {
    clock.Advance(kSecond);
    v1::SetPersonFactRequest request;
    request.set_person(person);
    request.set_fact(v1::SetPersonFactRequest::FACT_PAUSED);
    request.set_holds(holds);
    request.set_how("phone call");
    v1::SetPersonFactResponse response;
    TestCall call;
    EXPECT_TRUE(at.consents.SetPersonFact(call, request, response).ok());
  }
};

TEST_F(ChoiceTest, StopEverythingHoldsForEveryPurposeUrgentIncludedAndForThatPersonOnly) {
  at.AddPurpose("purposes/urgent", type::v1::PURPOSE_CLASS_URGENT, type::v1::LAWFUL_BASIS_VITAL_INTERESTS);
  EXPECT_EQ(Reason(anna, "purposes/urgent"), type::v1::ALLOW);
  EXPECT_TRUE(Choose(UNSUBSCRIBE_ALL, anna).changed());
  EXPECT_EQ(Reason(anna), type::v1::OPTED_OUT);
  EXPECT_EQ(Reason(anna, "purposes/urgent"), type::v1::OPTED_OUT);
  EXPECT_EQ(Reason(bert), type::v1::ALLOW);
  EXPECT_FALSE(Choose(UNSUBSCRIBE_ALL, anna).changed());
}

TEST_F(ChoiceTest, EachStricterChoiceWaitsForThePersonsPermits) {
  for (const ReplyKind kind : {UNSUBSCRIBE, PAUSE_PERSON, UNSUBSCRIBE_ALL}) {
    const std::string person =
        at.AddPerson("w" + std::to_string(kind), std::string(3, static_cast<char>('a' + kind)), kPhone);
    ASSERT_TRUE(at.Issue(at.Wanted(person, person, kPhone)).has_granted());
    const RecordReplyRequest request = Request(kind, person);
    TestCall call;
    Collected<RecordReplyResponse> answers;
    Waiting waiting([&] { EXPECT_TRUE(at.opt_out_service.RecordReply(call, request, answers).ok()); });
    ASSERT_EQ(answers.Await(1).front().stage(), RecordReplyResponse::DURABLE);
    EXPECT_NE(Reason(person), type::v1::ALLOW) << "from the commit on";
    EXPECT_TRUE(waiting.StaysOpen());
    RecordReplyRequest again;  // whoever repeats keeps only the id
    again.set_reply_id(request.reply_id());
    again.set_channel(request.channel());
    again.set_kind(kind);
    Collected<RecordReplyResponse> repeated;
    Waiting repeat([&] { EXPECT_TRUE(at.opt_out_service.RecordReply(call, again, repeated).ok()); });
    ASSERT_EQ(repeated.Await(1).size(), 1u);
    EXPECT_TRUE(repeat.StaysOpen());
    at.Release(person);
    EXPECT_TRUE(waiting.Ends());
    EXPECT_TRUE(repeat.Ends());
    EXPECT_EQ(repeated.Await(2).back().until_us(), answers.Await(2).back().until_us());
  }
}

TEST_F(ChoiceTest, APauseHoldsAllButUrgentUntilItsTimeAndEndsByItself) {
  at.AddPurpose("purposes/urgent", type::v1::PURPOSE_CLASS_URGENT, type::v1::LAWFUL_BASIS_VITAL_INTERESTS);
  const RecordReplyResponse answer = Choose(PAUSE_PERSON, anna);
  EXPECT_TRUE(answer.changed());
  EXPECT_EQ(answer.until_us(), clock.WallMicros() + 90 * kDay);
  EXPECT_EQ(Reason(anna), type::v1::PAUSED);
  EXPECT_EQ(Reason(anna, "purposes/urgent"), type::v1::ALLOW);
  EXPECT_EQ(Reason(bert), type::v1::ALLOW);
  clock.Advance(90 * kDay - 1);
  EXPECT_EQ(*pauses.EndDue(), 0u);
  EXPECT_EQ(Reason(anna), type::v1::PAUSED);
  clock.Advance(1);
  EXPECT_EQ(*pauses.EndDue(), 1u);
  EXPECT_EQ(Reason(anna), type::v1::ALLOW);
  EXPECT_EQ(*pauses.EndDue(), 0u);
  const auto ledger = Ledger(anna);
  ASSERT_EQ(ledger.size(), 2u);
  EXPECT_EQ(ledger[0].gate().scope(), type::v1::SCOPE_PAUSE);
  EXPECT_EQ(ledger[0].message(), kMessage);
  EXPECT_EQ(ledger[1].gate().kind(), type::v1::LIFTED);
}

TEST_F(ChoiceTest, APauseAskedForAgainLastsLongerAndTheFirstEndDoesNotEndIt) {
  Choose(PAUSE_PERSON, anna);
  clock.Advance(45 * kDay);
  EXPECT_FALSE(Choose(PAUSE_PERSON, anna).changed());
  clock.Advance(45 * kDay);
  EXPECT_EQ(*pauses.EndDue(), 1u);
  EXPECT_EQ(Reason(anna), type::v1::PAUSED);
  clock.Advance(46 * kDay);
  EXPECT_EQ(*pauses.EndDue(), 1u);
  EXPECT_EQ(Reason(anna), type::v1::ALLOW);
}

TEST_F(ChoiceTest, TheEndOfAPauseEndsNobodyElsesPauseAndNoOptOut) {
  SetPaused(anna, true);
  Choose(PAUSE_PERSON, anna);
  Choose(UNSUBSCRIBE, bert);
  Choose(PAUSE_PERSON, bert);
  clock.Advance(91 * kDay);
  EXPECT_EQ(*pauses.EndDue(), 2u);
  EXPECT_EQ(Reason(anna), type::v1::PAUSED) << "somebody of ours said so";
  EXPECT_EQ(Reason(bert), type::v1::OPTED_OUT);
  SetPaused(anna, false);
  EXPECT_EQ(Reason(anna), type::v1::ALLOW);
}

TEST_F(ChoiceTest, SomebodyOfOursMayEndAPauseThatAPersonAskedFor) {
  Choose(PAUSE_PERSON, anna);
  SetPaused(anna, false);
  EXPECT_EQ(Reason(anna), type::v1::ALLOW);
  EXPECT_FALSE(Choose(RESUME, anna).changed());
}

TEST_F(ChoiceTest, ResumeTakesBackWhatCameByLinksAndNothingIsGranted) {
  for (const ReplyKind kind : {UNSUBSCRIBE, UNSUBSCRIBE_ALL, PAUSE_PERSON})
    EXPECT_TRUE(Choose(kind, anna).changed());
  EXPECT_TRUE(Choose(RESUME, anna).changed());
  EXPECT_EQ(Reason(anna), type::v1::ALLOW);
  EXPECT_EQ(Reason(anna, "purposes/marketing"), type::v1::NO_CONSENT) << "nobody had agreed to that";
  EXPECT_EQ(at.Entries("optOut.takenBack").size(), 3u);
  EXPECT_FALSE(Choose(RESUME, anna).changed()) << "there is nothing more";
  for (const auto& entry : Ledger(anna)) {
    EXPECT_NE(entry.gate().kind(), type::v1::GRANTED);
    EXPECT_EQ(entry.message(), kMessage);
    EXPECT_EQ(entry.how(), "link in a message");
  }
  EXPECT_TRUE(Choose(UNSUBSCRIBE, anna).changed());
  EXPECT_EQ(Reason(anna), type::v1::OPTED_OUT) << "and may be chosen anew";
}

TEST_F(ChoiceTest, ResumeDoesNotLiftAStopByReply) {
  clock.Advance(kSecond);
  EXPECT_TRUE(at.Say(at.Reply("stop", kPhone, STOP)).changed());
  Choose(UNSUBSCRIBE_ALL, anna);
  EXPECT_TRUE(Choose(RESUME, anna).changed());
  EXPECT_EQ(Reason(anna), type::v1::OPTED_OUT);
}

TEST_F(ChoiceTest, ResumeDoesNotLiftWhatAFeedSaid) {
  FeedWithdraws("1", "purposes/service");
  Choose(UNSUBSCRIBE, anna);
  EXPECT_TRUE(Choose(RESUME, anna).changed());
  EXPECT_EQ(Reason(anna), type::v1::OPTED_OUT);
}

TEST_F(ChoiceTest, ResumeDoesNotLiftWhatAStewardOrAnUnsubscribeMailSaid) {
  Withdraw(anna, "preference page");  // whatever a caller writes there
  RecordReplyRequest mail = Request(UNSUBSCRIBE, bert);
  mail.clear_message();
  EXPECT_TRUE(at.Say(mail).changed());
  for (const std::string& person : {anna, bert}) {
    EXPECT_FALSE(Choose(RESUME, person).changed());
    // The link's own opt-out, which overtook it, goes: the earlier one stands again.
    EXPECT_FALSE(Choose(UNSUBSCRIBE, person).changed());
    EXPECT_TRUE(Choose(RESUME, person).changed());
    EXPECT_EQ(Reason(person), type::v1::OPTED_OUT);
  }
}

TEST_F(ChoiceTest, ResumeDoesNotLiftAnotherPersonsChoice) {
  Choose(UNSUBSCRIBE_ALL, anna);
  Choose(PAUSE_PERSON, anna);
  EXPECT_FALSE(Choose(RESUME, bert).changed());
  EXPECT_EQ(Reason(anna), type::v1::PAUSED);
}

TEST_F(ChoiceTest, AnotherMessageTakesNothingBack) {
  Choose(UNSUBSCRIBE_ALL, anna);
  clock.Advance(kSecond);
  RecordReplyRequest passed_on = Request(RESUME, anna);
  passed_on.set_message("campaigns/older/steps/1");
  EXPECT_FALSE(at.Say(passed_on).changed());
  EXPECT_EQ(Reason(anna), type::v1::OPTED_OUT);
}

TEST_F(ChoiceTest, APauseAskedForAgainAtOnceIsAnsweredAndWritesNothingMore) {
  const RecordReplyResponse first = Choose(PAUSE_PERSON, anna);
  for (int press = 0; press < 5; ++press) {
    const RecordReplyResponse again = Choose(PAUSE_PERSON, anna);
    EXPECT_FALSE(again.changed());
    EXPECT_EQ(again.until_us(), first.until_us());
  }
  EXPECT_EQ(Ledger(anna).size(), 1u);
  EXPECT_TRUE(Choose(RESUME, anna).changed());
  EXPECT_EQ(Reason(anna), type::v1::ALLOW);
  Choose(PAUSE_PERSON, anna);
  EXPECT_EQ(Reason(anna), type::v1::PAUSED) << "what was taken back is written anew";
}

TEST_F(ChoiceTest, PressingTheSameByAnotherMessageIsWritten) {
  Choose(UNSUBSCRIBE_ALL, anna);
  clock.Advance(kSecond);
  RecordReplyRequest other = Request(UNSUBSCRIBE_ALL, anna);
  other.set_message("campaigns/older/steps/1");
  EXPECT_FALSE(at.Say(other).changed());
  EXPECT_EQ(Ledger(anna).size(), 2u);
  EXPECT_TRUE(Choose(RESUME, anna).changed());
  EXPECT_EQ(Reason(anna), type::v1::OPTED_OUT) << "by the other message";
}

TEST_F(ChoiceTest, ResumeDoesNotLiftASuppressionOrAFact) {
  clock.Advance(kSecond);
  SetPaused(bert, true);
  Choose(PAUSE_PERSON, bert);
  Choose(RESUME, bert);
  EXPECT_EQ(Reason(bert), type::v1::PAUSED);
  at.Say(at.Reply("wrong", kPhone, WRONG_PERSON_REPLY));
  Choose(UNSUBSCRIBE_ALL, anna);
  Choose(RESUME, anna);
  EXPECT_EQ(Reason(anna), type::v1::ENDPOINT_SUPPRESSED);
}

TEST_F(ChoiceTest, ALateResumeDoesNotOvertakeALaterChoice) {
  RecordReplyRequest late = Request(RESUME, anna);
  late.set_event_time_us(clock.WallMicros());
  Choose(UNSUBSCRIBE_ALL, anna);
  clock.Advance(kSecond);
  EXPECT_FALSE(at.Say(late).changed());
  EXPECT_EQ(Reason(anna), type::v1::OPTED_OUT);
}

TEST_F(ChoiceTest, AChoiceSaysWhatItNeeds) {
  RecordReplyRequest request = Request(PAUSE_PERSON, anna);
  request.clear_until_us();
  TestCall call;
  Collected<RecordReplyResponse> answers;
  EXPECT_EQ(base::ReasonOf(at.opt_out_service.RecordReply(call, request, answers)), "FIELD_MISSING");
  for (const ReplyKind kind : {UNSUBSCRIBE_ALL, PAUSE_PERSON, RESUME}) {
    request = Request(kind, "people/nobody");
    EXPECT_EQ(base::ReasonOf(at.opt_out_service.RecordReply(call, request, answers)), "PERSON_NOT_FOUND");
    request.clear_person();
    EXPECT_EQ(base::ReasonOf(at.opt_out_service.RecordReply(call, request, answers)), "FIELD_MISSING");
  }
}

}  // namespace
}  // namespace pharos::customer
