// The audience service's errors, by name. Messages say what to do next and hold no personal data.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace pharos::audience {

struct AudienceErrors {
  // `position` is the 1-based character at which the filter goes wrong; `message` says what was expected
  // there.
  static absl::Status FilterWrong(size_t position, std::string_view message,
                                  std::map<std::string, std::string> metadata = {});
  static absl::Status AudienceExists(std::string_view name);
  static absl::Status AudienceNotFound(std::string_view name);
  static absl::Status AudienceIdWrong();
  static absl::Status NothingAsked();
  static absl::Status PurposeNotFound(std::string_view purpose);
  static absl::Status PurposeRetired(std::string_view purpose);
  static absl::Status ChannelsMissing();
  static absl::Status ChannelWrong(size_t index);
  static absl::Status ChannelRepeated(size_t index);
  static absl::Status RequestIdMissing();
  static absl::Status RequestIdReused();
  static absl::Status PageTokenWrong();
  static absl::Status PinNotFound(std::string_view pin);
  static absl::Status NothingPinned(std::string_view campaign);
  // The index is still being filled from the customer service.
  static absl::Status Loading();
  // The index is full but has not caught up with `wanted` in time.
  static absl::Status Behind(uint64_t applied, uint64_t wanted);
  // What people did has not been read so far yet.
  static absl::Status EngagementBehind(uint64_t applied, uint64_t wanted);
  static absl::Status CampaignFolded(std::string_view campaign, size_t most);
  // Snapshots. `oldest_us` 0: none is kept yet.
  static absl::Status SnapshotNotKept(int64_t oldest_us);
  static absl::Status SnapshotInFuture();
  static absl::Status SnapshotUnreadable(int64_t time_us);
  static absl::Status PinDamaged(std::string_view pin);

  // Tables. `nearest` may be empty.
  static absl::Status DimensionWrong(size_t index, std::string_view message, std::string_view nearest = {});
  static absl::Status EdgesWrong(size_t index, std::string_view message);
  static absl::Status MeasureRepeated(size_t index);
  static absl::Status TooManyCells(size_t most);
  // A principal has asked for so many different numbers that the guard against differencing is full.
  static absl::Status QuestionsExhausted(size_t most);
  // What a principal was told before is still being read.
  static absl::Status QuestionsLoading();

  // Saved audiences.
  static absl::Status AudienceChanged(std::string_view name, uint32_t newest);
  static absl::Status NothingToUpdate();
  static absl::Status VersionsFull(std::string_view name, uint32_t most);

  // Lists and exports.
  static absl::Status PeopleNotYours();
  static absl::Status ExportFieldWrong(size_t index, std::string_view name, std::string_view nearest);
  static absl::Status StreamCut();

  // Questions that were kept.
  static absl::Status QueryNotFound(std::string_view query);
  static absl::Status QueryNotReplayable(std::string_view query);
};

}  // namespace pharos::audience
