// What a partner follows: people of its own records, agreed fields, consent, and nothing else.
#include "services/customer/feed_out.h"

#include "services/customer/sync_fixture.h"

namespace pharos::customer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

// Follows on a thread of its own. `Message` is an answer of one of the feeds.
template <typename Request, typename Message>
class Follower : public rpc::Writer<Message> {
 public:
  Follower(SyncFixture& at, const std::string& cursor = "", const std::string& agreement = "leeds")
      : call_(Partner()), thread_([&at, cursor, agreement, this] {
          Request request;
          request.set_agreement("agreements/" + agreement);
          request.set_cursor(cursor);
          if constexpr (std::is_same_v<Message, v1::FollowChangesResponse>) {
            status_ = at.sync.FollowChanges(call_, request, *this);
          } else {
            status_ = at.sync.FollowConsents(call_, request, *this);
          }
        }) {}
  ~Follower() override { (void)End(); }
  bool Write(const Message& message) override {
    base::MutexLock lock(mutex_);
    messages_.push_back(message);
    more_.NotifyAll();
    return true;
  }
  // All there is once `enough` says so.
  template <typename Enough>
  std::vector<Message> Await(const Enough& enough) {
    base::MutexLock lock(mutex_);
    for (int tries = 0; !enough(messages_) && tries < 2000; ++tries) more_.WaitForMicros(lock, 10'000);
    EXPECT_TRUE(enough(messages_)) << "what was waited for did not come";
    return messages_;
  }
  std::string LastCursor() {
    base::MutexLock lock(mutex_);
    return messages_.empty() ? "" : messages_.back().cursor();
  }
  absl::Status End() {
    call_.gone = true;
    return Join();
  }
  absl::Status Join() {
    if (thread_.joinable()) thread_.join();
    return status_;
  }

 private:
  SyncCall call_;
  base::Mutex mutex_;
  base::CondVar more_;
  std::vector<Message> messages_;
  absl::Status status_;
  std::thread thread_;
};
using Changes = Follower<v1::FollowChangesRequest, v1::FollowChangesResponse>;
using Consents = Follower<v1::FollowConsentsRequest, v1::FollowConsentsResponse>;

// The newest state of each person.
std::map<std::string, v1::PersonChange> Newest(const std::vector<v1::FollowChangesResponse>& messages) {
  std::map<std::string, v1::PersonChange> newest;
  for (const auto& message : messages) {
    for (const auto& change : message.changes()) newest[change.person()] = change;
  }
  return newest;
}
// Of a record's SMS, for the agreed purpose.
type::v1::GateReason ReasonOf(const std::vector<v1::FollowConsentsResponse>& messages,
                              const std::string& record) {
  type::v1::GateReason reason = type::v1::GATE_REASON_UNSPECIFIED;
  for (const auto& message : messages) {
    for (const auto& state : message.states()) {
      const bool its =
          std::find(state.records().begin(), state.records().end(), record) != state.records().end();
      if (its && state.channel() == type::v1::CHANNEL_SMS) reason = state.reason();
    }
  }
  return reason;
}

constexpr char kLeeds1[] = "sources/leeds/records/1";

struct FeedOutTest : testing::Test {
  SyncFixture at;
  std::string Ann(const std::string& given = "Ann") {
    v1::SyncItem item =
        Item("1", {{"given_name", given}, {"family_name", "Archer"}, {"phone", "07700 900001"}});
    return at.SendOne("leeds", item).person();
  }
  // Anything that has come is this person as wanted.
  static auto Shows(const std::string& person, const std::function<bool(const v1::PersonChange&)>& wanted) {
    return [person, wanted](const std::vector<v1::FollowChangesResponse>& messages) {
      const auto newest = Newest(messages);
      const auto it = newest.find(person);
      return it != newest.end() && wanted(it->second);
    };
  }
  static bool IsGone(const v1::PersonChange& change) { return change.gone(); }
  static bool IsThere(const v1::PersonChange& change) { return !change.gone(); }
};

TEST_F(FeedOutTest, ShowsAgreedFieldsOfItsOwnPeople) {
  const std::string ann = Ann();
  at.Bring("sources/york/records/y", {{"given_name", "Canary"}, {"email", "canary@example.org"}});
  Changes feed(at);
  const auto newest = Newest(feed.Await(Shows(ann, IsThere)));
  EXPECT_THAT(newest, testing::SizeIs(1));
  EXPECT_THAT(newest.at(ann).records(), ElementsAre(kLeeds1));
  EXPECT_THAT(newest.at(ann).fields(),
              UnorderedElementsAre(Pair("given_name", "Ann")));  // no phone, no family name
  EXPECT_GT(newest.at(ann).version(), 0u);
}

TEST_F(FeedOutTest, AgreedFieldsMayComeFromOtherSourcesOfTheSamePerson) {
  Ann();
  at.Bring("sources/york/records/y", {{"given_name", "Ann"}, {"email", "ann@example.org"}});
  at.Link(kLeeds1, "sources/york/records/y");
  const std::string ann = (*at.people.LoadRecord(*at.store->Read(), kLeeds1))->person();
  Changes feed(at);
  const auto newest = Newest(feed.Await(Shows(ann, IsThere)));
  EXPECT_THAT(newest.at(ann).records(), ElementsAre(kLeeds1));  // not York's
  EXPECT_EQ(newest.at(ann).fields().at("email"), "ann@example.org");
}

TEST_F(FeedOutTest, FollowsChangesAndResumesAtItsCursor) {
  const std::string ann = Ann();
  std::string cursor;
  {
    Changes feed(at);
    feed.Await(Shows(ann, IsThere));
    Ann("Anna");
    feed.Await(Shows(ann, [](const auto& change) { return change.fields().at("given_name") == "Anna"; }));
    cursor = feed.LastCursor();
    EXPECT_EQ(feed.End().code(), absl::StatusCode::kUnavailable);
  }
  const std::string bob = at.SendOne("leeds", Item("2", {{"given_name", "Bob"}})).person();
  Changes again(at, cursor);
  const auto messages = again.Await(Shows(bob, IsThere));
  EXPECT_THAT(Newest(messages), testing::SizeIs(1));  // nobody else has changed since
}

TEST_F(FeedOutTest, TellsWhoIsGoneOnceAndNothingOfThemAfterwards) {
  const std::string ann = Ann();
  Changes feed(at);
  feed.Await(Shows(ann, IsThere));
  at.SendOne("leeds", Gone("1"));
  const auto messages = feed.Await(Shows(ann, IsGone));
  EXPECT_EQ(Newest(messages).at(ann).fields_size(), 0);
  EXPECT_EQ(Newest(messages).at(ann).records_size(), 0);
}

TEST_F(FeedOutTest, WhoFollowsConsentAloneHearsOfAnErasure) {
  v1::SyncItem item = Item("1", {{"given_name", "Ann"}, {"phone", "07700 900001"}});
  Say(item, type::v1::GRANTED, 5);
  at.SendOne("leeds", item);
  Consents feed(at);
  feed.Await([](const auto& all) { return ReasonOf(all, kLeeds1) == type::v1::ALLOW; });
  at.Erase(kLeeds1);
  feed.Await([](const auto& all) { return ReasonOf(all, kLeeds1) == type::v1::NO_ENDPOINT; });
}

TEST_F(FeedOutTest, AnErasedPersonIsGone) {
  const std::string ann = Ann();
  Changes feed(at);
  feed.Await(Shows(ann, IsThere));
  at.Erase(kLeeds1);
  feed.Await(Shows(ann, IsGone));
}

TEST_F(FeedOutTest, WhenLinksMoveWhoeverHasNoRecordAnyMoreIsGone) {
  const std::string other =
      at.Bring("sources/york/records/y", {{"given_name", "Anne"}, {"email", "anne@example.org"}});
  at.clock.Advance(1'000'000);
  const std::string ann = Ann();
  Changes feed(at);
  feed.Await(Shows(ann, IsThere));
  record::v1::AssertionRow link = at.Link(kLeeds1, "sources/york/records/y");
  // The elder id stays, the other one leads to it.
  feed.Await(Shows(ann, IsGone));
  feed.Await(Shows(other, [](const auto& change) { return change.fields().contains("email"); }));
  link.set_revoke_time_us(at.clock.WallMicros());
  EXPECT_TRUE(at.linker->Revoke(link, at.Changes(), nullptr).ok());
  feed.Await(Shows(other, IsGone));
  feed.Await(Shows(ann, IsThere));
}

TEST_F(FeedOutTest, SaysNothingOfOthersWhateverHappensToThem) {
  const std::string ann = Ann();
  Changes feed(at);
  feed.Await(Shows(ann, IsThere));
  const std::string other = at.Bring("sources/york/records/y", {{"given_name", "Canary"}});
  at.Bring("sources/york/records/y", {{"given_name", "Canary Two"}});
  at.Erase("sources/york/records/y");
  const std::string bob = at.SendOne("leeds", Item("2", {{"given_name", "Bob"}})).person();
  const auto messages = feed.Await(Shows(bob, IsThere));
  for (const auto& message : messages) EXPECT_THAT(message.ShortDebugString(), Not(HasSubstr(other)));
}

TEST_F(FeedOutTest, OfRestrictedPeopleItSaysOnlyThatTheyAreGone) {
  v1::SyncItem item = Item("1", {{"given_name", "Ann"}, {"phone", "07700 900001"}});
  Say(item, type::v1::GRANTED, 5);
  item.mutable_upsert()->add_facts("sensitive");
  const std::string ann = at.SendOne("leeds", item).person();
  Changes feed(at);
  const auto messages = feed.Await(Shows(ann, IsGone));
  EXPECT_EQ(Newest(messages).at(ann).fields_size(), 0);
  Consents consents(at);
  consents.Await([](const auto& all) { return ReasonOf(all, kLeeds1) == type::v1::PAUSED; });
}

TEST_F(FeedOutTest, TellsOptOutsAsTheGateSaysNow) {
  v1::SyncItem item = Item("1", {{"given_name", "Ann"}, {"phone", "07700 900001"}});
  Say(item, type::v1::GRANTED, 5);
  const std::string ann = at.SendOne("leeds", item).person();
  Consents feed(at);
  feed.Await([](const auto& all) { return ReasonOf(all, kLeeds1) == type::v1::ALLOW; });
  at.Tell(ann, type::v1::WITHDRAWN, 1'000);
  const auto messages =
      feed.Await([](const auto& all) { return ReasonOf(all, kLeeds1) == type::v1::OPTED_OUT; });
  for (const auto& message : messages) {
    for (const auto& state : message.states()) EXPECT_EQ(state.purpose(), "purposes/quit");  // the agreed one
  }
}

TEST_F(FeedOutTest, ConsentIsJudgedOverTheAddressesOfItsOwnRecords) {
  v1::SyncItem item = Item("1", {{"given_name", "Ann"}, {"email", "ann@example.org"}});
  Say(item, type::v1::GRANTED, 5, type::v1::CHANNEL_UNSPECIFIED);
  at.SendOne("leeds", item);
  at.Bring("sources/york/records/y", {{"given_name", "Ann"}, {"phone", "07700 900001"}});
  at.Link(kLeeds1, "sources/york/records/y");
  Consents feed(at);
  feed.Await([](const auto& all) { return ReasonOf(all, kLeeds1) == type::v1::NO_ENDPOINT; });
}

TEST_F(FeedOutTest, ManyPeopleComeInPagesAndACursorInTheMiddleGoesOn) {
  std::vector<v1::SyncItem> items;
  for (int i = 0; i < 1300; ++i) {
    items.push_back(
        Item(std::to_string(i), {{"given_name", "Ann"}, {"family_name", "A" + std::to_string(i)}}));
  }
  at.Send("leeds", {items.begin(), items.begin() + 900});
  at.Send("leeds", {items.begin() + 900, items.end()});
  const auto people = [](const auto& messages) { return Newest(messages).size(); };
  Changes feed(at);
  const auto messages = feed.Await([&](const auto& all) { return people(all) == 1300; });
  for (const auto& message : messages) EXPECT_LE(message.changes_size(), 512);
  // From the first message's cursor the rest comes, and only the rest.
  Changes rest(at, messages[0].cursor());
  const size_t left = 1300 - static_cast<size_t>(messages[0].changes_size());
  rest.Await([&](const auto& all) { return people(all) == left; });
}

TEST_F(FeedOutTest, IsForItsPartiesWhileItIsInForce) {
  Changes york(at, "", "york");
  EXPECT_EQ(base::ReasonOf(york.Join()), "AGREEMENT_MISSING");
  Changes none(at, "", "none");
  EXPECT_EQ(base::ReasonOf(none.Join()), "AGREEMENT_MISSING");
  Changes forged(at, std::string(64, '0'));
  EXPECT_EQ(base::ReasonOf(forged.Join()), "CURSOR_WRONG");
  const std::string ann = Ann();
  Changes feed(at);
  feed.Await(Shows(ann, IsThere));
  EXPECT_TRUE(at.EndAgreement("leeds").ok());
  EXPECT_EQ(base::ReasonOf(feed.Join()), "AGREEMENT_ENDED");
}

TEST_F(FeedOutTest, ACursorAheadOfTheStoreIsTooOld) {
  const std::string cursor =
      WriteFeedCursor(at.blind, "changes:agreements/leeds", {false, at.store->LastPosition() + 100, ""});
  Changes feed(at, cursor);
  EXPECT_EQ(base::ReasonOf(feed.Join()), "CURSOR_TOO_OLD");
}

TEST_F(FeedOutTest, EveryMessageWithPeopleLeavesATrace) {
  const std::string ann = Ann();
  Changes feed(at);
  feed.Await(Shows(ann, IsThere));
  EXPECT_TRUE(feed.End().code() != absl::StatusCode::kOk);
  bool traced = false;
  const auto changes = at.store->ReadChanges(0, 10'000);
  ASSERT_TRUE(changes.ok());
  for (const auto& change : *changes) {
    record::v1::ChangeEntry entry;
    ASSERT_TRUE(entry.ParseFromString(change.entry));
    traced = traced || (entry.kind() == "people.followed" && entry.resource() == ann &&
                        entry.principal() == "principals/leeds-crm");
  }
  EXPECT_TRUE(traced);
}

}  // namespace
}  // namespace pharos::customer
