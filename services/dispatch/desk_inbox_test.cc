// What is kept of messages from people, and what engagement is told of them.
#include "services/base/errors.h"
#include "services/dispatch/desk_fixture.h"
#include "services/dispatch/inbox_reply.h"
#include "services/dispatch/message.h"
#include "services/dispatch/message_vault.h"
#include "services/dispatch/reply_service.h"

namespace pharos::dispatch {
namespace {

using customer::internal::v1::RecordReplyResponse;

constexpr int64_t kDay = int64_t{86'400} * 1'000'000;
constexpr char kText[] = "Could I come on Friday instead?";

// Keys as access keeps them; may be away.
class Keys : public storage::KeySource {
 public:
  explicit Keys(std::atomic<bool>& away) : away_(away) {}
  absl::StatusOr<std::vector<storage::DataKey>> Create(size_t count) override {
    if (away_) return absl::UnavailableError("away");
    std::vector<storage::DataKey> keys;
    for (size_t i = 0; i < count; ++i) {
      const uint64_t id = ++made;
      keys.push_back({id, std::string(32, static_cast<char>(id))});
    }
    return keys;
  }
  absl::StatusOr<std::vector<storage::DataKey>> Fetch(const std::vector<uint64_t>& ids) override {
    if (away_) return absl::UnavailableError("away");
    std::vector<storage::DataKey> keys;
    for (const uint64_t id : ids) keys.push_back({id, std::string(32, static_cast<char>(id))});
    return keys;
  }
  static inline std::atomic<uint64_t> made = 0;

 private:
  std::atomic<bool>& away_;
};

class TestCall : public rpc::Call {
 public:
  int64_t RemainingMicros() const override { return 1'000'000; }
  bool cancelled() const override { return false; }
};

class DeskInboxTest : public DeskTest {
 protected:
  DeskInboxTest() { desk_->UseVault(&vault_); }
  ~DeskInboxTest() override { vault_.Stop(); }

  // The first key is there at once; without `access` it cannot be had.
  void StartVault(bool access) {
    away_ = !access;
    vault_.Start(std::make_unique<Keys>(away_), [this](const std::vector<uint64_t>& ids) {
      base::MutexLock lock(mutex_);
      destroyed_.insert(destroyed_.end(), ids.begin(), ids.end());
      return absl::OkStatus();
    });
    if (access) AwaitKey();
  }
  void AwaitKey() {
    record::v1::ReplyContentRow content;
    while (!vault_.SealReply(content, std::string(16, 'x'), clock_.WallMicros())) std::this_thread::yield();
  }
  // A text to person 0 has reached the provider.
  SessionPtr Texted() {
    auto [session, attempt] = InFlight();
    Report(session, Accepted(attempt.id(), "m1"));
    return session;
  }
  // Customer knows whose number it is.
  static RecordReplyResponse Whose(int i = 0, const std::string& person = "people/holder") {
    RecordReplyResponse response;
    response.set_endpoint(Endpoint(i));
    response.set_person(person);
    return response;
  }
  void Answered(size_t reply, const RecordReplyResponse& response) {
    customer_->replies.at(reply).stages.durable(response);
    customer_->replies.at(reply).stages.acknowledged(response);
    TakeAnswers();
  }
  // What the log tells of replies.
  std::vector<type::v1::ReplyEvent> Told() {
    std::vector<type::v1::ReplyEvent> told;
    const auto changes = store_->ReadChanges(0, 10'000);
    EXPECT_TRUE(changes.ok());
    for (const auto& change : *changes) {
      record::v1::ChangeEntry entry;
      EXPECT_TRUE(entry.ParseFromString(change.entry));
      EXPECT_EQ(change.entry.find("Friday"), std::string::npos) << "no text in the log";
      EXPECT_EQ(change.entry.find("447700900100"), std::string::npos) << "no number in the log";
      if (entry.kind() != kReplyReceived && entry.kind() != kReplyForgotten) continue;
      told.emplace_back();
      EXPECT_TRUE(told.back().ParseFromString(entry.facts()));
    }
    return told;
  }
  internal::v1::OpenedReply Opened(const std::string& name, const std::string& note = "") {
    internal::v1::OpenRepliesRequest request;
    request.add_replies()->set_name(name);
    request.mutable_replies(0)->set_note(note);
    internal::v1::OpenRepliesResponse response;
    EXPECT_EQ(service_.OpenReplies(call_, request, response), absl::OkStatus());
    return response.replies_size() == 1 ? response.replies(0) : internal::v1::OpenedReply();
  }
  std::vector<uint64_t> destroyed() {
    base::MutexLock lock(mutex_);
    return destroyed_;
  }

  std::atomic<bool> away_ = false;
  MessageVault vault_{true};
  base::Mutex mutex_;
  std::vector<uint64_t> destroyed_ ABSL_GUARDED_BY(mutex_);
  TestCall call_;
  ReplyService service_{*store_, vault_, key_};
};

TEST_F(DeskInboxTest, FreeWordsAreKeptSealedAndToldWithoutWhatTheySay) {
  StartVault(true);
  auto session = Texted();
  Hear(session, Says(kText));
  Attempts(session);
  EXPECT_TRUE(acknowledged_inbound_.empty()) << "nobody knows yet whose number it is";
  ASSERT_EQ(customer_->replies.size(), 1u);
  EXPECT_EQ(customer_->replies[0].request.kind(), customer::internal::v1::NOTED);
  EXPECT_TRUE(Told().empty());
  Answered(0, Whose());
  Attempts(session);
  EXPECT_THAT(acknowledged_inbound_, testing::ElementsAre(7));
  ASSERT_EQ(Told().size(), 1u);
  const auto event = Told()[0];
  EXPECT_EQ(event.kind(), "OTHER");
  EXPECT_EQ(event.campaign(), kCampaign);
  EXPECT_EQ(event.person(), "people/p0") << "whom the message was for";
  EXPECT_EQ(event.sender(), "60777");
  EXPECT_FALSE(event.forgotten());
  EXPECT_TRUE(event.readers().empty()) << "no service sent that message";
  EXPECT_THAT(Responses(), testing::ElementsAre("people/p0 REPLIED"));
  ASSERT_EQ(Replies().size(), 1u);
  EXPECT_EQ(Replies()[0].SerializeAsString().find("Friday"), std::string::npos);
  EXPECT_EQ(Replies()[0].SerializeAsString().find("447700900100"), std::string::npos);
  EXPECT_EQ(Opened(event.reply()).text(), kText);
  EXPECT_EQ(Opened(event.reply()).address(), "447700900100");
}

TEST_F(DeskInboxTest, TheSameMessageAgainIsOneReply) {
  StartVault(true);
  auto session = Texted();
  Hear(session, Says(kText));
  Hear(session, Says(kText));
  ASSERT_EQ(customer_->replies.size(), 1u);
  Answered(0, Whose());
  Hear(session, Says(kText));
  EXPECT_EQ(Told().size(), 1u);
  EXPECT_EQ(customer_->replies.size(), 1u);
}

TEST_F(DeskInboxTest, WhileAccessIsAwayFreeWordsWaitAtTheProvider) {
  StartVault(false);
  auto session = Texted();
  Hear(session, Says(kText));
  Answered(0, Whose());
  Attempts(session);
  EXPECT_TRUE(acknowledged_inbound_.empty());
  EXPECT_TRUE(Replies().empty());
  away_ = false;
  AwaitKey();
  clock_.Advance(1'000'000);
  Ticks();
  ASSERT_EQ(customer_->replies.size(), 2u) << "asked again";
  EXPECT_EQ(customer_->replies[1].request.address(), "447700900100");
  Answered(1, Whose());
  Attempts(session);
  EXPECT_THAT(acknowledged_inbound_, testing::ElementsAre(7));
  ASSERT_EQ(Told().size(), 1u);
  EXPECT_EQ(Opened(Told()[0].reply()).text(), kText);
}

TEST_F(DeskInboxTest, HoweverManyFreeWordsWaitAStopIsTaken) {
  StartVault(true);
  auto session = Texted();
  for (int i = 0; i < 1100; ++i) {
    internal::v1::InboundMessages words = Says(kText);
    words.mutable_messages(0)->set_id("words" + std::to_string(i));
    Hear(session, words);
  }
  const size_t waiting = customer_->replies.size();
  EXPECT_EQ(waiting, 1000u) << "the provider keeps the rest";
  Hear(session, Says("STOP"));
  ASSERT_EQ(customer_->replies.size(), waiting + 1);
  EXPECT_EQ(customer_->replies.back().request.kind(), customer::internal::v1::STOP);
}

TEST_F(DeskInboxTest, AfterAQuietDayTheKeyIsThereBeforeTheFirstReply) {
  StartVault(true);
  auto session = Texted();
  Hear(session, Says(kText));
  Answered(0, Whose());
  const uint64_t made = Keys::made;
  clock_.Advance(2 * kDay);
  Ticks();
  while (Keys::made == made) std::this_thread::yield();
}

TEST_F(DeskInboxTest, AStopDoesNotWaitForAccess) {
  StartVault(false);
  auto session = Texted();
  Hear(session, Says("STOP"));
  RecordReplyResponse durable = Whose();
  durable.set_opt_out("optOuts/o1");
  durable.set_changed(true);
  Answered(0, durable);
  Attempts(session);
  EXPECT_THAT(acknowledged_inbound_, testing::ElementsAre(7));
  ASSERT_EQ(Told().size(), 1u);
  EXPECT_EQ(Opened(Told()[0].reply()).text(), "");
  EXPECT_GT(Replies().at(0).acknowledged_time_ns(), 0);
}

TEST_F(DeskInboxTest, WhoWasNeverWrittenToIsWhoHasTheNumber) {
  StartVault(true);
  auto session = Connect();
  Hear(session, Says("HELP"));
  Answered(0, Whose());
  ASSERT_EQ(Told().size(), 1u);
  EXPECT_EQ(Told()[0].kind(), "HELP");
  EXPECT_EQ(Told()[0].campaign(), "");
  EXPECT_EQ(Told()[0].person(), "people/holder");
  EXPECT_TRUE(Responses().empty());
}

TEST_F(DeskInboxTest, WhatTheySaidGoesAfterItsDaysAndThenItsKey) {
  StartVault(true);
  auto session = Texted();
  Hear(session, Says(kText));
  Answered(0, Whose());
  const std::string name = Told().at(0).reply();
  internal::v1::SealNoteRequest request;
  request.set_name(name);
  request.set_note("called back");
  internal::v1::SealNoteResponse note;
  ASSERT_EQ(service_.SealNote(call_, request, note), absl::OkStatus());
  EXPECT_EQ(note.note().find("called"), std::string::npos);
  EXPECT_EQ(Opened(name, note.note()).note(), "called back");
  clock_.Advance(29 * kDay);
  Ticks();
  EXPECT_EQ(Opened(name).text(), kText);
  clock_.Advance(2 * kDay);
  Ticks();
  EXPECT_EQ(Opened(name).text(), "");
  EXPECT_EQ(Opened(name).address(), "");
  ASSERT_EQ(Replies().size(), 1u) << "its times and its effect stay";
  ASSERT_EQ(Told().size(), 2u);
  EXPECT_TRUE(Told()[1].forgotten());
  EXPECT_EQ(Told()[1].reply(), name);
  EXPECT_EQ(base::ReasonOf(service_.SealNote(call_, request, note)), "REPLY_FORGOTTEN");
  clock_.Advance(20'000'000);
  Ticks();
  while (destroyed().empty()) std::this_thread::yield();
  EXPECT_EQ(destroyed().size(), 1u);
}

TEST_F(DeskInboxTest, AfterARestartTextsAreStillThere) {
  StartVault(true);
  auto session = Texted();
  Hear(session, Says(kText));
  Answered(0, Whose());
  const std::string name = Told().at(0).reply();
  Restart();
  desk_->UseVault(&vault_);
  EXPECT_EQ(Opened(name).text(), kText);
  EXPECT_TRUE(customer_->replies.empty()) << "nothing is left to ask";
}

TEST(InboxReply, ATextIsCutAtAWholeCharacter) {
  const std::string whole(kMostReplyText, 'a');
  EXPECT_EQ(KeptText(whole), whole);
  EXPECT_EQ(KeptText(std::string(kMostReplyText - 1, 'a') + "é"), std::string(kMostReplyText - 1, 'a'));
  EXPECT_EQ(KeptText(std::string(kMostReplyText - 2, 'a') + "éé"),
            std::string(kMostReplyText - 2, 'a') + "é");
}

TEST(InboxReply, SendersAreComparedAsNumbers) {
  EXPECT_TRUE(IsSameSender("+44 7700 900999", "447700900999"));
  EXPECT_FALSE(IsSameSender("60777", "60778"));
  EXPECT_FALSE(IsSameSender("", ""));
}

TEST(InboxReply, NamesAreUuids) {
  const std::string id = NewMessageId(1'790'000'000'000'000);
  EXPECT_EQ(ReplyIdOf(ReplyName(id)), id);
  EXPECT_EQ(ReplyIdOf("replies/1"), "");
  EXPECT_EQ(ReplyIdOf(MessageName(id)), "");
}

}  // namespace
}  // namespace pharos::dispatch
