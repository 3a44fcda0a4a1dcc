#include "services/customer/feed_service.h"

#include <algorithm>
#include <array>
#include <set>

#include "pharos/record/v1/change.pb.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/keys.h"
#include "services/customer/tables.h"
#include "services/rpc/audit.h"
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

absl::StatusOr<record::v1::ChangeEntry> EntryOf(const storage::Change& change) {
  record::v1::ChangeEntry entry;
  if (!entry.ParseFromString(change.entry))
    return absl::DataLossError("an entry of the change log cannot be read");
  return entry;
}

// The log is the audit log too: that a person was read is no change.
bool IsOfPerson(const record::v1::ChangeEntry& entry) {
  return entry.kind() == "person.changed" && !base::Segment(entry.resource(), "people").empty();
}

// All purposes, and the position that this is the state of.
absl::StatusOr<uint64_t> ReadPurposes(const storage::Store& store, FollowPurposesResponse& purposes) {
  const std::unique_ptr<storage::View> view = store.Read();
  purposes.Clear();
  absl::Status damaged;
  PHAROS_RETURN_IF_ERROR(view->Scan(storage::PrefixRange(storage::KeyWriter(kPurpose).str()),
                                    [&](std::string_view, std::string_view value) {
                                      record::v1::PurposeRow row;
                                      damaged = storage::DecodeRecord(value, row);
                                      auto* purpose = purposes.add_purposes();
                                      purpose->set_purpose(row.name());
                                      purpose->set_purpose_class(row.purpose_class());
                                      purpose->set_lawful_basis(row.lawful_basis());
                                      purpose->set_retired(row.retire_time_us() != 0);
                                      return damaged.ok();
                                    }));
  PHAROS_RETURN_IF_ERROR(damaged);
  return view->position();
}

}  // namespace

// Messages of at most kMostPeople; a position is told with the last one only, when all before it has been
// sent.
class FeedService::Batch {
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

absl::StatusOr<internal::v1::PersonState> FeedService::StateOf(const storage::View& view,
                                                               const PersonRow& person) const {
  internal::v1::PersonState state;
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
  *state.mutable_former_names() = person.former_names();
  PHAROS_ASSIGN_OR_RETURN(*state.mutable_gate(), people_.FactsOf(view, person));
  return state;
}

absl::StatusOr<bool> FeedService::AddAll(const storage::View& view, std::vector<PersonRow>& people,
                                         Batch& batch) const {
  PHAROS_RETURN_IF_ERROR(people_.Open(people));
  for (const auto& person : people) {
    PHAROS_ASSIGN_OR_RETURN(internal::v1::PersonState state, StateOf(view, person));
    if (!batch.Add(std::move(state))) return false;
  }
  people.clear();
  return true;
}

absl::StatusOr<uint64_t> FeedService::SendSnapshot(Feed& feed) const {
  const std::unique_ptr<storage::View> view = store_.Read();
  Batch batch(feed, 0);
  std::vector<PersonRow> people;
  absl::Status status;
  const auto add = [&]() -> absl::Status {
    PHAROS_ASSIGN_OR_RETURN(const bool sent, AddAll(*view, people, batch));
    return sent && !stopped_ ? absl::OkStatus() : CallerGone();
  };
  PHAROS_RETURN_IF_ERROR(view->Scan(storage::PrefixRange(storage::KeyWriter(kPerson).str()),
                                    [&](std::string_view, std::string_view value) {
                                      status = storage::DecodeRecord(value, people.emplace_back());
                                      if (status.ok() && people.size() == kMostPeople) status = add();
                                      return status.ok();
                                    }));
  PHAROS_RETURN_IF_ERROR(status);
  PHAROS_RETURN_IF_ERROR(add());
  if (!batch.Finish(view->position())) return CallerGone();
  return view->position();
}

absl::Status FeedService::SendChanged(const std::vector<storage::Change>& changes, uint64_t from,
                                      Feed& feed) const {
  std::set<std::string> names;
  for (const auto& change : changes) {
    PHAROS_ASSIGN_OR_RETURN(record::v1::ChangeEntry entry, EntryOf(change));
    if (IsOfPerson(entry)) names.insert(std::move(*entry.mutable_resource()));
  }
  // At least as new as the changes: a state may be ahead of the cursor told, and comes again then.
  const std::unique_ptr<storage::View> view = store_.Read();
  Batch batch(feed, from);
  std::vector<PersonRow> people;
  for (const auto& name : names) {
    PHAROS_ASSIGN_OR_RETURN(std::optional<PersonRow> person, people_.Load(*view, name));
    if (person && person->name() == name) {
      people.push_back(*std::move(person));
      if (people.size() < kMostPeople) continue;
      PHAROS_ASSIGN_OR_RETURN(const bool sent, AddAll(*view, people, batch));
      if (!sent) return CallerGone();
    } else {
      internal::v1::PersonState state;
      state.set_person(name);
      state.set_gone(true);
      if (!batch.Add(std::move(state))) return CallerGone();
    }
  }
  PHAROS_ASSIGN_OR_RETURN(const bool sent, AddAll(*view, people, batch));
  return sent && batch.Finish(changes.back().position) ? absl::OkStatus() : CallerGone();
}

absl::Status FeedService::FollowPeople(rpc::Call& call, const internal::v1::FollowPeopleRequest& request,
                                       Feed& feed) {
  uint64_t cursor = request.cursor();
  if (cursor > store_.LastPosition()) return CursorUnknown(store_.LastPosition());
  PHAROS_RETURN_IF_ERROR(rpc::AuditRead(call, store_, "people.followed", {}, clock_.WallMicros()));
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
    Gather(cursor);
  }
  return stopped_ ? Stopping() : CallerGone();
}

