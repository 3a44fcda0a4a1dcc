// The inbox behind a real server: what dispatch's feed brings, what it opens, and who may see what.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>

#include "pharos/dispatch/internal/v1/feed_service.pb.h"
#include "pharos/dispatch/internal/v1/feed_service.serve.h"
#include "pharos/dispatch/internal/v1/reply_service.pb.h"
#include "pharos/dispatch/internal/v1/reply_service.serve.h"
#include "pharos/engagement/v1/inbox_service.grpc.pb.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/queue.h"
#include "services/engagement/engagement.h"
#include "services/rpc/channel.h"
#include "services/rpc/credentials.h"
#include "services/rpc/server.h"

namespace pharos::engagement {
namespace {

namespace inner = dispatch::internal::v1;
using ::testing::ElementsAre;

class Feed : public inner::FeedServiceHandler {
 public:
  absl::Status FollowEvents(rpc::Call& call, const inner::FollowEventsRequest&,
                            rpc::Writer<inner::FollowEventsResponse>& out) override {
    while (!call.cancelled()) {
      for (const auto& news : says.PopAll(1, 10'000)) {
        if (!out.Write(news)) return absl::OkStatus();
      }
    }
    return absl::OkStatus();
  }
  base::BoundedQueue<inner::FollowEventsResponse> says{64};
};

// Says of each reply that it says its name; notes are "sealed" by turning them round.
class Replies : public inner::ReplyServiceHandler {
 public:
  absl::Status OpenReplies(rpc::Call&, const inner::OpenRepliesRequest& request,
                           inner::OpenRepliesResponse& response) override {
    ++calls;
    if (away) return base::MakeError(absl::StatusCode::kUnavailable, "ACCESS_AWAY", "away");
    for (const auto& asked : request.replies()) {
      auto* opened = response.add_replies();
      opened->set_text("this is " + asked.name());
      opened->set_address("447700900123");
      opened->set_note(std::string(asked.note().rbegin(), asked.note().rend()));
    }
    return absl::OkStatus();
  }
  absl::Status SealNote(rpc::Call&, const inner::SealNoteRequest& request,
                        inner::SealNoteResponse& response) override {
    response.set_note(std::string(request.note().rbegin(), request.note().rend()));
    response.set_digest("digest of " + std::to_string(request.note().size()));
    return absl::OkStatus();
  }
  std::atomic<int> calls = 0;
  std::atomic<bool> away = false;
};

class InboxTest : public ::testing::Test {
 protected:
  InboxTest() {
    for (const char* role : {"service", "marketing", "governance", "sender", "approver", "operator"}) {
      rpc::Caller caller;
      caller.principal = std::string("principals/") + role;
      caller.roles = {role};
      caller.internal = std::string_view(role) == "service";
      credentials_.Add(role, caller);
    }
    engagement_ = *Engagement::Open({.in_memory = true});
    auto services = engagement_->Services();
    services.push_back(inner::MakeFeedService(feed_));
    services.push_back(inner::MakeReplyService(replies_));
    rpc::ServerOptions options;
    options.credentials = &credentials_;
    server_ = *rpc::StartServer(options, std::move(services));
    rpc::Peers peers;
    peers.dispatch = server_->InProcess();
    peers.token = "service";
    engagement_->Start(peers);
    stub_ = v1::InboxService::NewStub(server_->InProcess());
  }
  ~InboxTest() override {
    server_->Drain(0);
    engagement_->Stop();
  }

