#include "services/customer/feed_out.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "pharos/record/v1/change.pb.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/agreement_store.h"
#include "services/customer/errors.h"
#include "services/customer/keys.h"
#include "services/customer/purpose_store.h"
#include "services/customer/sealed_rows.h"
#include "services/customer/tables.h"
#include "services/rpc/audit.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"

namespace pharos::customer {

using record::v1::AgreementRow;
using record::v1::PersonRow;
using record::v1::RecordRow;

namespace {

absl::StatusOr<record::v1::ChangeEntry> EntryOf(const storage::Change& change) {
  record::v1::ChangeEntry entry;
  if (!entry.ParseFromString(change.entry))
    return absl::DataLossError("an entry of the change log cannot be read");
  return entry;
}

// The people of some changes, each with the time of its first.
absl::StatusOr<std::map<std::string, int64_t>> PeopleIn(const std::vector<storage::Change>& changes) {
  std::map<std::string, int64_t> people;
  for (const auto& change : changes) {
    PHAROS_ASSIGN_OR_RETURN(record::v1::ChangeEntry entry, EntryOf(change));
    if (entry.kind() != "person.changed" || base::Segment(entry.resource(), "people").empty()) continue;
    const auto [it, added] = people.emplace(entry.resource(), entry.time_us());
    if (!added) it->second = std::min(it->second, entry.time_us());
  }
  return people;
}

std::vector<std::string> NamesOf(const std::vector<SharedPerson>& people) {
  std::vector<std::string> names;
  for (const auto& shared : people) names.push_back(shared.person.name());
  return names;
}

// Blind indexes of what the partner's own records say; the records are open.
std::set<std::string> EndpointsOf(const PersonStore& people, const std::vector<RecordRow>& records) {
  std::set<std::string> endpoints;
  for (const auto& record : records) {
    const auto phone = record.clean().find("phone");
    if (phone != record.clean().end())
      endpoints.insert(people.EndpointOf(type::v1::CHANNEL_SMS, phone->second));
    const auto email = record.clean().find("email");
    if (email != record.clean().end())
      endpoints.insert(people.EndpointOf(type::v1::CHANNEL_EMAIL, email->second));
  }
  return endpoints;
}

absl::StatusOr<std::vector<record::v1::PurposeRow>> PurposesOf(const storage::View& view,
                                                               const AgreementRow& agreement) {
  std::vector<record::v1::PurposeRow> purposes;
  for (const auto& name : agreement.purposes()) {
    PHAROS_ASSIGN_OR_RETURN(auto purpose, LoadPurpose(view, name));
    if (purpose) purposes.push_back(*std::move(purpose));
  }
  return purposes;
}

}  // namespace

absl::StatusOr<std::vector<RecordRow>> FeedOut::SharedRecords(const storage::View& view,
                                                              const AgreementRow& agreement,
                                                              const PersonRow& person, int64_t changed_us,
                                                              std::vector<std::string>& lost) const {
  std::vector<RecordRow> records;
  for (const auto& name : person.records()) {
    if (!IsShared(agreement, name)) continue;
    PHAROS_ASSIGN_OR_RETURN(auto record, people_.LoadRecord(view, name));
    if (!record) continue;
    const int64_t went_us = std::max(record->delete_time_us(), record->erase_time_us());
    if (went_us == 0) {
      records.push_back(*std::move(record));
    } else if (went_us >= changed_us - kGoneMicros) {
      lost.push_back(name);
    }
  }
  return records;
}

// A person who had one of the partner's records at some time since.
absl::StatusOr<bool> FeedOut::HadShared(const storage::View& view, const AgreementRow& agreement,
                                        const std::string& person, int64_t since_us) const {
  storage::KeyRange range = storage::PrefixRange(PersonHistoryPrefix(person));
  range.begin = PersonHistoryKey(person, std::max<int64_t>(since_us, 0));
  bool had = false;
  absl::Status damaged;
  PHAROS_RETURN_IF_ERROR(view.Scan(range, [&](std::string_view, std::string_view value) {
    record::v1::PersonHistoryRow history;
    damaged = storage::DecodeRecord(value, history);
    had = damaged.ok() && std::any_of(history.records().begin(), history.records().end(),
                                      [&](const std::string& record) { return IsShared(agreement, record); });
    return damaged.ok() && !had;
  }));
  PHAROS_RETURN_IF_ERROR(damaged);
  return had;
}

absl::StatusOr<std::optional<SharedPerson>> FeedOut::Find(const storage::View& view,
                                                          const AgreementRow& agreement,
                                                          const std::string& name, int64_t changed_us) const {
  SharedPerson shared;
  PHAROS_ASSIGN_OR_RETURN(auto person, people_.Load(view, name));
  if (person && person->name() == name) {
    shared.person = *std::move(person);
    PHAROS_ASSIGN_OR_RETURN(shared.records,
                            SharedRecords(view, agreement, shared.person, changed_us, shared.lost));
    if (!shared.records.empty()) return shared;
  }
  shared.person.set_name(name);
  shared.gone = true;
  if (!shared.lost.empty()) return shared;
  PHAROS_ASSIGN_OR_RETURN(const bool had, HadShared(view, agreement, name, changed_us - kGoneMicros));
  if (!had) return std::nullopt;
  return shared;
}

absl::StatusOr<FeedPlace> FeedOut::PlaceOf(const std::string& feed, const std::string& cursor) const {
  if (cursor.empty()) return FeedPlace{true, store_.LastPosition(), {}};
  auto place = ReadFeedCursor(blind_, feed, cursor);
  if (!place) return errors::CursorWrong();
  // From a store that was lost: what it said since is not known here.
  if (place->position > store_.LastPosition()) return errors::CursorTooOld();
  return *std::move(place);
}

absl::Status FeedOut::Tell(Follower& follower, const storage::View& view, std::vector<SharedPerson> people) {
  PHAROS_ASSIGN_OR_RETURN(const AgreementBook::Use use,
                          agreements_.Follow(AskerOf(follower.call.caller()), follower.agreement.name()));
  if (!people.empty()) {
    PHAROS_RETURN_IF_ERROR(
        rpc::AuditRead(follower.call, store_, "people.followed", NamesOf(people), clock_.WallMicros()));
  }
  follower.told_us = clock_.BootMicros();
  return follower.show(view, std::move(people), WriteFeedCursor(blind_, follower.feed, follower.place),
                       follower.outbox);
}

absl::Status FeedOut::Snapshot(Follower& follower) {
  const std::unique_ptr<storage::View> view = store_.Read();
  storage::KeyRange range = storage::PrefixRange(storage::KeyWriter(kPerson).str());
  if (!follower.place.person.empty()) range.begin = PersonKey(follower.place.person) + '\0';
  std::vector<SharedPerson> people;
  size_t scanned = 0;
  bool more = false;
  absl::Status failed;
  PHAROS_RETURN_IF_ERROR(view->Scan(range, [&](std::string_view, std::string_view value) {
    more = people.size() == kMostPeople || scanned++ == kMostScanned;
    if (more) return false;
    SharedPerson shared;
    failed = storage::DecodeRecord(value, shared.person);
    if (!failed.ok()) return false;
    follower.place.person = shared.person.name();
    auto records = SharedRecords(*view, follower.agreement, shared.person, INT64_MAX, shared.lost);
    failed = records.status();
    if (records.ok() && !records->empty()) {
      shared.records = *std::move(records);
      people.push_back(std::move(shared));
    }
    return failed.ok();
  }));
  PHAROS_RETURN_IF_ERROR(failed);
  if (!more) follower.place = {false, follower.place.position, {}};
  // Nothing to tell in between: on to the next ones.
  return more && people.empty() ? absl::OkStatus() : Tell(follower, *view, std::move(people));
}

absl::Status FeedOut::Changes(Follower& follower) {
  auto changes = store_.ReadChanges(follower.place.position, kMostChanges);
  if (base::ReasonOf(changes.status()) == "CURSOR_TOO_OLD") return errors::CursorTooOld();
  PHAROS_RETURN_IF_ERROR(changes.status());
  if (changes->empty()) return absl::OkStatus();
  PHAROS_ASSIGN_OR_RETURN(const auto changed, PeopleIn(*changes));
  // At least as new as the changes.
  const std::unique_ptr<storage::View> view = store_.Read();
  std::vector<SharedPerson> people;
  for (const auto& [name, time_us] : changed) {
    PHAROS_ASSIGN_OR_RETURN(auto shared, Find(*view, follower.agreement, name, time_us));
    if (!shared) continue;
    // The cursor stays where it was: there is more of these changes.
    if (people.size() == kMostPeople)
      PHAROS_RETURN_IF_ERROR(Tell(follower, *view, std::exchange(people, {})));
    people.push_back(*std::move(shared));
  }
  follower.place.position = changes->back().position;
  const bool due = clock_.BootMicros() - follower.told_us >= kCursorMicros;
  return people.empty() && !due ? absl::OkStatus() : Tell(follower, *view, std::move(people));
}

absl::Status FeedOut::Follow(rpc::Call& call, std::string_view kind, const std::string& agreement,
                             const std::string& cursor, const Show& show) {
  const Asker asker = AskerOf(call.caller());
  PHAROS_ASSIGN_OR_RETURN(AgreementBook::Use use, agreements_.Follow(asker, agreement));
  const std::string feed = fmt::format("{}:{}", kind, agreement);
  PHAROS_ASSIGN_OR_RETURN(FeedPlace place, PlaceOf(feed, cursor));
  PHAROS_RETURN_IF_ERROR(rpc::AuditRead(call, store_, "people.followed", {}, clock_.WallMicros()));
  Follower follower{call, feed, *use.agreement(), show, std::move(place), clock_.BootMicros()};
  use.Release();
  while (!Ended(call)) {
    if (follower.place.snapshot) {
      PHAROS_RETURN_IF_ERROR(Snapshot(follower));
    } else if (store_.WaitForChange(follower.place.position, kWaitMicros)) {
      PHAROS_RETURN_IF_ERROR(Changes(follower));
    } else {
      PHAROS_RETURN_IF_ERROR(agreements_.Follow(asker, agreement).status());
    }
    for (const auto& message : std::exchange(follower.outbox, {})) {
      if (!message()) return errors::CallerGone();
    }
  }
  return errors::Stopping();  // or the caller has gone, who does not hear it
}

absl::Status FeedOut::FollowChanges(rpc::Call& call, const v1::FollowChangesRequest& request,
                                    rpc::Writer<v1::FollowChangesResponse>& feed) {
  PHAROS_ASSIGN_OR_RETURN(const auto agreement, LoadAgreement(store_, request.agreement()));
  const Show show = [&](const storage::View&, std::vector<SharedPerson> people, const std::string& cursor,
                        Outbox& outbox) -> absl::Status {
    std::vector<PersonRow> rows;
    for (auto& shared : people) rows.push_back(std::move(shared.person));
    PHAROS_RETURN_IF_ERROR(people_.Open(rows));
    v1::FollowChangesResponse response;
    for (size_t at = 0; at < people.size(); ++at) {
      people[at].person = std::move(rows[at]);
      *response.add_changes() = ShowChange(*agreement, people[at]);
    }
    response.set_cursor(cursor);
    outbox.push_back([&feed, response = std::move(response)] { return feed.Write(response); });
    return absl::OkStatus();
  };
  return Follow(call, "changes", request.agreement(), request.cursor(), show);
}

absl::StatusOr<std::vector<v1::ConsentState>> FeedOut::StatesOf(const storage::View& view,
                                                                const AgreementRow& agreement,
                                                                std::vector<SharedPerson>& people) const {
  PHAROS_ASSIGN_OR_RETURN(const auto purposes, PurposesOf(view, agreement));
  std::vector<RecordRow> records;
  for (auto& shared : people) {
    for (const auto& record : shared.records) records.push_back(record);
  }
  PHAROS_RETURN_IF_ERROR(people_.Open(records));
  std::vector<v1::ConsentState> states;
  auto next = records.begin();
  for (auto& shared : people) {
    for (auto& record : shared.records) record = std::move(*next++);
    for (auto& state : ShowLost(shared, purposes)) states.push_back(std::move(state));
    if (shared.gone) continue;
    PHAROS_ASSIGN_OR_RETURN(auto facts, people_.FactsOf(view, shared.person));
    for (auto& state :
         ShowConsents(shared, std::move(facts), EndpointsOf(people_, shared.records), purposes)) {
      states.push_back(std::move(state));
    }
  }
  return states;
}

absl::Status FeedOut::FollowConsents(rpc::Call& call, const v1::FollowConsentsRequest& request,
                                     rpc::Writer<v1::FollowConsentsResponse>& feed) {
  PHAROS_ASSIGN_OR_RETURN(const auto agreement, LoadAgreement(store_, request.agreement()));
  const Show show = [&](const storage::View& view, std::vector<SharedPerson> people,
                        const std::string& cursor, Outbox& outbox) -> absl::Status {
    PHAROS_ASSIGN_OR_RETURN(std::vector<v1::ConsentState> states, StatesOf(view, *agreement, people));
    size_t at = 0;
    do {
      v1::FollowConsentsResponse response;
      for (size_t end = std::min(at + kMostPeople, states.size()); at < end; ++at) {
        *response.add_states() = std::move(states[at]);
      }
      // The cursor comes with the last of them.
      if (at == states.size()) response.set_cursor(cursor);
      outbox.push_back([&feed, response = std::move(response)] { return feed.Write(response); });
    } while (at < states.size());
    return absl::OkStatus();
  };
  return Follow(call, "consents", request.agreement(), request.cursor(), show);
}

}  // namespace pharos::customer
