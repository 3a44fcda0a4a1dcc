#include "ops/cli/feed_client.h"

#include <atomic>
#include <thread>

#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "pharos/customer/v1/sync_service.grpc.pb.h"
#include "services/base/errors.h"
#include "services/rpc/channel.h"

namespace pharos::cli {
namespace {

using namespace customer::v1;

constexpr int kItemsInBatch = 256;               // some 80 KiB
constexpr int64_t kStreamTimeoutMs = 3'600'000;  // streams live at most an hour

using Stream = grpc::ClientReaderWriter<SyncRequest, SyncResponse>;

void Prepare(Client& client, double seconds, grpc::ClientContext& context) {
  rpc::CallOptions call;
  call.token = client.token();
  call.timeout_ms = seconds > 0 ? static_cast<int64_t>(seconds * 1000) : kStreamTimeoutMs;
  call.purpose = client.options().purpose;
  rpc::Prepare(context, call);
}

// `stop`: the server said that it ends the stream.
void SendAll(Stream& stream, const SyncHeader& header, const std::function<std::optional<SyncItem>()>& next,
             const std::atomic<bool>& stop) {
  SyncRequest request;
  *request.mutable_header() = header;
  bool open = stream.Write(request);
  bool more = true;
  while (open && more && !stop) {
    request.Clear();
    auto& items = *request.mutable_batch()->mutable_items();
    while (more && items.size() < kItemsInBatch) {
      std::optional<SyncItem> item = next();
      more = item.has_value();
      if (more) *items.Add() = *std::move(item);
    }
    if (!items.empty()) open = stream.Write(request);
  }
  stream.WritesDone();
}

// Deadline of our own choice: that is how it was to end.
template <typename Reader, typename Message>
absl::Status ReadAll(Reader& reader, double seconds, const std::function<void(const Message&)>& on_message) {
  for (Message message; reader.Read(&message);) on_message(message);
  const absl::Status status = rpc::FromGrpc(reader.Finish());
  return seconds > 0 && absl::IsDeadlineExceeded(status) ? absl::OkStatus() : status;
}

}  // namespace

absl::Status SyncItems(Client& client, const SyncHeader& header,
                       const std::function<std::optional<SyncItem>()>& next,
                       const std::function<void(const SyncResult&)>& on_result) {
  PHAROS_RETURN_IF_ERROR(client.Ready());
  grpc::ClientContext context;
  Prepare(client, 0, context);
  auto stub = SyncService::NewStub(client.channel("customer"));
  auto stream = stub->Sync(&context);
  std::atomic<bool> stop = false;
  std::thread sender([&] { SendAll(*stream, header, next, stop); });
  for (SyncResponse response; stream->Read(&response);) {
    for (const auto& result : response.results()) on_result(result);
    if (response.has_end()) stop = true;
  }
  stop = true;
  sender.join();
  return rpc::FromGrpc(stream->Finish());
}

absl::Status FollowChanges(Client& client, const FollowChangesRequest& request, double seconds,
                           const std::function<void(const FollowChangesResponse&)>& on_message) {
  PHAROS_RETURN_IF_ERROR(client.Ready());
  grpc::ClientContext context;
  Prepare(client, seconds, context);
  auto stub = SyncService::NewStub(client.channel("customer"));
  return ReadAll(*stub->FollowChanges(&context, request), seconds, on_message);
}

absl::Status FollowConsents(Client& client, const FollowConsentsRequest& request, double seconds,
                            const std::function<void(const FollowConsentsResponse&)>& on_message) {
  PHAROS_RETURN_IF_ERROR(client.Ready());
  grpc::ClientContext context;
  Prepare(client, seconds, context);
  auto stub = SyncService::NewStub(client.channel("customer"));
  return ReadAll(*stub->FollowConsents(&context, request), seconds, on_message);
}

}  // namespace pharos::cli
