#include "services/customer/opt_out.h"

#include <fmt/format.h>

#include <algorithm>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/text.h"
#include "services/customer/clean.h"
#include "services/customer/errors.h"
#include "services/customer/keys.h"
#include "services/customer/opt_out_choice.h"
#include "services/customer/opt_out_store.h"
#include "services/rpc/once.h"
#include "storage/envelope.h"

namespace pharos::customer {

using customer::internal::v1::RecordReplyRequest;
using record::v1::EndpointRow;
using record::v1::OptOutRow;

namespace {

constexpr size_t kEndpointBytes = 16;
constexpr int64_t kLongestPauseMicros =
    int64_t{400} * 24 * 3600 * 1'000'000;  // as opt_out_service.proto says

// It is about a person, not about an endpoint.
bool NamesPerson(customer::internal::v1::ReplyKind kind) {
  return kind == customer::internal::v1::UNSUBSCRIBE || kind == customer::internal::v1::UNSUBSCRIBE_ALL ||
         kind == customer::internal::v1::PAUSE_PERSON || kind == customer::internal::v1::RESUME;
}

// What stands on an endpoint about STOP and START.
struct Standing {
  int64_t last_stop_us = -1;  // -1: none
  int64_t last_start_us = -1;
  bool stopped() const { return last_stop_us >= 0 && last_stop_us >= last_start_us; }
};

Standing StandingOf(const EndpointRow& row, std::string_view endpoint) {
  Standing standing;
  for (const auto& entry : row.entries()) {
    if (entry.scope() != type::v1::SCOPE_ENDPOINT || entry.endpoint() != endpoint) continue;
    const bool start = entry.kind() == type::v1::GRANTED && entry.direct();
    const bool stop = entry.kind() == type::v1::WITHDRAWN;
    if (start) standing.last_start_us = std::max(standing.last_start_us, entry.event_time_us());
    if (stop) standing.last_stop_us = std::max(standing.last_stop_us, entry.event_time_us());
  }
  return standing;
}

// The same for one purpose, as the person told us directly.
Standing StandingOf(const record::v1::PersonRow& person, std::string_view purpose) {
  Standing standing;
  for (const auto& entry : person.entries()) {
    if (!entry.direct() || entry.scope() != type::v1::SCOPE_PURPOSE || entry.purpose() != purpose) continue;
    const bool granted = entry.kind() == type::v1::GRANTED;
    // A withdrawal from one channel or endpoint is less than this one.
    const bool whole = entry.kind() == type::v1::WITHDRAWN && entry.endpoint().empty() &&
                       entry.channel() == type::v1::CHANNEL_UNSPECIFIED;
    if (granted) standing.last_start_us = std::max(standing.last_start_us, entry.event_time_us());
    if (whole) standing.last_stop_us = std::max(standing.last_stop_us, entry.event_time_us());
  }
  return standing;
}

// The same for everything: any purpose that the person agreed to since says otherwise.
Standing StandingOnEverything(const record::v1::PersonRow& person) {
  Standing standing;
  for (const auto& entry : person.entries()) {
    if (!entry.direct()) continue;
    const bool granted = entry.kind() == type::v1::GRANTED && entry.scope() == type::v1::SCOPE_PURPOSE;
    const bool whole = entry.kind() == type::v1::WITHDRAWN && entry.scope() == type::v1::SCOPE_EVERYTHING;
    if (granted) standing.last_start_us = std::max(standing.last_start_us, entry.event_time_us());
    if (whole) standing.last_stop_us = std::max(standing.last_stop_us, entry.event_time_us());
  }
  return standing;
}

// When the person said it. Providers' clocks are not ours and often count whole minutes: a time ahead of us
// would outlive a START that comes after it, and a time behind us would let an opt-out lose against a START
// that we had already taken.
int64_t EventTime(const RecordReplyRequest& request, const Standing& standing, int64_t now) {
  const int64_t said = request.event_time_us() <= 0 ? now : std::min(request.event_time_us(), now);
  return request.kind() == customer::internal::v1::START ? said : std::max(said, standing.last_start_us);
}

absl::Status CheckKind(const RecordReplyRequest& request) {
  switch (request.kind()) {
    case customer::internal::v1::STOP:
    case customer::internal::v1::START:
    case customer::internal::v1::WRONG_PERSON_REPLY:
    case customer::internal::v1::UNSUBSCRIBE:
    case customer::internal::v1::UNSUBSCRIBE_ALL:
    case customer::internal::v1::PAUSE_PERSON:
    case customer::internal::v1::RESUME:
      return absl::OkStatus();
    default:
      return errors::FieldMissing("kind",
                                  "STOP, START, WRONG_PERSON_REPLY, UNSUBSCRIBE, UNSUBSCRIBE_ALL, "
                                  "PAUSE_PERSON or RESUME");
  }
}

// What a reply that comes for the first time must say. A repeat may leave it out: whoever repeats does not
// keep it.
absl::Status CheckFirst(const RecordReplyRequest& request) {
  if (!NamesPerson(request.kind())) {
    return base::TrimAscii(request.address()).empty() ? errors::FieldMissing("address", "who sent the reply")
                                                      : absl::OkStatus();
  }
  if (request.person().empty()) return errors::FieldMissing("person", "people/{person}");
  if (request.kind() == customer::internal::v1::UNSUBSCRIBE && request.purpose().empty())
    return errors::FieldMissing("purpose", "purposes/{purpose}");
  if (request.kind() == customer::internal::v1::PAUSE_PERSON && request.until_us() <= 0)
    return errors::FieldMissing("until_us", "microseconds since the epoch");
  return absl::OkStatus();
}

absl::StatusOr<EndpointRow> LoadEndpointRow(storage::Transaction& tx, std::string_view endpoint) {
  EndpointRow row;
  PHAROS_RETURN_IF_ERROR(storage::GetRecord(tx, EndpointKey(endpoint), row).status());
  return row;
}

}  // namespace

// An address that cannot be read is taken as it is: a STOP is never refused for its form.
std::string OptOuts::EndpointOf(const RecordReplyRequest& request) const {
  const bool email = request.channel() == type::v1::CHANNEL_EMAIL;
  std::string clean = email ? CleanEmail(request.address()) : CleanPhone(request.address());
  if (clean.empty()) clean = base::LowerAscii(base::TrimAscii(request.address()));
  return people_.EndpointOf(request.channel(), clean);
}

absl::StatusOr<OptOutRow> OptOuts::Record(const rpc::Call& call, const RecordReplyRequest& request) const {
  PHAROS_RETURN_IF_ERROR(CheckKind(request));
  const int64_t now = clock_.WallMicros();
  OptOutRow fresh;
  fresh.set_name("optOuts/" + base::NewId(now));
  if (!NamesPerson(request.kind())) fresh.set_endpoint(EndpointOf(request));
  fresh.set_durable_time_us(now);
  OptOutRow row;
  PHAROS_RETURN_IF_ERROR(store_.Transact([&](storage::Transaction& tx) -> absl::Status {
    PHAROS_ASSIGN_OR_RETURN(std::optional<OptOutRow> known, LoadReply(tx, request.reply_id()));
    if (known) {
      row = *std::move(known);
      return absl::OkStatus();
    }
    PHAROS_RETURN_IF_ERROR(CheckFirst(request));
    row = fresh;
    return RecordNew(tx, call, request, now, row);
  }));
  return row;
}

absl::Status OptOuts::RecordNew(storage::Transaction& tx, const rpc::Call& call,
                                const RecordReplyRequest& request, int64_t now, OptOutRow& row) const {
  const ChangeMaker change = [&](std::string_view resource, std::string_view kind, uint64_t version) {
    return rpc::ChangeBy(call, resource, kind, version, now);
  };
  switch (request.kind()) {
    case customer::internal::v1::WRONG_PERSON_REPLY:
      PHAROS_RETURN_IF_ERROR(Suppress(tx, change, row));
      break;
    case customer::internal::v1::UNSUBSCRIBE:
    case customer::internal::v1::UNSUBSCRIBE_ALL:
    case customer::internal::v1::PAUSE_PERSON:
      PHAROS_RETURN_IF_ERROR(Withdraw(tx, call, request, now, change, row));
      break;
    case customer::internal::v1::RESUME:
      PHAROS_RETURN_IF_ERROR(TakeBack(tx, call, request, now, change, row));
      break;
    default:
      PHAROS_RETURN_IF_ERROR(Append(tx, call, request, now, change, row));
  }
  SaveOptOut(tx, row);
  SaveReply(tx, request.reply_id(), row);
  tx.AppendChange(change(row.name(), "optOut.recorded", 0));
  return absl::OkStatus();
}

absl::Status OptOuts::Suppress(storage::Transaction& tx, const ChangeMaker& change, OptOutRow& row) const {
  PHAROS_ASSIGN_OR_RETURN(const EndpointRow before, LoadEndpointRow(tx, row.endpoint()));
  row.set_changed(before.suppressed() == type::v1::SUPPRESSION_REASON_UNSPECIFIED);
  if (!row.changed()) return absl::OkStatus();
  return people_.Suppress(tx, row.endpoint(), type::v1::WRONG_PERSON, change);
}

absl::Status OptOuts::Append(storage::Transaction& tx, const rpc::Call& call,
                             const RecordReplyRequest& request, int64_t now, const ChangeMaker& change,
                             OptOutRow& row) const {
  const bool stop = request.kind() == customer::internal::v1::STOP;
  PHAROS_ASSIGN_OR_RETURN(const EndpointRow before, LoadEndpointRow(tx, row.endpoint()));
  const Standing standing = StandingOf(before, row.endpoint());
  const int64_t said = EventTime(request, standing, now);
  row.set_changed(stop ? !standing.stopped() : standing.stopped() && said > standing.last_stop_us);
  row.set_entry("consentEntries/" + base::Segment(row.name(), "optOuts"));
  record::v1::LedgerRow entry;
  auto& gate = *entry.mutable_gate();
  gate.set_name(row.entry());
  gate.set_record(DirectRecordOfEndpoint(row.endpoint()));
  gate.set_kind(stop ? type::v1::WITHDRAWN : type::v1::GRANTED);
  gate.set_scope(type::v1::SCOPE_ENDPOINT);
  gate.set_endpoint(row.endpoint());
  gate.set_channel(request.channel());
  gate.set_event_time_us(said);
  gate.set_direct(true);
  entry.add_subjects(gate.record());
  entry.set_create_time_us(now);
  entry.set_how("reply");
  entry.set_principal(call.caller().principal);
  if (stop) entry.set_opt_out(row.name());
  tx.AppendChange(change(row.entry(), "entry.recorded", 0));
  return people_.AppendEntry(tx, entry, change);
}

// On every endpoint and channel of the person: this purpose (as one-click), everything, or all but URGENT for
// a time. A purpose that is retired or was never registered is withdrawn from all the same: an opt-out is not
// refused for its form.
absl::Status OptOuts::Withdraw(storage::Transaction& tx, const rpc::Call& call,
                               const RecordReplyRequest& request, int64_t now, const ChangeMaker& change,
                               OptOutRow& row) const {
  PHAROS_ASSIGN_OR_RETURN(const std::optional<record::v1::PersonRow> person,
                          people_.Load(tx, request.person()));
  if (!person) return errors::PersonNotFound(request.person());
  const bool one_purpose = request.kind() == customer::internal::v1::UNSUBSCRIBE;
  const bool pause = request.kind() == customer::internal::v1::PAUSE_PERSON;
  const Standing standing =
      one_purpose ? StandingOf(*person, request.purpose()) : StandingOnEverything(*person);
  row.set_entry("consentEntries/" + base::Segment(row.name(), "optOuts"));
  row.set_changed(!standing.stopped());
  record::v1::LedgerRow entry;
  auto& gate = *entry.mutable_gate();
  gate.set_name(row.entry());
  gate.set_record(DirectRecordOfPerson(person->name()));
  gate.set_kind(type::v1::WITHDRAWN);
  gate.set_scope(one_purpose ? type::v1::SCOPE_PURPOSE : type::v1::SCOPE_EVERYTHING);
  if (one_purpose) gate.set_purpose(request.purpose());
  gate.set_event_time_us(EventTime(request, standing, now));
  gate.set_direct(true);
  entry.add_subjects(gate.record());
  for (const auto& record : person->records()) entry.add_subjects(record);
  entry.set_create_time_us(now);
  entry.set_how(request.message().empty() ? "unsubscribe" : "link in a message");
  entry.set_message(request.message());
  entry.set_principal(call.caller().principal);
  entry.set_opt_out(row.name());
  if (pause) {
    PHAROS_ASSIGN_OR_RETURN(const bool paused, HasPause(tx, *person));
    row.set_changed(!paused);
    row.set_until_us(std::min(request.until_us(), now + kLongestPauseMicros));
    gate.set_scope(type::v1::SCOPE_PAUSE);
    entry.set_until_us(row.until_us());
    PHAROS_ASSIGN_OR_RETURN(const std::optional<record::v1::LedgerRow> same, SamePause(tx, *person, entry));
    if (same) {
      row.set_entry(same->gate().name());
      row.set_until_us(same->until_us());
      return absl::OkStatus();
    }
    NotePause(tx, entry);
  }
  tx.AppendChange(change(row.entry(), "entry.recorded", 0));
  return people_.AppendEntry(tx, entry, change);
}

// What was chosen before this was said, so that it cannot overtake a later choice on its way.
absl::Status OptOuts::TakeBack(storage::Transaction& tx, const rpc::Call& call,
                               const RecordReplyRequest& request, int64_t now, const ChangeMaker& change,
                               OptOutRow& row) const {
  PHAROS_ASSIGN_OR_RETURN(const std::optional<record::v1::PersonRow> person,
                          people_.Load(tx, request.person()));
  if (!person) return errors::PersonNotFound(request.person());
  record::v1::LedgerRow lifting;
  lifting.set_create_time_us(now);
  lifting.set_how("link in a message");
  lifting.set_message(request.message());
  lifting.set_principal(call.caller().principal);
  const int64_t said = EventTime(request, {}, now);
  PHAROS_ASSIGN_OR_RETURN(const std::vector<std::string> lifted,
                          TakeBackChoices(tx, people_, *person, said, lifting, change));
  row.set_changed(!lifted.empty());
  if (!lifted.empty()) row.set_entry(lifted.front());
  return absl::OkStatus();
}

absl::Status OptOuts::Report(const rpc::Call& call,
                             const customer::internal::v1::ReportEndpointsRequest& request) const {
  const int64_t now = clock_.WallMicros();
  const ChangeMaker change = [&](std::string_view resource, std::string_view kind, uint64_t version) {
    return rpc::ChangeBy(call, resource, kind, version, now);
  };
  for (int i = 0; i < request.reports_size(); ++i) {
    const auto& report = request.reports(i);
    if (report.endpoint().size() != kEndpointBytes)
      return errors::FieldMissing(fmt::format("reports[{}].endpoint", i), "16 bytes");
    if (report.reason() != type::v1::HARD_BOUNCE && report.reason() != type::v1::COMPLAINT)
      return errors::FieldMissing(fmt::format("reports[{}].reason", i), "HARD_BOUNCE or COMPLAINT");
  }
  return store_.Transact([&](storage::Transaction& tx) -> absl::Status {
    for (const auto& report : request.reports()) {
      PHAROS_ASSIGN_OR_RETURN(const EndpointRow before, LoadEndpointRow(tx, report.endpoint()));
      if (before.suppressed() != type::v1::SUPPRESSION_REASON_UNSPECIFIED) continue;
      tx.AppendChange(change(EndpointName(report.endpoint()), "endpoint.suppressed", 0));
      PHAROS_RETURN_IF_ERROR(people_.Suppress(tx, report.endpoint(), report.reason(), change));
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<OptOuts::Holder> OptOuts::HolderOf(const RecordReplyRequest& request) const {
  if (base::TrimAscii(request.address()).empty()) return Holder();
  Holder holder{EndpointOf(request), ""};
  PHAROS_ASSIGN_OR_RETURN(const std::vector<std::string> people,
                          people_.PeopleAt(*store_.Read(), holder.endpoint));
  // Ids sort by the time at which they were made.
  if (!people.empty()) holder.person = *std::min_element(people.begin(), people.end());
  return holder;
}

absl::Status OptOuts::AwaitOptOut(const OptOutRow& row) const {
  if (!row.endpoint().empty()) {
    AwaitEndpoint(row.endpoint());
    return absl::OkStatus();
  }
  // A repeat may not name the person: its entry does.
  record::v1::LedgerRow entry;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(store_, EntryKey(row.entry()), entry));
  const std::string person = PersonOfDirectRecord(entry.gate().record());
  if (found && !person.empty()) return AwaitPerson(person);
  AwaitAllOutstanding();
  return absl::OkStatus();
}

void OptOuts::AwaitEndpoint(std::string_view endpoint) const {
  const auto touched = permits_.SnapshotTouching({{}, {std::string(endpoint)}});
  permits_.Await(*touched);
}

absl::Status OptOuts::AwaitPerson(const std::string& person, std::vector<std::string> endpoints) const {
  // A permit may be registered under any name that the person has had.
  Touched touched{{person}, std::move(endpoints)};
  PHAROS_ASSIGN_OR_RETURN(const std::optional<record::v1::PersonRow> row,
                          people_.Load(*store_.Read(), person));
  if (row) {
    touched.people.push_back(row->name());
    touched.people.insert(touched.people.end(), row->former_names().begin(), row->former_names().end());
    // A single message to an endpoint is looked at for all who have it, and its permit names one of them.
    for (const auto& endpoint : row->endpoints()) touched.endpoints.push_back(endpoint.endpoint());
  }
  const auto set = permits_.SnapshotTouching(touched);
  permits_.Await(*set);
  return absl::OkStatus();
}

void OptOuts::AwaitAllOutstanding() const {
  const auto all = permits_.SnapshotAll();
  permits_.Await(*all);
}

}  // namespace pharos::customer
