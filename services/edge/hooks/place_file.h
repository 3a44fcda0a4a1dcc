// How far a webhook has come, on disk: one small file a webhook, replaced whole (written beside, synced,
// renamed, the folder synced). It holds no personal data. Losing it loses nothing: the feed begins with
// everybody again.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "services/edge/hooks/event.h"

namespace pharos::edge::hooks {

// Belongs to one thread.
class PlaceFile {
 public:
  // `folder` is made if need be. `name` is the webhook's. A file of another feed or agreement, or one that
  // cannot be read, begins anew. UNAVAILABLE (WEBHOOK_TAKEN): another process posts this webhook; UNAVAILABLE
  // (PLACE_UNWRITABLE): the disk refuses.
  static absl::StatusOr<std::unique_ptr<PlaceFile>> Open(const std::string& folder, const std::string& name,
                                                         const EventForm& form, int64_t now_us);
  ~PlaceFile();
  PlaceFile(const PlaceFile&) = delete;
  PlaceFile& operator=(const PlaceFile&) = delete;

  const EventPlace& place() const { return place_; }
  // On disk before it returns, else UNAVAILABLE (PLACE_UNWRITABLE) and the place is as it was.
  absl::Status MoveTo(const std::string& cursor);
  // Everybody again, as a new run.
  absl::Status BeginAnew(int64_t now_us);

 private:
  PlaceFile(std::string folder, std::string name, const EventForm& form, int lock);
  bool Load();
  absl::Status Save(const EventPlace& place);

  const std::string folder_, name_, feed_;
  const int lock_;  // a file that is ours while we live
  EventPlace place_;
};

}  // namespace pharos::edge::hooks
