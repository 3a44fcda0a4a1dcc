// Rules of acts: pure. One proposes, another confirms.
//   PROPOSED ─ConfirmAct→ DONE          by another person, within 24 hours, with the digest shown
//   PROPOSED ─WithdrawAct→ WITHDRAWN
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "pharos/record/v1/access.pb.h"

namespace pharos::access {

inline constexpr int64_t kActLapsesMicros =
    int64_t{24} * 3600 * 1'000'000;  // what was right yesterday may not be today

// SHA-256 in hex over kind, reason and policy.
std::string DigestOf(v1::ActKind kind, std::string_view reason, std::string_view policy);

// A proposal, with `force` being what it would change. ACT_KIND_WRONG, POLICY_NOT_WANTED, POLICY_WRONG,
// MODE_ALREADY.
absl::StatusOr<v1::Act> Proposed(const v1::ProposeActRequest& request, const record::v1::ForceRow& force,
                                 std::string_view id, std::string_view proposer, int64_t now_us);
// ACT_STATE, ACT_NEEDS_SECOND_PERSON, DIGEST_MISMATCH, MODE_ALREADY.
absl::StatusOr<v1::Act> Confirmed(const v1::Act& act, std::string_view digest,
                                  const record::v1::ForceRow& force, std::string_view decider,
                                  int64_t now_us);
// ACT_STATE.
absl::StatusOr<v1::Act> Withdrawn(const v1::Act& act, std::string_view decider, int64_t now_us);
// What is in force after `act`.
record::v1::ForceRow After(const v1::Act& act, record::v1::ForceRow force);

}  // namespace pharos::access
