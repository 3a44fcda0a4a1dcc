#include "connectors/smpp/status.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "connectors/smpp/pdu.h"

namespace pharos::smpp {
namespace {

constexpr char kAccountRefused[] = "ACCOUNT_REFUSED";
constexpr int64_t kThrottledRetryMs = 1'000;
constexpr int64_t kQueueFullRetryMs = 10'000;
constexpr int64_t kProviderRetryMs = 30'000;
constexpr int64_t kRouteRetryMs = 60'000;  // a fault of settings: a person must look

}  // namespace

bool AsksForLess(uint32_t status) {
  return status == kThrottled || status == kQueueFull;
}

work::Rejected RejectedFor(uint32_t status, const StatusRules& rules) {
  work::Rejected rejected;
  rejected.set_code(fmt::format("0x{:08X}", status));
  auto say = [&](const char* reason, bool transient, int64_t retry_after_ms) {
    rejected.set_reason(reason);
    rejected.set_transient(transient);
    rejected.set_retry_after_ms(retry_after_ms);
    return rejected;
  };
  auto route = [&](const char* reason) {
    rejected.set_scope(work::ROUTE);
    return say(reason, true, kRouteRetryMs);
  };
  if (rules.transient.count(status)) return say("PROVIDER_ERROR", true, kProviderRetryMs);
  switch (status) {
    case kThrottled:
      return say("THROTTLED", true, kThrottledRetryMs);
    case kQueueFull:
      return say("QUEUE_FULL", true, kQueueFullRetryMs);
    case kSystemError:
    case kSubmitFailed:
    case kTemporaryAppError:
      return say("PROVIDER_ERROR", true, kProviderRetryMs);
    case kInvalidBindStatus:
      return say("NOT_BOUND", true, kThrottledRetryMs);
    case kInvalidDestination:
    case kInvalidDestinationFlag:
      return say("INVALID_NUMBER", false, 0);
    case kInvalidSource:
    case kInvalidSourceTon:
    case kInvalidSourceNpi:
      return route("INVALID_SENDER");
    case kInvalidDestinationTon:
    case kInvalidDestinationNpi:
      return route("INVALID_ADDRESS_TYPE");
    case kInvalidPassword:
    case kInvalidSystemId:
    case kBindFailed:
      return route(kAccountRefused);
    case kInvalidMessageLength:
    case kInvalidDataCoding:
      return say("INVALID_TEXT", false, 0);
    default:
      return say("PROVIDER_ERROR", false, 0);
  }
}

void RouteBlame::Weigh(const std::string& address, work::Rejected& rejected) {
  if (rejected.scope() != work::ROUTE) return;
  if (rejected.reason() != reason_) refused_.clear();
  reason_ = rejected.reason();
  const size_t who = std::hash<std::string>{}(address);
  const bool known = std::find(refused_.begin(), refused_.end(), who) != refused_.end();
  if (!known && refused_.size() < kMostInnocent) refused_.push_back(who);
  if (refused_.size() >= kMostInnocent) return;
  rejected.clear_scope();
  if (rejected.reason() == kAccountRefused) return;
  rejected.set_transient(false);
  rejected.clear_retry_after_ms();
}

BindRefusal BindRefusalFor(uint32_t status) {
  switch (status) {
    case kInvalidPassword:
      return {"WRONG_PASSWORD",
              "the provider refused our password; check the file that --password-file names", true};
    case kInvalidSystemId:
      return {"WRONG_ACCOUNT", "the provider does not know our system id; check --system-id", true};
    case kAlreadyBound:
      return {"ALREADY_BOUND",
              "the provider says that this account is bound already; stop the other connector that uses it, "
              "or lower "
              "--binds to what the provider allows",
              false};
    case kBindFailed:
      return {"BANNED",
              "the provider refused the bind; ask the provider whether the account is active and may connect "
              "from this "
              "address",
              true};
    case kThrottled:
      return {"THROTTLED",
              "the provider refused the bind because we connect too often; it is tried again later", true};
    case kSystemError:
      return {"PROTOCOL_ERROR", "the provider has a fault of its own and refused the bind; it is tried again",
              false};
    default:
      return {
          "PROTOCOL_ERROR",
          fmt::format("the provider refused the bind with status 0x{:08X}; ask the provider what it means",
                      status),
          false};
  }
}

}  // namespace pharos::smpp
