// For tests: a campaign service on a real store behind a real server, and small services in memory that stand
// for its peers, reached through a real channel.
#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <thread>

#include "pharos/audience/internal/v1/member_service.pb.h"
#include "pharos/audience/internal/v1/member_service.serve.h"
#include "pharos/audience/v1/audience_service.pb.h"
#include "pharos/audience/v1/audience_service.serve.h"
#include "pharos/campaign/v1/campaign_service.grpc.pb.h"
#include "pharos/campaign/v1/template_service.grpc.pb.h"
#include "pharos/customer/v1/purpose_service.pb.h"
#include "pharos/customer/v1/purpose_service.serve.h"
#include "pharos/dispatch/internal/v1/plan_service.pb.h"
#include "pharos/dispatch/internal/v1/plan_service.serve.h"
#include "pharos/dispatch/v1/intent_service.pb.h"
#include "pharos/dispatch/v1/intent_service.serve.h"
#include "services/base/errors.h"
#include "services/base/fake_clock.h"
#include "services/base/ids.h"
#include "services/base/mutex.h"
#include "services/campaign/campaign.h"
#include "services/rpc/channel.h"
#include "services/rpc/credentials.h"
#include "services/rpc/server.h"

namespace pharos::campaign {

namespace plan = dispatch::internal::v1;
namespace members = audience::internal::v1;

inline absl::Status NotHere() {
  return absl::UnimplementedError("not part of this test");
}
inline absl::Status Away() {
  return base::MakeError(absl::StatusCode::kUnavailable, "AWAY", "Away for this test.");
}

class Purposes : public customer::v1::PurposeServiceHandler {
 public:
  absl::Status CreatePurpose(rpc::Call&, const customer::v1::CreatePurposeRequest&,
                             customer::v1::Purpose&) override {
    return NotHere();
  }
  absl::Status ListPurposes(rpc::Call&, const customer::v1::ListPurposesRequest&,
                            customer::v1::ListPurposesResponse&) override {
    return NotHere();
  }
  absl::Status GetPurpose(rpc::Call&, const customer::v1::GetPurposeRequest& request,
                          customer::v1::Purpose& response) override {
    if (request.name() != "purposes/quit")
      return base::MakeError(absl::StatusCode::kNotFound, "PURPOSE_NOT_FOUND", "No such purpose.");
    response.set_name(request.name());
    response.set_purpose_class(type::v1::PURPOSE_CLASS_PUBLIC_TASK);
    response.set_lawful_basis(type::v1::LAWFUL_BASIS_PUBLIC_TASK);
    return absl::OkStatus();
  }
};

class Audiences : public audience::v1::AudienceServiceHandler, public members::MemberServiceHandler {
 public:
  static constexpr int kMembers = 2500, kMatched = 2600;

  absl::Status CreateAudience(rpc::Call&, const audience::v1::CreateAudienceRequest&,
                              audience::v1::Audience&) override {
    return NotHere();
  }
  absl::Status ListAudiences(rpc::Call&, const audience::v1::ListAudiencesRequest&,
                             audience::v1::ListAudiencesResponse&) override {
    return NotHere();
  }
  absl::Status CountAudience(rpc::Call&, const audience::v1::CountAudienceRequest&,
                             audience::v1::CountAudienceResponse&) override {
    return NotHere();
  }
  absl::Status ListFields(rpc::Call&, const audience::v1::ListFieldsRequest&,
                          audience::v1::ListFieldsResponse&) override {
    return NotHere();
  }
  absl::Status GetMembership(rpc::Call&, const audience::v1::GetMembershipRequest&,
                             audience::v1::Membership&) override {
    return NotHere();
  }
  absl::Status GetAudience(rpc::Call&, const audience::v1::GetAudienceRequest& request,
                           audience::v1::Audience& response) override {
    response.set_name(request.name());
    response.set_filter("area = \"E08000025\"");
    return absl::OkStatus();
  }
  absl::Status PinMembers(rpc::Call& call, const members::PinMembersRequest& request,
                          members::Pin& response) override {
    base::MutexLock lock(mutex);
    EXPECT_EQ(request.filter(), "area = \"E08000025\"");
    pinned_for = call.caller().principal;
    pin_requests.insert(request.request_id());
    response.set_name("pins/" + std::to_string(pin_requests.size()));
    response.set_matched(kMatched);
    response.set_members(kMembers);
    (*response.mutable_excluded())["OPTED_OUT"] = kMatched - kMembers;
    response.set_digest(base::Sha256("members"));
    return absl::OkStatus();
  }
  absl::Status ListMembers(rpc::Call&, const members::ListMembersRequest& request,
                           members::ListMembersResponse& response) override {
    const int from = request.page_token().empty() ? 0 : std::stoi(request.page_token());
    const int to = std::min(from + request.page_size(), kMembers);
    for (int i = from; i < to; ++i) {
      members::Member& member = *response.add_members();
      member.set_person("people/p" + std::to_string(i));
      member.set_channel(type::v1::CHANNEL_SMS);
      member.set_endpoint(std::string(16, 'e'));
    }
    if (to < kMembers) response.set_next_page_token(std::to_string(to));
    return absl::OkStatus();
  }

