// Watches access's snapshot from another process and keeps the holder up to date. Comes back by itself; while
// access is away the last snapshot stays in force.
#pragma once

#include <memory>
#include <string>

namespace grpc {
class Channel;
}
namespace pharos::policy {
class SnapshotHolder;
}

namespace pharos::rpc {

// Thread-safe.
class SnapshotClient {
 public:
  // `token` is this process's service token.
  SnapshotClient(std::shared_ptr<grpc::Channel> access, std::string token, policy::SnapshotHolder& holder);
  ~SnapshotClient();
  void Start();
  void Stop();  // idempotent

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pharos::rpc
