// Channels to services, and calls on them. A service calls another through its proto only; it cannot tell
// whether that one is in the same process.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"

namespace grpc {
class Channel;
class ClientContext;
class Status;
}  // namespace grpc

namespace pharos::rpc {

// A channel over the network with our limits (4 MiB messages, keepalive).
std::shared_ptr<grpc::Channel> Connect(const std::string& address);

// One outgoing call's context: credential, deadline, request id. `token` is a bearer token; principal
// (optional) is on whose behalf a service calls.
struct CallOptions {
  std::string token;
  int64_t timeout_ms = 10'000;
  std::string request_id;
  std::string on_behalf_of;  // "principals/…"; only believed from the role "service"
  std::string purpose;       // "purposes/…"; empty = none
};
void Prepare(grpc::ClientContext& context, const CallOptions& options);

// gRPC's status as ours, with facts, and back.
absl::Status FromGrpc(const grpc::Status& status);
grpc::Status ToGrpc(const absl::Status& status);

}  // namespace pharos::rpc
