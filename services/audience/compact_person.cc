#include "services/audience/compact_person.h"

#include <algorithm>

#include "services/base/ids.h"
#include "services/base/text.h"

namespace pharos::audience {
namespace {

using customer::internal::v1::PersonState;

std::string_view ValueOf(const PersonState& state, const char* field) {
  const auto found = state.fields().find(field);
  return found == state.fields().end() ? std::string_view() : std::string_view(found->second);
}

uint8_t ReachOf(const type::v1::GateFacts& facts) {
  uint8_t reach = 0;
  for (const auto& endpoint : facts.endpoints()) {
    if (endpoint.suppressed() == type::v1::SUPPRESSION_REASON_UNSPECIFIED) reach |= 1u << endpoint.channel();
  }
  return reach;
}

std::vector<uint32_t> InternWords(std::string_view joined, StringPool& pool) {
  std::vector<uint32_t> symbols;
  for (const std::string& word : base::Split(joined, ';')) {
    if (const std::string compared = ComparedWord(word); !compared.empty())
      symbols.push_back(pool.Intern(compared, base::TrimAscii(word)));
  }
  symbols.shrink_to_fit();
  return symbols;
}

}  // namespace

uint32_t StringPool::Intern(std::string_view text, std::string_view shown) {
  if (const auto found = symbols_.find(text); found != symbols_.end()) return found->second;
  const auto symbol = static_cast<uint32_t>(strings_.size());
  strings_.emplace_back(text);
  shown_.emplace_back(shown == text ? std::string_view() : shown);
  symbols_.emplace(strings_.back(), symbol);
  return symbol;
}

uint32_t StringPool::Find(std::string_view text) const {
  const auto found = symbols_.find(text);
  return found == symbols_.end() ? kNowhere : found->second;
}

std::string ComparedText(TextField field, std::string_view text) {
  std::string compared = ComparedWord(text);
  if (field == kPostcode) std::erase(compared, ' ');
  return compared;
}

std::string ComparedWord(std::string_view text) {
  return base::LowerAscii(base::TrimAscii(text));
}

TextField NameOf(TextField field) {
  switch (field) {
    case kArea:
      return kAreaName;
    case kUpperTier:
      return kUpperTierName;
    case kRegion:
      return kRegionName;
    default:
      return kTextFields;
  }
}

void SetPlace(StringPool& pool, const Reference& reference, CompactPerson& person) {
  const Place place =
      reference.PlaceOf(pool.Get(person.texts[kPostcode]), pool.Shown(person.texts[kSourceArea]));
  const auto set = [&](TextField field, std::string_view text) {
    const std::string compared = ComparedText(field, text);
    person.texts[field] =
        compared.empty() ? StringPool::kAbsent : pool.Intern(compared, base::TrimAscii(text));
  };
  set(kArea, place.area);
  set(kAreaName, place.area_name);
  set(kUpperTier, place.upper_tier);
  set(kUpperTierName, place.upper_tier_name);
  set(kRegion, place.region);
  set(kRegionName, place.region_name);
  person.deprivation = place.deprivation;
}

CompactPerson MakeCompact(const PersonState& state, StringPool& pool, const Reference& reference) {
  static constexpr std::array<std::pair<TextField, const char*>, 6> kSaid = {{{kPostcode, "postcode"},
                                                                              {kSourceArea, "area"},
                                                                              {kLanguage, "language"},
                                                                              {kSex, "sex"},
                                                                              {kOrganisation, "organisation"},
                                                                              {kRole, "role"}}};
  CompactPerson person;
  for (const int kind : state.audience_kinds()) person.kinds |= 1u << kind;
  person.reach = ReachOf(state.gate());
  for (const auto& [field, name] : kSaid) {
    const std::string_view said = base::TrimAscii(ValueOf(state, name));
    const std::string text = ComparedText(field, said);
    if (!text.empty()) person.texts[field] = pool.Intern(text, said);
  }
  SetPlace(pool, reference, person);
  const std::string_view inclusion = ValueOf(state, "digital_inclusion");
  if (inclusion.size() == 1 && inclusion[0] >= '1' && inclusion[0] <= '9')
    person.inclusion = static_cast<uint8_t>(inclusion[0] - '0');
  person.born = ParseDate(ValueOf(state, "date_of_birth")).value_or(0);
  person.interests = InternWords(ValueOf(state, "interests"), pool);
  for (const std::string& source : state.sources()) {
    person.sources.push_back(pool.Intern(ComparedWord(base::Segment(source, "sources"))));
  }
  person.update_time_us = state.updated_time_us();
  for (const std::string& name : state.former_names()) person.former.push_back(base::Segment(name, "people"));
  person.gate = state.gate().SerializeAsString();
  return person;
}

}  // namespace pharos::audience
