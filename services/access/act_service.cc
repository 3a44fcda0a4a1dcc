#include "services/access/act_service.h"

#include "services/access/act.h"
#include "services/access/act_store.h"
#include "services/access/errors.h"
#include "services/access/force_store.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/rpc/once.h"

namespace pharos::access {
namespace {

using record::v1::ForceRow;

// A process holds every permission: it could propose in one name and confirm in another.
absl::Status CheckPerson(const rpc::Call& call) {
  return call.caller().internal ? errors::ActNeedsPeople() : absl::OkStatus();
}

}  // namespace

absl::Status ActHandler::ProposeAct(rpc::Call& call, const v1::ProposeActRequest& request,
                                    v1::Act& response) {
  PHAROS_RETURN_IF_ERROR(CheckPerson(call));
  const int64_t now = clock_.WallMicros();
  const std::string id = base::NewId(now);
  return rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction& tx) -> absl::Status {
        PHAROS_ASSIGN_OR_RETURN(const ForceRow force, LoadForce(tx));
        PHAROS_ASSIGN_OR_RETURN(response, Proposed(request, force, id, call.caller().principal, now));
        SaveAct(tx, response);
        tx.AppendChange(rpc::ChangeBy(call, response.name(), "act.proposed", 1, now));
        return absl::OkStatus();
      },
      now);
}

absl::Status ActHandler::ConfirmAct(rpc::Call& call, const v1::ConfirmActRequest& request,
                                    v1::Act& response) {
  PHAROS_RETURN_IF_ERROR(CheckPerson(call));
  const int64_t now = clock_.WallMicros();
  const absl::Status status = rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction& tx) -> absl::Status {
        PHAROS_ASSIGN_OR_RETURN(const v1::Act act, LoadAct(tx, request.name()));
        PHAROS_ASSIGN_OR_RETURN(const ForceRow force, LoadForce(tx));
        PHAROS_ASSIGN_OR_RETURN(response,
                                Confirmed(act, request.digest(), force, call.caller().principal, now));
        SaveAct(tx, response);
        SaveForce(tx, After(response, force), now);
        tx.AppendChange(rpc::ChangeBy(call, response.name(), "act.done", 2, now));
        return absl::OkStatus();
      },
      now);
  PHAROS_RETURN_IF_ERROR(status);
  return board_.Refresh();
}

absl::Status ActHandler::WithdrawAct(rpc::Call& call, const v1::WithdrawActRequest& request,
                                     v1::Act& response) {
  PHAROS_RETURN_IF_ERROR(CheckPerson(call));
  const int64_t now = clock_.WallMicros();
  return rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction& tx) -> absl::Status {
        PHAROS_ASSIGN_OR_RETURN(const v1::Act act, LoadAct(tx, request.name()));
        PHAROS_ASSIGN_OR_RETURN(response, Withdrawn(act, call.caller().principal, now));
        SaveAct(tx, response);
        tx.AppendChange(rpc::ChangeBy(call, response.name(), "act.withdrawn", 2, now));
        return absl::OkStatus();
      },
      now);
}

absl::Status ActHandler::GetAct(rpc::Call&, const v1::GetActRequest& request, v1::Act& response) {
  PHAROS_ASSIGN_OR_RETURN(response, LoadAct(store_, request.name()));
  return absl::OkStatus();
}

absl::Status ActHandler::ListActs(rpc::Call&, const v1::ListActsRequest& request,
                                  v1::ListActsResponse& response) {
  PHAROS_ASSIGN_OR_RETURN(const ActPage page, ListActPage(store_, request.page_size(), request.page_token()));
  response.mutable_acts()->Assign(page.acts.begin(), page.acts.end());
  response.set_next_page_token(page.next_page_token);
  return absl::OkStatus();
}

absl::Status ActHandler::GetPolicy(rpc::Call&, const v1::GetPolicyRequest&, v1::Policy& response) {
  PHAROS_ASSIGN_OR_RETURN(const ForceRow force, LoadForce(*store_.Read()));
  response.set_version(force.policy_version());
  response.set_text(PolicyText(force));
  response.set_live(force.live());
  return absl::OkStatus();
}

absl::Status ActHandler::CheckPolicy(rpc::Call&, const v1::CheckPolicyRequest& request,
                                     v1::CheckPolicyResponse& response) {
  int tests = 0;
  for (std::string& problem : policy::Policy::ProblemsOf(request.policy(), &tests))
    response.add_problems(std::move(problem));
  response.set_tests(tests);
  return absl::OkStatus();
}

}  // namespace pharos::access
