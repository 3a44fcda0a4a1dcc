// The policy that ships against the protos: every RPC's permission is known, and nothing internal is open to
// people.
#include "services/rpc/policy.h"

#include <google/protobuf/descriptor.h>

#include <functional>
#include <set>

#include "gmock/gmock.h"
#include "grpc/reflection/v1alpha/reflection.pb.h"
#include "pharos/access/internal/v1/approval_service.pb.h"
#include "pharos/access/internal/v1/key_service.pb.h"
#include "pharos/access/internal/v1/snapshot_service.pb.h"
#include "pharos/access/v1/act_service.pb.h"
#include "pharos/access/v1/principal_service.pb.h"
#include "pharos/api/v1/options.pb.h"
#include "pharos/audience/internal/v1/member_service.pb.h"
#include "pharos/audience/v1/audience_service.pb.h"
#include "pharos/audience/v1/query_service.pb.h"
#include "pharos/audience/v1/reference_service.pb.h"
#include "pharos/campaign/v1/campaign_service.pb.h"
#include "pharos/campaign/v1/template_service.pb.h"
#include "pharos/customer/internal/v1/feed_service.pb.h"
#include "pharos/customer/internal/v1/opt_out_service.pb.h"
#include "pharos/customer/internal/v1/permit_service.pb.h"
#include "pharos/customer/internal/v1/recipient_service.pb.h"
#include "pharos/customer/v1/agreement_service.pb.h"
#include "pharos/customer/v1/consent_service.pb.h"
#include "pharos/customer/v1/endpoint_service.pb.h"
#include "pharos/customer/v1/identity_service.pb.h"
#include "pharos/customer/v1/import_service.pb.h"
#include "pharos/customer/v1/organisation_service.pb.h"
#include "pharos/customer/v1/person_service.pb.h"
#include "pharos/customer/v1/purpose_service.pb.h"
#include "pharos/customer/v1/source_service.pb.h"
#include "pharos/customer/v1/sync_service.pb.h"
#include "pharos/dispatch/internal/v1/feed_service.pb.h"
#include "pharos/dispatch/internal/v1/inbound_service.pb.h"
#include "pharos/dispatch/internal/v1/plan_service.pb.h"
#include "pharos/dispatch/internal/v1/reply_service.pb.h"
#include "pharos/dispatch/internal/v1/work_service.pb.h"
#include "pharos/dispatch/v1/connector_service.pb.h"
#include "pharos/dispatch/v1/intent_service.pb.h"
#include "pharos/dispatch/v1/message_service.pb.h"
#include "pharos/engagement/internal/v1/feed_service.pb.h"
#include "pharos/engagement/v1/engagement_service.pb.h"
#include "pharos/engagement/v1/inbox_service.pb.h"
#include "services/base/errors.h"
#include "services/policy/permissions.h"

