#include "services/customer/feed_service.h"

#include <algorithm>
#include <array>
#include <set>

#include "pharos/record/v1/change.pb.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/keys.h"
#include "services/customer/tables.h"
#include "storage/envelope.h"

namespace pharos::customer {

using internal::v1::FollowPeopleResponse;
using internal::v1::FollowPurposesResponse;
using record::v1::PersonRow;

namespace {

// What filters may use; names and contact details stay at home.
constexpr std::array<std::string_view, 8> kFilterFields = {
    "date_of_birth", "sex", "area", "postcode", "language", "organisation", "role", "interests"};

absl::Status CallerGone() {
  return absl::CancelledError("the caller has gone");
}
absl::Status Stopping() {
  return base::MakeError(absl::StatusCode::kUnavailable, "STOPPING",
                         "the service stops; follow again from the last cursor");
}
absl::Status CursorUnknown(uint64_t last) {
  return base::MakeError(absl::StatusCode::kOutOfRange, "CURSOR_UNKNOWN",
                         "the cursor is ahead of this store; start again at 0",
                         {{"last", std::to_string(last)}});
}

absl::StatusOr<std::string> ResourceOf(const storage::Change& change) {
  record::v1::ChangeEntry entry;
  if (!entry.ParseFromString(change.entry))
    return absl::DataLossError("an entry of the change log cannot be read");
  return entry.resource();
}

// Messages of at most kMostPeople; a position is told with the last one only, when all before it has been
// sent.
class Batch {
 public:
  Batch(rpc::Writer<FollowPeopleResponse>& feed, uint64_t reached) : feed_(feed) {
    message_.set_cursor(reached);
  }

  // False: the caller has gone.
  bool Add(internal::v1::PersonState state) {
    *message_.add_people() = std::move(state);
    if (message_.people_size() < FeedService::kMostPeople) return true;
    const bool sent = feed_.Write(message_);
    message_.clear_people();
    return sent;
  }
  bool Finish(uint64_t reached) {
    message_.set_cursor(reached);
    return feed_.Write(message_);
  }

