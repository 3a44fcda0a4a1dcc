// A partner's feed in, through the handler on a real store in memory: what is stored, refused and answered.
#include "services/customer/sync_service.h"

#include "services/customer/sync_fixture.h"

namespace pharos::customer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using v1::SyncResult;

struct SyncTest : testing::Test {
  SyncFixture at;
  v1::SyncItem Ann(const std::string& cursor = "c1") {
    return Item("1", {{"given_name", "Ann"}, {"family_name", "Archer"}, {"phone", "07700 900001"}}, cursor);
  }
  std::string ResumeAt(const std::string& source = "leeds") {
    SyncCall call = Partner();
    v1::ResumeSyncRequest request;
    request.set_source("sources/" + source);
    v1::ResumeSyncResponse response;
    EXPECT_TRUE(at.sync.ResumeSync(call, request, response).ok());
    return response.cursor();
  }
  int64_t Count(const std::string& source = "leeds") {
    SyncCall call = Partner();
    v1::CountRecordsRequest request;
    request.set_source("sources/" + source);
    v1::CountRecordsResponse response;
    EXPECT_TRUE(at.sync.CountRecords(call, request, response).ok());
    return response.records();
  }
  // Why a stream under this header is refused.
  std::string Refused(SyncCall call, const v1::SyncHeader& header) {
    (void)at.Send(header, {Ann()}, call);
    return base::ReasonOf(at.status);
  }
};

TEST_F(SyncTest, AnswersEachItemInOrder) {
  const auto results =
      at.Send("leeds", {Ann("c1"), Item("a b", {}, "c2"), Item("2", {{"nhs_number", "1"}}, "c3"),
                        Item("3", {{"given_name", "Bob"}}, "c4"), Gone("9", "c5")});
  std::vector<std::string> said;
  for (const auto& result : results) {
    said.push_back(result.cursor() + " " + SyncResult::Outcome_Name(result.outcome()) + " " +
                   result.reason());
  }
  EXPECT_THAT(said, ElementsAre("c1 STORED ", "c2 REFUSED RECORD_ID_WRONG", "c3 REFUSED FIELD_NOT_AGREED",
                                "c4 STORED ", "c5 UNCHANGED "));
  EXPECT_THAT(results[0].person(), HasSubstr("people/"));
  EXPECT_EQ(results[1].person(), "");
  EXPECT_GT(at.settled, 0);
}

TEST_F(SyncTest, TheSameFeedTwiceChangesNothingAndSaysSo) {
  std::vector<v1::SyncItem> feed;
  for (int i = 0; i < 50; ++i) {
    feed.push_back(Item(std::to_string(i),
                        {{"given_name", "Ann"}, {"family_name", "Archer" + std::to_string(i)}},
                        "c" + std::to_string(i), 1'000'000 + i));
    if (i % 3 == 0) Say(feed.back(), type::v1::WITHDRAWN, i % 2 == 0 ? 5 : 0);  // 0: the time is not known
  }
  at.Send("leeds", feed);
  const uint64_t position = at.store->LastPosition();
  for (const auto& result : at.Send("leeds", feed)) {
    EXPECT_EQ(result.outcome(), SyncResult::UNCHANGED) << result.ShortDebugString();
    EXPECT_NE(result.person(), "");
  }
  EXPECT_EQ(at.store->LastPosition(), position);
  EXPECT_EQ(ResumeAt(), "c49");
}

TEST_F(SyncTest, ResumesAfterTheLastItemStored) {
  EXPECT_EQ(ResumeAt(), "");
  at.Send("leeds", {Ann("c1"), Item("2", {{"given_name", "Bob"}}, "c2"), Item("a b", {}, "c3")});
  EXPECT_EQ(ResumeAt(), "c2");
}

