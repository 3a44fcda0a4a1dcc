#include "services/customer/timeline.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/assertion_store.h"
#include "services/customer/entry_index.h"
#include "services/customer/errors.h"
#include "services/customer/facts.h"
#include "services/customer/keys.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"

namespace pharos::customer {

using record::v1::LedgerRow;
using record::v1::PersonRow;
using record::v1::RecordRow;
using v1::TimelineEvent;

namespace {

constexpr size_t kMostEntries = 10'000;   // as ListConsentEntries
constexpr size_t kMostDecisions = 1'000;  // about one person

std::string_view ChannelWord(type::v1::Channel channel) {
  if (channel == type::v1::CHANNEL_SMS) return "by SMS";
  return channel == type::v1::CHANNEL_EMAIL ? "by email" : "on every channel";
}

std::string DateOf(int64_t time_us) {
  return fmt::format("{:%Y-%m-%d}", fmt::gmtime(static_cast<std::time_t>(time_us / 1'000'000)));
}

std::string LiftedText(const LedgerRow& entry) {
  const std::string_view what = entry.gate().scope() == type::v1::SCOPE_PAUSE ? "a pause" : "an opt-out";
  if (entry.message().empty()) return fmt::format("{} was lifted: {}", what, entry.lifts());
  return fmt::format("took back {} by a link in {}: {}", what, entry.message(), entry.lifts());
}

std::string EntryText(const LedgerRow& entry) {
  const auto& gate = entry.gate();
  if (gate.kind() == type::v1::LIFTED) return LiftedText(entry);
  std::string_view did = "agreed to";
  if (gate.kind() == type::v1::WITHDRAWN) did = "opted out of";
  if (gate.kind() == type::v1::OBJECTED_TO) did = "objected to";
  std::string what = gate.purpose();
  if (gate.scope() == type::v1::SCOPE_ENDPOINT) what = "messages at one endpoint";
  if (gate.scope() == type::v1::SCOPE_EVERYTHING) what = "everything";
  const std::string_view teller = gate.direct() ? "told us directly" : "told us by a source";
  const std::string link = entry.message().empty() ? "" : " by a link in " + entry.message();
  if (gate.scope() == type::v1::SCOPE_PAUSE) {
    did = "asked for a pause of";
    what = fmt::format("all messages but urgent ones until {}", DateOf(entry.until_us()));
  }
  return fmt::format("{} {} {}, {}{}", did, what, ChannelWord(gate.channel()), teller, link);
}

std::string FactText(const record::v1::FactRow& fact) {
  std::string_view what = "paused";
  if (fact.fact() == v1::SetPersonFactRequest::FACT_DECEASED) what = "deceased";
  if (fact.fact() == v1::SetPersonFactRequest::FACT_SENSITIVE) what = "sensitive";
  return fmt::format("{}{}", fact.holds() ? "" : "no longer ", what);
}

// Puts one history together.
class Collector {
 public:
  Collector(const storage::View& view, const PersonStore& people, int64_t time)
      : view_(view), people_(people), sources_(view), time_(time) {}

  absl::Status AddRecords(const std::vector<std::string>& records) {
    for (const auto& record : records) PHAROS_RETURN_IF_ERROR(AddRecord(record));
    return absl::OkStatus();
  }
  absl::Status AddLinks(const std::string& person, const PersonRow& current);
  absl::Status AddDecisions(const std::vector<std::string>& records);
  absl::Status AddEntries(const PersonRow& person);
  absl::Status AddErasures(const std::vector<std::string>& people);
  absl::Status AddRoles(const std::vector<std::string>& people);

  absl::StatusOr<std::vector<TimelineEvent>> Finish() {
    PHAROS_RETURN_IF_ERROR(sources_.status());
    return std::move(events_);
  }

