// Promise 7: sync is idempotent and cannot resurrect. The same file or feed twice changes nothing, and no
// feed undoes an opt-out, an erasure or a steward's decision. Made true by services/customer/linker_change.cc
// (a version only where something differs, and none of an erased record),
// services/customer/consent_service.cc and services/customer/opt_out.cc (what people tell us is an entry of
// source `direct`), services/customer/sync_run.cc (an answer is durable, and the cursor with it) and
// services/gate/gate.cc (a feed's grant clears only that feed's own withdrawal).
#include <fmt/format.h>

#include "gmock/gmock.h"
#include "pharos/customer/internal/v1/feed_service.pb.h"
#include "tests/support/partner.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

constexpr char kLater[] = "2030-01-01T09:00:00Z";

class SyncIsIdempotent : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(system_.ok());
    AwaitFollower();
  }

  // Audience follows customer's changes from some time after the start on, and that is an entry of its own. A
  // count has followed.
  void AwaitFollower() {
    audience::v1::CountAudienceRequest request;
    request.set_audience(kEverybody);
    Must(story_.marketing.Call<audience::v1::CountAudienceResponse>(
        "audience.v1.AudienceService/CountAudience", request));
  }
  // Position of the last change that customer has committed.
  uint64_t Position() {
    return Must(system_.As("service").Call<customer::internal::v1::GetPositionResponse>(
                    "customer.internal.v1.FeedService/GetPosition",
                    customer::internal::v1::GetPositionRequest()))
        .position();
  }
  type::v1::GateReason JudgePhone(const std::string& phone) {
    return story_.Judge(story_.PersonWithPhone(phone).name()).reason();
  }

  System system_;
  Story story_{system_};
};

TEST_F(SyncIsIdempotent, TheSameFileTwiceChangesNothing) {
  const std::string file = FileOf(700);
  story_.ImportAll(kQuit, file);
  const customer::v1::Person before = story_.PersonWithPhone(Phone(5));  // reading leaves an entry, too
  const uint64_t position = Position();
  const ImportResult again = story_.Import(kQuit, file);
  EXPECT_TRUE(again.complete) << again.status;
  EXPECT_EQ(again.summary.stored(), 0);
  EXPECT_EQ(again.summary.unchanged(), 700);
  EXPECT_EQ(Position(), position);
  EXPECT_EQ(story_.PersonWithPhone(Phone(5)).SerializeAsString(), before.SerializeAsString());
  // One row that differs is one change, not seven hundred.
  std::string changed = file;
  changed.replace(changed.find("r5,Ann"), 6, "r5,Bob");
  EXPECT_EQ(story_.Import(kQuit, changed).summary.stored(), 1);
  EXPECT_GT(Position(), position);
}

TEST_F(SyncIsIdempotent, AFeedDoesNotUndoWhatAPersonSaidOnThePhone) {
  story_.ImportAll(kQuit, FileOf({{.id = "a", .phone = Phone(1)}, {.id = "b", .phone = Phone(2)}}));
  ASSERT_TRUE(story_.Withdraw(story_.PersonWithPhone(Phone(1)).name(), type::v1::SCOPE_PURPOSE).ok());
  ASSERT_TRUE(story_.Withdraw(story_.PersonWithPhone(Phone(2)).name(), type::v1::SCOPE_EVERYTHING).ok());
  for (const char* source : {kQuit, kNews}) {
    story_.ImportAll(source, FileOf({{.id = "a", .phone = Phone(1), .consent_at = kLater},
                                     {.id = "b", .phone = Phone(2), .consent_at = kLater}}));
    EXPECT_EQ(JudgePhone(Phone(1)), type::v1::OPTED_OUT) << source;
    EXPECT_EQ(JudgePhone(Phone(2)), type::v1::OPTED_OUT) << source;
  }
}

TEST_F(SyncIsIdempotent, AFeedDoesNotUndoAReplyStop) {
  constexpr char kRepliesStopAtOnce[] = "07700900005";  // a magic number of the sandbox
  story_.ImportAll(kQuit, FileOf({{.id = "a", .phone = kRepliesStopAtOnce}}));
  EXPECT_EQ(JudgePhone(kRepliesStopAtOnce), type::v1::ALLOW);
  story_.Run("quit");
  ASSERT_TRUE(Eventually([&] {
    const auto replies = story_.Replies();
    return replies.size() == 1 && replies[0].acknowledged_time_ns() > 0;
  }));
  for (const char* source : {kQuit, kNews}) {
    story_.ImportAll(source, FileOf({{.id = "a", .phone = kRepliesStopAtOnce, .consent_at = kLater}}));
    EXPECT_EQ(JudgePhone(kRepliesStopAtOnce), type::v1::OPTED_OUT) << source;
  }
  // Nor by sending the number in under another person's name.
  story_.ImportAll(kNews, FileOf({{.id = "z",
                                   .given = "Zoe",
                                   .family = "Zimmer",
                                   .phone = kRepliesStopAtOnce,
                                   .consent_at = kLater}}));
  EXPECT_EQ(story_.Judge(story_.PersonOf("sources/news/records/z").name()).reason(), type::v1::OPTED_OUT);
}

