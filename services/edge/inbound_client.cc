#include "services/edge/inbound_client.h"

#include <grpcpp/grpcpp.h>

#include "pharos/customer/v1/purpose_service.grpc.pb.h"
#include "pharos/dispatch/internal/v1/inbound_service.grpc.pb.h"
#include "services/base/errors.h"
#include "services/edge/unsubscribe_page.h"
#include "services/rpc/channel.h"

namespace pharos::edge {

namespace v1 = dispatch::internal::v1;

namespace {

constexpr int64_t kUnsubscribeMs = 2'500;  // the promise to whoever pressed the button
constexpr int64_t kDescribeMs = 2'000;
constexpr int64_t kRecordMs = 4'000;  // GOV.UK Notify gives a callback five seconds
constexpr int64_t kNameMs = 500;      // only for a nicer page

template <typename Service, typename Request, typename Response>
absl::StatusOr<Response> Invoke(const std::shared_ptr<grpc::Channel>& channel, const std::string& token,
                                int64_t timeout_ms,
                                grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&,
                                                                      Response*),
                                const Request& request) {
  grpc::ClientContext context;
  rpc::CallOptions options;
  options.token = token;
  options.timeout_ms = timeout_ms;
  rpc::Prepare(context, options);
  const auto stub = Service::NewStub(channel);
  Response response;
  if (grpc::Status status = (stub.get()->*method)(&context, request, &response); !status.ok())
    return rpc::FromGrpc(status);
  return response;
}

using Inbound = v1::InboundService;

v1::Choice ToProto(Choice choice) {
  switch (choice) {
    case Choice::kStopPurpose:
      return v1::STOP_PURPOSE;
    case Choice::kStopAll:
      return v1::STOP_ALL;
    case Choice::kPause:
      return v1::PAUSE;
    case Choice::kResume:
      return v1::RESUME;
  }
  return v1::CHOICE_UNSPECIFIED;
}

}  // namespace

absl::StatusOr<std::string> InboundClient::DescribeUnsubscribe(const std::string& token) const {
  v1::DescribeUnsubscribeRequest request;
  request.set_token(token);
  PHAROS_ASSIGN_OR_RETURN(const auto answer, Invoke<Inbound>(dispatch_, token_, kDescribeMs,
                                                             &Inbound::Stub::DescribeUnsubscribe, request));
  return answer.purpose();
}

absl::StatusOr<std::string> InboundClient::Unsubscribe(const std::string& token) const {
  v1::UnsubscribeRequest request;
  request.set_token(token);
  PHAROS_ASSIGN_OR_RETURN(const auto answer, Invoke<Inbound>(dispatch_, token_, kUnsubscribeMs,
                                                             &Inbound::Stub::Unsubscribe, request));
  return answer.purpose();
}

absl::StatusOr<Chosen> InboundClient::Choose(const std::string& token, Choice choice) const {
  v1::ChooseRequest request;
  request.set_token(token);
  request.set_choice(ToProto(choice));
  PHAROS_ASSIGN_OR_RETURN(
      const auto answer, Invoke<Inbound>(dispatch_, token_, kUnsubscribeMs, &Inbound::Stub::Choose, request));
  return Chosen{answer.purpose(), answer.until_us(), answer.changed()};
}

absl::StatusOr<std::string> InboundClient::DescribeLink(const std::string& token) const {
  v1::DescribeLinkRequest request;
  request.set_token(token);
  PHAROS_ASSIGN_OR_RETURN(const auto answer, Invoke<Inbound>(dispatch_, token_, kDescribeMs,
                                                             &Inbound::Stub::DescribeLink, request));
  return answer.url();
}

absl::StatusOr<std::string> InboundClient::FollowLink(const std::string& token) const {
  v1::FollowLinkRequest request;
  request.set_token(token);
  PHAROS_ASSIGN_OR_RETURN(const auto answer, Invoke<Inbound>(dispatch_, token_, kDescribeMs,
                                                             &Inbound::Stub::FollowLink, request));
  return answer.url();
}

absl::Status InboundClient::RecordReceipts(const std::string& connector, const v1::Receipts& receipts) const {
  if (receipts.receipts().empty()) return absl::OkStatus();
  v1::RecordReceiptsRequest request;
  request.set_connector(connector);
  *request.mutable_receipts() = receipts.receipts();
  return Invoke<Inbound>(dispatch_, token_, kRecordMs, &Inbound::Stub::RecordReceipts, request).status();
}

absl::Status InboundClient::RecordMessages(const std::string& connector,
                                           const v1::InboundMessages& messages) const {
  if (messages.messages().empty()) return absl::OkStatus();
  v1::RecordMessagesRequest request;
  request.set_connector(connector);
  *request.mutable_messages() = messages.messages();
  return Invoke<Inbound>(dispatch_, token_, kRecordMs, &Inbound::Stub::RecordMessages, request).status();
}

std::string InboundClient::PurposeName(const std::string& purpose) const {
  using Purposes = customer::v1::PurposeService;
  customer::v1::GetPurposeRequest request;
  request.set_name(purpose);
  const auto answer = Invoke<Purposes>(customer_, token_, kNameMs, &Purposes::Stub::GetPurpose, request);
  return answer.ok() && !answer->display_name().empty() ? answer->display_name() : PurposeInWords(purpose);
}

}  // namespace pharos::edge
