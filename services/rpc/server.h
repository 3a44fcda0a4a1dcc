// Serves services on a port and in process. Round every RPC (rpc::Serve): authentication, policy, field
// checks, deadline, request id, status conversion, one log line, metrics.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/rpc/service.h"

namespace grpc {
class Channel;
}

namespace pharos::rpc {

class Credentials;  // services/rpc/credentials.h

struct ServerOptions {
  std::string address =
      "127.0.0.1:0";  // loopback or a private network: gRPC faces no internet (see ops/deploy)
  const Credentials* credentials = nullptr;
  int max_threads = 256;  // sync server threads; past this RESOURCE_EXHAUSTED
};

class Server {
 public:
  virtual ~Server() = default;
  virtual int port() const = 0;
  // A channel to this server that does not leave the process.
  virtual std::shared_ptr<grpc::Channel> InProcess() = 0;
  // Health NOT_SERVING, refuses new calls (UNAVAILABLE, SERVER_DRAINING), lets running ones finish for up to
  // `grace_ms`, then cancels them. Streams between our own processes are cancelled at once. Idempotent. The
  // port closes when the server is destroyed: stop whatever calls through InProcess() before that.
  virtual void Drain(int64_t grace_ms) = 0;
};

// Starts serving. UNAVAILABLE (PORT_IN_USE) names the address. Health and reflection are added.
absl::StatusOr<std::unique_ptr<Server>> StartServer(const ServerOptions& options,
                                                    std::vector<std::unique_ptr<Service>> services);

}  // namespace pharos::rpc
