#include "services/campaign/peers_client.h"

#include <grpcpp/grpcpp.h>

#include "pharos/access/internal/v1/approval_service.grpc.pb.h"
#include "pharos/audience/internal/v1/member_service.grpc.pb.h"
#include "pharos/audience/v1/audience_service.grpc.pb.h"
#include "pharos/customer/v1/purpose_service.grpc.pb.h"
#include "pharos/dispatch/internal/v1/plan_service.grpc.pb.h"
#include "pharos/dispatch/v1/intent_service.grpc.pb.h"
#include "services/base/errors.h"
#include "services/campaign/errors.h"
#include "services/rpc/channel.h"

namespace pharos::campaign {
namespace {

constexpr int64_t kTimeoutMs = 10'000;
constexpr int64_t kPinTimeoutMs = 30'000;  // judges everybody; the longest a unary call may take
constexpr int kMembersPerPage = 1000;      // MemberService's and PlanService's own limit

struct Target {
  std::shared_ptr<grpc::Channel> channel;
  std::string_view service;
  std::string token;
  std::string principal;
  int64_t timeout_ms = kTimeoutMs;
};

// `Service` is the generated class that holds the stub.
template <typename Service, typename Request, typename Response>
absl::StatusOr<Response> Invoke(const Target& target,
                                grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&,
                                                                      Response*),
                                const Request& request) {
  if (target.channel == nullptr) return errors::PeerAway(target.service);
  grpc::ClientContext context;
  rpc::CallOptions options;
  options.token = target.token;
  options.timeout_ms = target.timeout_ms;
  options.on_behalf_of = target.principal;
  rpc::Prepare(context, options);
  const auto stub = Service::NewStub(target.channel);
  Response response;
  if (grpc::Status status = (stub.get()->*method)(&context, request, &response); !status.ok())
    return rpc::FromGrpc(status);
  return response;
}

Target Customer(const rpc::Peers& p, std::string_view principal) {
  return {p.customer, "customer", p.token, std::string(principal)};
}
Target Audience(const rpc::Peers& p, std::string_view principal = "") {
  return {p.audience, "audience", p.token, std::string(principal)};
}
Target Access(const rpc::Peers& p, std::string_view principal) {
  return {p.access, "access", p.token, std::string(principal)};
}
Target Dispatch(const rpc::Peers& p, std::string_view principal = "") {
  return {p.dispatch, "dispatch", p.token, std::string(principal)};
}

}  // namespace

void PeersClient::Connect(const rpc::Peers& peers) {
  base::MutexLock lock(mutex_);
  peers_ = peers;
}

rpc::Peers PeersClient::peers() const {
  base::MutexLock lock(mutex_);
  return peers_;
}

absl::StatusOr<customer::v1::Purpose> PeersClient::GetPurpose(std::string_view name,
                                                              std::string_view principal) const {
  using Service = customer::v1::PurposeService;
  customer::v1::GetPurposeRequest request;
  request.set_name(std::string(name));
  return Invoke<Service>(Customer(peers(), principal), &Service::Stub::GetPurpose, request);
}

absl::StatusOr<audience::v1::Audience> PeersClient::GetAudience(std::string_view name,
                                                                std::string_view principal) const {
  using Service = audience::v1::AudienceService;
  audience::v1::GetAudienceRequest request;
  request.set_name(std::string(name));
  return Invoke<Service>(Audience(peers(), principal), &Service::Stub::GetAudience, request);
}

absl::StatusOr<audience::internal::v1::Pin> PeersClient::PinMembers(
    const audience::internal::v1::PinMembersRequest& request, std::string_view principal) const {
  using Service = audience::internal::v1::MemberService;
  Target target = Audience(peers(), principal);
  target.timeout_ms = kPinTimeoutMs;
  return Invoke<Service>(target, &Service::Stub::PinMembers, request);
}

absl::StatusOr<audience::internal::v1::ListMembersResponse> PeersClient::ListMembers(
    std::string_view pin, std::string_view page_token) const {
  using Service = audience::internal::v1::MemberService;
  audience::internal::v1::ListMembersRequest request;
  request.set_pin(std::string(pin));
  request.set_page_size(kMembersPerPage);
  request.set_page_token(std::string(page_token));
  return Invoke<Service>(Audience(peers()), &Service::Stub::ListMembers, request);
}

absl::Status PeersClient::DeclareStep(const dispatch::internal::v1::DeclareStepRequest& request) const {
  using Service = dispatch::internal::v1::PlanService;
  return Invoke<Service>(Dispatch(peers()), &Service::Stub::DeclareStep, request).status();
}

absl::StatusOr<dispatch::internal::v1::PlanIntentsResponse> PeersClient::PlanIntents(
    const dispatch::internal::v1::PlanIntentsRequest& request) const {
  using Service = dispatch::internal::v1::PlanService;
  return Invoke<Service>(Dispatch(peers()), &Service::Stub::PlanIntents, request);
}

absl::StatusOr<dispatch::internal::v1::SteerCampaignResponse> PeersClient::SteerCampaign(
    std::string_view campaign, dispatch::internal::v1::Steering steering, uint64_t revision,
    bool go_on) const {
  using Service = dispatch::internal::v1::PlanService;
  dispatch::internal::v1::SteerCampaignRequest request;
  request.set_campaign(std::string(campaign));
  request.set_steering(steering);
  request.set_go_on(go_on);
  request.set_revision(revision);
  return Invoke<Service>(Dispatch(peers()), &Service::Stub::SteerCampaign, request);
}

absl::StatusOr<type::v1::SignedApproval> PeersClient::SignApproval(std::string_view manifest,
                                                                   std::string_view principal) const {
  using Service = access::internal::v1::ApprovalService;
  access::internal::v1::SignApprovalRequest request;
  request.set_manifest(std::string(manifest));
  return Invoke<Service>(Access(peers(), principal), &Service::Stub::SignApproval, request);
}

absl::StatusOr<dispatch::v1::Tally> PeersClient::GetTally(std::string_view campaign,
                                                          std::string_view principal) const {
  using Service = dispatch::v1::IntentService;
  dispatch::v1::GetTallyRequest request;
  request.set_campaign(std::string(campaign));
  auto tally = Invoke<Service>(Dispatch(peers(), principal), &Service::Stub::GetTally, request);
  if (absl::IsNotFound(tally.status())) return dispatch::v1::Tally();
  return tally;
}

}  // namespace pharos::campaign
