#include "services/customer/identity_service.h"

#include <algorithm>
#include <utility>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/assertion_store.h"
#include "services/customer/errors.h"
#include "services/customer/keys.h"
#include "services/rpc/audit.h"

namespace pharos::customer {

using record::v1::AssertionRow;

namespace {

constexpr int kDefaultPage = 100;
constexpr size_t kMostAbout = 10'000;  // decisions about one person: more than anybody makes by hand
constexpr size_t kMostAwaited = 32;    // people waited for one by one; past it for every permit there is
constexpr char kTookPlace[] = "answered before";

// Ends the linker's transaction: another call with the same request id was quicker.
absl::Status TookPlace() {
  return absl::AbortedError(kTookPlace);
}

std::vector<std::string> AllRecords(const AssertionRow& row) {
  std::vector<std::string> records;
  for (const auto& side : row.sides())
    records.insert(records.end(), side.records().begin(), side.records().end());
  return records;
}

}  // namespace

// ---------------------------------------------------------------------------------------------- who is meant

absl::StatusOr<Side> IdentityService::RecordsOfPerson(const storage::View& view,
                                                      const std::string& person) const {
  PHAROS_ASSIGN_OR_RETURN(const auto row, people_.Load(view, person));
  if (!row) return errors::PersonNotFound(person);
  return Side(row->records().begin(), row->records().end());
}

absl::StatusOr<Side> IdentityService::RecordsOf(
    const storage::View& view, const google::protobuf::RepeatedPtrField<std::string>& members) const {
  Side records;
  for (const auto& member : members) {
    if (ParseRecordName(member)) {
      records.push_back(member);
      continue;
    }
    if (base::Segment(member, "people").empty()) return errors::RecordNameWrong();
    PHAROS_ASSIGN_OR_RETURN(const Side more, RecordsOfPerson(view, member));
    records.insert(records.end(), more.begin(), more.end());
  }
  return records;
}

// ------------------------------------------------------------------------------------------------- deciding

absl::Status IdentityService::EndPermits(const std::set<std::string>& people) const {
  if (people.size() > kMostAwaited) {
    opt_outs_.AwaitAllOutstanding();
    return absl::OkStatus();
  }
  for (const auto& person : people) PHAROS_RETURN_IF_ERROR(opt_outs_.AwaitPerson(person));
  return absl::OkStatus();
}

// Whoever was first may have been cut off before its wait.
absl::StatusOr<bool> IdentityService::AnsweredBefore(const rpc::FirstAnswer& first,
                                                     google::protobuf::Message& response) const {
  PHAROS_ASSIGN_OR_RETURN(const bool answered, first.Recall(store_, response));
  if (answered) opt_outs_.AwaitAllOutstanding();
  return answered;
}

absl::Status IdentityService::InWords(const absl::Status& refused, const AssertionRow& row) const {
  if (base::ReasonOf(refused) != "ASSERTION_CONFLICT") return refused;
  const auto known = AssertionsAbout(*store_.Read(), AllRecords(row), kMostAbout);
  return known.ok() ? ConflictInWords(refused, *known) : refused;
}

absl::Status IdentityService::Record(const rpc::Call& call, const google::protobuf::Message& request,
                                     google::protobuf::Message& response, AssertionRow row, bool revoke,
                                     const Fill& fill, int64_t now) const {
  const rpc::FirstAnswer first(call, request, now);
  std::set<std::string> changed;  // whom it linked or split, in this decision's group or beside it
  const ChangeMaker change = [&](std::string_view resource, std::string_view kind, uint64_t version) {
    if (kind == "person.changed") changed.emplace(resource);
    return rpc::ChangeBy(call, resource, kind, version, now);
  };
  bool answered = false;
  const Linker::InTransaction done = [&](storage::Transaction& tx) -> absl::Status {
    PHAROS_ASSIGN_OR_RETURN(answered, first.Recall(tx, response));
    if (answered) return TookPlace();
    fill(row);
    first.Remember(tx, response);
    return absl::OkStatus();
  };
  const absl::Status status = revoke ? linker_.Revoke(row, change, done) : linker_.Assert(row, change, done);
  if (answered) {
    opt_outs_.AwaitAllOutstanding();
    return absl::OkStatus();
  }
  if (!status.ok()) return InWords(status, row);
  return EndPermits(changed);
}

absl::StatusOr<std::vector<std::string>> IdentityService::PeopleOf(const storage::View& view,
                                                                   const v1::Assertion& assertion) const {
  std::set<std::string> people;
  for (const auto& group : assertion.groups()) {
    for (const auto& record : group.members()) {
      PHAROS_ASSIGN_OR_RETURN(const auto row, people_.LoadRecord(view, record));
      if (row && !row->person().empty()) people.insert(row->person());
    }
  }
  return std::vector<std::string>(people.begin(), people.end());
}

absl::Status IdentityService::AddPeople(v1::Assertion& assertion) const {
  assertion.clear_people();
  PHAROS_ASSIGN_OR_RETURN(const auto people, PeopleOf(*store_.Read(), assertion));
  for (const auto& person : people) assertion.add_people(person);
  return absl::OkStatus();
}

absl::Status IdentityService::AssertSame(rpc::Call& call, const v1::AssertSameRequest& request,
                                         v1::Assertion& response) {
  const int64_t now = clock_.WallMicros();
  PHAROS_ASSIGN_OR_RETURN(const bool answered, AnsweredBefore({call, request, now}, response));
  if (answered) return AddPeople(response);
  PHAROS_ASSIGN_OR_RETURN(Side side, RecordsOf(*store_.Read(), request.group().members()));
  PHAROS_ASSIGN_OR_RETURN(AssertionRow row, NewAssertion({std::move(side)}, request.reason(),
                                                         call.caller().principal, base::NewId(now), now));
  PHAROS_RETURN_IF_ERROR(Record(
      call, request, response, std::move(row), false,
      [&](const AssertionRow& stored) { response = ShowAssertion(stored); }, now));
  return AddPeople(response);
}

absl::Status IdentityService::AssertDifferent(rpc::Call& call, const v1::AssertDifferentRequest& request,
                                              v1::Assertion& response) {
  const int64_t now = clock_.WallMicros();
  PHAROS_ASSIGN_OR_RETURN(const bool answered, AnsweredBefore({call, request, now}, response));
  if (answered) return AddPeople(response);
  if (request.groups_size() < 2) return errors::AssertionWrong("name at least two groups");
  std::vector<Side> sides;
  const auto view = store_.Read();
  for (const auto& group : request.groups()) {
    PHAROS_ASSIGN_OR_RETURN(sides.emplace_back(), RecordsOf(*view, group.members()));
  }
  PHAROS_ASSIGN_OR_RETURN(AssertionRow row, NewAssertion(std::move(sides), request.reason(),
                                                         call.caller().principal, base::NewId(now), now));
  PHAROS_RETURN_IF_ERROR(Record(
      call, request, response, std::move(row), false,
      [&](const AssertionRow& stored) { response = ShowAssertion(stored); }, now));
  return AddPeople(response);
}

absl::Status IdentityService::UnlinkRecords(rpc::Call& call, const v1::UnlinkRecordsRequest& request,
                                            v1::UnlinkRecordsResponse& response) {
  const int64_t now = clock_.WallMicros();
  PHAROS_ASSIGN_OR_RETURN(const bool answered, AnsweredBefore({call, request, now}, response));
  if (!answered) {
    PHAROS_ASSIGN_OR_RETURN(const Side person, RecordsOfPerson(*store_.Read(), request.person()));
    PHAROS_ASSIGN_OR_RETURN(std::vector<Side> sides,
                            SidesOfUnlink(person, Side(request.records().begin(), request.records().end())));
    PHAROS_ASSIGN_OR_RETURN(AssertionRow row, NewAssertion(std::move(sides), request.reason(),
                                                           call.caller().principal, base::NewId(now), now));
    PHAROS_RETURN_IF_ERROR(Record(
        call, request, response, std::move(row), false,
        [&](const AssertionRow& stored) { *response.mutable_assertion() = ShowAssertion(stored); }, now));
  }
  PHAROS_RETURN_IF_ERROR(AddPeople(*response.mutable_assertion()));
  *response.mutable_people() = response.assertion().people();
  return absl::OkStatus();
}

absl::Status IdentityService::RevokeAssertion(rpc::Call& call, const v1::RevokeAssertionRequest& request,
                                              v1::Assertion& response) {
  const int64_t now = clock_.WallMicros();
  PHAROS_ASSIGN_OR_RETURN(const bool answered, AnsweredBefore({call, request, now}, response));
  if (answered) return AddPeople(response);
  PHAROS_ASSIGN_OR_RETURN(const auto known, LoadAssertion(*store_.Read(), request.name()));
  if (!known) return errors::AssertionNotFound(request.name());
  if (InForce(*known)) {
    PHAROS_RETURN_IF_ERROR(Record(
        call, request, response, Revoked(*known, request.reason(), call.caller().principal, now), true,
        [&](const AssertionRow& stored) { response = ShowAssertion(stored); }, now));
  } else {
    response = ShowAssertion(*known);
  }
  return AddPeople(response);
}

absl::Status IdentityService::DecideReview(rpc::Call& call, const v1::DecideReviewRequest& request,
                                           v1::Assertion& response) {
  const int64_t now = clock_.WallMicros();
  PHAROS_ASSIGN_OR_RETURN(const bool answered, AnsweredBefore({call, request, now}, response));
  if (answered) return AddPeople(response);
  PHAROS_ASSIGN_OR_RETURN(const auto records, RecordsOfReviewNamed(request.name()));
  const auto view = store_.Read();
  PHAROS_ASSIGN_OR_RETURN(const ReviewStanding standing, StandingOf(*view, records.first, records.second));
  PHAROS_RETURN_IF_ERROR(CheckStands(standing));
  PHAROS_ASSIGN_OR_RETURN(AssertionRow row,
                          RowOfReview(*view, request, records, call.caller().principal, now));
  PHAROS_RETURN_IF_ERROR(Record(
      call, request, response, std::move(row), false,
      [&](const AssertionRow& stored) { response = ShowAssertion(stored); }, now));
  return AddPeople(response);
}

// One person: everything that the two have. Not one: the two records that were compared, and nothing about
// what else stands on either side, so that a record which turns out to be somebody else's can still go its
// way.
absl::StatusOr<AssertionRow> IdentityService::RowOfReview(const storage::View& view,
                                                          const v1::DecideReviewRequest& request,
                                                          const std::pair<std::string, std::string>& records,
                                                          std::string_view principal, int64_t now) const {
  std::vector<Side> sides = {{records.first}, {records.second}};
  if (request.same()) {
    Side all = {records.first, records.second};
    for (const auto& record : {records.first, records.second}) {
      PHAROS_ASSIGN_OR_RETURN(const auto row, people_.LoadRecord(view, record));
      if (!row) return errors::RecordNotFound(record);
      PHAROS_ASSIGN_OR_RETURN(const Side more, RecordsOfPerson(view, row->person()));
      all.insert(all.end(), more.begin(), more.end());
    }
    sides = {std::move(all)};
  }
  return NewAssertion(std::move(sides), request.reason(), principal, base::NewId(now), now);
}

// ------------------------------------------------------------------------------------------------- the list

absl::Status IdentityService::ListAssertions(rpc::Call&, const v1::ListAssertionsRequest& request,
                                             v1::ListAssertionsResponse& response) {
  const auto view = store_.Read();
  const size_t most = static_cast<size_t>(request.page_size() <= 0 ? kDefaultPage : request.page_size());
  const std::string before = request.page_token().empty() ? "" : base::FromHex(request.page_token());
  if (!request.page_token().empty() && base::Segment(before, "assertions").empty())
    return errors::PageTokenWrong();
  const Wanted wanted = [&](const AssertionRow& row) { return request.show_revoked() || InForce(row); };
  std::vector<AssertionRow> rows;
  if (request.about().empty()) {
    PHAROS_ASSIGN_OR_RETURN(rows, AssertionsBefore(*view, before, most + 1, wanted, clock_.WallMicros()));
  } else {
    google::protobuf::RepeatedPtrField<std::string> about;
    *about.Add() = request.about();
    PHAROS_ASSIGN_OR_RETURN(const Side records, RecordsOf(*view, about));
    PHAROS_ASSIGN_OR_RETURN(rows, AssertionsAbout(*view, records, kMostAbout));
    std::erase_if(rows, [&](const AssertionRow& row) {
      return !wanted(row) || (!before.empty() && row.name() >= before);
    });
  }
  if (rows.size() > most) {
    rows.resize(most);
    response.set_next_page_token(base::ToHex(rows.back().name()));
  }
  for (const auto& row : rows) {
    v1::Assertion& shown = *response.add_assertions();
    shown = ShowAssertion(row);
    PHAROS_ASSIGN_OR_RETURN(const auto people, PeopleOf(*view, shown));
    for (const auto& person : people) shown.add_people(person);
  }
  return absl::OkStatus();
}

// ----------------------------------------------------------------------------------------------- known links

absl::StatusOr<bool> IdentityService::IsKnown(const storage::View& view, const AssertionRow& row) const {
  const std::vector<std::string> records = AllRecords(row);
  PHAROS_ASSIGN_OR_RETURN(const auto about, AssertionsAbout(view, std::span(records).first(1), kMostAbout));
  return std::any_of(about.begin(), about.end(),
                     [&](const AssertionRow& known) { return InForce(known) && SaysSame(known, records); });
}

absl::Status IdentityService::ImportSome(const rpc::Call& call, const v1::ImportAssertionsRequest& request,
                                         ImportState& state, v1::ImportAssertionsResponse& response) const {
  const int64_t now = clock_.WallMicros();
  const auto view = store_.Read();
  const auto refuse = [&](int64_t group, const absl::Status& status) {
    auto& problem = *response.add_problems();
    problem.set_group(group);
    problem.set_reason(base::ReasonOf(status));
    problem.set_message(std::string(status.message()));
  };
  std::vector<AssertionRow> rows;
  std::vector<int64_t> groups;
  for (const auto& group : request.groups()) {
    const int64_t at = state.groups++;
    auto row = NewAssertion({Side(group.members().begin(), group.members().end())}, state.reason,
                            call.caller().principal, base::NewId(now), now);
    if (!row.ok()) {
      refuse(at, row.status());
      continue;
    }
    PHAROS_ASSIGN_OR_RETURN(const bool known, IsKnown(*view, *row));
    state.unchanged += known ? 1 : 0;
    if (known) continue;
    rows.push_back(*std::move(row));
    groups.push_back(at);
  }
  if (!rows.empty()) {
    const ChangeMaker change = [&](std::string_view resource, std::string_view kind, uint64_t version) {
      return rpc::ChangeBy(call, resource, kind, version, now);
    };
    PHAROS_ASSIGN_OR_RETURN(const auto statuses, linker_.AssertAll(rows, change));
    for (size_t at = 0; at < statuses.size(); ++at) {
      state.stored += statuses[at].ok() ? 1 : 0;
      if (!statuses[at].ok()) refuse(groups[at], InWords(statuses[at], rows[at]));
    }
  }
  response.set_stored(state.stored);
  response.set_unchanged(state.unchanged);
  return absl::OkStatus();
}

absl::Status IdentityService::ImportAssertions(rpc::Call& call, AssertionStream& stream) {
  ImportState state;
  v1::ImportAssertionsRequest request;
  while (stream.Read(request)) {
    if (state.reason.empty()) state.reason = request.reason();
    if (state.reason.empty()) return errors::FieldMissing("reason", "say where these links come from");
    v1::ImportAssertionsResponse response;
    PHAROS_RETURN_IF_ERROR(ImportSome(call, request, state, response));
    opt_outs_.AwaitAllOutstanding();
    if (!stream.Write(response)) return errors::CallerGone();
  }
  return call.cancelled() ? errors::CallerGone() : absl::OkStatus();
}

}  // namespace pharos::customer
