// For tests: a campaign service on a real store behind a real server, and its peers reached through a real
// channel.
#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "pharos/campaign/v1/campaign_service.grpc.pb.h"
#include "pharos/campaign/v1/template_service.grpc.pb.h"
#include "services/base/errors.h"
#include "services/base/fake_clock.h"
#include "services/base/ids.h"
#include "services/campaign/campaign.h"
#include "services/campaign/campaign_peers_test.h"
#include "services/rpc/channel.h"
#include "services/rpc/credentials.h"
#include "services/rpc/server.h"

namespace pharos::campaign {

class CampaignWorld : public ::testing::Test {
 protected:
  CampaignWorld()
      : folder_(::testing::TempDir() + "campaign_" + base::NewId(base::Clock::System().WallMicros())) {
    credentials_.Add("maya", {"principals/maya", {"marketing", "approver"}, false});
    credentials_.Add("sam", {"principals/sam", {"approver", "marketing"}, false});
    credentials_.Add("own", {"principals/pharosd", {"service"}, true});
    std::vector<std::unique_ptr<rpc::Service>> services;
    dispatch_.access = &access_;
    services.push_back(access::internal::v1::MakeApprovalService(access_));
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
    peers.access = peers.customer = peers.audience = peers.dispatch = peers_server_->InProcess();
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
  static v1::Campaign Wanted() {
    v1::Campaign c;
    c.set_audience("audiences/smokers");
    c.set_template_("templates/quit");
    c.set_purpose("purposes/quit");
    c.add_channels(type::v1::CHANNEL_SMS);
    c.set_sms_sender("60163");
    return c;
  }
  // Both channels.
  static v1::Campaign WantedWithEmail() {
    v1::Campaign c = Wanted();
    c.add_channels(type::v1::CHANNEL_EMAIL);
    c.set_email_from("news@quit.example");
    c.set_email_from_name("Quit team");
    c.set_fallback(true);
    return c;
  }
  absl::StatusOr<v1::Campaign> UpdateCampaign(v1::Campaign wanted, const std::string& etag,
                                              const std::string& who = "maya") {
    v1::UpdateCampaignRequest request;
    wanted.set_name("campaigns/quit");
    wanted.set_etag(etag);
    *request.mutable_campaign() = wanted;
    return As(who, *campaigns_, &v1::CampaignService::Stub::UpdateCampaign, request);
  }
  absl::StatusOr<v1::Template> CreateEmailTemplate(const std::string& id, const std::string& sms,
                                                   const std::string& subject, const std::string& body) {
    v1::CreateTemplateRequest request;
    request.set_template_id(id);
    request.mutable_template_()->set_sms_body(sms);
    request.mutable_template_()->set_email_subject(subject);
    request.mutable_template_()->set_email_body(body);
    return As("maya", *templates_, &v1::TemplateService::Stub::CreateTemplate, request);
  }
  absl::StatusOr<v1::Campaign> CreateCampaign(const std::string& id, const v1::Campaign& wanted = Wanted()) {
    v1::CreateCampaignRequest request;
    request.set_campaign_id(id);
    *request.mutable_campaign() = wanted;
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
  Access access_;
  Purposes purposes_;
  Audiences audiences_;
  Dispatch dispatch_;
  std::unique_ptr<rpc::Server> peers_server_, server_;
  std::unique_ptr<Campaign> campaign_;
  std::unique_ptr<v1::CampaignService::Stub> campaigns_;
  std::unique_ptr<v1::TemplateService::Stub> templates_;
};

}  // namespace pharos::campaign