TEST_F(SyncTest, ADryRunSaysTheSameAndStoresNothing) {
  at.Send("leeds", {Ann()});
  const uint64_t position = at.store->LastPosition();
  v1::SyncHeader header = SyncFixture::Header("leeds");
  header.set_dry_run(true);
  SyncCall call = Partner();
  const auto results =
      at.Send(header, {Item("2", {{"given_name", "Bob"}}, "c9"), Item("a b", {}), Ann()}, call);
  ASSERT_TRUE(at.status.ok()) << at.status;
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[0].outcome(), SyncResult::STORED);
  EXPECT_EQ(results[1].outcome(), SyncResult::REFUSED);
  EXPECT_EQ(results[2].outcome(), SyncResult::UNCHANGED);
  EXPECT_EQ(at.store->LastPosition(), position);
  EXPECT_EQ(ResumeAt(), "c1");
  EXPECT_EQ(Count(), 1);
}

TEST_F(SyncTest, CountsWhatIsThere) {
  at.Send("leeds", {Ann(), Item("2", {{"given_name", "Bob"}}), Item("3", {{"given_name", "Cy"}})});
  EXPECT_EQ(Count(), 3);
  EXPECT_EQ(at.SendOne("leeds", Gone("2")).outcome(), SyncResult::DELETED);
  EXPECT_EQ(at.SendOne("leeds", Gone("2")).outcome(), SyncResult::UNCHANGED);
  EXPECT_EQ(Count(), 2);
  at.Erase("sources/leeds/records/3");
  EXPECT_EQ(Count(), 1);
}

TEST_F(SyncTest, AFeedBringsNobodyBack) {
  at.Send("leeds", {Ann()});
  at.Erase("sources/leeds/records/1");
  const SyncResult result = at.SendOne("leeds", Ann());
  EXPECT_EQ(result.outcome(), SyncResult::REFUSED);
  EXPECT_EQ(result.reason(), "RECORD_ERASED");
  EXPECT_EQ(Count(), 0);
}

TEST_F(SyncTest, WhatAnErasedRecordWithdrawsIsTakenAndTheRestRefused) {
  at.Send("leeds", {Ann()});
  at.Erase("sources/leeds/records/1");
  v1::SyncItem item = Ann();
  Say(item, type::v1::WITHDRAWN, 5);
  const SyncResult result = at.SendOne("leeds", item);
  EXPECT_EQ(result.reason(), "RECORD_ERASED") << result.ShortDebugString();
  EXPECT_NE(result.outcome(), SyncResult::STORED);
}

