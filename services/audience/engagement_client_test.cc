// Engagement's feed over a real server, followed into the index: fresh when asked, resumed, started again.
#include "services/audience/engagement_client.h"

#include <gtest/gtest.h>

#include <atomic>

#include "pharos/engagement/internal/v1/feed_service.serve.h"
#include "services/audience/filter_check.h"
#include "services/base/errors.h"
#include "services/base/mutex.h"
#include "services/rpc/credentials.h"
#include "services/rpc/server.h"

namespace pharos::audience {
namespace {

namespace feed = engagement::internal::v1;

constexpr int64_t kPatienceUs = 20'000'000;

// Person n was sent something at position n, up to `committed`.
class TinyEngagement : public feed::FeedServiceHandler {
 public:
  absl::Status FollowEngagement(rpc::Call& call, const feed::FollowEngagementRequest& request,
                                rpc::Writer<feed::FollowEngagementResponse>& writer) override {
    ++streams;
    base::MutexLock lock(mutex_);
    if (request.cursor() > committed_) return absl::OutOfRangeError("start again");
    uint64_t sent = request.cursor();
    while (!call.cancelled()) {
      if (end_stream_) {
        end_stream_ = false;
        return absl::UnavailableError("draining");
      }
      if (sent == committed_) {
        changed_.WaitForMicros(lock, 20'000);
        continue;
      }
      feed::FollowEngagementResponse response;
      auto& engaged = *response.add_engaged();
      engaged.set_campaign("campaigns/flu");
      engaged.set_event(feed::EngagedPeople::EVENT_SENT);
      while (sent < committed_) engaged.add_people("people/p" + std::to_string(++sent));
      response.set_position(sent);
      if (!writer.Write(response)) break;
    }
    return absl::OkStatus();
  }
  absl::Status GetPosition(rpc::Call&, const feed::GetPositionRequest&,
                           feed::GetPositionResponse& response) override {
    base::MutexLock lock(mutex_);
    response.set_position(committed_);
    return absl::OkStatus();
  }
  void Set(uint64_t committed, bool end_stream = false) {
    base::MutexLock lock(mutex_);
    committed_ = committed;
    end_stream_ = end_stream;
    changed_.NotifyAll();
  }

  std::atomic<int> streams = 0;

 private:
  base::Mutex mutex_;
  base::CondVar changed_;
  uint64_t committed_ ABSL_GUARDED_BY(mutex_) = 0;
  bool end_stream_ ABSL_GUARDED_BY(mutex_) = false;
};

class EngagementClientTest : public testing::Test {
 protected:
  EngagementClientTest() {
    rpc::Caller caller;
    caller.principal = "principals/pharosd";
    caller.roles = {"service"};
    caller.internal = true;
    credentials_.Add("token", caller);
    std::vector<std::unique_ptr<rpc::Service>> services;
    services.push_back(feed::MakeFeedService(engagement_));
    rpc::ServerOptions options;
    options.credentials = &credentials_;
    server_ = *rpc::StartServer(options, std::move(services));
    rpc::Peers peers;
    peers.engagement = server_->InProcess();
    peers.token = "token";
    client_->Start(peers);
  }
  ~EngagementClientTest() override {
    index_->Stop();
    client_->Stop();
  }
  void BringEverybody() {
    customer::internal::v1::FollowPeopleResponse response;
    for (int n = 1; n <= 100; ++n) response.add_people()->set_person("people/p" + std::to_string(n));
    response.set_cursor(1);
    index_->Apply(response);
  }
  int64_t Sent() {
    const absl::Status waited = client_->Wait({"campaigns/flu"}, kPatienceUs);
    EXPECT_TRUE(waited.ok()) << waited;
    int64_t people = 0;
    const absl::Status read = index_->Read(0, [&](const PeopleIndex::Reader& reader) {
      people = reader.Count(*CompileFilter("engaged(flu, sent)"));
      return absl::OkStatus();
    });
    EXPECT_TRUE(read.ok());
    return people;
  }

  rpc::Credentials credentials_;
  TinyEngagement engagement_;
  std::unique_ptr<rpc::Server> server_;
  const std::unique_ptr<PeopleIndex> index_ = PeopleIndex::New();
  const std::unique_ptr<EngagementClient> client_ = EngagementClient::New(*index_);
};

TEST_F(EngagementClientTest, AQuestionHasSeenWhatEngagementHasCommitted) {
  BringEverybody();
  for (uint64_t events = 1; events <= 20; ++events) {
    engagement_.Set(events);
    EXPECT_EQ(Sent(), static_cast<int64_t>(events));
  }
}

TEST_F(EngagementClientTest, NothingIsFollowedBeforeEverybodyIsThere) {
  engagement_.Set(10);
  EXPECT_EQ(base::ReasonOf(client_->Wait({"*"}, 50'000)), "ENGAGEMENT_BEHIND");
  EXPECT_EQ(engagement_.streams, 0);
  BringEverybody();
  EXPECT_EQ(Sent(), 10);
}

TEST_F(EngagementClientTest, GoesOnAfterTheStreamEnds) {
  BringEverybody();
  engagement_.Set(10);
  EXPECT_EQ(Sent(), 10);
  engagement_.Set(30, true);
  EXPECT_EQ(Sent(), 30);
  EXPECT_GE(engagement_.streams, 2);
}

TEST_F(EngagementClientTest, StartsAgainWhenEitherSideHas) {
  BringEverybody();
  engagement_.Set(10);
  EXPECT_EQ(Sent(), 10);
  index_->Reset();
  BringEverybody();
  engagement_.Set(12);
  EXPECT_EQ(Sent(), 12);
  engagement_.Set(3, true);  // another store of engagement's
  engagement_.Set(3, true);
  while (index_->engagement_position() != 3) ASSERT_TRUE(client_->Wait({"*"}, kPatienceUs).ok());
  EXPECT_EQ(Sent(), 3);
}

}  // namespace
}  // namespace pharos::audience
