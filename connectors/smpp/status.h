// What a provider's statuses mean. Pure.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "pharos/dispatch/internal/v1/work_service.pb.h"

namespace pharos::smpp {

namespace work = ::pharos::dispatch::internal::v1;

// Statuses that this provider uses for "later", e.g. from its own range 0x400–0x4FF; others of that range are
// for good.
struct StatusRules {
  std::set<uint32_t> transient;
};

// What a status of submit_sm_resp means.
work::Rejected RejectedFor(uint32_t status, const StatusRules& rules = {});
// The provider asks for less: ESME_RTHROTTLED, ESME_RMSGQFUL.
bool AsksForLess(uint32_t status);

// Why a bind was refused: a problem of LinkState, and in words what to do next.
struct BindRefusal {
  const char* problem;
  std::string detail;
  bool lasting;  // trying again soon changes nothing, and may lock the account
};
BindRefusal BindRefusalFor(uint32_t status);

}  // namespace pharos::smpp
