// Any call of the public API, as whoever asks the edge: the edge itself may nothing, each call carries the
// caller's own credential, and the service decides. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace google::protobuf {
class Message;
}
namespace grpc {
class Channel;
}

namespace pharos::edge {

// On whose behalf.
struct Credential {
  std::string token;    // a bearer token of theirs
  std::string purpose;  // "purposes/…" for which they act; empty: not said
};

// An answer that comes in pieces.
class BackendStream {
 public:
  virtual ~BackendStream() = default;  // cancels what has not ended
  enum class Next { kMessage, kNothingYet, kEnd };
  // Waits at most `wait_ms`. kMessage: `bytes` is one serialized message.
  virtual Next Read(int64_t wait_ms, std::string& bytes) = 0;
  // After kEnd.
  virtual absl::Status status() const = 0;
};

class Backend {
 public:
  // By service: "access", "customer", "audience", "campaign", "dispatch", "engagement".
  explicit Backend(std::map<std::string, std::shared_ptr<grpc::Channel>> channels);
  ~Backend();

  static constexpr int64_t kCallMs = 10'000;
  // One unary call; the RPC is the one with this request's type. Fills an empty request_id. What may be
  // repeated (reads, and what has a request id) is tried once more if the service is away. UNAVAILABLE
  // (SERVICE_AWAY) if there is no such service here.
  absl::Status Call(const Credential& who, const google::protobuf::Message& request,
                    google::protobuf::Message* response, int64_t timeout_ms = kCallMs) const;
  // The same with serialized messages; `method` "/pharos.customer.v1.PersonService/GetPerson".
  absl::StatusOr<std::string> CallBytes(const Credential& who, const std::string& method,
                                        const std::string& request, int64_t timeout_ms = kCallMs) const;
  // A server stream. `timeout_ms` 0: until it is destroyed.
  absl::StatusOr<std::unique_ptr<BackendStream>> Stream(const Credential& who, const std::string& method,
                                                        const std::string& request, int64_t timeout_ms) const;
  // A call in which both stream (imports): writes all of `requests`, hands each answer to `on_response`,
  // which may end it with an error.
  absl::Status Exchange(const Credential& who, const std::string& method,
                        const std::vector<std::string>& requests,
                        const std::function<absl::Status(const std::string& bytes)>& on_response,
                        int64_t timeout_ms) const;

 private:
  absl::StatusOr<grpc::Channel*> ChannelOf(const std::string& method) const;

  const std::map<std::string, std::shared_ptr<grpc::Channel>> channels_;
};

}  // namespace pharos::edge
