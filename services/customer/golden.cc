#include "services/customer/golden.h"

#include <algorithm>
#include <array>
#include <set>

#include "services/base/text.h"
#include "services/customer/clean.h"
#include "services/customer/golden_rank.h"

namespace pharos::customer {

namespace {

using record::v1::PersonRow;
using record::v1::RecordRow;
using type::v1::GateEntry;
using Entries = google::protobuf::RepeatedPtrField<GateEntry>;

// In the order of a golden record; lines of the postal address stand together.
constexpr std::array<std::string_view, 21> kFields = {
    "given_name", "preferred_name", "middle_name", "family_name", "date_of_birth", "sex",      "email",
    "phone",      "house",          "street",      "town",        "county",        "postcode", "country",
    "area",       "nhs_number",     "national_id", "language",    "organisation",  "role",     "interests"};
constexpr std::string_view kInterests = "interests";

void AddField(PersonRow& person, std::string_view field, std::string_view value, const Candidate& winner,
              std::string rule) {
  auto* row = person.add_fields();
  row->set_field(std::string(field));
  row->set_value(std::string(value));
  row->set_record(winner.record->name());
  row->set_time_us(winner.record->update_time_us());
  row->set_rule(std::move(rule));
  row->set_verified(winner.verified);
}

// Why the first one won: what puts it before the best other value.
std::string WhyItWon(const std::vector<Candidate>& candidates, std::string_view field) {
  for (const auto& other : candidates) {
    const std::string_view value = CleanValue(*other.record, field);
    if (!value.empty() && value != CleanValue(*candidates[0].record, field))
      return RuleBetween(candidates[0], other);
  }
  return "only value";
}

// The same of an address, which is compared as a whole.
std::string WhyAddressWon(const std::vector<Candidate>& candidates) {
  const auto differs = [&](const Candidate& other) {
    return std::any_of(kAddressLines.begin(), kAddressLines.end(), [&](std::string_view line) {
      return CleanValue(*other.record, line) != CleanValue(*candidates[0].record, line);
    });
  };
  for (const auto& other : candidates) {
    if (differs(other)) return RuleBetween(candidates[0], other);
  }
  return "only value";
}

std::string UnionOf(const std::vector<Candidate>& candidates) {
  std::set<std::string> all;
  for (const auto& candidate : candidates) {
    for (auto& interest : base::Split(candidate.value, ';')) all.insert(std::move(interest));
  }
  std::string joined;
  for (const auto& interest : all) joined += (joined.empty() ? "" : ";") + interest;
  return joined;
}

// Who gives a field, best first. Lines of an address follow their unit, and so does the area where its record
// gives one.
class Fields {
 public:
  explicit Fields(const Ranking& ranking) : ranking_(ranking), addresses_(ranking.Addresses()) {}
  std::vector<Candidate> Of(std::string_view field) const {
    if (IsAddressLine(field)) return addresses_;
    std::vector<Candidate> candidates = ranking_.Of(field);
    const bool with_address =
        field == "area" && !addresses_.empty() && !CleanValue(*addresses_[0].record, field).empty();
    if (with_address) candidates.insert(candidates.begin(), addresses_[0]);
    return candidates;
  }