 private:
  absl::Status Add(v1::TimelineKind kind, int64_t learnt, int64_t happened, std::string text,
                   std::string subject, std::string principal, type::v1::AudienceKind audience) {
    if (learnt > time_) return absl::OkStatus();
    if (events_.size() == kMostTimelineEvents) {
      return base::MakeError(
          absl::StatusCode::kResourceExhausted, "TIMELINE_TOO_LONG",
          "more has happened to this person than one history can hold; ask as of an earlier time");
    }
    TimelineEvent& event = events_.emplace_back();
    event.set_kind(kind);
    event.set_record_time_us(learnt);
    event.set_event_time_us(happened == 0 ? learnt : happened);
    event.set_text(std::move(text));
    event.set_subject(std::move(subject));
    event.set_principal(std::move(principal));
    event.set_audience_kind(audience);
    return absl::OkStatus();
  }
  type::v1::AudienceKind AudienceOf(std::string_view record) {
    const auto id = ParseRecordName(record);
    const auto* source = id ? sources_.Find(id->source) : nullptr;
    return source == nullptr ? type::v1::AUDIENCE_KIND_UNSPECIFIED : source->audience_kind();
  }
  absl::Status AddRecord(const std::string& record);
  absl::Status AddFacts(const std::string& record);
  absl::StatusOr<std::string> CauseOf(const std::string& assertion);

