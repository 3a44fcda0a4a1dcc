// What the campaign service asks of the others. Every call may be repeated. Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/audience/internal/v1/member_service.pb.h"
#include "pharos/audience/v1/audience_service.pb.h"
#include "pharos/customer/v1/purpose_service.pb.h"
#include "pharos/dispatch/internal/v1/plan_service.pb.h"
#include "pharos/dispatch/v1/intent_service.pb.h"
#include "pharos/type/v1/manifest.pb.h"
#include "services/base/mutex.h"
#include "services/rpc/peers.h"

namespace pharos::campaign {

class PeersClient {
 public:
  // Until then every call is UNAVAILABLE (PEER_AWAY).
  void Connect(const rpc::Peers& peers);

  // `principal` is on whose behalf; empty: our own.
  absl::StatusOr<customer::v1::Purpose> GetPurpose(std::string_view name, std::string_view principal) const;
  absl::StatusOr<audience::v1::Audience> GetAudience(std::string_view name, std::string_view principal) const;
  absl::StatusOr<audience::internal::v1::Pin> PinMembers(
      const audience::internal::v1::PinMembersRequest& request, std::string_view principal) const;
  absl::StatusOr<audience::internal::v1::ListMembersResponse> ListMembers(std::string_view pin,
                                                                          std::string_view page_token) const;
  absl::Status DeclareStep(const dispatch::internal::v1::DeclareStepRequest& request) const;
  absl::StatusOr<dispatch::internal::v1::PlanIntentsResponse> PlanIntents(
      const dispatch::internal::v1::PlanIntentsRequest& request) const;
  absl::StatusOr<dispatch::internal::v1::SteerCampaignResponse> SteerCampaign(
      std::string_view campaign, dispatch::internal::v1::Steering steering, uint64_t revision,
      bool go_on = false) const;
  // access's signature over a manifest, made for the approver `principal`.
  absl::StatusOr<type::v1::SignedApproval> SignApproval(std::string_view manifest,
                                                        std::string_view principal) const;
  // Zeros if dispatch does not know the campaign (yet).
  absl::StatusOr<dispatch::v1::Tally> GetTally(std::string_view campaign, std::string_view principal) const;

 private:
  rpc::Peers peers() const;

  mutable base::Mutex mutex_;
  rpc::Peers peers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace pharos::campaign