 private:
  const Ranking& ranking_;
  const std::vector<Candidate> addresses_;
};

void AddGolden(PersonRow& person, std::string_view field, const Fields& fields) {
  const auto candidates = fields.Of(field);
  if (candidates.empty()) return;
  if (field == kInterests) {
    AddField(person, field, UnionOf(candidates), candidates[0],
             candidates.size() == 1 ? "only value" : "union");
    return;
  }
  const std::string_view value = CleanValue(*candidates[0].record, field);
  if (value.empty()) return;  // the record that gives the address does not give this line
  AddField(person, field, value, candidates[0],
           IsAddressLine(field) ? WhyAddressWon(candidates) : WhyItWon(candidates, field));
}

// Each value once, with the rule that put it there. Where the address that won has no such line, the first
// value is empty.
RankedField Rank(std::string_view field, const std::vector<Candidate>& candidates) {
  RankedField ranked{std::string(field), {}};
  std::set<std::string_view> seen;
  const Candidate* before = nullptr;
  for (const auto& candidate : candidates) {
    const std::string_view value = CleanValue(*candidate.record, field);
    const bool no_such_line = value.empty() && before == nullptr;
    if ((value.empty() && !no_such_line) || !seen.insert(value).second) continue;
    ranked.values.push_back({std::string(value), candidate.record, candidate.verified,
                             before == nullptr ? std::string() : RuleBetween(*before, candidate)});
    before = &candidate;
  }
  if (seen.empty() || (seen.size() == 1 && seen.contains(""))) return {std::string(field), {}};
  auto& first = ranked.values.front();
  if (field == kInterests) {
    ranked.values.resize(1);
    first = {UnionOf(candidates), candidates[0].record, candidates[0].verified,
             candidates.size() == 1 ? "only value" : "union"};
  } else {
    first.rule = IsAddressLine(field) ? WhyAddressWon(candidates) : WhyItWon(candidates, field);
  }
  return ranked;
}

void AddEndpoints(PersonRow& person, const std::vector<Candidate>& candidates, type::v1::Channel channel,
                  const EndpointIndex& index) {
  std::set<std::string_view> seen;
  for (const auto& candidate : candidates) {
    if (!seen.insert(candidate.value).second) continue;
    auto* endpoint = person.add_endpoints();
    endpoint->set_endpoint(index(channel, candidate.value));
    const bool no_channel = channel == type::v1::CHANNEL_SMS && !IsMobile(candidate.value);
    endpoint->set_channel(no_channel ? type::v1::CHANNEL_UNSPECIFIED : channel);
    endpoint->set_address(std::string(candidate.value));
  }
}

// At the same time an opt-out wins, and the stricter one first.
int Strictness(const GateEntry& entry) {
  switch (entry.kind()) {
    case type::v1::WITHDRAWN:
      return 2;
    case type::v1::OBJECTED_TO:
      return 1;
    default:
      return 0;
  }
}

bool SameKey(const GateEntry& a, const GateEntry& b) {
  return a.scope() == b.scope() && a.channel() == b.channel() && a.direct() == b.direct() &&
         a.record() == b.record() && a.endpoint() == b.endpoint() && a.purpose() == b.purpose();
}

}  // namespace

PersonRow BuildPerson(std::string_view name, const std::vector<const RecordRow*>& records,
                      const SourceLookup& source, const EndpointIndex& index) {
  PersonRow person;
  person.set_name(std::string(name));
  const AddressStandings unknown;
  const Ranking ranking(records, source, unknown);
  for (int kind : ranking.AudienceKinds())
    person.add_audience_kinds(static_cast<type::v1::AudienceKind>(kind));
  const Fields fields(ranking);
  for (const auto field : kFields) AddGolden(person, field, fields);
  AddEndpoints(person, ranking.Of("phone"), type::v1::CHANNEL_SMS, index);
  AddEndpoints(person, ranking.Of("email"), type::v1::CHANNEL_EMAIL, index);
  SetFacts(person, records);
  return person;
}

bool IsAddressLine(std::string_view field) {
  return std::find(kAddressLines.begin(), kAddressLines.end(), field) != kAddressLines.end();
}
bool IsGoldenField(std::string_view field) {
  return std::find(kFields.begin(), kFields.end(), field) != kFields.end();
}
bool IsContactField(std::string_view field) {
  return field == "email" || field == "phone" || field == "area" || IsAddressLine(field);
}

std::vector<RankedField> RankFields(const std::vector<const RecordRow*>& records, const SourceLookup& source,
                                    const AddressStandings& standing) {
  const Ranking ranking(records, source, standing);
  const Fields fields(ranking);
  std::vector<RankedField> ranked;
  for (const auto field : kFields) {
    RankedField one = Rank(field, fields.Of(field));
    if (!one.values.empty()) ranked.push_back(std::move(one));
  }
  return ranked;
}

void SetFacts(PersonRow& person, const std::vector<const RecordRow*>& records) {
  person.clear_records();
  person.clear_entries();
  person.clear_deceased();
  person.clear_paused();
  person.clear_sensitive();
  person.clear_update_time_us();
  person.set_erased(!records.empty());
  std::vector<const GateEntry*> entries;
  for (const RecordRow* record : records) {
    person.add_records(record->name());
    person.set_deceased(person.deceased() || record->deceased());
    person.set_paused(person.paused() || record->paused());
    person.set_sensitive(person.sensitive() || record->sensitive());
    person.set_erased(person.erased() && record->erase_time_us() != 0);
    person.set_update_time_us(std::max(person.update_time_us(), record->update_time_us()));
    // Of a record that is gone only what makes the gate stricter goes on counting.
    const bool gone = record->delete_time_us() != 0 || record->erase_time_us() != 0;
    for (const auto& entry : record->entries()) {
      if (entry.scope() == type::v1::SCOPE_PAUSE) {
        person.set_paused(true);
        continue;
      }
      if (!gone || Strictness(entry) > 0) entries.push_back(&entry);
    }
  }
  std::sort(person.mutable_records()->begin(), person.mutable_records()->end());
  // One entry may hang on several records: it counts once, and the order is that of its name.
  std::sort(entries.begin(), entries.end(),
            [](const auto* a, const auto* b) { return a->name() < b->name(); });
  for (const auto* entry : entries) AddEntry(*person.mutable_entries(), *entry);
}

const GateEntry* FindEntry(const Entries& entries, const GateEntry& like) {
  const auto it =
      std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return SameKey(entry, like); });
  return it == entries.end() ? nullptr : &*it;
}

bool AddEntry(Entries& entries, const GateEntry& entry) {
  if (entry.kind() == type::v1::LIFTED) return false;
  auto* known = const_cast<GateEntry*>(FindEntry(entries, entry));
  if (known == nullptr) {
    *entries.Add() = entry;
    return true;
  }
  if (known->event_time_us() > entry.event_time_us()) return false;
  if (known->event_time_us() == entry.event_time_us() && Strictness(*known) >= Strictness(entry))
    return false;
  *known = entry;
  return true;
}

}  // namespace pharos::customer