  template <typename Response, typename Method, typename Request>
  absl::StatusOr<Response> As(const std::string& role, Method method, const Request& request) {
    grpc::ClientContext context;
    rpc::CallOptions options;
    options.token = role;
    rpc::Prepare(context, options);
    Response response;
    PHAROS_RETURN_IF_ERROR(rpc::FromGrpc((stub_.get()->*method)(&context, request, &response)));
    return response;
  }
  absl::StatusOr<v1::ListRepliesResponse> List(const std::string& role,
                                               const v1::ListRepliesRequest& request) {
    return As<v1::ListRepliesResponse>(role, &v1::InboxService::Stub::ListReplies, request);
  }
  absl::StatusOr<v1::Reply> Get(const std::string& role, const std::string& name) {
    v1::GetReplyRequest request;
    request.set_name(name);
    return As<v1::Reply>(role, &v1::InboxService::Stub::GetReply, request);
  }
  absl::StatusOr<v1::Reply> Update(const v1::UpdateReplyRequest& request,
                                   const std::string& role = "marketing") {
    return As<v1::Reply>(role, &v1::InboxService::Stub::UpdateReply, request);
  }
  int64_t Waiting() {
    return As<v1::CountRepliesResponse>("marketing", &v1::InboxService::Stub::CountReplies,
                                        v1::CountRepliesRequest())
        ->waiting();
  }
  // Reply number `i`, once the inbox has it.
  void Arrives(int i, const std::string& kind = "OTHER") {
    inner::FollowEventsResponse news;
    news.set_position(static_cast<uint64_t>(i));
    auto* event = news.add_replies();
    event->set_position(static_cast<uint64_t>(i));
    event->set_time_us(1'790'000'000'000'000 + i);
    event->set_reply(NameOf(i));
    event->set_kind(kind);
    event->set_campaign("campaigns/booking");
    event->set_channel(type::v1::CHANNEL_SMS);
    event->set_sender("60777");
    event->add_readers()->set_campaign("campaigns/booking");
    event->mutable_readers(0)->set_principal("principals/sender");
    feed_.says.Push(std::move(news));
    while (!Get("governance", NameOf(i)).ok()) std::this_thread::yield();
  }
  static std::string NameOf(int i) { return "replies/r" + std::to_string(i); }

  Feed feed_;
  Replies replies_;
  rpc::Credentials credentials_;
  std::unique_ptr<Engagement> engagement_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<v1::InboxService::Stub> stub_;
};

TEST_F(InboxTest, IsReadByThoseWhoMayWithTheNumberForThoseWhoMaySeeIt) {
  Arrives(1);
  Arrives(2, "STOP");
  replies_.calls = 0;
  const auto all = List("marketing", {});
  ASSERT_TRUE(all.ok()) << all.status();
  ASSERT_EQ(all->replies_size(), 2);
  EXPECT_EQ(replies_.calls, 1) << "one call a page";
  EXPECT_EQ(all->replies(0).name(), NameOf(2));
  EXPECT_TRUE(all->replies(0).automatic());
  EXPECT_EQ(all->replies(1).text(), "this is " + NameOf(1));
  EXPECT_EQ(all->replies(1).address(), "") << "marketing sees no contact data";
  EXPECT_EQ(Get("governance", NameOf(1))->address(), "447700900123");
  for (const char* role : {"sender", "approver", "operator"})
    EXPECT_EQ(base::ReasonOf(List(role, {}).status()), "PERMISSION_MISSING") << role;
  EXPECT_EQ(base::ReasonOf(Get("marketing", "replies/none").status()), "REPLY_NOT_FOUND");
  EXPECT_EQ(Waiting(), 1);
}

TEST_F(InboxTest, IsDealtWithOnceWithANoteAndReopened) {
  Arrives(1);
  v1::UpdateReplyRequest request;
  request.set_name(NameOf(1));
  request.set_state(v1::DEALT_WITH);
  request.set_note("called Ann back");
  request.set_etag(Get("marketing", NameOf(1))->etag());
  request.set_request_id("once");
  const auto done = Update(request);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(done->state(), v1::DEALT_WITH);
  EXPECT_EQ(done->note() + done->text() + done->address(), "") << "the answer is remembered";
  EXPECT_EQ(Waiting(), 0);
  EXPECT_EQ(Update(request)->etag(), done->etag()) << "the same request is answered as before";
  EXPECT_EQ(Get("marketing", NameOf(1))->note(), "called Ann back");
  EXPECT_EQ(Get("marketing", NameOf(1))->change_principal(), "principals/marketing");
  request.set_note("called Ann back twice");
  EXPECT_EQ(base::ReasonOf(Update(request).status()), "REQUEST_ID_REUSED");
  request.set_request_id("again");
  EXPECT_EQ(base::ReasonOf(Update(request).status()), "REPLY_CHANGED") << "by an old etag";
  request.clear_etag();
  request.clear_note();
  request.set_state(v1::NEW);
  ASSERT_TRUE(Update(request).ok());
  EXPECT_EQ(Waiting(), 1);
  EXPECT_EQ(Get("marketing", NameOf(1))->note(), "called Ann back");
  EXPECT_EQ(base::ReasonOf(Update(request, "approver").status()), "PERMISSION_MISSING");
  request.set_name("replies/none");
  request.clear_request_id();
  EXPECT_EQ(base::ReasonOf(Update(request).status()), "REPLY_NOT_FOUND");
}

TEST_F(InboxTest, WhileDispatchCannotOpenThemNothingIsShown) {
  Arrives(1);
  replies_.away = true;
  EXPECT_EQ(base::ReasonOf(List("marketing", {}).status()), "ACCESS_AWAY");
  EXPECT_EQ(Waiting(), 1) << "they are counted all the same";
}

TEST_F(InboxTest, AServiceSeesItsOwnTextsOnly) {
  for (int i = 1; i <= 5; ++i) Arrives(i);
  v1::ListReceivedTextsRequest request;
  request.add_campaigns("campaigns/booking-old");
  request.add_campaigns("campaigns/booking");
  request.set_page_size(2);
  const auto list = [&](const std::string& role) {
    std::vector<std::string> names;
    const auto page =
        As<v1::ListReceivedTextsResponse>(role, &v1::InboxService::Stub::ListReceivedTexts, request);
    EXPECT_TRUE(page.ok()) << page.status();
    for (const auto& text : page->texts()) {
      EXPECT_EQ(text.address(), "447700900123");
      EXPECT_EQ(text.sender(), "60777");
      EXPECT_EQ(text.campaign(), "campaigns/booking");
      names.push_back(text.name());
    }
    return names;
  };
  EXPECT_THAT(list("sender"), ElementsAre(NameOf(5), NameOf(4)));
  EXPECT_THAT(list("governance"), ElementsAre()) << "not its own";
  request.set_older_than(NameOf(4));
  EXPECT_THAT(list("sender"), ElementsAre(NameOf(3), NameOf(2)));
  request.set_older_than("replies/none");
  EXPECT_THAT(list("sender"), ElementsAre());
}

}  // namespace
}  // namespace pharos::engagement
