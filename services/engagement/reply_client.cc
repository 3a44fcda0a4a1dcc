#include "services/engagement/reply_client.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>

#include "pharos/dispatch/internal/v1/reply_service.grpc.pb.h"
#include "services/base/errors.h"
#include "services/engagement/errors.h"
#include "services/rpc/channel.h"

namespace pharos::engagement {
namespace {

namespace inner = dispatch::internal::v1;

constexpr int64_t kMostWaitMicros =
    10'000'000;  // a page takes milliseconds; past this dispatch is in trouble

// gRPC's own words stay inside.
absl::Status InOurWords(const absl::Status& status) {
  const bool away = absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
  return away && base::ReasonOf(status) != "ACCESS_AWAY" ? errors::DispatchAway() : status;
}

}  // namespace

struct ReplyClient::Connection {
  std::unique_ptr<inner::ReplyService::Stub> stub;
  std::string token;

  template <typename Method, typename Request, typename Response>
  absl::StatusOr<Response> Ask(Method method, const Request& request, Response response, int64_t wait_us) {
    grpc::ClientContext context;
    rpc::CallOptions options;
    options.token = token;
    options.timeout_ms = std::max<int64_t>(1, std::min(wait_us, kMostWaitMicros) / 1000);
    rpc::Prepare(context, options);
    PHAROS_RETURN_IF_ERROR(InOurWords(rpc::FromGrpc((stub.get()->*method)(&context, request, &response))));
    return response;
  }
};

ReplyClient::ReplyClient() = default;
ReplyClient::~ReplyClient() = default;

void ReplyClient::Start(const rpc::Peers& peers) {
  auto connection = std::make_shared<Connection>();
  connection->stub = inner::ReplyService::NewStub(peers.dispatch);
  connection->token = peers.token;
  base::MutexLock lock(mutex_);
  connection_ = std::move(connection);
}

std::shared_ptr<ReplyClient::Connection> ReplyClient::Get() const {
  base::MutexLock lock(mutex_);
  return connection_;
}

absl::StatusOr<inner::OpenRepliesResponse> ReplyClient::Open(const inner::OpenRepliesRequest& request,
                                                             int64_t wait_us) const {
  if (request.replies().empty()) return inner::OpenRepliesResponse();
  const auto connection = Get();
  if (connection == nullptr) return errors::DispatchAway();
  PHAROS_ASSIGN_OR_RETURN(inner::OpenRepliesResponse response,
                          connection->Ask(&inner::ReplyService::Stub::OpenReplies, request,
                                          inner::OpenRepliesResponse(), wait_us));
  if (response.replies_size() != request.replies_size()) return errors::DispatchAway();
  return response;
}

absl::StatusOr<inner::SealNoteResponse> ReplyClient::SealNote(const inner::SealNoteRequest& request,
                                                              int64_t wait_us) const {
  const auto connection = Get();
  if (connection == nullptr) return errors::DispatchAway();
  return connection->Ask(&inner::ReplyService::Stub::SealNote, request, inner::SealNoteResponse(), wait_us);
}

}  // namespace pharos::engagement
