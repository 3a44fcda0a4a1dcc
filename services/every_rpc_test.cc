// Promise 8, first half: every RPC of every service refuses a caller without a credential, and a caller
// without a role.
#include <google/protobuf/descriptor.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <cstdlib>
#include <filesystem>

#include "gmock/gmock.h"
#include "services/access/access.h"
#include "services/audience/audience.h"
#include "services/base/errors.h"
#include "services/campaign/campaign.h"
#include "services/customer/customer.h"
#include "services/dispatch/dispatch.h"
#include "services/engagement/engagement.h"
#include "services/rpc/channel.h"
#include "services/rpc/credentials.h"
#include "services/rpc/server.h"

namespace pharos {
namespace {

constexpr size_t kServices = 36;  // proto/CMakeLists.txt lists them; reflection comes on top

class EveryRpcTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/pharos-every-rpc-XXXXXX";
    folder_ = mkdtemp(folder);
    rpc::Caller nobody;
    nobody.principal = "principals/nobody";
    credentials_.Add("token-without-role", nobody);
    customer::CustomerOptions customer_options;
    customer_options.blind_key_file = folder_ + "/blind.key";
    Open(access::AccessOptions{}, "access", access_);
    Open(customer_options, "customer", customer_);
    Open(audience::AudienceOptions{}, "audience", audience_);
    Open(campaign::CampaignOptions{}, "campaign", campaign_);
    Open(dispatch::DispatchOptions{}, "dispatch", dispatch_);
    Open(engagement::EngagementOptions{}, "engagement", engagement_);
    if (HasFatalFailure()) return;
    rpc::ServerOptions options;
    options.credentials = &credentials_;
    auto started = rpc::StartServer(options, std::move(services_));
    ASSERT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
    channel_ = server_->InProcess();
  }
  void TearDown() override {
    channel_.reset();
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  template <typename Options, typename Service>
  void Open(Options options, const std::string& name, std::unique_ptr<Service>& service) {
    options.folder = folder_ + "/" + name;
    options.in_memory = true;
    auto opened = Service::Open(options);
    ASSERT_TRUE(opened.ok()) << name << ": " << opened.status();
    service = *std::move(opened);
    for (auto& one : service->Services()) {
      names_.emplace_back(one->name());
      services_.push_back(std::move(one));
    }
  }

  // Sends one empty message and takes the status.
  absl::Status CallEmpty(const std::string& method, const std::string& token) {
    grpc::GenericStub stub(channel_);
    grpc::ClientContext context;
    rpc::CallOptions options;
    options.token = token;
    rpc::Prepare(context, options);
    grpc::CompletionQueue queue;
    grpc::Status status;
    auto call = stub.PrepareCall(&context, method, &queue);
    call->StartCall(nullptr);
    Next(queue);
    call->WriteLast(grpc::ByteBuffer(nullptr, 0), grpc::WriteOptions(), nullptr);
    Next(queue);
    call->Finish(&status, nullptr);
    Next(queue);
    return rpc::FromGrpc(status);
  }
  static void Next(grpc::CompletionQueue& queue) {
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
  }
  template <typename Visit>
  void ForEachMethod(const Visit& visit) {
    for (const std::string& name : names_) {
      const auto* service = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name);
      ASSERT_NE(service, nullptr) << name;
      for (int m = 0; m < service->method_count(); ++m) visit("/" + name + "/" + service->method(m)->name());
    }
  }

  std::string folder_;
  rpc::Credentials credentials_;
  std::unique_ptr<access::Access> access_;
  std::unique_ptr<customer::Customer> customer_;
  std::unique_ptr<audience::Audience> audience_;
  std::unique_ptr<campaign::Campaign> campaign_;
  std::unique_ptr<dispatch::Dispatch> dispatch_;
  std::unique_ptr<engagement::Engagement> engagement_;
  std::vector<std::unique_ptr<rpc::Service>> services_;
  std::vector<std::string> names_;
  std::unique_ptr<rpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(EveryRpcTest, IsServed) {
  EXPECT_EQ(names_.size(), kServices);
}

TEST_F(EveryRpcTest, RefusesACallerWithoutCredential) {
  ForEachMethod([&](const std::string& method) {
    EXPECT_EQ(base::ReasonOf(CallEmpty(method, "")), "CREDENTIAL_MISSING") << method;
    EXPECT_EQ(base::ReasonOf(CallEmpty(method, "guess")), "CREDENTIAL_UNKNOWN") << method;
  });
}

TEST_F(EveryRpcTest, RefusesACallerWithoutRole) {
  ForEachMethod([&](const std::string& method) {
    EXPECT_EQ(base::ReasonOf(CallEmpty(method, "token-without-role")), "PERMISSION_MISSING") << method;
  });
}

}  // namespace
}  // namespace pharos
