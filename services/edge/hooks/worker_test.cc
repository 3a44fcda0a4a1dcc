// A webhook at work: before it a real gRPC server that stands for customer, behind it a real HTTPS receiver.
#include "services/edge/hooks/worker.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "pharos/customer/v1/agreement_service.pb.h"
#include "pharos/customer/v1/agreement_service.serve.h"
#include "pharos/customer/v1/sync_service.pb.h"
#include "pharos/customer/v1/sync_service.serve.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/edge/hooks/hooks.h"
#include "services/edge/hooks/receiver_test.h"
#include "services/edge/webhook_signature.h"
#include "services/rpc/credentials.h"
#include "services/rpc/server.h"

namespace pharos::edge::hooks {
namespace {

namespace v1 = customer::v1;
using nlohmann::json;
using testing::ElementsAre;

constexpr char kSecret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr char kPartner[] = "key-of-the-partner";
const Pace kQuick{.first_us = 2'000, .most_us = 20'000};

// The system's time, and whatever a test adds to it.
class LaterClock : public base::Clock {
 public:
  int64_t WallMicros() const override { return System().WallMicros() + more_us; }
  int64_t WallNanos() const override { return System().WallNanos() + more_us * 1000; }
  int64_t BootMicros() const override { return System().BootMicros() + more_us; }
  std::atomic<int64_t> more_us = 0;
};

// A feed of messages; the cursor of the n-th is "cn", and goes on behind it.
class Feeds : public v1::SyncServiceHandler {
 public:
  absl::Status Sync(rpc::Call&, rpc::Stream<v1::SyncRequest, v1::SyncResponse>&) override {
    return NotHere();
  }
  absl::Status ResumeSync(rpc::Call&, const v1::ResumeSyncRequest&, v1::ResumeSyncResponse&) override {
    return NotHere();
  }
  absl::Status CountRecords(rpc::Call&, const v1::CountRecordsRequest&, v1::CountRecordsResponse&) override {
    return NotHere();
  }
  absl::Status FollowConsents(rpc::Call&, const v1::FollowConsentsRequest&,
                              rpc::Writer<v1::FollowConsentsResponse>&) override {
    return NotHere();
  }
  absl::Status FollowChanges(rpc::Call& call, const v1::FollowChangesRequest& request,
                             rpc::Writer<v1::FollowChangesResponse>& feed) override {
    size_t next = request.cursor().empty() ? 0 : std::stoul(request.cursor().substr(1));
    {
      base::MutexLock lock(mutex);
      asked.push_back(request.cursor());
      callers.insert(call.caller().principal);
      changed.NotifyAll();
      if (!refusal.ok()) return refusal;
      if (!request.cursor().empty() && forgets)
        return base::MakeError(absl::StatusCode::kOutOfRange, "CURSOR_TOO_OLD", "start again");
    }
    while (!call.cancelled()) {
      v1::FollowChangesResponse message;
      {
        base::MutexLock lock(mutex);
        if (next == messages.size()) {
          changed.WaitForMicros(lock, 5'000);
          continue;
        }
        message = messages[next++];
      }
      if (!feed.Write(message)) break;
    }
    return absl::CancelledError();
  }
  // One message with these people, "ann:7" is people/ann at version 7.
  void Say(const std::vector<std::string>& people) {
    base::MutexLock lock(mutex);
    v1::FollowChangesResponse message;
    for (const std::string& word : people) {
      auto& change = *message.add_changes();
      change.set_person("people/" + word.substr(0, word.find(':')));
      change.set_version(std::stoul(word.substr(word.find(':') + 1)));
      change.add_records("sources/leeds/records/1");
      (*change.mutable_fields())["given_name"] = "Ann";
    }
    message.set_cursor(fmt::format("c{}", messages.size() + 1));
    messages.push_back(message);
    changed.NotifyAll();
  }

  // As soon as it was asked so often.
  void AwaitAsked(size_t times) {
    base::MutexLock lock(mutex);
    for (int tries = 0; asked.size() < times && tries < 2000; ++tries) changed.WaitForMicros(lock, 10'000);
    EXPECT_GE(asked.size(), times);
  }
  // New streams, from now on; OK: none.
  void Refuse(const absl::Status& status) {
    base::MutexLock lock(mutex);
    refusal = status;
  }
  size_t TimesAsked() {
    base::MutexLock lock(mutex);
    return asked.size();
  }

  base::Mutex mutex;
  base::CondVar changed;
  std::vector<v1::FollowChangesResponse> messages;
  std::vector<std::string> asked;
  std::set<std::string> callers;
  absl::Status refusal;
  bool forgets = false;  // every cursor is too old

 private:
  static absl::Status NotHere() { return absl::UnimplementedError("not part of this test"); }
};

class Agreements : public v1::AgreementServiceHandler {
 public:
  absl::Status CreateAgreement(rpc::Call&, const v1::CreateAgreementRequest&, v1::Agreement&) override {
    return absl::UnimplementedError("not part of this test");
  }
  absl::Status ListAgreements(rpc::Call&, const v1::ListAgreementsRequest&,
                              v1::ListAgreementsResponse&) override {
    return absl::UnimplementedError("not part of this test");
  }
  absl::Status EndAgreement(rpc::Call&, const v1::EndAgreementRequest&, v1::Agreement&) override {
    return absl::UnimplementedError("not part of this test");
  }
  absl::Status GetAgreement(rpc::Call&, const v1::GetAgreementRequest& request,
                            v1::Agreement& response) override {
    response.set_name(request.name());
    response.set_expire_time_us(INT64_MAX);
    if (ended) response.set_end_time_us(1);
    return absl::OkStatus();
  }
  std::atomic<bool> ended = false;
};

class WorkerTest : public ::testing::Test {
 protected:
  WorkerTest() {
    std::filesystem::create_directories(folder_);
    receiver_ = std::make_unique<Receiver>(folder_ + "/receiver.pem");
    rpc::Caller partner;
    partner.principal = "principals/leeds-crm";
    partner.roles = {"partner"};
    credentials_.Add(kPartner, partner);
    std::vector<std::unique_ptr<rpc::Service>> services;
    services.push_back(v1::MakeSyncService(sync_));
    services.push_back(v1::MakeAgreementService(agreements_));
    rpc::ServerOptions options;
    options.credentials = &credentials_;
    server_ = *rpc::StartServer(options, std::move(services));
    backend_ = std::make_unique<Backend>(
        std::map<std::string, std::shared_ptr<grpc::Channel>>{{"customer", server_->InProcess()}});
  }
  ~WorkerTest() override {
    if (hooks_) hooks_->Stop();
    hooks_.reset();
    backend_.reset();
    server_->Drain(0);
    server_.reset();
    receiver_.reset();
    std::filesystem::remove_all(folder_);
  }
  void Start() {
    Hook hook;
    hook.name = "leeds";
    hook.url = *ReadReceiverUrl(receiver_->url());
    hook.form = {Feed::kChanges, Payload::kThin, "agreements/leeds"};
    hook.partner.token = kPartner;
    hook.keys = {*SigningKey::Read(kSecret)};
    hook.ca_file = folder_ + "/receiver.pem";
    hook.allowed = {*ReadNetwork("127.0.0.1/32")};
    auto hooks = Hooks::Make({hook}, *backend_, folder_ + "/places", clock_, kQuick);
    ASSERT_TRUE(hooks.ok()) << hooks.status();
    hooks_ = *std::move(hooks);
    hooks_->Start();
  }
  void Stop() {
    hooks_->Stop();
    hooks_.reset();
  }
  // "ann:7" of each that came; "feed.started" as it is.
  static std::vector<std::string> People(const std::vector<Received>& received) {
    std::vector<std::string> people;
    for (const Received& one : received) {
      const json body = json::parse(one.body);
      const std::string type = body["type"];
      people.push_back(type == "feed.started" ? type
                                              : body["data"]["person"].get<std::string>().substr(7) + ":" +
                                                    body["data"]["version"].get<std::string>());
    }
    return people;
  }
  // What a receiver that follows the specification keeps: each id once.
  static std::vector<Received> OnceEach(const std::vector<Received>& received) {
    std::vector<Received> kept;
    std::set<std::string> ids;
    for (const Received& one : received) {
      if (ids.insert(one.id).second) kept.push_back(one);
    }
    return kept;
  }
  // The people of what was accepted, as soon as there are so many.
  std::vector<std::string> Accepted(size_t count) {
    return People(OnceEach(receiver_->Await(
        [count](const std::vector<Received>& received) { return OnceEach(received).size() >= count; })));
  }

  const std::string folder_ = testing::TempDir() + "worker-" + base::ToHex(base::RandomBytes16());
  LaterClock clock_;
  std::unique_ptr<Receiver> receiver_;
  Feeds sync_;
  Agreements agreements_;
  rpc::Credentials credentials_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Hooks> hooks_;
};

TEST_F(WorkerTest, PostsEverybodyThenWhatFollowsInOrder) {
  sync_.Say({"ann:1", "bob:1"});
  Start();
  EXPECT_THAT(Accepted(3), ElementsAre("feed.started", "ann:1", "bob:1"));
  sync_.Say({"ann:2"});
  sync_.Say({"bob:2", "ann:3"});
  EXPECT_THAT(Accepted(6), ElementsAre("feed.started", "ann:1", "bob:1", "ann:2", "bob:2", "ann:3"));
  const std::vector<std::string> keys = {*ReadWebhookKey(kSecret)};
  for (const Received& one : receiver_->Accepted())
    EXPECT_TRUE(
        CheckWebhook({one.id, one.timestamp, one.signature}, one.body, keys, clock_.WallMicros() / 1'000'000)
            .ok());
  base::MutexLock lock(sync_.mutex);
  EXPECT_THAT(sync_.callers, ElementsAre("principals/leeds-crm")) << "nobody but the partner reads the feed";
}

TEST_F(WorkerTest, WhatFailsComesAgainWithTheSameIdBeforeAnythingLater) {
  receiver_->OnPost([](const Received&, size_t number) {
    switch (number) {
      case 2:
        return Say{.status = 500};
      case 3:
        return Say{.cut = true};
      case 4:
        return Say{.status = 302, .headers = {{"Location", "https://127.0.0.1:1/"}}};
      case 5:
        return Say{.status = 400};
      default:
        return Say();
    }
  });
  sync_.Say({"ann:1", "bob:1", "cid:1"});
  sync_.Say({"ann:2"});
  Start();
  EXPECT_THAT(Accepted(5), ElementsAre("feed.started", "ann:1", "bob:1", "cid:1", "ann:2"));
  const auto all = receiver_->All();
  ASSERT_EQ(all.size(), 9u) << "what was accepted does not come again";
  for (size_t at = 2; at <= 6; ++at) EXPECT_EQ(all[at].id, all[2].id) << at;
  std::set<std::string> ids;
  for (const Received& one : receiver_->Accepted()) EXPECT_TRUE(ids.insert(one.id).second);
}

TEST_F(WorkerTest, ANewerStateTakesThePlaceOfOneThatFailed) {
  receiver_->OnPost([this](const Received&, size_t number) {
    if (number != 1) return Say();
    base::MutexLock lock(sync_.mutex);
    sync_.messages[0].mutable_changes(0)->set_version(9);
    return Say{.status = 503};
  });
  sync_.Say({"ann:1", "bob:1"});
  Start();
  EXPECT_THAT(Accepted(3), ElementsAre("feed.started", "ann:9", "bob:1"));
}

TEST_F(WorkerTest, ARestartGoesOnWhereItWas) {
  sync_.Say({"ann:1"});
  Start();
  Accepted(2);
  sync_.Say({"bob:1"});
  Accepted(3);
  Stop();
  sync_.Say({"cid:1"});
  Start();
  EXPECT_THAT(Accepted(4), ElementsAre("feed.started", "ann:1", "bob:1", "cid:1"));
}

TEST_F(WorkerTest, AStopInTheMiddleRepeatsOnlyWithTheSameIds) {
  receiver_->OnPost([](const Received&, size_t number) { return number < 3 ? Say() : Say{.silent = true}; });
  sync_.Say({"ann:1", "bob:1", "cid:1"});
  Start();
  receiver_->AwaitAny(Receiver::AtLeast(4));
  Stop();
  receiver_->OnPost(nullptr);
  Start();
  const auto all = receiver_->Await([](const auto& received) {
    return !received.empty() && received.back().body.find("people/cid") != std::string::npos;
  });
  std::map<std::string, std::string> ids;
  for (const Received& one : all) {
    const std::string who = People({one})[0];
    EXPECT_EQ(ids.emplace(who, one.id).first->second, one.id) << who;
  }
  EXPECT_EQ(ids.size(), 4u);
}

TEST_F(WorkerTest, ACursorThatIsTooOldBeginsWithEverybodyUnderNewIds) {
  sync_.Say({"ann:1"});
  Start();
  Accepted(2);
  sync_.Say({"bob:1"});
  Accepted(3);
  Stop();
  {
    base::MutexLock lock(sync_.mutex);
    sync_.forgets = true;
  }
  Start();
  EXPECT_THAT(Accepted(6), ElementsAre("feed.started", "ann:1", "bob:1", "feed.started", "ann:1", "bob:1"));
}

TEST_F(WorkerTest, GoneMeansNoMoreUntilARestart) {
  receiver_->OnPost([](const Received&, size_t number) { return Say{.status = number == 1 ? 410 : 204}; });
  sync_.Say({"ann:1", "bob:1"});
  Start();
  receiver_->AwaitAny(Receiver::AtLeast(2));
  sync_.Say({"cid:1"});
  Stop();  // after whatever was under way
  EXPECT_EQ(receiver_->All().size(), 2u);
  Start();
  EXPECT_THAT(Accepted(4), ElementsAre("feed.started", "ann:1", "bob:1", "cid:1"));
}

TEST_F(WorkerTest, NothingIsPostedUnderAnAgreementThatHasEnded) {
  sync_.Say({"ann:1"});
  Start();
  Accepted(2);
  // The stream that is open says nothing of it yet; what comes there is not posted all the same.
  agreements_.ended = true;
  sync_.Refuse(base::MakeError(absl::StatusCode::kFailedPrecondition, "AGREEMENT_ENDED", "it has ended"));
  clock_.more_us += Worker::kAgreedMicros;
  const size_t before = sync_.TimesAsked();
  sync_.Say({"bob:1"});
  sync_.AwaitAsked(before + 2);
  EXPECT_EQ(receiver_->All().size(), 2u);
  agreements_.ended = false;
  sync_.Refuse(absl::OkStatus());
  EXPECT_THAT(Accepted(3), ElementsAre("feed.started", "ann:1", "bob:1"));
}

TEST_F(WorkerTest, WhatWasReadLongAgoIsReadAnew) {
  receiver_->OnPost([this](const Received&, size_t number) {
    if (number == 1) clock_.more_us += Worker::kMostHeldMicros + 1;
    return Say();
  });
  sync_.Say({"ann:1", "bob:1"});
  Start();
  EXPECT_THAT(Accepted(3), ElementsAre("feed.started", "ann:1", "bob:1"));
  EXPECT_EQ(sync_.TimesAsked(), 2u);
}

TEST_F(WorkerTest, AFeedThatIsRefusedIsAskedAgainFromTheSamePlace) {
  sync_.Refuse(base::MakeError(absl::StatusCode::kPermissionDenied, "AGREEMENT_MISSING", "none"));
  sync_.Say({"ann:1"});
  Start();
  sync_.AwaitAsked(3);
  EXPECT_TRUE(receiver_->All().empty());
  sync_.Refuse(absl::OkStatus());
  EXPECT_THAT(Accepted(2), ElementsAre("feed.started", "ann:1"));
}

}  // namespace
}  // namespace pharos::edge::hooks
