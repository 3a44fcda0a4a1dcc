#include "services/customer/golden_rank.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "services/customer/clean.h"
#include "services/customer/keys.h"

namespace pharos::customer {

namespace {

using record::v1::RecordRow;
using record::v1::SourceRow;

constexpr std::string_view kStewards = "stewards";
constexpr std::string_view kDirect = "direct";
constexpr int kDirectTrust = 100;      // what people tell us themselves: as much as the most trusted source
constexpr int kPersonsOwnTrust = 101;  // and more where nobody can know better than they do

bool IsPersonsOwn(std::string_view field) {
  return field == "preferred_name" || field == "language";
}

type::v1::Channel ChannelOf(std::string_view field) {
  if (field == "email") return type::v1::CHANNEL_EMAIL;
  return field == "phone" ? type::v1::CHANNEL_SMS : type::v1::CHANNEL_UNSPECIFIED;
}

// An initial is part of a name, a placeholder date none, and whoever is on duty at a mailbox is not the
// person.
int CompletenessOf(std::string_view field, std::string_view value) {
  if (field == "given_name" || field == "family_name" || field == "middle_name") return value.size() > 2;
  if (field == "date_of_birth") return !IsPlaceholderDate(value);
  if (field == "email") return !IsRoleMailbox(value);
  if (field == "phone") return IsMobile(value);
  return 1;
}

bool Before(const Candidate& a, const Candidate& b) {
  if (a.suppressed != b.suppressed) return b.suppressed;
  if (a.steward != b.steward) return a.steward;
  if (a.verified != b.verified) return a.verified;
  if (a.trust != b.trust) return a.trust > b.trust;
  if (a.record->update_time_us() != b.record->update_time_us())
    return a.record->update_time_us() > b.record->update_time_us();
  if (a.agree != b.agree) return a.agree > b.agree;
  if (a.completeness != b.completeness) return a.completeness > b.completeness;
  return a.record->name() < b.record->name();
}

// Nothing before agreement decides between them.
bool UndecidedBy(const Candidate& a, const Candidate& b) {
  return a.suppressed == b.suppressed && a.steward == b.steward && a.verified == b.verified &&
         a.trust == b.trust && a.record->update_time_us() == b.record->update_time_us();
}

// All lines of an address, for comparing.
std::string WholeAddress(const RecordRow& record) {
  std::string whole;
  for (const auto line : kAddressLines) {
    whole += CleanValue(record, line);
    whole += '\n';
  }
  return whole;
}

// `b` says everything that `a` says of an address, and more.
bool SaysMore(const RecordRow& a, const RecordRow& b) {
  bool more = false;
  for (const auto line : kAddressLines) {
    const auto of_a = CleanValue(a, line), of_b = CleanValue(b, line);
    if (!of_a.empty() && of_a != of_b) return false;
    more = more || (of_a.empty() && !of_b.empty());
  }
  return more;
}

}  // namespace

std::string_view CleanValue(const RecordRow& record, std::string_view field) {
  const auto it = record.clean().find(std::string(field));
  return it == record.clean().end() ? std::string_view() : std::string_view(it->second);
}

std::string RuleBetween(const Candidate& a, const Candidate& b) {
  if (a.suppressed != b.suppressed) return "suppressed";
  if (a.steward != b.steward) return "steward";
  if (a.verified != b.verified) return "verified";
  if (a.trust != b.trust) return fmt::format("trust {}", a.trust);
  if (a.record->update_time_us() != b.record->update_time_us()) return "latest";
  if (a.agree != b.agree) return fmt::format("{} sources agree", a.agree);
  if (a.completeness != b.completeness) return "more complete";
  return "first by name";
}

Ranking::Ranking(const std::vector<const RecordRow*>& records, const SourceLookup& source,
                 const AddressStandings& standing)
    : records_(records), standing_(standing) {
  for (const RecordRow* record : records) {
    const auto id = ParseRecordName(record->name());
    sources_.push_back(id ? source(id->source) : nullptr);
    source_ids_.push_back(id ? id->source : std::string());
  }
}

int Ranking::Trust(size_t at, std::string_view field) const {
  if (source_ids_[at] == kDirect) return IsPersonsOwn(field) ? kPersonsOwnTrust : kDirectTrust;
  const SourceRow* source = sources_[at];
  if (source == nullptr) return 0;
  auto it = source->field_trust().find(std::string(field));
  if (it == source->field_trust().end() && field == kAddress) it = source->field_trust().find("postcode");
  return it == source->field_trust().end() ? source->trust() : it->second;
}

bool Ranking::Verified(size_t at, std::string_view field) const {
  if (sources_[at] == nullptr) return false;
  const auto& fields = sources_[at]->verified_fields();
  return std::any_of(fields.begin(), fields.end(), [&](const std::string& each) {
    return each == field || (field == kAddress && each == "postcode");
  });
}

Candidate Ranking::Make(size_t at, std::string_view field) const {
  Candidate candidate;
  candidate.record = records_[at];
  candidate.steward = source_ids_[at] == kStewards;
  candidate.verified = Verified(at, field);
  candidate.trust = Trust(at, field);
  return candidate;
}

std::vector<Candidate> Ranking::Of(std::string_view field) const {
  std::vector<Candidate> found;
  const type::v1::Channel channel = ChannelOf(field);
  for (size_t at = 0; at < records_.size(); ++at) {
    const std::string_view value = CleanValue(*records_[at], field);
    if (value.empty()) continue;
    Candidate& candidate = found.emplace_back(Make(at, field));
    candidate.value = value;
    candidate.completeness = CompletenessOf(field, value);
    if (channel == type::v1::CHANNEL_UNSPECIFIED || !standing_) continue;
    const AddressStanding standing = standing_(channel, value);
    candidate.suppressed = standing.suppressed;
    candidate.verified = candidate.verified || standing.confirmed;
  }
  Sort(found, false);
  return found;
}

std::vector<Candidate> Ranking::Addresses() const {
  std::vector<Candidate> found;
  for (size_t at = 0; at < records_.size(); ++at) {
    int lines = 0;
    for (const auto line : kAddressLines) lines += !CleanValue(*records_[at], line).empty();
    if (lines == 0) continue;
    Candidate& candidate = found.emplace_back(Make(at, kAddress));
    candidate.value = CleanValue(*records_[at], "postcode");
    candidate.completeness = lines;
  }
  Sort(found, true);
  // A newer record that only repeats the postcode does not take the street away.
  for (size_t at = 1; at < found.size(); ++at) {
    if (!SaysMore(*found[0].record, *found[at].record)) continue;
    std::rotate(found.begin(), found.begin() + static_cast<ptrdiff_t>(at),
                found.begin() + static_cast<ptrdiff_t>(at) + 1);
    at = 0;  // perhaps a still fuller one: each step adds a line, so that it ends
  }
  return found;
}

// Who agrees with whom is counted only where it may decide, as every change of a person comes by here.
void Ranking::Sort(std::vector<Candidate>& candidates, bool addresses) const {
  if (candidates.size() < 2) return;
  std::sort(candidates.begin(), candidates.end(), Before);
  const auto tie = std::adjacent_find(candidates.begin(), candidates.end(), UndecidedBy);
  if (tie == candidates.end()) return;
  CountAgreement(candidates, addresses);
  std::sort(candidates.begin(), candidates.end(), Before);
}

void Ranking::CountAgreement(std::vector<Candidate>& candidates, bool addresses) const {
  std::map<std::string, std::set<std::string>> sources_of;
  const auto value_of = [&](const Candidate& candidate) {
    return addresses ? WholeAddress(*candidate.record) : std::string(candidate.value);
  };
  for (const auto& candidate : candidates) {
    if (const auto id = ParseRecordName(candidate.record->name()))
      sources_of[value_of(candidate)].insert(id->source);
  }
  for (auto& candidate : candidates)
    candidate.agree = static_cast<int>(sources_of[value_of(candidate)].size());
}

std::set<int> Ranking::AudienceKinds() const {
  std::set<int> kinds;
  for (const auto* source : sources_) {
    if (source != nullptr && source->audience_kind() != 0) kinds.insert(source->audience_kind());
  }
  return kinds;
}

}  // namespace pharos::customer
