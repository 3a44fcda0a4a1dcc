#include "services/dispatch/feed_service.h"

#include "pharos/dispatch/internal/v1/feed_service.pb.h"
#include "pharos/record/v1/change.pb.h"
#include "services/base/errors.h"
#include "services/dispatch/inbox_reply.h"

namespace pharos::dispatch {
namespace {

constexpr size_t kMostChanges = 256;           // read at once
constexpr size_t kMostBytes = 1u << 20;        // of a message; one batch may be larger, never past 4 MiB
constexpr int64_t kSilenceMicros = 1'000'000;  // an answer at least so often
constexpr int64_t kLookMicros = 100'000;       // how long a caller who has gone may go unnoticed

absl::Status Damaged() {
  return absl::DataLossError(
      "an entry of the change log cannot be read; check the disk and restore the newest backup");
}

// Sends what the changes say, in messages of bounded size.
class Messages {
 public:
  Messages(rpc::Writer<internal::v1::FollowEventsResponse>& out, base::Clock& clock)
      : out_(out), clock_(clock) {}

  absl::Status Add(const storage::Change& change) {
    record::v1::ChangeEntry entry;
    if (!entry.ParseFromString(change.entry)) return Damaged();
    message_.set_position(change.position);
    if (entry.kind() == kIntentsChanged) {
      PHAROS_RETURN_IF_ERROR(Read(entry, change.position, *message_.add_batches()));
    } else if (entry.kind() == kReplyReceived || entry.kind() == kReplyForgotten) {
      PHAROS_RETURN_IF_ERROR(Read(entry, change.position, *message_.add_replies()));
    }
    return bytes_ < kMostBytes ? absl::OkStatus() : Send();
  }
  // CANCELLED: the caller has gone.
  absl::Status Send() {
    message_.set_time_us(clock_.WallMicros());
    if (!out_.Write(message_)) return absl::CancelledError("the caller has gone");
    message_.clear_batches();
    message_.clear_replies();
    bytes_ = 0;
    return absl::OkStatus();
  }
  void At(uint64_t position) { message_.set_position(position); }

 private:
  template <typename Facts>
  absl::Status Read(const record::v1::ChangeEntry& entry, uint64_t position, Facts& facts) {
    if (!facts.ParseFromString(entry.facts())) return Damaged();
    facts.set_position(position);
    bytes_ += entry.facts().size();
    return absl::OkStatus();
  }

  rpc::Writer<internal::v1::FollowEventsResponse>& out_;
  base::Clock& clock_;
  internal::v1::FollowEventsResponse message_;
  size_t bytes_ = 0;
};

}  // namespace

absl::Status FeedService::FollowEvents(rpc::Call& call, const internal::v1::FollowEventsRequest& request,
                                       rpc::Writer<internal::v1::FollowEventsResponse>& out) {
  Messages messages(out, clock_);
  uint64_t position = request.cursor();
  messages.At(position);
  int64_t sent_us = 0;
  while (!call.cancelled() && call.RemainingMicros() > 0) {
    PHAROS_ASSIGN_OR_RETURN(const std::vector<storage::Change> changes,
                            store_.ReadChanges(position, kMostChanges));
    for (const storage::Change& change : changes) {
      PHAROS_RETURN_IF_ERROR(messages.Add(change));
      position = change.position;
    }
    if (!changes.empty() || clock_.BootMicros() - sent_us >= kSilenceMicros) {
      PHAROS_RETURN_IF_ERROR(messages.Send());
      sent_us = clock_.BootMicros();
    }
    if (changes.empty()) (void)store_.WaitForChange(position, kLookMicros);
  }
  return absl::OkStatus();
}

}  // namespace pharos::dispatch
