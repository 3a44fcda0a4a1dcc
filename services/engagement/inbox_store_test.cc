// Lists of the inbox: newest first, each reply once though others arrive and change, and a page that costs
// the same however many there are.
#include "services/engagement/inbox_store.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "services/base/errors.h"
#include "services/engagement/inbox_reply.h"
#include "services/engagement/tables.h"
#include "storage/open.h"

namespace pharos::engagement {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kQuit[] = "campaigns/quit", kJab[] = "campaigns/jab";
constexpr int64_t kSecond = 1'000'000, kStart = 1'790'000'000 * kSecond;

class InboxStoreTest : public ::testing::Test {
 protected:
  InboxStoreTest() : store_(*storage::Open({.name = "engagement", .format = kFormat, .in_memory = true})) {}

  // The next reply of the log; one second after the other.
  std::string Arrives(const std::string& kind, const std::string& campaign = kQuit,
                      type::v1::Channel channel = type::v1::CHANNEL_SMS) {
    type::v1::ReplyEvent event;
    event.set_position(++position_);
    event.set_time_us(kStart + static_cast<int64_t>(position_) * kSecond);
    event.set_reply("replies/" + std::to_string(position_));
    event.set_kind(kind);
    event.set_campaign(campaign);
    event.set_channel(channel);
    if (campaign == kJab) {
      event.add_readers()->set_campaign(kJab);
      event.mutable_readers(0)->set_principal("principals/jabs");
    }
    Take(event);
    return event.reply();
  }
  void Take(const type::v1::ReplyEvent& event) {
    ASSERT_EQ(store_->Transact([&](storage::Transaction& tx) { return InboxStore::Take(tx, event); }),
              absl::OkStatus());
  }
  void Becomes(const std::string& name, v1::ReplyState state) {
    ASSERT_EQ(store_->Transact([&](storage::Transaction& tx) -> absl::Status {
      auto row = *InboxStore::Load(tx, name);
      record::v1::InboxRow after = *row;
      after.set_state(state);
      return InboxStore::Save(tx, *row, after);
    }),
              absl::OkStatus());
  }
  static std::vector<std::string> Numbers(const std::vector<record::v1::InboxRow>& rows) {
    std::vector<std::string> numbers;
    for (const auto& row : rows) numbers.push_back(row.name().substr(8));
    return numbers;
  }
  // The first page.
  std::vector<std::string> List(const v1::ListRepliesRequest& request, size_t size = 50) {
    const auto page = inbox_.List(request, size);
    EXPECT_TRUE(page.ok()) << page.status();
    return Numbers(page->rows);
  }