TEST_F(SyncTest, AGrantDoesNotUndoWhatThePersonTold) {
  v1::SyncItem item = Ann();
  Say(item, type::v1::GRANTED, 5);
  SyncResult result = at.SendOne("leeds", item);
  EXPECT_EQ(result.outcome(), SyncResult::STORED);
  at.Tell(result.person(), type::v1::WITHDRAWN, 1'000);
  v1::SyncItem later = Ann();
  Say(later, type::v1::GRANTED, 2'000'000);
  result = at.SendOne("leeds", later);
  EXPECT_EQ(result.outcome(), SyncResult::STORED_IN_PART);
  EXPECT_EQ(result.reason(), "OPT_OUT_STANDS");
  // And it says so again when it comes again.
  result = at.SendOne("leeds", later);
  EXPECT_EQ(result.outcome(), SyncResult::UNCHANGED);
  EXPECT_EQ(result.reason(), "OPT_OUT_STANDS");
  // What the person grants to us directly opens it.
  at.Tell(result.person(), type::v1::GRANTED, 3'000);
  EXPECT_EQ(at.SendOne("leeds", later).reason(), "");
}

TEST_F(SyncTest, AFeedsGrantClearsItsOwnWithdrawalOnly) {
  v1::SyncItem item = Ann();
  Say(item, type::v1::WITHDRAWN, 5);
  EXPECT_EQ(at.SendOne("leeds", item).outcome(), SyncResult::STORED);
  item.mutable_upsert()->clear_consents();
  Say(item, type::v1::GRANTED, 6);
  EXPECT_EQ(at.SendOne("leeds", item).outcome(), SyncResult::STORED);
  // Another source's record of the same person.
  at.Bring("sources/york/records/y",
           {{"given_name", "Ann"}, {"family_name", "Archer"}, {"phone", "07700 900001"}});
  at.Link("sources/leeds/records/1", "sources/york/records/y");
  v1::SyncItem yorks =
      Item("y", {{"given_name", "Ann"}, {"family_name", "Archer"}, {"phone", "07700 900001"}});
  Say(yorks, type::v1::WITHDRAWN, 1);
  at.SendOne("york", yorks);
  item.mutable_upsert()->clear_consents();
  Say(item, type::v1::GRANTED, 7);
  EXPECT_EQ(at.SendOne("leeds", item).reason(), "OPT_OUT_STANDS");
}

TEST_F(SyncTest, WhatAStewardCorrectedIsNotUndone) {
  const SyncResult stored = at.SendOne("leeds", Ann());
  at.Bring("sources/stewards/records/s", {{"given_name", "Anne"}});
  at.Link("sources/leeds/records/1", "sources/stewards/records/s");
  v1::SyncItem item = Ann("c2");
  (*item.mutable_upsert()->mutable_fields())["given_name"] = "Annie";
  const SyncResult result = at.SendOne("leeds", item);
  EXPECT_EQ(result.outcome(), SyncResult::STORED_IN_PART);
  EXPECT_EQ(result.reason(), "CORRECTION_STANDS");
  EXPECT_EQ(result.field(), "given_name");
}

TEST_F(SyncTest, FactsOnlyEverMakeItStricter) {
  v1::SyncItem item = Ann();
  item.mutable_upsert()->add_facts("deceased");
  const SyncResult result = at.SendOne("leeds", item);
  EXPECT_EQ(result.outcome(), SyncResult::STORED);
  EXPECT_TRUE((*at.people.Load(*at.store->Read(), result.person()))->deceased());
  (*item.mutable_upsert()->mutable_fields())["given_name"] = "Anna";
  item.mutable_upsert()->clear_facts();
  at.SendOne("leeds", item);
  EXPECT_TRUE((*at.people.Load(*at.store->Read(), result.person()))->deceased());
}

TEST_F(SyncTest, APartnerNeedsAnAgreementThatNamesItAndTheSource) {
  EXPECT_EQ(Refused(Partner("york-crm"), SyncFixture::Header("leeds")), "AGREEMENT_MISSING");
  v1::SyncHeader header = SyncFixture::Header("leeds");
  header.set_source("sources/york");
  EXPECT_EQ(Refused(Partner(), header), "AGREEMENT_MISSING");
  header.set_source("sources/nowhere");
  EXPECT_EQ(Refused(Partner(), header), "AGREEMENT_MISSING");
  header = SyncFixture::Header("leeds");
  header.clear_agreement();
  EXPECT_EQ(Refused(Partner(), header), "AGREEMENT_MISSING");
  EXPECT_EQ(Refused(SyncCall("ops", {"operator"}), header), "");
  // A partner stays one, whatever else it is.
  EXPECT_EQ(Refused(SyncCall("leeds-crm", {"operator", "partner"}), header), "AGREEMENT_MISSING");
  header.set_source("sources/nowhere");
  EXPECT_EQ(Refused(SyncCall("ops", {"operator"}), header), "SOURCE_NOT_FOUND");
  header.set_source("sources/stewards");
  EXPECT_EQ(Refused(SyncCall("ops", {"operator"}), header), "SOURCE_RESERVED");
}

TEST_F(SyncTest, ASourceOfAnotherIsAskedAboutInVain) {
  SyncCall call = Partner();
  v1::CountRecordsRequest count;
  v1::ResumeSyncRequest resume;
  v1::CountRecordsResponse counted;
  v1::ResumeSyncResponse resumed;
  for (const char* source : {"sources/york", "sources/nowhere"}) {
    count.set_source(source);
    resume.set_source(source);
    EXPECT_EQ(base::ReasonOf(at.sync.CountRecords(call, count, counted)), "AGREEMENT_MISSING");
    EXPECT_EQ(base::ReasonOf(at.sync.ResumeSync(call, resume, resumed)), "AGREEMENT_MISSING");
  }
}

TEST_F(SyncTest, AnAgreementThatRanOutLetsNothingIn) {
  at.clock.Advance(366LL * 86'400'000'000);
  EXPECT_EQ(Refused(Partner(), SyncFixture::Header("leeds")), "AGREEMENT_ENDED");
}

// A stream that is open, on a thread of its own.
class Running {
 public:
  Running(SyncFixture& at, SyncCall& call, const v1::SyncHeader& header) {
    v1::SyncRequest first;
    *first.mutable_header() = header;
    wire.Send(first);
    call.on_cancel = [this] { wire.HalfClose(); };
    thread_ = std::thread([&] { status_ = at.sync.Sync(call, wire); });
  }
  ~Running() {
    wire.HalfClose();
    (void)End();
  }
  absl::Status End() {
    if (thread_.joinable()) thread_.join();
    return status_;
  }
  void Send(const v1::SyncItem& item) {
    v1::SyncRequest request;
    *request.mutable_item() = item;
    wire.Send(request);
  }
  SyncWire wire;

 private:
  std::thread thread_;
  absl::Status status_;
};

TEST_F(SyncTest, AnsweredWhileTheStreamIsOpen) {
  SyncCall call = Partner();
  Running running(at, call, SyncFixture::Header("leeds"));
  for (int i = 0; i < 5; ++i) {
    running.Send(Item(std::to_string(i), {{"given_name", "Ann"}}));
    ASSERT_EQ(running.wire.Await(static_cast<size_t>(i) + 1).size(), static_cast<size_t>(i) + 1);
  }
  running.wire.HalfClose();
  EXPECT_TRUE(running.End().ok());
}

TEST_F(SyncTest, AnAgreementThatIsEndedEndsItsStreams) {
  SyncCall call = Partner();
  Running running(at, call, SyncFixture::Header("leeds"));
  running.Send(Ann());
  ASSERT_EQ(running.wire.Await(1).size(), 1u);
  EXPECT_TRUE(at.EndAgreement("leeds").ok());
  EXPECT_EQ(running.wire.AwaitEnd(), "AGREEMENT_ENDED");
  running.wire.HalfClose();  // as a partner does that is told
  EXPECT_EQ(base::ReasonOf(running.End()), "AGREEMENT_ENDED");
  EXPECT_FALSE(call.cut);
  EXPECT_EQ(Refused(Partner(), SyncFixture::Header("leeds")), "AGREEMENT_ENDED");
}

TEST_F(SyncTest, APartnerThatDoesNotListenIsCutOff) {
  SyncCall call = Partner();
  Running running(at, call, SyncFixture::Header("leeds"));
  running.Send(Ann());
  ASSERT_EQ(running.wire.Await(1).size(), 1u);  // else it may end before the stream has begun
  EXPECT_TRUE(at.EndAgreement("leeds").ok());
  EXPECT_EQ(base::ReasonOf(running.End()), "AGREEMENT_ENDED");
  EXPECT_TRUE(call.cut);
}

TEST_F(SyncTest, AStreamHasAHeaderAndThenItems) {
  SyncCall call = Partner();
  SyncWire wire;
  v1::SyncRequest item;
  *item.mutable_item() = Ann();
  wire.Send(item);
  EXPECT_EQ(base::ReasonOf(at.sync.Sync(call, wire)), "SYNC_ORDER_WRONG");
  SyncWire twice;
  v1::SyncRequest header;
  *header.mutable_header() = SyncFixture::Header("leeds");
  twice.Send(header);
  twice.Send(header);
  EXPECT_EQ(base::ReasonOf(at.sync.Sync(call, twice)), "SYNC_ORDER_WRONG");
}

TEST(SyncQueue, WhoeverDoesNotReadOurAnswersIsNotRead) {
  SyncQueue queue;
  std::thread reader([&] {
    while (queue.Push(std::vector<SyncReading>(1000), 1000)) {
    }
  });
  bool over = false;
  size_t taken = 0;
  while (taken < 4000) taken += queue.Take(1000, 1000, 0, 1'000'000, over).size();
  EXPECT_TRUE(queue.Take(1000, 1000, 0, 50'000, over).empty());  // there is no room before an answer
  queue.Answered(1000);
  EXPECT_EQ(queue.Take(1000, 1000, 0, 1'000'000, over).size(), 1000u);
  queue.Close();
  reader.join();
}

}  // namespace
}  // namespace pharos::customer
