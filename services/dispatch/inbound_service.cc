#include "services/dispatch/inbound_service.h"

#include <chrono>
#include <future>
#include <memory>

#include "pharos/dispatch/internal/v1/inbound_service.pb.h"
#include "services/base/errors.h"
#include "services/base/log.h"
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

std::optional<ReplyMeaning> MeaningOf(internal::v1::Choice choice) {
  switch (choice) {
    case internal::v1::STOP_PURPOSE:
      return ReplyMeaning::kUnsubscribe;
    case internal::v1::STOP_ALL:
      return ReplyMeaning::kStopAll;
    case internal::v1::PAUSE:
      return ReplyMeaning::kPause;
    case internal::v1::RESUME:
      return ReplyMeaning::kResume;
    default:
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

absl::StatusOr<InboundService::Acknowledged> InboundService::Take(const rpc::Call& call,
                                                                  const std::string& token,
                                                                  ReplyMeaning choice) {
  using Answer = absl::StatusOr<Chosen>;
  auto promise = std::make_shared<std::promise<Answer>>();
  std::future<Answer> answer = promise->get_future();
  Acknowledged acknowledged;
  PHAROS_RETURN_IF_ERROR(loop_.Run([&](Turn& turn) {
    acknowledged.purpose = desk_.PurposeOfLink(turn, token).value_or("");
    desk_.Choose(turn, token, choice, [promise](const Answer& chosen) { promise->set_value(chosen); });
    return absl::OkStatus();
  }));
  std::optional<Answer> chosen = Await(call, answer);
  if (!chosen) return DispatchErrors::NotAcknowledgedYet();
  PHAROS_ASSIGN_OR_RETURN(acknowledged.chosen, *std::move(chosen));
  return acknowledged;
}

absl::Status InboundService::Unsubscribe(rpc::Call& call, const internal::v1::UnsubscribeRequest& request,
                                         internal::v1::UnsubscribeResponse& response) {
  PHAROS_ASSIGN_OR_RETURN(const Acknowledged acknowledged,
                          Take(call, request.token(), ReplyMeaning::kUnsubscribe));
  response.set_purpose(acknowledged.purpose);
  response.set_opt_out(acknowledged.chosen.opt_out);
  return absl::OkStatus();
}

absl::Status InboundService::Choose(rpc::Call& call, const internal::v1::ChooseRequest& request,
                                    internal::v1::ChooseResponse& response) {
  const std::optional<ReplyMeaning> choice = MeaningOf(request.choice());
  if (!choice) return DispatchErrors::ChoiceMissing();
  PHAROS_ASSIGN_OR_RETURN(const Acknowledged acknowledged, Take(call, request.token(), *choice));
  response.set_purpose(acknowledged.purpose);
  response.set_until_us(acknowledged.chosen.until_us);
  response.set_changed(acknowledged.chosen.changed);
  return absl::OkStatus();
}

absl::StatusOr<TrackedLink> InboundService::LinkOf(const std::string& token) {
  std::optional<TrackedLink> link;
  PHAROS_RETURN_IF_ERROR(loop_.Run([&](Turn& turn) {
    link = desk_.LinkOf(turn, token);
    return link ? absl::OkStatus() : DispatchErrors::LinkUnknown();
  }));
  return *std::move(link);
}

absl::Status InboundService::DescribeLink(rpc::Call& call, const internal::v1::DescribeLinkRequest& request,
                                          internal::v1::DescribeLinkResponse& response) {
  PHAROS_ASSIGN_OR_RETURN(const TrackedLink link, LinkOf(request.token()));
  response.set_url(link.url);
  return absl::OkStatus();
}

// Whoever follows a link gets there, whether or not it can be counted.
absl::Status InboundService::FollowLink(rpc::Call& call, const internal::v1::FollowLinkRequest& request,
                                        internal::v1::FollowLinkResponse& response) {
  PHAROS_ASSIGN_OR_RETURN(const TrackedLink link, LinkOf(request.token()));
  response.set_url(link.url);
  // They may have taken back since what they had agreed to when it was sent.
  if (link.counted || !measures_.MayMeasure(link)) return absl::OkStatus();
  const absl::Status counted = loop_.Run([&](Turn& turn) {
    desk_.CountFollowed(turn, link);
    return absl::OkStatus();
  });
  if (!counted.ok()) base::Log(base::LogLevel::kWarning, "dispatch.link_not_counted");
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
