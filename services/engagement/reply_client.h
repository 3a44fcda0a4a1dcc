// What replies say, asked of dispatch, which keeps it sealed. Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/dispatch/internal/v1/reply_service.pb.h"
#include "services/base/mutex.h"
#include "services/rpc/peers.h"

namespace pharos::engagement {

class ReplyClient {
 public:
  ReplyClient();
  ~ReplyClient();
  void Start(const rpc::Peers& peers);

  // In the order asked, with one call; at most 250. UNAVAILABLE (DISPATCH_AWAY, ACCESS_AWAY), also until
  // Start.
  absl::StatusOr<dispatch::internal::v1::OpenRepliesResponse> Open(
      const dispatch::internal::v1::OpenRepliesRequest& request, int64_t wait_us) const;
  // FAILED_PRECONDITION (REPLY_FORGOTTEN).
  absl::StatusOr<dispatch::internal::v1::SealNoteResponse> SealNote(
      const dispatch::internal::v1::SealNoteRequest& request, int64_t wait_us) const;

 private:
  struct Connection;
  std::shared_ptr<Connection> Get() const;
  mutable base::Mutex mutex_;
  std::shared_ptr<Connection> connection_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace pharos::engagement
