#include "ops/cli/reference_client.h"

#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "pharos/audience/v1/reference_service.grpc.pb.h"
#include "services/rpc/channel.h"

namespace pharos::cli {
namespace {

constexpr int64_t kTimeoutMs = 600'000;

}  // namespace

absl::StatusOr<audience::v1::LoadReferenceResponse> LoadReference(
    Client& client, const std::vector<audience::v1::LoadReferenceRequest>& requests) {
  if (absl::Status ready = client.Ready(); !ready.ok()) return ready;
  grpc::ClientContext context;
  rpc::CallOptions call;
  call.token = client.token();
  call.timeout_ms = kTimeoutMs;
  rpc::Prepare(context, call);
  const auto stub = audience::v1::ReferenceService::NewStub(client.channel("audience"));
  const auto stream = stub->LoadReference(&context);
  for (const auto& request : requests) {
    if (!stream->Write(request)) break;  // the status says why
  }
  stream->WritesDone();
  audience::v1::LoadReferenceResponse response;
  stream->Read(&response);
  if (const absl::Status status = rpc::FromGrpc(stream->Finish()); !status.ok()) return status;
  return response;
}

}  // namespace pharos::cli
