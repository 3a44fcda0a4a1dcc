// Handler of pharos.audience.v1.AudienceService. Thread-safe.
#pragma once

#include "pharos/audience/v1/audience_service.serve.h"
#include "services/audience/audience_store.h"
#include "services/audience/evaluation.h"
#include "services/audience/people_index.h"
#include "services/audience/pin_store.h"
#include "services/base/clock.h"
#include "services/rpc/call.h"
#include "storage/store.h"

namespace pharos::audience {

// Of a call's time, what evaluating and answering needs after the index has caught up.
inline constexpr int64_t kAnswerUs = 300'000;

class AudienceService : public v1::AudienceServiceHandler {
 public:
  AudienceService(storage::Store& store, const PeopleIndex& index, AskFreshness ask, base::Clock& clock);

  absl::Status CreateAudience(rpc::Call& call, const v1::CreateAudienceRequest& request,
                              v1::Audience& response) override;
  absl::Status GetAudience(rpc::Call& call, const v1::GetAudienceRequest& request,
                           v1::Audience& response) override;
  absl::Status ListAudiences(rpc::Call& call, const v1::ListAudiencesRequest& request,
                             v1::ListAudiencesResponse& response) override;
  absl::Status CountAudience(rpc::Call& call, const v1::CountAudienceRequest& request,
                             v1::CountAudienceResponse& response) override;
  absl::Status ListFields(rpc::Call& call, const v1::ListFieldsRequest& request,
                          v1::ListFieldsResponse& response) override;
  absl::Status GetMembership(rpc::Call& call, const v1::GetMembershipRequest& request,
                             v1::Membership& response) override;

 private:
  storage::Store& store_;
  const PeopleIndex& index_;
  const AskFreshness ask_;
  base::Clock& clock_;
  const AudienceStore audiences_;
  const PinStore pins_;
};

}  // namespace pharos::audience