void FeedService::Gather(uint64_t cursor) {
  base::MutexLock lock(mutex_);
  if (asked_ <= cursor) asked_again_.WaitForMicros(lock, kGatherMicros);
}

absl::StatusOr<uint64_t> FeedService::SendPurposes(rpc::Writer<FollowPurposesResponse>& feed) const {
  FollowPurposesResponse message;
  PHAROS_ASSIGN_OR_RETURN(const uint64_t position, ReadPurposes(store_, message));
  if (!feed.Write(message)) return CallerGone();
  return position;
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
      PHAROS_ASSIGN_OR_RETURN(const record::v1::ChangeEntry entry, EntryOf(change));
      purposes_changed = purposes_changed || !base::Segment(entry.resource(), "purposes").empty();
      cursor = change.position;
    }
    if (!purposes_changed) continue;
    PHAROS_ASSIGN_OR_RETURN(cursor, SendPurposes(feed));
  }
  return stopped_ ? Stopping() : CallerGone();
}

absl::Status FeedService::GetPosition(rpc::Call&, const internal::v1::GetPositionRequest& request,
                                      internal::v1::GetPositionResponse& response) {
  return Position(request, response);
}

absl::Status FeedService::Position(const internal::v1::GetPositionRequest& request,
                                   internal::v1::GetPositionResponse& response) {
  const uint64_t position = store_.LastPosition();
  response.set_position(position);
  {
    base::MutexLock lock(mutex_);
    if (position > asked_) asked_again_.NotifyAll();
    asked_ = std::max(asked_, position);
  }
  return request.with_purposes() ? AddPurposes(position, response) : absl::OkStatus();
}

absl::Status FeedService::AddPurposes(uint64_t position, internal::v1::GetPositionResponse& response) {
  base::MutexLock lock(purposes_mutex_);
  if (!purposes_read_ || purposes_at_ < position) {
    purposes_read_ = false;
    PHAROS_ASSIGN_OR_RETURN(purposes_at_, ReadPurposes(store_, purposes_));
    purposes_read_ = true;
  }
  *response.mutable_purposes() = purposes_.purposes();
  return absl::OkStatus();
}

}  // namespace pharos::customer