  const storage::View& view_;
  const PersonStore& people_;
  SourceReader sources_;
  const int64_t time_;
  std::vector<TimelineEvent> events_;
  std::set<std::string> facts_seen_;
  std::map<std::string, std::string> decided_by_;
};

absl::Status Collector::AddRecord(const std::string& record) {
  PHAROS_ASSIGN_OR_RETURN(const std::vector<RecordRow> versions,
                          VersionsOf(view_, record, kMostTimelineEvents));
  const auto audience = AudienceOf(record);
  int64_t newest = 0;
  for (const auto& version : versions) {
    const bool late = version.update_time_us() < newest;
    newest = std::max(newest, version.update_time_us());
    std::string text = version.version() == 1 ? "a source told us of this person for the first time"
                                              : fmt::format("a source sent version {}{}", version.version(),
                                                            late ? ", older than what we knew" : "");
    PHAROS_RETURN_IF_ERROR(Add(v1::RECORD_CHANGED, version.create_time_us(), version.update_time_us(),
                               std::move(text), record, "", audience));
  }
  PHAROS_ASSIGN_OR_RETURN(const auto row, people_.LoadRecord(view_, record));
  if (row && row->delete_time_us() != 0) {
    PHAROS_RETURN_IF_ERROR(Add(v1::RECORD_CHANGED, row->delete_time_us(), 0, "the source no longer has it",
                               record, "", audience));
  }
  if (row && row->erase_time_us() != 0) {
    PHAROS_RETURN_IF_ERROR(Add(v1::RECORD_CHANGED, row->erase_time_us(), 0,
                               "erased: nothing that it said is known any more", record, "", audience));
  }
  return AddFacts(record);
}

// One statement stands on every record of the person; it is shown once.
absl::Status Collector::AddFacts(const std::string& record) {
  PHAROS_ASSIGN_OR_RETURN(const auto stated, FactsStatedOf(view_, *ParseRecordName(record)));
  for (const auto& fact : stated) {
    if (!facts_seen_.insert(fact.id).second) continue;
    PHAROS_RETURN_IF_ERROR(Add(v1::FACT_CHANGED, fact.row.create_time_us(), 0, FactText(fact.row), record,
                               fact.row.principal(), type::v1::AUDIENCE_KIND_UNSPECIFIED));
  }
  return absl::OkStatus();
}

// Who decided what moved a link; "" if nobody did.
absl::StatusOr<std::string> Collector::CauseOf(const std::string& assertion) {
  if (assertion.empty()) return std::string();
  if (const auto it = decided_by_.find(assertion); it != decided_by_.end()) return it->second;
  PHAROS_ASSIGN_OR_RETURN(const auto row, LoadAssertion(view_, assertion));
  return decided_by_[assertion] = row ? row->principal() : std::string();
}

absl::Status Collector::AddLinks(const std::string& person, const PersonRow& current) {
  PHAROS_ASSIGN_OR_RETURN(const std::vector<HistoryStep> steps, HistoryOf(view_, person));
  for (size_t at = 0; at < steps.size(); ++at) {
    const auto& before = steps[at].row.records();
    const bool last = at + 1 == steps.size();
    std::vector<std::string> after;
    if (!last) after.assign(steps[at + 1].row.records().begin(), steps[at + 1].row.records().end());
    if (last && current.name() == person) after.assign(current.records().begin(), current.records().end());
    PHAROS_ASSIGN_OR_RETURN(const std::string principal, CauseOf(steps[at].row.cause()));
    const auto add = [&](const std::string& record, std::string_view what) {
      const std::string by = steps[at].row.cause().empty() ? "" : " by decision " + steps[at].row.cause();
      return Add(v1::LINK_CHANGED, steps[at].until, 0, fmt::format("the record {}{}", what, by), record,
                 principal, AudienceOf(record));
    };
    for (const auto& record : after) {
      if (std::find(before.begin(), before.end(), record) == before.end())
        PHAROS_RETURN_IF_ERROR(add(record, "came to this person"));
    }
    for (const auto& record : before) {
      if (std::find(after.begin(), after.end(), record) == after.end())
        PHAROS_RETURN_IF_ERROR(add(record, "left this person"));
    }
  }
  return absl::OkStatus();
}

absl::Status Collector::AddDecisions(const std::vector<std::string>& records) {
  PHAROS_ASSIGN_OR_RETURN(const auto decisions, AssertionsAbout(view_, records, kMostDecisions));
  for (const auto& decision : decisions) {
    const char* text = decision.sides_size() > 1 ? "decided: these records are not one person"
                                                 : "decided: these records are one person";
    PHAROS_RETURN_IF_ERROR(Add(v1::IDENTITY_DECIDED, decision.create_time_us(), 0, text, decision.name(),
                               decision.principal(), type::v1::AUDIENCE_KIND_UNSPECIFIED));
    if (decision.revoke_time_us() == 0) continue;
    PHAROS_RETURN_IF_ERROR(Add(v1::IDENTITY_DECIDED, decision.revoke_time_us(), 0,
                               "that decision was taken back", decision.name(), decision.revoke_principal(),
                               type::v1::AUDIENCE_KIND_UNSPECIFIED));
  }
  return absl::OkStatus();
}

absl::Status Collector::AddEntries(const PersonRow& person) {
  PHAROS_ASSIGN_OR_RETURN(const std::vector<LedgerRow> entries, EntriesOf(view_, person, kMostEntries));
  for (const auto& entry : entries) {
    PHAROS_RETURN_IF_ERROR(Add(v1::CONSENT_CHANGED, entry.create_time_us(), entry.gate().event_time_us(),
                               EntryText(entry), entry.gate().name(), entry.principal(),
                               AudienceOf(entry.gate().record())));
  }
  return absl::OkStatus();
}

absl::Status Collector::AddErasures(const std::vector<std::string>& people) {
  for (const auto& person : people) {
    std::vector<record::v1::ErasureRow> rows;
    absl::Status damaged;
    PHAROS_RETURN_IF_ERROR(view_.Scan(storage::PrefixRange(ErasuresPrefix(person)),
                                      [&](std::string_view, std::string_view value) {
                                        damaged = storage::DecodeRecord(value, rows.emplace_back());
                                        return damaged.ok();
                                      }));
    PHAROS_RETURN_IF_ERROR(damaged);
    for (const auto& row : rows) {
      PHAROS_RETURN_IF_ERROR(Add(v1::RECORD_CHANGED, row.create_time_us(), 0,
                                 "the person was erased on request", person, row.principal(),
                                 type::v1::AUDIENCE_KIND_UNSPECIFIED));
    }
  }
  return absl::OkStatus();
}

// A role may have been given under any id that the person has had.
absl::Status Collector::AddRoles(const std::vector<std::string>& people) {
  for (const auto& person : people) {
    std::vector<std::string> keys;
    PHAROS_RETURN_IF_ERROR(view_.Scan(
        storage::PrefixRange(PersonRolesPrefix(person)), [&](std::string_view key, std::string_view) {
          storage::KeyReader reader(key);
          reader.String();
          const std::string organisation = reader.String();
          keys.push_back(RoleKey(fmt::format("organisations/{}/roles/{}", organisation, reader.String())));
          return true;
        }));
    for (const auto& key : keys) {
      record::v1::RoleRow role;
      PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(view_, key, role));
      if (!found || role.person() != person) continue;
      PHAROS_RETURN_IF_ERROR(Add(v1::ROLE_CHANGED, role.start_time_us(), 0, "a role began: " + role.title(),
                                 role.name(), "", type::v1::AUDIENCE_KIND_PARTNER));
      if (role.end_time_us() == 0) continue;
      PHAROS_RETURN_IF_ERROR(Add(v1::ROLE_CHANGED, role.end_time_us(), 0, "a role ended: " + role.title(),
                                 role.name(), "", type::v1::AUDIENCE_KIND_PARTNER));
    }
  }
  return absl::OkStatus();
}

std::string QueryDigest(v1::ListTimelineRequest request) {
  request.clear_page_token();
  request.clear_page_size();
  return base::ToHex(base::Sha256(request.SerializeAsString()).substr(0, 6));
}

}  // namespace

