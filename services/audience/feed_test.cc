// The feed over a real server, followed into the index and counted: fresh, resumed, started again.
#include <gtest/gtest.h>

#include <atomic>

#include "pharos/customer/internal/v1/feed_service.pb.h"
#include "pharos/customer/internal/v1/feed_service.serve.h"
#include "services/audience/evaluation.h"
#include "services/audience/feed_client.h"
#include "services/base/errors.h"
#include "services/base/mutex.h"
#include "services/rpc/credentials.h"
#include "services/rpc/server.h"

namespace pharos::audience {
namespace {

namespace feed = customer::internal::v1;

constexpr int64_t kPatienceUs = 20'000'000;

// A customer service with people 1 to `committed`, one change each.
class TinyFeed : public feed::FeedServiceHandler {
 public:
  absl::Status FollowPeople(rpc::Call& call, const feed::FollowPeopleRequest& request,
                            rpc::Writer<feed::FollowPeopleResponse>& writer) override {
    ++streams;
    if (request.cursor() > 0 && lost) return absl::OutOfRangeError("start again");
    uint64_t sent = request.cursor();
    while (!call.cancelled()) {
      base::MutexLock lock(mutex_);
      if (end_streams_) {
        end_streams_ = false;
        return absl::UnavailableError("draining");
      }
      if (sent == committed_) {
        changed_.WaitForMicros(lock, 20'000);
        continue;
      }
      feed::FollowPeopleResponse response;
      while (sent < committed_) response.add_people()->set_person("people/p" + std::to_string(++sent));
      response.set_cursor(sent);
      if (!writer.Write(response)) break;
    }
    return absl::OkStatus();
  }
  absl::Status FollowPurposes(rpc::Call& call, const feed::FollowPurposesRequest&,
                              rpc::Writer<feed::FollowPurposesResponse>& writer) override {
    feed::FollowPurposesResponse response;
    AddPurposes(response);
    writer.Write(response);
    base::MutexLock lock(mutex_);
    while (!call.cancelled()) changed_.WaitForMicros(lock, 20'000);
    return absl::OkStatus();
  }
  absl::Status GetPosition(rpc::Call&, const feed::GetPositionRequest& request,
                           feed::GetPositionResponse& response) override {
    ++calls;
    return Position(request, response);
  }
  absl::Status Position(const feed::GetPositionRequest& request, feed::GetPositionResponse& response) {
    base::MutexLock lock(mutex_);
    response.set_position(committed_);
    if (request.with_purposes()) AddPurposes(response);
    return absl::OkStatus();
  }
  void Commit(uint64_t people) {
    base::MutexLock lock(mutex_);
    committed_ += people;
    changed_.NotifyAll();
  }
  void EndStream() {
    base::MutexLock lock(mutex_);
    end_streams_ = true;
    changed_.NotifyAll();
  }

  std::atomic<int> streams = 0, calls = 0;
  std::atomic<bool> lost = false;  // the change log before now

 private:
  template <typename Response>
  static void AddPurposes(Response& response) {
    response.add_purposes()->set_purpose("purposes/news");
    response.add_purposes()->set_purpose("purposes/old");
    response.mutable_purposes(1)->set_retired(true);
  }

  base::Mutex mutex_;
  base::CondVar changed_;
  uint64_t committed_ ABSL_GUARDED_BY(mutex_) = 0;
  bool end_streams_ ABSL_GUARDED_BY(mutex_) = false;
};

class FeedTest : public testing::Test {
 protected:
  FeedTest() {
    rpc::Caller caller;
    caller.principal = "principals/pharosd";
    caller.roles = {"service"};
    caller.internal = true;
    credentials_.Add("token", caller);
    std::vector<std::unique_ptr<rpc::Service>> services;
    services.push_back(feed::MakeFeedService(customer_));
    rpc::ServerOptions options;
    options.credentials = &credentials_;
    server_ = *rpc::StartServer(options, std::move(services));
    client_->Start(Peers());
  }
  rpc::Peers Peers() {
    rpc::Peers peers;
    peers.customer = server_->InProcess();
    peers.token = "token";
    return peers;
  }
  ~FeedTest() override {
    index_.Stop();
    client_->Stop();
  }
  absl::StatusOr<Outcome> Count(const std::string& purpose) {
    const Question question{"", purpose, {type::v1::CHANNEL_SMS}};
    return Evaluate(
        question, index_, [this](bool with, int64_t us) { return client_->Ask(with, us); }, 0, kPatienceUs);
  }

  rpc::Credentials credentials_;
  TinyFeed customer_;
  std::unique_ptr<rpc::Server> server_;
  const std::unique_ptr<PeopleIndex> index_owner_ = PeopleIndex::New();
  PeopleIndex& index_ = *index_owner_;
  std::unique_ptr<FeedClient> client_ = FeedClient::New(index_);
};

TEST_F(FeedTest, CountsWhatWasCommittedJustBefore) {
  EXPECT_EQ(Count("")->matched, 0);
  for (int people = 1; people <= 20; ++people) {
    customer_.Commit(1);
    const auto outcome = Count("purposes/news");
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    EXPECT_EQ(outcome->matched, people);
    EXPECT_EQ(outcome->excluded.at("NO_ENDPOINT"), people);
  }
  EXPECT_EQ(base::ReasonOf(Count("purposes/nope").status()), "PURPOSE_NOT_FOUND");
  EXPECT_EQ(base::ReasonOf(Count("purposes/old").status()), "PURPOSE_RETIRED");
}

TEST_F(FeedTest, CallsNobodyWhereThePositionIsKnownInThisProcess) {
  client_->Stop();
  client_ = FeedClient::New(
      index_, [this](const auto& request, auto& response) { return customer_.Position(request, response); });
  EXPECT_EQ(base::ReasonOf(client_->Ask(true, kPatienceUs).status()), "AUDIENCE_LOADING") << "before Start";
  client_->Start(Peers());
  for (int people = 1; people <= 20; ++people) {
    customer_.Commit(1);
    EXPECT_EQ(Count("purposes/news")->matched, people);
  }
  EXPECT_EQ(base::ReasonOf(Count("purposes/old").status()), "PURPOSE_RETIRED");
  EXPECT_EQ(customer_.calls, 0);
}

TEST_F(FeedTest, GoesOnAfterTheStreamEndsAndStartsAgainWhenTheLogIsGone) {
  customer_.Commit(5);
  EXPECT_EQ(Count("")->matched, 5);
  customer_.EndStream();
  customer_.Commit(5);
  EXPECT_EQ(Count("")->matched, 10);
  customer_.lost = true;
  customer_.EndStream();
  customer_.Commit(5);
  const auto again = Count("");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->matched, 15);
  EXPECT_GE(customer_.streams, 3);
}

}  // namespace
}  // namespace pharos::audience
