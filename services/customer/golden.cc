#include "services/customer/golden.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "services/base/text.h"
#include "services/customer/clean.h"
#include "services/customer/keys.h"

namespace pharos::customer {

namespace {

using record::v1::PersonRow;
using record::v1::RecordRow;
using type::v1::GateEntry;
using Entries = google::protobuf::RepeatedPtrField<GateEntry>;

constexpr const char* kFields[] = {"given_name", "family_name", "date_of_birth", "sex",
                                   "email",      "phone",       "postcode",      "area",
                                   "nhs_number", "language",    "organisation",  "role"};
constexpr int kDirectTrust = 100;  // what people tell us themselves

struct Candidate {
  const RecordRow* record;
  const std::string* value;
  int trust;
};

class Builder {
 public:
  Builder(const std::vector<const RecordRow*>& records, const SourceLookup& source) : records_(records) {
    for (const RecordRow* record : records) {
      const auto id = ParseRecordName(record->name());
      sources_.push_back(id ? source(id->source) : nullptr);
      direct_.push_back(id && id->source == "direct");
    }
  }

  // Best first.
  std::vector<Candidate> Candidates(const char* field) const {
    std::vector<Candidate> found;
    for (size_t at = 0; at < records_.size(); ++at) {
      const auto it = records_[at]->clean().find(field);
      if (it == records_[at]->clean().end() || it->second.empty()) continue;
      found.push_back({records_[at], &it->second, Trust(at, field)});
    }
    std::sort(found.begin(), found.end(), [](const Candidate& a, const Candidate& b) {
      if (a.trust != b.trust) return a.trust > b.trust;
      if (a.record->update_time_us() != b.record->update_time_us())
        return a.record->update_time_us() > b.record->update_time_us();
      return a.record->name() < b.record->name();
    });
    return found;
  }

  std::set<int> Kinds() const {
    std::set<int> kinds;
    for (const auto* source : sources_) {
      if (source != nullptr && source->audience_kind() != 0) kinds.insert(source->audience_kind());
    }
    return kinds;
  }

 private:
  int Trust(size_t at, const char* field) const {
    if (direct_[at]) return kDirectTrust;
    if (sources_[at] == nullptr) return 0;
    const auto it = sources_[at]->field_trust().find(field);
    return it == sources_[at]->field_trust().end() ? sources_[at]->trust() : it->second;
  }

  const std::vector<const RecordRow*>& records_;
  std::vector<const record::v1::SourceRow*> sources_;
  std::vector<bool> direct_;
};

std::string WhyItWon(const std::vector<Candidate>& candidates) {
  if (candidates.size() == 1) return "only value";
  if (candidates[0].trust != candidates[1].trust) return fmt::format("trust {}", candidates[0].trust);
  if (candidates[0].record->update_time_us() != candidates[1].record->update_time_us()) return "latest";
  return "first by name";
}

void AddField(PersonRow& person, const char* field, const std::string& value, const RecordRow& record,
              std::string rule) {
  auto* row = person.add_fields();
  row->set_field(field);
  row->set_value(value);
  row->set_record(record.name());
  row->set_time_us(record.update_time_us());
  row->set_rule(std::move(rule));
}

void AddInterests(PersonRow& person, const Builder& builder) {
  const auto candidates = builder.Candidates("interests");
  if (candidates.empty()) return;
  std::set<std::string> all;
  for (const auto& candidate : candidates) {
    for (auto& interest : base::Split(*candidate.value, ';')) all.insert(std::move(interest));
  }
  std::string joined;
  for (const auto& interest : all) joined += (joined.empty() ? "" : ";") + interest;
  AddField(person, "interests", joined, *candidates[0].record,
           candidates.size() == 1 ? "only value" : "union");
}

void AddEndpoints(PersonRow& person, const std::vector<Candidate>& candidates, type::v1::Channel channel,
                  const EndpointIndex& index) {
  std::set<std::string_view> seen;
  for (const auto& candidate : candidates) {
    if (!seen.insert(*candidate.value).second) continue;
    auto* endpoint = person.add_endpoints();
    endpoint->set_endpoint(index(channel, *candidate.value));
    const bool no_channel = channel == type::v1::CHANNEL_SMS && !IsMobile(*candidate.value);
    endpoint->set_channel(no_channel ? type::v1::CHANNEL_UNSPECIFIED : channel);
    endpoint->set_address(*candidate.value);
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
  const Builder builder(records, source);
  for (int kind : builder.Kinds()) person.add_audience_kinds(static_cast<type::v1::AudienceKind>(kind));
  for (const char* field : kFields) {
    const auto candidates = builder.Candidates(field);
    if (!candidates.empty())
      AddField(person, field, *candidates[0].value, *candidates[0].record, WhyItWon(candidates));
  }
  AddInterests(person, builder);
  AddEndpoints(person, builder.Candidates("phone"), type::v1::CHANNEL_SMS, index);
  AddEndpoints(person, builder.Candidates("email"), type::v1::CHANNEL_EMAIL, index);
  SetFacts(person, records);
  return person;
}

void SetFacts(PersonRow& person, const std::vector<const RecordRow*>& records) {
  person.clear_records();
  person.clear_entries();
  person.clear_deceased();
  person.clear_paused();
  person.clear_update_time_us();
  std::vector<const GateEntry*> entries;
  for (const RecordRow* record : records) {
    person.add_records(record->name());
    person.set_deceased(person.deceased() || record->deceased());
    person.set_paused(person.paused() || record->paused());
    person.set_update_time_us(std::max(person.update_time_us(), record->update_time_us()));
    for (const auto& entry : record->entries()) entries.push_back(&entry);
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
