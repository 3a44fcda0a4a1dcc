#include "services/dispatch/inbound_service.h"

#include <chrono>
#include <future>
#include <memory>

#include "pharos/dispatch/internal/v1/inbound_service.pb.h"
#include "services/base/errors.h"
#include "services/dispatch/errors.h"

namespace pharos::dispatch {
namespace {

// Waits for a promise that the loop keeps, no longer than the caller does.
template <typename T>
std::optional<T> Await(const rpc::Call& call, std::future<T>& future) {
  const auto patience = std::chrono::microseconds(std::max<int64_t>(0, call.RemainingMicros()));
  if (future.wait_for(patience) != std::future_status::ready) return std::nullopt;
  try {
    return future.get();
  } catch (const std::future_error&) {  // dispatch stopped and will not keep it
    return std::nullopt;
  }
}

}  // namespace

absl::Status InboundService::DescribeUnsubscribe(rpc::Call& call,
                                                 const internal::v1::DescribeUnsubscribeRequest& request,
                                                 internal::v1::DescribeUnsubscribeResponse& response) {
  return loop_.Run([&](Turn& turn) -> absl::Status {
    const auto purpose = desk_.PurposeOfLink(turn, request.token());
    if (!purpose) return DispatchErrors::LinkUnknown();
    response.set_purpose(*purpose);
    return absl::OkStatus();
  });
}

absl::Status InboundService::Unsubscribe(rpc::Call& call, const internal::v1::UnsubscribeRequest& request,
                                         internal::v1::UnsubscribeResponse& response) {
  using Answer = absl::StatusOr<std::string>;
  auto promise = std::make_shared<std::promise<Answer>>();
  std::future<Answer> answer = promise->get_future();
  PHAROS_RETURN_IF_ERROR(loop_.Run([&](Turn& turn) {
    response.set_purpose(desk_.PurposeOfLink(turn, request.token()).value_or(""));
    desk_.Unsubscribe(turn, request.token(),
                      [promise](const Answer& opt_out) { promise->set_value(opt_out); });
    return absl::OkStatus();
  }));
  const std::optional<Answer> acknowledged = Await(call, answer);
  if (!acknowledged) return DispatchErrors::NotAcknowledgedYet();
  PHAROS_RETURN_IF_ERROR(acknowledged->status());
  response.set_opt_out(**acknowledged);
  return absl::OkStatus();
}

absl::Status InboundService::RecordReceipts(rpc::Call& call,
                                            const internal::v1::RecordReceiptsRequest& request,
                                            internal::v1::RecordReceiptsResponse& response) {
  internal::v1::Receipts receipts;
  *receipts.mutable_receipts() = request.receipts();
  return loop_.Run([&](Turn& turn) {
    desk_.RecordReceipts(turn, request.connector(), receipts);
    return absl::OkStatus();
  });
}

absl::Status InboundService::RecordMessages(rpc::Call& call,
                                            const internal::v1::RecordMessagesRequest& request,
                                            internal::v1::RecordMessagesResponse& response) {
  std::vector<std::future<bool>> taken;
  PHAROS_RETURN_IF_ERROR(loop_.Run([&](Turn& turn) {
    for (const auto& message : request.messages()) {
      auto promise = std::make_shared<std::promise<bool>>();
      taken.push_back(promise->get_future());
      auto once = std::make_shared<bool>(false);
      desk_.RecordMessage(turn, request.connector(), message, [promise, once] {
        if (!std::exchange(*once, true)) promise->set_value(true);
      });
    }
    return absl::OkStatus();
  }));
  for (auto& future : taken) {
    if (!Await(call, future)) return DispatchErrors::NotAcknowledgedYet();
  }
  return absl::OkStatus();
}

}  // namespace pharos::dispatch
