#include "services/access/act.h"

#include <fmt/format.h>

#include "services/access/errors.h"
#include "services/access/force_store.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/policy/policy.h"

namespace pharos::access {
namespace {

using record::v1::ForceRow;

absl::Status CheckKind(const v1::Act& act) {
  switch (act.kind()) {
    case v1::GO_LIVE:
    case v1::GO_TRIAL:
      return act.policy().empty() ? absl::OkStatus() : errors::PolicyNotWanted();
    case v1::APPLY_POLICY:
      return policy::Policy::Parse(act.policy()).status();
    default:
      return errors::ActKindWrong();
  }
}

// Nobody is asked to confirm what changes nothing.
absl::Status CheckChanges(const v1::Act& act, const ForceRow& force) {
  if (act.kind() == v1::GO_LIVE && force.live()) return errors::ModeAlready("This installation is live");
  if (act.kind() == v1::GO_TRIAL && !force.live())
    return errors::ModeAlready("This installation is in trial mode");
  if (act.kind() == v1::APPLY_POLICY && act.policy() == PolicyText(force))
    return errors::ModeAlready("This policy is in force");
  return absl::OkStatus();
}

absl::Status CheckOpen(const v1::Act& act, int64_t now_us) {
  if (act.state() == v1::DONE) return errors::ActState(act.name(), "done");
  if (act.state() != v1::PROPOSED) return errors::ActState(act.name(), "withdrawn");
  if (act.propose_time_us() + kActLapsesMicros <= now_us)
    return errors::ActState(act.name(), "older than 24 hours");
  return absl::OkStatus();
}

v1::Act Decided(const v1::Act& act, v1::ActState state, std::string_view decider, int64_t now_us) {
  v1::Act decided = act;
  decided.set_state(state);
  decided.set_decider(std::string(decider));
  decided.set_decide_time_us(now_us);
  return decided;
}

}  // namespace

std::string DigestOf(v1::ActKind kind, std::string_view reason, std::string_view policy) {
  // The texts go in by their own digests, so that nothing can move from one into the other.
  return base::ToHex(base::Sha256(fmt::format("pharos act 1\n{}\n{}{}", v1::ActKind_Name(kind),
                                              base::Sha256(reason), base::Sha256(policy))));
}

absl::StatusOr<v1::Act> Proposed(const v1::ProposeActRequest& request, const ForceRow& force,
                                 std::string_view id, std::string_view proposer, int64_t now_us) {
  v1::Act act;
  act.set_name(fmt::format("acts/{}", id));
  act.set_kind(request.kind());
  act.set_state(v1::PROPOSED);
  act.set_reason(request.reason());
  act.set_policy(request.policy());
  PHAROS_RETURN_IF_ERROR(CheckKind(act));
  PHAROS_RETURN_IF_ERROR(CheckChanges(act, force));
  act.set_digest(DigestOf(act.kind(), act.reason(), act.policy()));
  act.set_proposer(std::string(proposer));
  act.set_propose_time_us(now_us);
  return act;
}

absl::StatusOr<v1::Act> Confirmed(const v1::Act& act, std::string_view digest, const ForceRow& force,
                                  std::string_view decider, int64_t now_us) {
  PHAROS_RETURN_IF_ERROR(CheckOpen(act, now_us));
  if (act.proposer() == decider) return errors::ActNeedsSecondPerson(act.name());
  if (digest != DigestOf(act.kind(), act.reason(), act.policy())) return errors::DigestMismatch(act.name());
  PHAROS_RETURN_IF_ERROR(CheckKind(act));  // the program may have changed since
  PHAROS_RETURN_IF_ERROR(CheckChanges(act, force));
  return Decided(act, v1::DONE, decider, now_us);
}

absl::StatusOr<v1::Act> Withdrawn(const v1::Act& act, std::string_view decider, int64_t now_us) {
  PHAROS_RETURN_IF_ERROR(CheckOpen(act, now_us));
  return Decided(act, v1::WITHDRAWN, decider, now_us);
}

ForceRow After(const v1::Act& act, ForceRow force) {
  if (act.kind() == v1::GO_LIVE) force.set_live(true);
  if (act.kind() == v1::GO_TRIAL) force.set_live(false);
  if (act.kind() == v1::APPLY_POLICY) {
    force.set_policy(act.policy());
    force.set_policy_version(force.policy_version() + 1);
  }
  return force;
}

}  // namespace pharos::access