absl::StatusOr<std::vector<TimelineEvent>> TimelineOf(const storage::View& view, const PersonStore& people,
                                                      const PersonThen& person, const PersonRow& current,
                                                      int64_t time) {
  Collector collector(view, people, time);
  std::vector<std::string> ids = {person.name};
  if (current.name() == person.name)
    ids.insert(ids.end(), current.former_names().begin(), current.former_names().end());
  PersonRow then;  // for its entries: those of its records, and of the endpoints that it has
  for (const auto& record : person.records) then.add_records(record);
  if (current.name() == person.name) *then.mutable_endpoints() = current.endpoints();
  PHAROS_RETURN_IF_ERROR(collector.AddRecords(person.records));
  PHAROS_RETURN_IF_ERROR(collector.AddLinks(person.name, current));
  PHAROS_RETURN_IF_ERROR(collector.AddDecisions(person.records));
  PHAROS_RETURN_IF_ERROR(collector.AddEntries(then));
  PHAROS_RETURN_IF_ERROR(collector.AddErasures(ids));
  PHAROS_RETURN_IF_ERROR(collector.AddRoles(ids));
  return collector.Finish();
}

void SortTimeline(std::vector<TimelineEvent>& events) {
  const auto order = [](const TimelineEvent& event) {
    return std::tuple(-event.record_time_us(), -event.event_time_us(), -static_cast<int>(event.kind()),
                      std::string_view(event.subject()), std::string_view(event.text()));
  };
  std::sort(events.begin(), events.end(), [&](const auto& a, const auto& b) { return order(a) < order(b); });
}

bool IsWanted(const TimelineEvent& event, const v1::ListTimelineRequest& request) {
  const auto& kinds = request.kinds();
  if (!kinds.empty() && std::find(kinds.begin(), kinds.end(), event.kind()) == kinds.end()) return false;
  return request.audience_kind() == type::v1::AUDIENCE_KIND_UNSPECIFIED ||
         request.audience_kind() == event.audience_kind();
}

std::string TimelineToken(const v1::ListTimelineRequest& request, const TimelinePlace& place) {
  return fmt::format("{}{:016x}{:x}", QueryDigest(request), static_cast<uint64_t>(place.time), place.skip);
}

absl::StatusOr<TimelinePlace> ReadTimelineToken(const v1::ListTimelineRequest& request) {
  constexpr size_t kDigest = 12, kTime = 16;
  const std::string& token = request.page_token();
  const bool hex = token.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!hex || token.size() <= kDigest + kTime || token.size() > kDigest + kTime + 8 ||
      token.substr(0, kDigest) != QueryDigest(request)) {
    return errors::PageTokenWrong();
  }
  TimelinePlace place;
  place.time = static_cast<int64_t>(std::strtoull(token.substr(kDigest, kTime).c_str(), nullptr, 16));
  place.skip = std::strtoull(token.substr(kDigest + kTime).c_str(), nullptr, 16);
  return place;
}

}  // namespace pharos::customer