namespace pharos::rpc {
namespace {

namespace pb = google::protobuf;

// One message of each file names the file, and makes the linker keep it.
std::vector<const pb::FileDescriptor*> ServiceFiles() {
  return {
      ::pharos::customer::v1::CreateSourceRequest::descriptor()->file(),
      ::pharos::customer::v1::CreatePurposeRequest::descriptor()->file(),
      ::pharos::customer::v1::GetPersonRequest::descriptor()->file(),
      ::pharos::customer::v1::ImportContactsRequest::descriptor()->file(),
      ::pharos::customer::v1::WithdrawConsentRequest::descriptor()->file(),
      ::pharos::customer::v1::TrainModelRequest::descriptor()->file(),
      ::pharos::customer::v1::SyncRequest::descriptor()->file(),
      ::pharos::customer::v1::CreateAgreementRequest::descriptor()->file(),
      ::pharos::customer::v1::ResolveEndpointsRequest::descriptor()->file(),
      ::pharos::customer::internal::v1::IssuePermitsRequest::descriptor()->file(),
      ::pharos::customer::internal::v1::RecordReplyRequest::descriptor()->file(),
      ::pharos::customer::internal::v1::FollowPeopleRequest::descriptor()->file(),
      ::pharos::audience::v1::CreateAudienceRequest::descriptor()->file(),
      ::pharos::audience::v1::GetQueryRequest::descriptor()->file(),
      ::pharos::audience::v1::LoadReferenceRequest::descriptor()->file(),
      ::pharos::customer::internal::v1::ResolveRecipientsRequest::descriptor()->file(),
      ::pharos::dispatch::v1::SendMessageRequest::descriptor()->file(),
      ::pharos::engagement::internal::v1::FollowEngagementRequest::descriptor()->file(),
      ::pharos::audience::internal::v1::PinMembersRequest::descriptor()->file(),
      ::pharos::campaign::v1::CreateTemplateRequest::descriptor()->file(),
      ::pharos::campaign::v1::CreateCampaignRequest::descriptor()->file(),
      ::pharos::dispatch::v1::GetIntentRequest::descriptor()->file(),
      ::pharos::dispatch::v1::ListConnectorsRequest::descriptor()->file(),
      ::pharos::dispatch::internal::v1::DeclareStepRequest::descriptor()->file(),
      ::pharos::dispatch::internal::v1::WorkRequest::descriptor()->file(),
      ::pharos::dispatch::internal::v1::FollowEventsRequest::descriptor()->file(),
      ::pharos::dispatch::internal::v1::UnsubscribeRequest::descriptor()->file(),
      ::pharos::engagement::v1::WatchCampaignRequest::descriptor()->file(),
      ::pharos::engagement::v1::GetReplyRequest::descriptor()->file(),
      ::pharos::dispatch::internal::v1::OpenRepliesRequest::descriptor()->file(),
      ::pharos::customer::v1::CreateOrganisationRequest::descriptor()->file(),
      ::pharos::access::v1::CreatePrincipalRequest::descriptor()->file(),
      ::pharos::access::v1::ProposeActRequest::descriptor()->file(),
      ::pharos::access::internal::v1::FollowSnapshotRequest::descriptor()->file(),
      ::pharos::access::internal::v1::CreateKeysRequest::descriptor()->file(),
      ::pharos::access::internal::v1::SignApprovalRequest::descriptor()->file(),
      ::grpc::reflection::v1alpha::ServerReflectionRequest::descriptor()->file(),
  };
}

void ForEachMethod(
    const std::function<void(const pb::MethodDescriptor&, const pharos::api::v1::Policy&)>& visit) {
  for (const auto* file : ServiceFiles()) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        const auto* method = file->service(s)->method(m);
        visit(*method, method->options().GetExtension(pharos::api::v1::policy));
      }
    }
  }
}

Caller WithRole(const std::string& role) {
  Caller caller;
  caller.roles = {role};
  return caller;
}

const policy::Policy& Shipped() {
  return *policy::Policy::Shipped();
}

TEST(Policy, KnowsThePermissionOfEveryRpc) {
  ForEachMethod([&](const auto& method, const auto& row) {
    const policy::Permission* known = policy::FindPermission(row.permission());
    ASSERT_NE(known, nullptr) << method.full_name() << " needs " << row.permission();
    EXPECT_EQ(known->internal, row.internal()) << method.full_name();
  });
}

TEST(Policy, NoPermissionIsWithoutAnRpc) {
  // Beyond the permission of an RPC: by the view asked for; numbers as counted.
  std::set<std::string> needed = {"people.read_personal", "audiences.exact"};
  ForEachMethod([&](const auto&, const auto& row) { needed.insert(row.permission()); });
  const auto& known = policy::KnownPermissions();
  EXPECT_EQ(std::set<std::string>(known.begin(), known.end()), needed);
}

TEST(Policy, LetsNobodyButServicesIntoInternalPackages) {
  ForEachMethod([&](const auto& method, const auto& row) {
    const bool internal = method.full_name().find(".internal.") != std::string::npos;
    EXPECT_EQ(row.internal(), internal) << method.full_name();
    if (!internal) return;
    for (const std::string& role : Shipped().roles()) {
      const bool expected =
          role == "service" || (role == "connector" && row.permission() == "connectors.work");
      EXPECT_EQ(Authorise(Shipped(), WithRole(role), row.permission(), true).ok(), expected)
          << method.full_name() << " " << role;
    }
  });
}

TEST(Policy, DeniesByDefault) {
  EXPECT_FALSE(Shipped().Allows("marketing", "no.such"));
  EXPECT_FALSE(Shipped().Allows("service", "no.such"));
  EXPECT_FALSE(Shipped().Allows("no-such-role", "sources.read"));
  EXPECT_FALSE(Authorise(Shipped(), Caller(), "sources.read", false).ok());
}

TEST(Policy, KeepsDutiesApart) {
  EXPECT_FALSE(Shipped().Allows("marketing", "campaigns.approve"));
  EXPECT_FALSE(Shipped().Allows("approver", "campaigns.write"));
  for (const char* role : {"marketing", "approver", "analyst", "partner", "operator"}) {
    EXPECT_FALSE(Shipped().Allows(role, "people.read_personal")) << role;
  }
  EXPECT_EQ(base::ReasonOf(Authorise(Shipped(), WithRole("analyst"), "campaigns.run", false)),
            "PERMISSION_MISSING");
}

}  // namespace
}  // namespace pharos::rpc
