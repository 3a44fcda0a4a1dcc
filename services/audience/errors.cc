#include "services/audience/errors.h"

#include <fmt/format.h>

#include <chrono>

#include "services/base/errors.h"

namespace pharos::audience {
namespace {

// RFC 3339, to the second.
std::string UtcText(int64_t time_us) {
  using std::chrono::floor;
  const std::chrono::sys_time<std::chrono::microseconds> time{std::chrono::microseconds(time_us)};
  const auto day = floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(floor<std::chrono::seconds>(time - day));
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

constexpr int64_t kRetryMs = 500;  // the feed carries tens of thousands of people a second

absl::Status Invalid(std::string_view reason, std::string_view field, std::string message,
                     std::map<std::string, std::string> metadata = {}) {
  base::ErrorFacts facts;
  facts.reason = reason;
  facts.metadata = std::move(metadata);
  facts.violations.push_back({std::string(field), message});
  return base::MakeError(absl::StatusCode::kInvalidArgument, message, std::move(facts));
}

absl::Status Unavailable(std::string_view reason, std::string message,
                         std::map<std::string, std::string> metadata) {
  base::ErrorFacts facts;
  facts.reason = reason;
  facts.metadata = std::move(metadata);
  facts.retry_after_ms = kRetryMs;
  return base::MakeError(absl::StatusCode::kUnavailable, message, std::move(facts));
}

absl::Status NotFound(std::string_view reason, std::string message, std::string_view kind,
                      std::string_view name) {
  return base::MakeError(absl::StatusCode::kNotFound, reason, message,
                         {{std::string(kind), std::string(name)}});
}

}  // namespace

absl::Status AudienceErrors::FilterWrong(size_t position, std::string_view message,
                                         std::map<std::string, std::string> metadata) {
  metadata["position"] = std::to_string(position);
  return Invalid("FILTER_WRONG", "filter", fmt::format("filter, character {}: {}", position, message),
                 std::move(metadata));
}

absl::Status AudienceErrors::AudienceExists(std::string_view name) {
  return base::MakeError(
      absl::StatusCode::kAlreadyExists, "AUDIENCE_EXISTS",
      fmt::format("{} exists already: choose another id, or use the one that is there", name),
      {{"audience", std::string(name)}});
}

absl::Status AudienceErrors::AudienceNotFound(std::string_view name) {
  return NotFound("AUDIENCE_NOT_FOUND",
                  fmt::format("there is no {}: ListAudiences shows those there are", name), "audience", name);
}

absl::Status AudienceErrors::AudienceIdWrong() {
  return Invalid("AUDIENCE_ID_WRONG", "audience_id",
                 "an audience id has 1 to 63 of a-z, 0-9 and -, and begins and ends with a letter or digit");
}

absl::Status AudienceErrors::NothingAsked() {
  return Invalid("AUDIENCE_OR_FILTER_MISSING", "audience",
                 "give an audience or a filter (an empty filter means everybody)");
}

absl::Status AudienceErrors::PurposeNotFound(std::string_view purpose) {
  return NotFound("PURPOSE_NOT_FOUND",
                  fmt::format("there is no {}: register it first, with CreatePurpose", purpose), "purpose",
                  purpose);
}

absl::Status AudienceErrors::PurposeRetired(std::string_view purpose) {
  return base::MakeError(
      absl::StatusCode::kFailedPrecondition, "PURPOSE_RETIRED",
      fmt::format("{} is retired: nothing new is sent for it. Choose a purpose that is in use.", purpose),
      {{"purpose", std::string(purpose)}});
}

absl::Status AudienceErrors::ChannelsMissing() {
  return Invalid("CHANNELS_MISSING", "channels",
                 "with a purpose, name at least one channel, e.g. CHANNEL_SMS");
}

absl::Status AudienceErrors::ChannelWrong(size_t index) {
  return Invalid("CHANNEL_UNKNOWN", fmt::format("channels[{}]", index),
                 "the channels are CHANNEL_SMS and CHANNEL_EMAIL");
}

absl::Status AudienceErrors::ChannelRepeated(size_t index) {
  return Invalid("CHANNEL_REPEATED", fmt::format("channels[{}]", index),
                 "name each channel once, in the order to try");
}

absl::Status AudienceErrors::RequestIdMissing() {
  return Invalid("REQUEST_ID_MISSING", "request_id",
                 "give a request id, so that a repeat finds the same pin");
}

absl::Status AudienceErrors::RequestIdReused() {
  return Invalid("REQUEST_ID_REUSED", "request_id",
                 "this request id was used for another request: use a new one for a new request");
}

absl::Status AudienceErrors::PageTokenWrong() {
  return Invalid("PAGE_TOKEN_WRONG", "page_token",
                 "this page token is not from the page before of the same query: start again without one");
}

absl::Status AudienceErrors::PinNotFound(std::string_view pin) {
  return NotFound("PIN_NOT_FOUND", fmt::format("there is no {}: pin the members first", pin), "pin", pin);
}

absl::Status AudienceErrors::NothingPinned(std::string_view campaign) {
  return NotFound("NOTHING_PINNED",
                  fmt::format("no members were pinned for {}: submit it for approval first", campaign),
                  "campaign", campaign);
}

absl::Status AudienceErrors::Loading() {
  return Unavailable("AUDIENCE_LOADING",
                     "the audience service is still reading people from the customer service: try again", {});
}

absl::Status AudienceErrors::Behind(uint64_t applied, uint64_t wanted) {
  return Unavailable(
      "AUDIENCE_BEHIND",
      fmt::format("the audience service has seen change {} of {}: try again, or allow more time", applied,
                  wanted),
      {{"applied", std::to_string(applied)}, {"wanted", std::to_string(wanted)}});
}

absl::Status AudienceErrors::EngagementBehind(uint64_t applied, uint64_t wanted) {
  return Unavailable("ENGAGEMENT_BEHIND",
                     fmt::format("the audience service has read what people did up to event {} of {}: try "
                                 "again, or allow more time",
                                 applied, wanted),
                     {{"applied", std::to_string(applied)}, {"wanted", std::to_string(wanted)}});
}

absl::Status AudienceErrors::CampaignFolded(std::string_view campaign, size_t most) {
  return base::MakeError(
      absl::StatusCode::kFailedPrecondition, "CAMPAIGN_NOT_TOLD_APART",
      fmt::format("{} has had no news for longer than {} others, so that it is only known as some campaign: "
                  "ask engaged(\"*\", …), or for its events",
                  campaign, most),
      {{"campaign", std::string(campaign)}});
}

absl::Status AudienceErrors::SnapshotNotKept(int64_t oldest_us) {
  if (oldest_us == 0) {
    return base::MakeError(absl::StatusCode::kFailedPrecondition, "SNAPSHOT_NOT_KEPT",
                           "no snapshot has been taken yet: one is taken each day; ask how it is now", {});
  }
  return base::MakeError(
      absl::StatusCode::kFailedPrecondition, "SNAPSHOT_NOT_KEPT",
      fmt::format("no snapshot from then or before is kept: the oldest is of {}", UtcText(oldest_us)),
      {{"oldest_time_us", std::to_string(oldest_us)}, {"oldest", UtcText(oldest_us)}});
}

absl::Status AudienceErrors::SnapshotInFuture() {
  return Invalid("AS_OF_IN_FUTURE", "as_of_time_us",
                 "that time is still to come: leave it out to ask how it is now");
}

absl::Status AudienceErrors::SnapshotUnreadable(int64_t time_us) {
  return Unavailable(
      "SNAPSHOT_UNREADABLE",
      fmt::format("the snapshot of {} could not be read: is the access service there, and space "
                  "in /dev/shm? Else choose another day",
                  UtcText(time_us)),
      {{"snapshot", UtcText(time_us)}});
}

absl::Status AudienceErrors::PinDamaged(std::string_view pin) {
  return base::MakeError(
      absl::StatusCode::kDataLoss, "PIN_DAMAGED",
      fmt::format("rows of {} are missing: pin the members again, and check the store", pin),
      {{"pin", std::string(pin)}});
}

absl::Status AudienceErrors::DimensionWrong(size_t index, std::string_view message,
                                            std::string_view nearest) {
  std::map<std::string, std::string> metadata;
  if (!nearest.empty()) metadata["nearest"] = nearest;
  return Invalid("DIMENSION_WRONG", fmt::format("dimensions[{}].field", index),
                 fmt::format("dimensions[{}]: {}", index, message), std::move(metadata));
}

absl::Status AudienceErrors::EdgesWrong(size_t index, std::string_view message) {
  return Invalid("EDGES_WRONG", fmt::format("dimensions[{}].edges", index),
                 fmt::format("dimensions[{}].edges: {}", index, message));
}

absl::Status AudienceErrors::MeasureRepeated(size_t index) {
  return Invalid("MEASURE_REPEATED", fmt::format("measures[{}].name", index),
                 "give each measure a name of its own");
}

absl::Status AudienceErrors::TooManyCells(size_t most) {
  return Invalid("TOO_MANY_CELLS", "dimensions",
                 fmt::format("the table has more than {} cells: use fewer dimensions or broader bands", most),
                 {{"most", std::to_string(most)}});
}

absl::Status AudienceErrors::QuestionsExhausted(size_t most) {
  return base::MakeError(
      absl::StatusCode::kResourceExhausted, "QUESTIONS_EXHAUSTED",
      fmt::format("you have been told {} different numbers in 30 days, and each new one could tell of single "
                  "people together with those: ask again what you asked before, or wait",
                  most),
      {{"most", std::to_string(most)}});
}

absl::Status AudienceErrors::QuestionsLoading() {
  return Unavailable("QUESTIONS_LOADING",
                     "what you asked before is still being read, so that no answer gives it away: try again",
                     {});
}

absl::Status AudienceErrors::AudienceChanged(std::string_view name, uint32_t newest) {
  return base::MakeError(
      absl::StatusCode::kAborted, "AUDIENCE_CHANGED",
      fmt::format("{} is at version {} by now: look at it, then update that version", name, newest),
      {{"audience", std::string(name)}, {"version", std::to_string(newest)}});
}

absl::Status AudienceErrors::NothingToUpdate() {
  return Invalid("NOTHING_TO_UPDATE", "audience",
                 "the newest version has this filter and display name already: change one of them");
}

absl::Status AudienceErrors::VersionsFull(std::string_view name, uint32_t most) {
  return base::MakeError(
      absl::StatusCode::kFailedPrecondition, "VERSIONS_FULL",
      fmt::format("{} has {} versions, and all are kept: save the filter as a new audience", name, most),
      {{"audience", std::string(name)}});
}

absl::Status AudienceErrors::PeopleNotYours() {
  return base::MakeError(absl::StatusCode::kPermissionDenied, "PERMISSION_MISSING",
                         "names of people need the permission people.read: ask for pseudonyms instead",
                         {{"permission", "people.read"}});
}

absl::Status AudienceErrors::ExportFieldWrong(size_t index, std::string_view name, std::string_view nearest) {
  std::map<std::string, std::string> metadata;
  if (!nearest.empty()) metadata["nearest"] = nearest;
  const std::string hint = nearest.empty() ? "" : fmt::format(" did you mean \"{}\"?", nearest);
  return Invalid(
      "FIELD_WRONG", fmt::format("fields[{}]", index),
      fmt::format("{} is no field that can be exported;{} ListFields shows the fields", name, hint),
      std::move(metadata));
}

absl::Status AudienceErrors::StreamCut() {
  return base::MakeError(absl::StatusCode::kCancelled, "STREAM_CUT",
                         "the caller went away before the end: ask again for the whole list", {});
}

absl::Status AudienceErrors::QueryNotFound(std::string_view query) {
  return NotFound("QUERY_NOT_FOUND", fmt::format("there is no {}: ListQueries shows those there are", query),
                  "query", query);
}

absl::Status AudienceErrors::QueryNotReplayable(std::string_view query) {
  return base::MakeError(
      absl::StatusCode::kFailedPrecondition, "QUERY_NOT_REPLAYABLE",
      fmt::format("{} cannot be asked again: this version of Pharos does not know its method or its form",
                  query),
      {{"query", std::string(query)}});
}

}  // namespace pharos::audience
