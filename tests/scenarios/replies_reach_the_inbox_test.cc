// What people answer reaches those who can help, each reply once, and nobody else: listed newest first until
// it is dealt with, through kills; sealed on disk, and in no log. Made true by
// services/dispatch/desk_inbox.cc (what is kept), services/dispatch/message_vault.cc (sealed),
// services/engagement/inbox_store.cc (the lists), services/engagement/inbox_reply.cc (dealt with and
// reopened) and services/engagement/inbox_service.cc (who sees what).
#include <algorithm>
#include <filesystem>

#include "gmock/gmock.h"
#include "pharos/dispatch/internal/v1/inbound_service.pb.h"
#include "pharos/engagement/v1/inbox_service.pb.h"
#include "services/base/text.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

namespace fs = std::filesystem;
using namespace engagement::v1;  // NOLINT: messages
using ::testing::IsEmpty;

// Found nowhere else, in lower case.
constexpr const char* kCanaries[] = {"quillabrix", "zanthorpe"};

class Inbox : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(system_.ok());
    story_ = std::make_unique<Story>(system_);
    story_->ImportAll(kQuit, FileOf(4));
    story_->Run("winter");
    ASSERT_TRUE(story_->Finished("winter"));
    ours_ = std::make_unique<Client>(system_.As("service"));
  }
  // As a provider's callback brings it; durable when it returns.
  void Says(const std::string& from, const std::string& text) {
    dispatch::internal::v1::RecordMessagesRequest request;
    request.set_connector("smpp");
    auto* message = request.add_messages();
    message->set_id(std::to_string(++said_));
    message->set_from(from);
    message->set_to("60777");
    message->set_text(text);
    message->set_received_time_us(WallNanos() / 1000);
    Must(ours_->Call<dispatch::internal::v1::RecordMessagesResponse>(
        "dispatch.internal.v1.InboundService/RecordMessages", request));
  }
  std::vector<Reply> List(const Client& client, ReplyState state, int size = 0) {
    ListRepliesRequest request;
    request.set_state(state);
    request.set_page_size(size);
    std::vector<Reply> replies;
    do {
      const auto page =
          Must(client.Call<ListRepliesResponse>("engagement.v1.InboxService/ListReplies", request));
      replies.insert(replies.end(), page.replies().begin(), page.replies().end());
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return replies;
  }
  Reply Deal(const Reply& reply, const std::string& note) {
    UpdateReplyRequest request;
    request.set_name(reply.name());
    request.set_state(DEALT_WITH);
    request.set_note(note);
    request.set_etag(reply.etag());
    return Must(story_->marketing.Call<Reply>("engagement.v1.InboxService/UpdateReply", request));
  }
  int64_t Waiting() {
    return Must(story_->marketing.Call<CountRepliesResponse>("engagement.v1.InboxService/CountReplies",
                                                             CountRepliesRequest()))
        .waiting();
  }
  static std::vector<std::string> InClear(const std::string& folder) {
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (!entry.is_regular_file()) continue;
      const std::string bytes = base::LowerAscii(ReadFile(entry.path()));
      for (const char* canary : kCanaries) {
        if (bytes.find(canary) != std::string::npos) found.push_back(entry.path().string() + ": " + canary);
      }
    }
    return found;
  }

  System system_;
  std::unique_ptr<Story> story_;
  std::unique_ptr<Client> ours_;
  int said_ = 0;
};

TEST_F(Inbox, ShowsWhatPeopleWroteUntilItIsDealtWith) {
  Says(Number(0), "Quillabrix, could I come on Friday?");
  Says(Number(1), "STOP");
  Says(Number(2), "please stop sending me these messages");
  ASSERT_TRUE(Eventually([&] { return Waiting() == 2; }));
  const std::vector<Reply> waiting = List(story_->marketing, NEW);
  ASSERT_EQ(waiting.size(), 2u);
  EXPECT_EQ(waiting[0].kind(), STOP);
  EXPECT_TRUE(waiting[0].for_review());
  EXPECT_EQ(waiting[1].text(), "Quillabrix, could I come on Friday?");
  EXPECT_EQ(waiting[1].campaign(), "campaigns/winter");
  EXPECT_EQ(waiting[1].person(), story_->PersonWithPhone(Phone(0)).name());
  EXPECT_EQ(waiting[1].address(), "") << "marketing sees no contact data";
  EXPECT_EQ(List(story_->governance, NEW).at(1).address(), Number(0));
  EXPECT_EQ(List(story_->marketing, REPLY_STATE_UNSPECIFIED).size(), 3u) << "the plain STOP, too";

  Deal(waiting[1], "Told Zanthorpe to come on Friday.");
  system_.KillAndRestartPharosd();
  ASSERT_TRUE(Eventually([&] { return Waiting() == 1; }));
  const std::vector<Reply> done = List(story_->marketing, DEALT_WITH);
  ASSERT_EQ(done.size(), 2u);
  EXPECT_EQ(done[1].text(), waiting[1].text());
  EXPECT_EQ(done[1].note(), "Told Zanthorpe to come on Friday.");
  EXPECT_EQ(done[1].change_principal(), "principals/marketing");

  EXPECT_EQ(system_.pharosd().Stop(), 0);
  EXPECT_THAT(InClear(system_.data()), IsEmpty());
  EXPECT_EQ(base::LowerAscii(system_.pharosd().Log()).find("quillabrix"), std::string::npos);
}

TEST_F(Inbox, EachReplyComesOnceThroughKills) {
  constexpr int kReplies = 60;
  for (int i = 0; i < kReplies; ++i) {
    Says(Number(i % 4), "word " + std::to_string(i));
    if (i % 20 == 10) system_.KillAndRestartPharosd();
  }
  ASSERT_TRUE(Eventually([&] { return Waiting() == kReplies; })) << Waiting();
  std::vector<std::string> texts;
  for (const Reply& reply : List(story_->marketing, NEW, 7)) texts.push_back(reply.text());
  std::vector<std::string> wanted;
  for (int i = kReplies - 1; i >= 0; --i) wanted.push_back("word " + std::to_string(i));
  EXPECT_EQ(texts, wanted) << "newest first";
}

}  // namespace
}  // namespace pharos::tests