  base::Mutex mutex;
  std::set<std::string> pin_requests;
  std::string pinned_for;
};

class Dispatch : public plan::PlanServiceHandler, public dispatch::v1::IntentServiceHandler {
 public:
  absl::Status GetIntent(rpc::Call&, const dispatch::v1::GetIntentRequest&, dispatch::v1::Intent&) override {
    return NotHere();
  }
  absl::Status ListIntents(rpc::Call&, const dispatch::v1::ListIntentsRequest&,
                           dispatch::v1::ListIntentsResponse&) override {
    return NotHere();
  }
  absl::Status ListReplies(rpc::Call&, const dispatch::v1::ListRepliesRequest&,
                           dispatch::v1::ListRepliesResponse&) override {
    return NotHere();
  }

  absl::Status DeclareStep(rpc::Call&, const plan::DeclareStepRequest& request,
                           plan::DeclareStepResponse&) override {
    base::MutexLock lock(mutex);
    if (away) return Away();
    EXPECT_EQ(base::Sha256(request.sms_body()), request.content_digest());
    if (declared && step.SerializeAsString() != request.SerializeAsString()) {
      return base::MakeError(absl::StatusCode::kAborted, "STEP_DIFFERS", "Another body.");
    }
    declared = true;
    step = request;
    return absl::OkStatus();
  }
  absl::Status PlanIntents(rpc::Call&, const plan::PlanIntentsRequest& request,
                           plan::PlanIntentsResponse& response) override {
    base::MutexLock lock(mutex);
    if (away || !declared) return Away();
    for (const auto& member : request.members()) {
      if (intents.insert(member.person()).second)
        response.set_written(response.written() + 1);
      else
        response.set_existing(response.existing() + 1);
    }
    pages += 1;
    existing += response.existing();
    return pages == lose_answer_of_page ? Away() : absl::OkStatus();
  }
  absl::Status SteerCampaign(rpc::Call&, const plan::SteerCampaignRequest& request,
                             plan::SteerCampaignResponse& response) override {
    base::MutexLock lock(mutex);
    if (away) return Away();
    if (!declared)
      return base::MakeError(absl::StatusCode::kNotFound, "CAMPAIGN_NOT_PLANNED", "Not declared.");
    steering = request.steering();
    halts += steering == plan::HALT ? 1 : 0;
    response.set_left(left);
    response.set_not_sent(static_cast<int64_t>(intents.size()) - left);
    return absl::OkStatus();
  }
  absl::Status GetTally(rpc::Call&, const dispatch::v1::GetTallyRequest&,
                        dispatch::v1::Tally& response) override {
    base::MutexLock lock(mutex);
    if (away) return Away();
    const auto all = static_cast<int64_t>(intents.size());
    response.set_intents(all);
    response.set_planned(declared && all == step.members());
    response.set_delivered(delivering && steering == plan::GO ? all : left);
    response.set_pending(all - response.delivered());
    return absl::OkStatus();
  }

  base::Mutex mutex;
  bool away = false, declared = false, delivering = true;
  int pages = 0, lose_answer_of_page = 0, halts = 0;
  int64_t left = 0, existing = 0;
  plan::DeclareStepRequest step;
  plan::Steering steering = plan::STEERING_UNSPECIFIED;
  std::set<std::string> intents;
};

class CampaignWorld : public ::testing::Test {
 protected:
  CampaignWorld()
      : folder_(::testing::TempDir() + "campaign_" + base::NewId(base::Clock::System().WallMicros())) {
    credentials_.Add("maya", {"principals/maya", {"marketing", "approver"}, false});
    credentials_.Add("sam", {"principals/sam", {"approver", "marketing"}, false});
    credentials_.Add("own", {"principals/pharosd", {"service"}, true});
    std::vector<std::unique_ptr<rpc::Service>> services;
    services.push_back(customer::v1::MakePurposeService(purposes_));
    services.push_back(audience::v1::MakeAudienceService(audiences_));
    services.push_back(members::MakeMemberService(audiences_));
    services.push_back(plan::MakePlanService(dispatch_));
    services.push_back(dispatch::v1::MakeIntentService(dispatch_));
    peers_server_ = Serve(std::move(services));
    Boot();
  }
  ~CampaignWorld() override {
    Down();
    peers_server_->Drain(1000);
    std::filesystem::remove_all(folder_);
  }

  void Boot() {
    auto opened = Campaign::Open({.folder = folder_, .clock = &clock_});
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    campaign_ = std::move(*opened);
    server_ = Serve(campaign_->Services());
    rpc::Peers peers;
    peers.customer = peers.audience = peers.dispatch = peers_server_->InProcess();
    peers.token = "own";
    campaign_->Start(peers);
    campaigns_ = v1::CampaignService::NewStub(server_->InProcess());
    templates_ = v1::TemplateService::NewStub(server_->InProcess());
  }
  void Down() {
    campaign_->Stop();
    server_->Drain(1000);
    campaigns_.reset();
    templates_.reset();
    server_.reset();
    campaign_.reset();
  }

