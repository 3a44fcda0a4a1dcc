#include "services/rpc/server.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>

#include <chrono>

#include "services/base/errors.h"
#include "services/base/mutex.h"
#include "services/rpc/channel_args.h"
#include "services/rpc/credentials.h"
#include "services/rpc/host.h"
#include "services/rpc/reflection.h"

namespace pharos::rpc {
namespace {

class GrpcServer final : public Server {
 public:
  GrpcServer(const Credentials& credentials, std::vector<std::unique_ptr<Service>> services)
      : host_(credentials), services_(std::move(services)) {
    std::vector<std::string> names;
    for (const auto& service : services_) names.emplace_back(service->name());
    names.emplace_back("grpc.health.v1.Health");
    names.emplace_back("grpc.reflection.v1alpha.ServerReflection");
    services_.push_back(MakeReflection(names));
    for (const auto& service : services_) service->Bind(host_);
  }
  ~GrpcServer() override {
    Drain(0);
    if (server_ != nullptr)
      server_->Shutdown(std::chrono::system_clock::now());  // cuts what is left and waits for the handlers
  }

  absl::Status Start(const ServerOptions& options) {
    grpc::ServerBuilder builder;
    SetLimits(builder, options.max_threads);
    builder.AddListeningPort(options.address, grpc::InsecureServerCredentials(), &port_);
    for (const auto& service : services_) builder.RegisterService(service->grpc());
    server_ = builder.BuildAndStart();
    if (server_ != nullptr && port_ != 0) return absl::OkStatus();
    return base::MakeError(
        absl::StatusCode::kUnavailable, "PORT_IN_USE",
        fmt::format("Cannot listen on {}; stop what uses it or choose another address.", options.address),
        {{"address", options.address}});
  }

  int port() const override { return port_; }
  std::shared_ptr<grpc::Channel> InProcess() override {
    return server_->InProcessChannel(OurChannelArguments());
  }

  void Drain(int64_t grace_ms) override {
    base::MutexLock lock(drain_mutex_);  // a second caller waits for the first
    if (drained_ || server_ == nullptr) return;
    drained_ = true;
    if (auto* health = server_->GetHealthCheckService()) health->SetServingStatus(false);
    host_.Drain(grace_ms * 1000);
  }

 private:
  static void SetLimits(grpc::ServerBuilder& builder, int max_threads) {
    grpc::ResourceQuota quota("pharos");
    quota.SetMaxThreads(max_threads);
    builder.SetResourceQuota(quota);
    // Handlers block, also on calls to this very server, so every call has a thread of its own.
    builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::NUM_CQS, 1);
    builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MIN_POLLERS, 1);
    builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MAX_POLLERS, 2);
    builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT,
                               0);  // a second server on the port must fail, not share it
    builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreamsPerConnection);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, kMaxConnectionAgeMs);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, kConnectionAgeGraceMs);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kMinPingIntervalMs);
    builder.AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, 0);
  }

  Host host_;
  std::vector<std::unique_ptr<Service>> services_;
  int port_ = 0;
  base::Mutex drain_mutex_;
  bool drained_ ABSL_GUARDED_BY(drain_mutex_) = false;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> StartServer(const ServerOptions& options,
                                                    std::vector<std::unique_ptr<Service>> services) {
  static const Credentials kNobody;
  grpc::EnableDefaultHealthCheckService(true);
  const Credentials& credentials = options.credentials != nullptr ? *options.credentials : kNobody;
  auto server = std::make_unique<GrpcServer>(credentials, std::move(services));
  PHAROS_RETURN_IF_ERROR(server->Start(options));
  return server;
}

}  // namespace pharos::rpc
