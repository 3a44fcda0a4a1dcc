// The whole service behind a real server, fed by a feed that a test writes.
#include "services/engagement/engagement.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>

#include <optional>

#include "pharos/dispatch/internal/v1/feed_service.pb.h"
#include "pharos/dispatch/internal/v1/feed_service.serve.h"
#include "pharos/engagement/v1/engagement_service.grpc.pb.h"
#include "services/base/errors.h"
#include "services/base/queue.h"
#include "services/rpc/channel.h"
#include "services/rpc/credentials.h"
#include "services/rpc/server.h"

namespace pharos::engagement {
namespace {

using dispatch::internal::v1::FollowEventsRequest;
using dispatch::internal::v1::FollowEventsResponse;

// What dispatch would say, from a queue that the test fills.
class Feed : public dispatch::internal::v1::FeedServiceHandler {
 public:
  absl::Status FollowEvents(rpc::Call& call, const FollowEventsRequest& request,
                            rpc::Writer<FollowEventsResponse>& out) override {
    cursors.Push(request.cursor());
    while (!call.cancelled()) {
      for (const auto& news : says.PopAll(1, 10'000)) {
        if (!news.has_value()) return absl::UnavailableError("cut");
        if (!out.Write(*news)) return absl::OkStatus();
      }
    }
    return absl::OkStatus();
  }
  base::BoundedQueue<uint64_t> cursors{16};
  base::BoundedQueue<std::optional<FollowEventsResponse>> says{16};
};

class EngagementTest : public ::testing::Test {
 protected:
  EngagementTest() {
    rpc::Caller caller;
    caller.principal = "principals/pharosd";
    caller.roles = {"service"};
    caller.internal = true;
    credentials_.Add("token", caller);
    engagement_ = *Engagement::Open({.in_memory = true});
    auto services = engagement_->Services();
    services.push_back(dispatch::internal::v1::MakeFeedService(feed_));
    rpc::ServerOptions options;
    options.credentials = &credentials_;
    server_ = *rpc::StartServer(options, std::move(services));
    rpc::Peers peers;
    peers.dispatch = server_->InProcess();
    peers.token = "token";
    engagement_->Start(peers);
    stub_ = v1::EngagementService::NewStub(server_->InProcess());
  }
  ~EngagementTest() override {
    server_->Drain(0);
    engagement_->Stop();
  }

  static FollowEventsResponse Planned(uint64_t position, int64_t intents) {
    FollowEventsResponse news;
    auto* batch = news.add_batches();
    batch->set_position(position);
    batch->set_time_us(1);
    batch->set_campaign("campaigns/winter");
    batch->mutable_changes()->set_intents(intents);
    batch->mutable_changes()->set_pending(intents);
    news.set_position(position);
    return news;
  }
  void Prepare(grpc::ClientContext& context) {
    rpc::CallOptions options;
    options.token = "token";
    rpc::Prepare(context, options);
  }

  Feed feed_;
  rpc::Credentials credentials_;
  std::unique_ptr<Engagement> engagement_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<v1::EngagementService::Stub> stub_;
};

TEST_F(EngagementTest, WatchersSeeWhatTheFeedBrings) {
  grpc::ClientContext context;
  Prepare(context);
  v1::WatchCampaignRequest request;
  request.set_campaign("campaigns/winter");
  auto stream = stub_->WatchCampaign(&context, request);
  v1::Counters counters;
  ASSERT_TRUE(stream->Read(&counters));
  EXPECT_EQ(counters.tally().intents(), 0);
  feed_.says.Push(Planned(1, 5));
  while (counters.tally().intents() == 0) ASSERT_TRUE(stream->Read(&counters));
  EXPECT_EQ(counters.tally().pending(), 5);
  EXPECT_EQ(counters.position(), 1u);
  context.TryCancel();
  stream->Finish();
}

TEST_F(EngagementTest, FollowsOnFromItsCursorAfterTheFeedWasCut) {
  ASSERT_THAT(feed_.cursors.PopAll(1, 5'000'000), ::testing::ElementsAre(0u));
  feed_.says.Push(Planned(7, 5));
  feed_.says.Push(std::nullopt);
  EXPECT_THAT(feed_.cursors.PopAll(1, 5'000'000), ::testing::ElementsAre(7u));
}

TEST_F(EngagementTest, RefusesToWatchWhatIsNoCampaign) {
  grpc::ClientContext context;
  Prepare(context);
  v1::GetCountersRequest request;
  request.set_campaign("winter");
  v1::Counters counters;
  EXPECT_EQ(stub_->GetCounters(&context, request, &counters).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace pharos::engagement
