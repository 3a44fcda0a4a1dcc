#include "ops/cli/audience_people_client.h"

#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "pharos/audience/v1/audience_service.grpc.pb.h"
#include "services/base/errors.h"
#include "services/rpc/channel.h"

namespace pharos::cli {
namespace {

using namespace audience::v1;

constexpr int64_t kTimeoutMs = 600'000;  // millions of people take seconds; a slow disk may hold them up

void Prepare(const Client& client, grpc::ClientContext& context) {
  rpc::CallOptions call;
  call.token = client.token();
  call.timeout_ms = kTimeoutMs;
  call.purpose = client.options().purpose;
  rpc::Prepare(context, call);
}

template <typename Stream, typename Message>
absl::Status TakeAll(grpc::ClientContext& context, Stream& stream,
                     const std::function<absl::Status(const Message&)>& take) {
  absl::Status taken;
  for (Message message; taken.ok() && stream.Read(&message);) taken = take(message);
  if (!taken.ok()) context.TryCancel();
  const grpc::Status status = stream.Finish();
  return taken.ok() ? rpc::FromGrpc(status) : taken;
}

}  // namespace

absl::Status StreamPeople(Client& client, const StreamAudienceRequest& request,
                          const std::function<absl::Status(const StreamAudienceResponse&)>& take) {
  PHAROS_RETURN_IF_ERROR(client.Ready());
  grpc::ClientContext context;
  Prepare(client, context);
  const auto stub = AudienceService::NewStub(client.channel("audience"));
  return TakeAll(context, *stub->StreamAudience(&context, request), take);
}

absl::Status StreamExport(Client& client, const ExportAudienceRequest& request,
                          const std::function<absl::Status(const ExportAudienceResponse&)>& take) {
  PHAROS_RETURN_IF_ERROR(client.Ready());
  grpc::ClientContext context;
  Prepare(client, context);
  const auto stub = AudienceService::NewStub(client.channel("audience"));
  return TakeAll(context, *stub->ExportAudience(&context, request), take);
}

}  // namespace pharos::cli
