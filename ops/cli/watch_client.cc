#include "ops/cli/watch_client.h"

#include <atomic>
#include <chrono>
#include <thread>

#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "pharos/engagement/v1/engagement_service.grpc.pb.h"
#include "services/base/errors.h"
#include "services/rpc/channel.h"

namespace pharos::cli {
namespace {

using namespace engagement::v1;

constexpr int64_t kWatchTimeoutMs = 3'600'000;  // streams live at most an hour; the caller follows again
constexpr auto kLook = std::chrono::milliseconds(50);

}  // namespace

absl::Status FollowCounters(Client& client, const std::string& campaign,
                            const std::function<void(const Counters&)>& on_counters,
                            const std::function<bool()>& over) {
  PHAROS_RETURN_IF_ERROR(client.Ready());
  grpc::ClientContext context;
  rpc::CallOptions call;
  call.token = client.token();
  call.timeout_ms = kWatchTimeoutMs;
  call.purpose = client.options().purpose;
  rpc::Prepare(context, call);
  WatchCampaignRequest request;
  request.set_campaign(campaign);
  auto stub = EngagementService::NewStub(client.channel("engagement"));
  auto stream = stub->WatchCampaign(&context, request);
  std::atomic<bool> ended{false}, enough{false};
  std::thread watcher([&] {
    while (!ended && !(enough = over())) std::this_thread::sleep_for(kLook);
    if (enough) context.TryCancel();
  });
  for (Counters counters; stream->Read(&counters);) on_counters(counters);
  ended = true;
  watcher.join();
  grpc::Status status = stream->Finish();
  return enough ? absl::OkStatus() : rpc::FromGrpc(status);
}

}  // namespace pharos::cli