 private:
  rpc::Writer<FollowPeopleResponse>& feed_;
  FollowPeopleResponse message_;
};

}  // namespace

absl::Status FeedService::AddState(const storage::View& view, const PersonRow& person,
                                   internal::v1::PersonState& state) const {
  state.set_person(person.name());
  *state.mutable_audience_kinds() = person.audience_kinds();
  for (const auto& field : person.fields()) {
    const bool published =
        std::find(kFilterFields.begin(), kFilterFields.end(), field.field()) != kFilterFields.end();
    if (published) (*state.mutable_fields())[field.field()] = field.value();
  }
  std::set<std::string> sources;
  for (const auto& record : person.records()) {
    if (const auto id = ParseRecordName(record)) sources.insert("sources/" + id->source);
  }
  for (const auto& source : sources) state.add_sources(source);
  state.set_updated_time_us(person.update_time_us());
  PHAROS_ASSIGN_OR_RETURN(*state.mutable_gate(), people_.FactsOf(view, person));
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> FeedService::SendSnapshot(Feed& feed) const {
  const std::unique_ptr<storage::View> view = store_.Read();
  Batch batch(feed, 0);
  absl::Status status;
  PHAROS_RETURN_IF_ERROR(view->Scan(storage::PrefixRange(storage::KeyWriter(kPerson).str()),
                                    [&](std::string_view, std::string_view value) {
                                      PersonRow person;
                                      internal::v1::PersonState state;
                                      status = storage::DecodeRecord(value, person);
                                      if (status.ok()) status = AddState(*view, person, state);
                                      if (status.ok() && (stopped_ || !batch.Add(std::move(state))))
                                        status = CallerGone();
                                      return status.ok();
                                    }));
  PHAROS_RETURN_IF_ERROR(status);
  if (!batch.Finish(view->position())) return CallerGone();
  return view->position();
}

absl::Status FeedService::SendChanged(const std::vector<storage::Change>& changes, uint64_t from,
                                      Feed& feed) const {
  std::set<std::string> names;
  for (const auto& change : changes) {
    PHAROS_ASSIGN_OR_RETURN(std::string resource, ResourceOf(change));
    if (!base::Segment(resource, "people").empty()) names.insert(std::move(resource));
  }
  // At least as new as the changes: a state may be ahead of the cursor told, and comes again then.
  const std::unique_ptr<storage::View> view = store_.Read();
  Batch batch(feed, from);
  for (const auto& name : names) {
    PHAROS_ASSIGN_OR_RETURN(const std::optional<PersonRow> person, people_.Load(*view, name));
    internal::v1::PersonState state;
    if (person && person->name() == name) {
      PHAROS_RETURN_IF_ERROR(AddState(*view, *person, state));
    } else {
      state.set_person(name);
      state.set_gone(true);
    }
    if (!batch.Add(std::move(state))) return CallerGone();
  }
  return batch.Finish(changes.back().position) ? absl::OkStatus() : CallerGone();
}

absl::Status FeedService::FollowPeople(rpc::Call& call, const internal::v1::FollowPeopleRequest& request,
                                       Feed& feed) {
  uint64_t cursor = request.cursor();
  if (cursor > store_.LastPosition()) return CursorUnknown(store_.LastPosition());
  if (cursor == 0) {
    PHAROS_ASSIGN_OR_RETURN(cursor, SendSnapshot(feed));
  }
  while (!Ended(call)) {
    if (!store_.WaitForChange(cursor, kWaitMicros)) continue;
    PHAROS_ASSIGN_OR_RETURN(const std::vector<storage::Change> changes,
                            store_.ReadChanges(cursor, kMostChanges));
    if (changes.empty()) continue;
    PHAROS_RETURN_IF_ERROR(SendChanged(changes, cursor, feed));
    cursor = changes.back().position;
  }
  return stopped_ ? Stopping() : CallerGone();
}

absl::StatusOr<uint64_t> FeedService::SendPurposes(rpc::Writer<FollowPurposesResponse>& feed) const {
  const std::unique_ptr<storage::View> view = store_.Read();
  FollowPurposesResponse message;
  absl::Status damaged;
  PHAROS_RETURN_IF_ERROR(view->Scan(storage::PrefixRange(storage::KeyWriter(kPurpose).str()),
                                    [&](std::string_view, std::string_view value) {
                                      record::v1::PurposeRow row;
                                      damaged = storage::DecodeRecord(value, row);
                                      auto* purpose = message.add_purposes();
                                      purpose->set_purpose(row.name());
                                      purpose->set_purpose_class(row.purpose_class());
                                      purpose->set_lawful_basis(row.lawful_basis());
                                      return damaged.ok();
                                    }));
  PHAROS_RETURN_IF_ERROR(damaged);
  if (!feed.Write(message)) return CallerGone();
  return view->position();
}

absl::Status FeedService::FollowPurposes(rpc::Call& call, const internal::v1::FollowPurposesRequest& request,
                                         rpc::Writer<FollowPurposesResponse>& feed) {
  PHAROS_ASSIGN_OR_RETURN(uint64_t cursor, SendPurposes(feed));
  while (!Ended(call)) {
    if (!store_.WaitForChange(cursor, kWaitMicros)) continue;
    PHAROS_ASSIGN_OR_RETURN(const std::vector<storage::Change> changes,
                            store_.ReadChanges(cursor, kMostChanges));
    bool purposes_changed = false;
    for (const auto& change : changes) {
      PHAROS_ASSIGN_OR_RETURN(const std::string resource, ResourceOf(change));
      purposes_changed = purposes_changed || !base::Segment(resource, "purposes").empty();
      cursor = change.position;
    }
    if (!purposes_changed) continue;
    PHAROS_ASSIGN_OR_RETURN(cursor, SendPurposes(feed));
  }
  return stopped_ ? Stopping() : CallerGone();
}

absl::Status FeedService::GetPosition(rpc::Call& call, const internal::v1::GetPositionRequest& request,
                                      internal::v1::GetPositionResponse& response) {
  response.set_position(store_.LastPosition());
  return absl::OkStatus();
}

}  // namespace pharos::customer