  // Calls a method of a stub as somebody.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> As(const std::string& who, Stub& stub,
                              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                              const Request& request) {
    grpc::ClientContext context;
    rpc::CallOptions options;
    options.token = who;
    rpc::Prepare(context, options);
    Response response;
    if (grpc::Status status = (stub.*method)(&context, request, &response); !status.ok())
      return rpc::FromGrpc(status);
    return response;
  }
  // A verb of one campaign.
  template <typename Request, typename Response>
  absl::StatusOr<Response> Do(const std::string& who,
                              grpc::Status (v1::CampaignService::Stub::*method)(grpc::ClientContext*,
                                                                                const Request&, Response*),
                              const std::string& request_id = "") {
    Request request;
    request.set_name("campaigns/quit");
    if constexpr (requires { request.set_request_id(request_id); }) request.set_request_id(request_id);
    return As(who, *campaigns_, method, request);
  }
  absl::StatusOr<v1::Campaign> Approve(const std::string& who, const std::string& digest) {
    v1::ApproveCampaignRequest request;
    request.set_name("campaigns/quit");
    request.set_digest(digest);
    return As(who, *campaigns_, &v1::CampaignService::Stub::ApproveCampaign, request);
  }
  absl::StatusOr<v1::Template> CreateTemplate(const std::string& id, const std::string& body) {
    v1::CreateTemplateRequest request;
    request.set_template_id(id);
    request.mutable_template_()->set_sms_body(body);
    return As("maya", *templates_, &v1::TemplateService::Stub::CreateTemplate, request);
  }
  absl::StatusOr<v1::Template> UpdateTemplate(const std::string& id, const std::string& body,
                                              const std::string& etag) {
    v1::UpdateTemplateRequest request;
    request.mutable_template_()->set_name("templates/" + id);
    request.mutable_template_()->set_sms_body(body);
    request.mutable_template_()->set_etag(etag);
    return As("maya", *templates_, &v1::TemplateService::Stub::UpdateTemplate, request);
  }
  absl::StatusOr<v1::Campaign> CreateCampaign(const std::string& id) {
    v1::CreateCampaignRequest request;
    request.set_campaign_id(id);
    v1::Campaign& c = *request.mutable_campaign();
    c.set_audience("audiences/smokers");
    c.set_template_("templates/quit");
    c.set_purpose("purposes/quit");
    c.add_channels(type::v1::CHANNEL_SMS);
    c.set_sms_sender("60163");
    return As("maya", *campaigns_, &v1::CampaignService::Stub::CreateCampaign, request);
  }
  // A template and a draft.
  void Draft() {
    ASSERT_TRUE(CreateTemplate("quit", "Dear ((first name)), stop smoking.").ok());
    ASSERT_TRUE(CreateCampaign("quit").ok());
  }
  // Up to RUNNING.
  void Launch() {
    Draft();
    auto submitted = Do("maya", &v1::CampaignService::Stub::SubmitCampaign);
    ASSERT_TRUE(submitted.ok()) << submitted.status().message();
    ASSERT_TRUE(Approve("sam", submitted->digest()).ok());
    ASSERT_TRUE(Do("maya", &v1::CampaignService::Stub::LaunchCampaign).ok());
  }
  v1::CampaignState State() { return Do("maya", &v1::CampaignService::Stub::GetCampaign)->state(); }
  v1::Report Report() { return Do("maya", &v1::CampaignService::Stub::GetReport).value_or(v1::Report()); }
  // Looks again and again until it is so; false after ten seconds.
  bool Becomes(const std::function<bool()>& so) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!so()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
  }
  template <typename T>
  T Look(const std::function<T(Dispatch&)>& at) {
    base::MutexLock lock(dispatch_.mutex);
    return at(dispatch_);
  }
  bool AllPlanned() {
    return Look<bool>([](Dispatch& d) { return d.intents.size() == Audiences::kMembers; });
  }

  std::unique_ptr<rpc::Server> Serve(std::vector<std::unique_ptr<rpc::Service>> services) {
    rpc::ServerOptions options;
    options.credentials = &credentials_;
    auto server = rpc::StartServer(options, std::move(services));
    EXPECT_TRUE(server.ok()) << server.status().message();
    return server.ok() ? std::move(*server) : nullptr;
  }

  base::FakeClock clock_;
  std::string folder_;
  rpc::Credentials credentials_;
  Purposes purposes_;
  Audiences audiences_;
  Dispatch dispatch_;
  std::unique_ptr<rpc::Server> peers_server_, server_;
  std::unique_ptr<Campaign> campaign_;
  std::unique_ptr<v1::CampaignService::Stub> campaigns_;
  std::unique_ptr<v1::TemplateService::Stub> templates_;
};

}  // namespace pharos::campaign
