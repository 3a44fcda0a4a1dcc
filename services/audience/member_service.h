// Handler of pharos.audience.internal.v1.MemberService. Thread-safe.
#pragma once

#include "pharos/audience/internal/v1/member_service.serve.h"
#include "services/audience/evaluation.h"
#include "services/audience/people_index.h"
#include "services/audience/pin_store.h"
#include "services/base/clock.h"
#include "services/rpc/call.h"

namespace pharos::audience {

class MemberService : public internal::v1::MemberServiceHandler {
 public:
  MemberService(storage::Store& store, const PeopleIndex& index, AskFreshness ask, base::Clock& clock);

  absl::Status PinMembers(rpc::Call& call, const internal::v1::PinMembersRequest& request,
                          internal::v1::Pin& response) override;
  absl::Status ListMembers(rpc::Call& call, const internal::v1::ListMembersRequest& request,
                           internal::v1::ListMembersResponse& response) override;

 private:
  const PeopleIndex& index_;
  const AskFreshness ask_;
  base::Clock& clock_;
  const PinStore pins_;
};

}  // namespace pharos::audience
