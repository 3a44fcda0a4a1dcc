// The policy table against the protos: every RPC has a row that the table knows, and nothing internal is open
// to people.
#include "services/rpc/policy.h"

#include <google/protobuf/descriptor.h>

#include <functional>
#include <set>

#include "gmock/gmock.h"
#include "grpc/reflection/v1alpha/reflection.pb.h"
#include "pharos/api/v1/options.pb.h"
#include "pharos/audience/internal/v1/member_service.pb.h"
#include "pharos/audience/v1/audience_service.pb.h"
#include "pharos/campaign/v1/campaign_service.pb.h"
#include "pharos/campaign/v1/template_service.pb.h"
#include "pharos/customer/internal/v1/feed_service.pb.h"
#include "pharos/customer/internal/v1/opt_out_service.pb.h"
#include "pharos/customer/internal/v1/permit_service.pb.h"
#include "pharos/customer/v1/consent_service.pb.h"
#include "pharos/customer/v1/endpoint_service.pb.h"
#include "pharos/customer/v1/import_service.pb.h"
#include "pharos/customer/v1/person_service.pb.h"
#include "pharos/customer/v1/purpose_service.pb.h"
#include "pharos/customer/v1/source_service.pb.h"
#include "pharos/dispatch/internal/v1/plan_service.pb.h"
#include "pharos/dispatch/internal/v1/work_service.pb.h"
#include "pharos/dispatch/v1/connector_service.pb.h"
#include "pharos/dispatch/v1/intent_service.pb.h"
#include "services/base/errors.h"
#include "services/rpc/credentials.h"

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
      ::pharos::customer::v1::ResolveEndpointsRequest::descriptor()->file(),
      ::pharos::customer::internal::v1::IssuePermitsRequest::descriptor()->file(),
      ::pharos::customer::internal::v1::RecordReplyRequest::descriptor()->file(),
      ::pharos::customer::internal::v1::FollowPeopleRequest::descriptor()->file(),
      ::pharos::audience::v1::CreateAudienceRequest::descriptor()->file(),
      ::pharos::audience::internal::v1::PinMembersRequest::descriptor()->file(),
      ::pharos::campaign::v1::CreateTemplateRequest::descriptor()->file(),
      ::pharos::campaign::v1::CreateCampaignRequest::descriptor()->file(),
      ::pharos::dispatch::v1::GetIntentRequest::descriptor()->file(),
      ::pharos::dispatch::v1::ListConnectorsRequest::descriptor()->file(),
      ::pharos::dispatch::internal::v1::DeclareStepRequest::descriptor()->file(),
      ::pharos::dispatch::internal::v1::WorkRequest::descriptor()->file(),
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

TEST(Policy, KnowsThePermissionOfEveryRpc) {
  const auto known = KnownPermissions();
  const std::set<std::string_view> permissions(known.begin(), known.end());
  ForEachMethod([&](const auto& method, const auto& policy) {
    EXPECT_TRUE(permissions.count(policy.permission()))
        << method.full_name() << " needs " << policy.permission();
  });
}

TEST(Policy, LetsNobodyButServicesIntoInternalPackages) {
  ForEachMethod([&](const auto& method, const auto& policy) {
    const bool internal = method.full_name().find(".internal.") != std::string::npos;
    EXPECT_EQ(policy.internal(), internal) << method.full_name();
    if (!internal) return;
    for (const std::string& role : KnownRoles()) {
      EXPECT_EQ(Authorise(WithRole(role), policy.permission(), true).ok(), role == "service")
          << method.full_name() << " " << role;
    }
  });
}

TEST(Policy, DeniesByDefault) {
  EXPECT_FALSE(RoleHas("marketing", "no.such"));
  EXPECT_FALSE(RoleHas("service", "no.such"));
  EXPECT_FALSE(RoleHas("no-such-role", "sources.read"));
  EXPECT_FALSE(Authorise(Caller(), "sources.read", false).ok());
}

TEST(Policy, KeepsDutiesApart) {
  EXPECT_FALSE(RoleHas("marketing", "campaigns.approve"));
  EXPECT_FALSE(RoleHas("approver", "campaigns.write"));
  for (const char* role : {"marketing", "approver", "analyst", "partner", "operator"}) {
    EXPECT_FALSE(RoleHas(role, "people.read_personal")) << role;
  }
  EXPECT_EQ(base::ReasonOf(Authorise(WithRole("analyst"), "campaigns.run", false)), "PERMISSION_MISSING");
}

}  // namespace
}  // namespace pharos::rpc
