#include "ops/cli/identity_client.h"

#include <optional>

#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "pharos/customer/v1/identity_service.grpc.pb.h"
#include "services/base/errors.h"
#include "services/rpc/channel.h"

namespace pharos::cli {
namespace {

using namespace customer::v1;

constexpr int64_t kStreamTimeoutMs = 3'600'000;  // streams live at most an hour
constexpr int kMostGroups = 500;                 // of a message: one batch of the server's
constexpr size_t kMostBytes = 1 << 20;           // of a message; the limit is 4 MiB

void PrepareStream(grpc::ClientContext& context, Client& client) {
  rpc::CallOptions call;
  call.token = client.token();
  call.timeout_ms = kStreamTimeoutMs;
  call.purpose = client.options().purpose;
  rpc::Prepare(context, call);
}

absl::Status Broken() {
  return base::MakeError(
      absl::StatusCode::kUnavailable, "STREAM_BROKEN",
      "The call ended without its answer. Start it again: what was stored counts as unchanged.");
}

// As many as fit; removes them from the front.
ImportAssertionsRequest NextMessage(const std::string& reason, std::span<const KnownPerson>& people) {
  ImportAssertionsRequest message;
  message.set_reason(reason);
  size_t bytes = 0;
  while (!people.empty() && message.groups_size() < kMostGroups && bytes < kMostBytes) {
    auto& group = *message.add_groups();
    for (const auto& record : people.front().records) {
      group.add_members(record);
      bytes += record.size();
    }
    people = people.subspan(1);
  }
  return message;
}

}  // namespace

absl::StatusOr<LinkModel> TrainModel(Client& client, const TrainModelRequest& request,
                                     const std::function<void(const TrainModelResponse&)>& on_progress) {
  PHAROS_RETURN_IF_ERROR(client.Ready());
  grpc::ClientContext context;
  PrepareStream(context, client);
  auto stub = IdentityService::NewStub(client.channel("customer"));
  auto stream = stub->TrainModel(&context, request);
  std::optional<LinkModel> model;
  for (TrainModelResponse response; stream->Read(&response);) {
    if (response.has_model()) model = response.model();
    on_progress(response);
  }
  PHAROS_RETURN_IF_ERROR(rpc::FromGrpc(stream->Finish()));
  if (!model) return Broken();
  return *model;
}

absl::StatusOr<ImportAssertionsResponse> SendKnownLinks(
    Client& client, const std::string& reason, std::span<const KnownPerson> people,
    const std::function<void(const ImportAssertionsResponse&)>& on_answer) {
  PHAROS_RETURN_IF_ERROR(client.Ready());
  grpc::ClientContext context;
  PrepareStream(context, client);
  auto stub = IdentityService::NewStub(client.channel("customer"));
  auto stream = stub->ImportAssertions(&context);
  ImportAssertionsResponse answer;
  bool open = true;
  while (open && !people.empty()) {
    open = stream->Write(NextMessage(reason, people)) && stream->Read(&answer);
    if (open) on_answer(answer);
  }
  stream->WritesDone();
  for (ImportAssertionsResponse rest; stream->Read(&rest);) on_answer(rest);
  PHAROS_RETURN_IF_ERROR(rpc::FromGrpc(stream->Finish()));
  if (!open) return Broken();
  return answer;
}

}  // namespace pharos::cli