TEST_F(SyncIsIdempotent, AFeedsGrantClearsOnlyItsOwnWithdrawal) {
  const auto said = [](const char* consent, const char* at) {
    return FileOf({{.id = "a", .phone = Phone(1), .consent = consent, .consent_at = at}});
  };
  story_.ImportAll(kQuit, said("withdrawn", "2026-02-01T09:00:00Z"));
  EXPECT_EQ(JudgePhone(Phone(1)), type::v1::OPTED_OUT);
  story_.ImportAll(kNews, said("granted", "2026-03-01T09:00:00Z"));
  EXPECT_EQ(JudgePhone(Phone(1)), type::v1::OPTED_OUT);
  story_.ImportAll(kQuit, said("granted", "2026-03-01T09:00:00Z"));
  EXPECT_EQ(JudgePhone(Phone(1)), type::v1::ALLOW);
  // What is older than what we know comes too late, and a tie is an opt-out.
  story_.ImportAll(kQuit, said("withdrawn", "2026-03-01T09:00:00Z"));
  EXPECT_EQ(JudgePhone(Phone(1)), type::v1::OPTED_OUT);
  story_.ImportAll(kQuit, said("granted", "2026-01-01T09:00:00Z"));
  EXPECT_EQ(JudgePhone(Phone(1)), type::v1::OPTED_OUT);
}

// A partner's feed: each item is answered, and says what it changed.
class AFeed : public SyncIsIdempotent {
 protected:
  void SetUp() override {
    SyncIsIdempotent::SetUp();
    MakeAgreement(system_, "news");
  }
  std::vector<std::string> Send(const std::vector<customer::v1::SyncItem>& items) {
    customer::v1::SyncHeader header;
    header.set_source(kNews);
    header.set_agreement("agreements/news");
    const SyncAnswer answer = Sync(system_, "partner", header, items);
    EXPECT_TRUE(answer.status.ok()) << answer.status;
    std::vector<std::string> said;
    for (const auto& result : answer.results) {
      said.push_back(customer::v1::SyncResult::Outcome_Name(result.outcome()) +
                     (result.reason().empty() ? "" : " " + result.reason()));
    }
    return said;
  }
  static customer::v1::SyncItem Ann(int64_t granted_us) {
    customer::v1::SyncItem item =
        Upsert("a", {{"given_name", "Ann"}, {"family_name", "Archer"}, {"phone", Phone(1)}}, "c1");
    Said(item, type::v1::GRANTED, granted_us);
    return item;
  }
};

TEST_F(AFeed, TwiceChangesNothingAndSaysSo) {
  std::vector<customer::v1::SyncItem> feed;
  for (int i = 0; i < 300; ++i) {
    feed.push_back(Upsert("r" + std::to_string(i),
                          {{"given_name", "Ann"}, {"family_name", "Archer" + std::to_string(i)}},
                          "c" + std::to_string(i)));
  }
  EXPECT_THAT(Send(feed), testing::Each("STORED"));
  const uint64_t position = Position();
  EXPECT_THAT(Send(feed), testing::Each("UNCHANGED"));
  EXPECT_EQ(Position(), position);
}

TEST_F(AFeed, DoesNotUndoAnOptOutAndIsTold) {
  EXPECT_THAT(Send({Ann(1'000'000)}), testing::ElementsAre("STORED"));
  EXPECT_EQ(JudgePhone(Phone(1)), type::v1::ALLOW);
  ASSERT_TRUE(story_.Withdraw(story_.PersonWithPhone(Phone(1)).name(), type::v1::SCOPE_PURPOSE).ok());
  const int64_t now = WallNanos() / 1000;
  EXPECT_THAT(Send({Ann(now)}), testing::ElementsAre("STORED_IN_PART OPT_OUT_STANDS"));
  EXPECT_EQ(JudgePhone(Phone(1)), type::v1::OPTED_OUT);
}

TEST_F(AFeed, DoesNotUndoAnErasureAndIsTold) {
  EXPECT_THAT(Send({Ann(1'000'000)}), testing::ElementsAre("STORED"));
  customer::v1::ErasePersonRequest erase;
  erase.set_person(story_.PersonWithPhone(Phone(1)).name());
  erase.set_reason("asked by letter");
  Must(system_.As("governance")
           .Call<customer::v1::ErasePersonResponse>("customer.v1.PersonService/ErasePerson", erase));
  EXPECT_THAT(Send({Ann(2'000'000)}), testing::ElementsAre("REFUSED RECORD_ERASED"));
}

TEST_F(AFeed, GoesOnAfterAKillFromTheCursorThatItHas) {
  EXPECT_THAT(Send({Ann(1'000'000)}), testing::ElementsAre("STORED"));
  system_.KillAndRestartPharosd();
  customer::v1::ResumeSyncRequest request;
  request.set_source(kNews);
  const auto resumed = Must(system_.As("partner").Call<customer::v1::ResumeSyncResponse>(
      "customer.v1.SyncService/ResumeSync", request));
  EXPECT_EQ(resumed.cursor(), "c1");
}

}  // namespace
}  // namespace pharos::tests
