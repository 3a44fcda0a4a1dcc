// SnapshotService: the board, to whoever follows.
#pragma once

#include <atomic>

#include "pharos/access/internal/v1/snapshot_service.pb.h"
#include "pharos/access/internal/v1/snapshot_service.serve.h"
#include "services/access/snapshot_board.h"

namespace pharos::access {

class SnapshotHandler : public internal::v1::SnapshotServiceHandler {
 public:
  explicit SnapshotHandler(SnapshotBoard& board) : board_(board) {}
  absl::Status FollowSnapshot(rpc::Call& call, const internal::v1::FollowSnapshotRequest& request,
                              rpc::Writer<internal::v1::Snapshot>& writer) override;
  // Ends the streams, within kPollMicros.
  void Stop() { stopped_ = true; }

  static constexpr int64_t kSilenceMicros =
      10'000'000;                                  // the same again after this, so that silence is noticed
  static constexpr int64_t kPollMicros = 100'000;  // how soon a stream sees that its caller has gone

 private:
  SnapshotBoard& board_;
  std::atomic<bool> stopped_ = false;
};

}  // namespace pharos::access