  std::unique_ptr<storage::Store> store_;
  InboxStore inbox_{*store_};
  uint64_t position_ = 0;
};

TEST_F(InboxStoreTest, FiltersHoldTogether) {
  Arrives("OTHER");                               // 1
  Arrives("STOP");                                // 2, acted on
  Arrives("HELP", kJab);                          // 3
  Arrives("OTHER", kJab);                         // 4
  Arrives("OTHER", "", type::v1::CHANNEL_EMAIL);  // 5
  v1::ListRepliesRequest all;
  EXPECT_THAT(List(all), ElementsAre("5", "4", "3", "2", "1"));
  v1::ListRepliesRequest request;
  request.set_state(v1::NEW);
  EXPECT_THAT(List(request), ElementsAre("5", "4", "3", "1"));
  request.set_kind(v1::OTHER);
  EXPECT_THAT(List(request), ElementsAre("5", "4", "1"));
  request.set_campaign(kJab);
  EXPECT_THAT(List(request), ElementsAre("4"));
  request.set_channel(type::v1::CHANNEL_EMAIL);
  EXPECT_THAT(List(request), IsEmpty());
  request.clear_campaign();
  EXPECT_THAT(List(request), ElementsAre("5"));
  request.clear_kind();
  EXPECT_THAT(List(request), ElementsAre("5"));
  all.set_since_us(kStart + 4 * kSecond);
  EXPECT_THAT(List(all), ElementsAre("5", "4"));
}

TEST_F(InboxStoreTest, AStateIsFollowedInEveryListAndCount) {
  const std::string one = Arrives("OTHER"), two = Arrives("HELP");
  v1::ListRepliesRequest waiting;
  waiting.set_state(v1::NEW);
  waiting.set_campaign(kQuit);
  Becomes(one, v1::DEALT_WITH);
  EXPECT_THAT(List(waiting), ElementsAre("2"));
  EXPECT_EQ(inbox_.Count("")->waiting_by_kind().size(), 1u);
  EXPECT_EQ(inbox_.Count(kQuit)->waiting_by_kind().at("HELP"), 1);
  EXPECT_EQ(inbox_.Count(kQuit)->all_by_kind().at("OTHER"), 1);
  waiting.set_state(v1::DEALT_WITH);
  EXPECT_THAT(List(waiting), ElementsAre("1"));
  Becomes(one, v1::NEW);
  waiting.set_state(v1::NEW);
  EXPECT_THAT(List(waiting), ElementsAre("2", "1")) << "in its old place";
  EXPECT_EQ(inbox_.Count(kQuit)->waiting_by_kind().at("OTHER"), 1);
  EXPECT_TRUE(inbox_.Count(kJab)->all_by_kind().empty());
}

TEST_F(InboxStoreTest, WhatComesTwiceIsOneReply) {
  type::v1::ReplyEvent event;
  event.set_position(++position_);
  event.set_reply("replies/1");
  event.set_kind("OTHER");
  Take(event);
  Becomes("replies/1", v1::DEALT_WITH);
  event.set_position(++position_);
  Take(event);
  EXPECT_THAT(List({}), ElementsAre("1"));
  EXPECT_EQ((*inbox_.Load("replies/1"))->state(), v1::DEALT_WITH);
  EXPECT_EQ(inbox_.Count("")->all_by_kind().at("OTHER"), 1);
}

TEST_F(InboxStoreTest, TextsOfAReaderGoWhenTheyAreForgotten) {
  Arrives("OTHER");
  const std::string three = (Arrives("OTHER", kJab), Arrives("STOP", kJab));
  type::v1::ReplyReader reader;
  reader.set_campaign(kJab);
  reader.set_principal("principals/jabs");
  EXPECT_THAT(Numbers(*inbox_.TextsOf(reader, 0, 10)), ElementsAre("3", "2"));
  EXPECT_THAT(Numbers(*inbox_.TextsOf(reader, 3, 10)), ElementsAre("2")) << "before the third";
  EXPECT_THAT(Numbers(*inbox_.TextsOf(reader, 0, 1)), ElementsAre("3"));
  type::v1::ReplyEvent gone;
  gone.set_position(++position_);
  gone.set_reply(three);
  gone.set_forgotten(true);
  Take(gone);
  EXPECT_THAT(Numbers(*inbox_.TextsOf(reader, 0, 10)), ElementsAre("2"));
  EXPECT_TRUE((*inbox_.Load(three))->forgotten());
  EXPECT_THAT(List({}), ElementsAre("3", "2", "1")) << "that there was a reply stays";
  reader.set_principal("principals/others");
  EXPECT_THAT(Numbers(*inbox_.TextsOf(reader, 0, 10)), IsEmpty());
}

TEST_F(InboxStoreTest, ATokenIsForItsQuestionOnly) {
  for (int i = 0; i < 3; ++i) Arrives("OTHER");
  v1::ListRepliesRequest request;
  const std::string token = inbox_.List(request, 2)->next_token;
  request.set_page_token(token);
  EXPECT_THAT(List(request), ElementsAre("1"));
  request.set_page_size(7);
  EXPECT_THAT(List(request), ElementsAre("1")) << "another size is no other question";
  request.set_kind(v1::HELP);
  EXPECT_EQ(base::ReasonOf(inbox_.List(request, 2).status()), "PAGE_TOKEN_WRONG");
  request.clear_kind();
  for (const char* wrong : {"x", "00", "0000000000000001"}) {
    request.set_page_token(wrong);
    EXPECT_EQ(base::ReasonOf(inbox_.List(request, 2).status()), "PAGE_TOKEN_WRONG") << wrong;
  }
}

// Who follows the tokens sees each reply that was there at the start once, whatever arrives and is dealt
// with.
class InboxPaging : public InboxStoreTest, public ::testing::WithParamInterface<uint32_t> {};

TEST_P(InboxPaging, NoneIsLostOrDoubledWhileOthersArriveAndChange) {
  std::mt19937 random(GetParam());
  const auto below = [&](int most) { return std::uniform_int_distribution<int>(0, most - 1)(random); };
  const std::vector<std::string> kinds = {"OTHER", "HELP", "STOP"};
  const auto arrive = [&] {
    return Arrives(kinds[static_cast<size_t>(below(3))], below(2) == 0 ? kQuit : kJab);
  };
  std::vector<std::string> there;
  for (int i = 0; i < 300; ++i) there.push_back(arrive().substr(8));
  v1::ListRepliesRequest request;
  if (below(2) == 0) request.set_campaign(kQuit);
  if (below(2) == 0) request.set_kind(v1::OTHER);
  std::vector<std::string> wanted;
  for (auto at = there.rbegin(); at != there.rend(); ++at) {
    const auto row = **inbox_.Load("replies/" + *at);
    const bool fits = (request.campaign().empty() || row.campaign() == request.campaign()) &&
                      (request.kind() == 0 || row.kind() == request.kind());
    if (fits) wanted.push_back(*at);
  }
  std::vector<std::string> seen;
  do {
    const auto page = inbox_.List(request, static_cast<size_t>(1 + below(40)));
    ASSERT_TRUE(page.ok());
    for (const std::string& number : Numbers(page->rows)) seen.push_back(number);
    request.set_page_token(page->next_token);
    for (int i = below(10); i > 0; --i) arrive();
    for (int i = below(10); i > 0; --i)
      Becomes("replies/" + there[static_cast<size_t>(below(300))], below(2) == 0 ? v1::NEW : v1::DEALT_WITH);
  } while (!request.page_token().empty());
  EXPECT_EQ(seen, wanted);
}
INSTANTIATE_TEST_SUITE_P(Seeds, InboxPaging, ::testing::Range(1u, 9u));

// What no list can tell is looked for so far and no further a page.
TEST_F(InboxStoreTest, APageOfARareKindIsBounded) {
  Arrives("HELP", "", type::v1::CHANNEL_EMAIL);
  for (size_t i = 0; i < InboxStore::kMostLookedAt + 10; ++i) Arrives("HELP");
  v1::ListRepliesRequest request;
  request.set_kind(v1::HELP);
  request.set_channel(type::v1::CHANNEL_EMAIL);
  auto page = inbox_.List(request, 50);
  ASSERT_TRUE(page.ok());
  EXPECT_TRUE(page->rows.empty());
  ASSERT_FALSE(page->next_token.empty()) << "it goes on";
  request.set_page_token(page->next_token);
  EXPECT_THAT(List(request), ElementsAre("1"));
}

}  // namespace
}  // namespace pharos::engagement
