#include "services/engagement/feed_service.h"

#include "services/base/errors.h"
#include "services/engagement/errors.h"

namespace pharos::engagement {
namespace {

constexpr int64_t kSilenceMicros = 1'000'000;  // an answer at least so often
constexpr int64_t kLookMicros = 100'000;       // how long a caller who has gone may go unnoticed

}  // namespace

absl::Status FeedService::FollowEngagement(rpc::Call& call,
                                           const internal::v1::FollowEngagementRequest& request,
                                           rpc::Writer<internal::v1::FollowEngagementResponse>& out) {
  uint64_t position = request.cursor();
  PHAROS_ASSIGN_OR_RETURN(const uint64_t last, store_.Cursor());
  if (position > last) return errors::CursorUnknown(last);
  int64_t sent_us = 0;
  bool first = true;
  while (!call.cancelled() && !counters_.stopping() && call.RemainingMicros() > 0) {
    internal::v1::FollowEngagementResponse news;
    PHAROS_RETURN_IF_ERROR(store_.ReadEngaged(position, news));
    const bool moved = news.position() > position;
    if (moved || first || clock_.BootMicros() - sent_us >= kSilenceMicros) {
      if (!out.Write(news)) return absl::CancelledError("the caller has gone");
      sent_us = clock_.BootMicros();
    }
    first = false;
    position = news.position();
    if (!moved) counters_.WaitForApplied(position, kLookMicros);
  }
  return errors::Stopping();
}

absl::Status FeedService::GetPosition(rpc::Call&, const internal::v1::GetPositionRequest&,
                                      internal::v1::GetPositionResponse& response) {
  PHAROS_ASSIGN_OR_RETURN(const uint64_t position, store_.Cursor());
  response.set_position(position);
  return absl::OkStatus();
}

}  // namespace pharos::engagement
