#include "services/access/snapshot_service.h"

#include "services/base/clock.h"

namespace pharos::access {

absl::Status SnapshotHandler::FollowSnapshot(rpc::Call& call, const internal::v1::FollowSnapshotRequest&,
                                             rpc::Writer<internal::v1::Snapshot>& writer) {
  uint64_t sent = 0;
  int64_t sent_us = 0;
  while (!stopped_ && !call.cancelled()) {
    const auto message = board_.Message();
    const int64_t now = base::Clock::System().BootMicros();
    if (message->version() > sent || now - sent_us >= kSilenceMicros) {
      if (!writer.Write(*message)) break;
      sent = message->version();
      sent_us = now;
    }
    board_.Wait(sent, kPollMicros);
  }
  return absl::OkStatus();
}

}  // namespace pharos::access
