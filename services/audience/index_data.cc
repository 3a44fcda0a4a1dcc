#include "services/audience/index_data.h"

#include <algorithm>
#include <utility>

#include "services/audience/scan.h"

namespace pharos::audience {

uint32_t ComboPool::Intern(std::vector<uint32_t> symbols) {
  std::sort(symbols.begin(), symbols.end());
  symbols.erase(std::unique(symbols.begin(), symbols.end()), symbols.end());
  const auto [it, added] = numbers_.try_emplace(symbols, static_cast<uint32_t>(combos_.size()));
  if (added) combos_.push_back(std::move(symbols));
  return it->second;
}

void IndexData::Reserve(size_t people) {
  ids.Reserve(people);
  for (auto& column : texts) column.reserve(people);
  for (auto* column : {&born_day, &updated_day}) column->reserve(people);
  for (auto* column : {&interests, &sources}) column->reserve(people);
  for (auto* column : {&kinds, &reach, &deprivation, &inclusion}) column->reserve(people);
  born.reserve(people);
  updated.reserve(people);
  gate.reserve(people);
}

void IndexData::Grow() {
  for (auto& column : texts) column.push_back(StringPool::kAbsent);
  born.push_back(0);
  updated.push_back(0);
  born_day.push_back(0);
  updated_day.push_back(0);
  interests.push_back(0);
  sources.push_back(0);
  kinds.push_back(0);
  reach.push_back(0);
  deprivation.push_back(0);
  inclusion.push_back(0);
  gate.emplace_back();
}

void IndexData::SetText(int field, PersonNo person, uint32_t symbol) {
  uint32_t& value = texts[field][person];
  if (value == symbol) return;
  if (field != kPostcode) {
    if (value != StringPool::kAbsent) with_text[field][value].remove(person);
    if (symbol != StringPool::kAbsent) with_text[field][symbol].add(person);
  }
  if (value == StringPool::kAbsent) has_text[field].add(person);
  if (symbol == StringPool::kAbsent) has_text[field].remove(person);
  value = symbol;
}

void IndexData::SetBits(std::array<Roaring, 8>& bitmaps, Roaring* any, PersonNo person, uint8_t before,
                        uint8_t after) {
  for (int bit = 0; bit < 8; ++bit) {
    const bool was = before >> bit & 1, is = after >> bit & 1;
    if (was && !is) bitmaps[bit].remove(person);
    if (!was && is) bitmaps[bit].add(person);
  }
  if (any == nullptr) return;
  if (before == 0 && after != 0) any->add(person);
  if (before != 0 && after == 0) any->remove(person);
}

void IndexData::SetCombo(std::vector<uint32_t>& column, ByValue& bitmaps, Roaring& any, PersonNo person,
                         std::vector<uint32_t> symbols) {
  const uint32_t combo = combos.Intern(std::move(symbols)), before = column[person];
  if (combo == before) return;
  for (const uint32_t symbol : combos.Get(before)) bitmaps[symbol].remove(person);
  for (const uint32_t symbol : combos.Get(combo)) bitmaps[symbol].add(person);
  if (before == 0) any.add(person);
  if (combo == 0) any.remove(person);
  column[person] = combo;
}

void IndexData::SetDecile(std::vector<uint8_t>& column, std::array<Roaring, kDeciles>& bitmaps,
                          PersonNo person, uint8_t value) {
  if (value >= kDeciles) value = 0;
  bitmaps[column[person]].remove(person);
  bitmaps[value].add(person);
  column[person] = value;
}

void IndexData::SetGate(PersonNo person, std::string facts) {
  facts.shrink_to_fit();
  gate_bytes += facts.size();
  gate_bytes -= gate[person].size();
  gate[person] = std::move(facts);
}

void IndexData::Fill(PersonNo person, CompactPerson from) {
  for (int field = 0; field < kTextFields; ++field) SetText(field, person, from.texts[field]);
  SetBits(of_kind, &has_kind, person, kinds[person], from.kinds);
  kinds[person] = from.kinds;
  SetBits(reachable, nullptr, person, reach[person], from.reach);
  reach[person] = from.reach;
  SetCombo(interests, with_interest, has_interest, person, std::move(from.interests));
  SetCombo(sources, from_source, has_source, person, std::move(from.sources));
  SetDecile(deprivation, of_deprivation, person, from.deprivation);
  SetDecile(inclusion, of_inclusion, person, from.inclusion);
  born_day[person] = DayOfDate(from.born);
  updated_day[person] = DayOfMoment(from.update_time_us);
  if ((born[person] = from.born) != 0) {
    has_born.add(person);
  } else {
    has_born.remove(person);
  }
  if ((updated[person] = from.update_time_us) != 0) {
    has_updated.add(person);
  } else {
    has_updated.remove(person);
  }
  engagement.SetFormer(person, std::move(from.former));
  SetGate(person, std::move(from.gate));
}

PersonNo IndexData::Put(std::string_view id, CompactPerson from) {
  PersonNo person = ids.Find(id);
  if (person == IdBook::kNobody) {
    person = ids.Add(id);
    Grow();
    alive.add(person);
  }
  Fill(person, std::move(from));
  return person;
}

PersonNo IndexData::Remove(std::string_view id) {
  const PersonNo person = ids.Find(id);
  if (person == IdBook::kNobody) return person;
  Fill(person, {});
  of_deprivation[0].remove(person);
  of_inclusion[0].remove(person);
  alive.remove(person);
  engagement.PersonGone(person, id);
  ids.Drop(person);
  return person;
}

void IndexData::AddEngaged(std::string_view id, std::string_view campaign, EngagementEvent event,
                           int32_t day) {
  const PersonNo person = ids.Find(id);
  if (person == IdBook::kNobody) return engagement.AddFormer(id, campaign, event, day);
  engagement.Add(person, campaign, event, day);
}

void IndexData::SetPlaces(const Reference& reference) {
  CompactPerson person;  // its place only
  for (const PersonNo number : Roaring(alive)) {
    person.texts[kPostcode] = texts[kPostcode][number];
    person.texts[kSourceArea] = texts[kSourceArea][number];
    SetPlace(pool, reference, person);
    for (const TextField field : {kArea, kAreaName, kUpperTier, kUpperTierName, kRegion, kRegionName})
      SetText(field, number, person.texts[field]);
    if (deprivation[number] != person.deprivation)
      SetDecile(deprivation, of_deprivation, number, person.deprivation);
  }
}

CompactPerson IndexData::PersonAt(PersonNo person) const {
  CompactPerson of;
  of.kinds = kinds[person];
  of.reach = reach[person];
  for (int field = 0; field < kTextFields; ++field) of.texts[field] = texts[field][person];
  of.born = born[person];
  of.interests = combos.Get(interests[person]);
  of.sources = combos.Get(sources[person]);
  of.deprivation = deprivation[person];
  of.inclusion = inclusion[person];
  of.update_time_us = updated[person];
  of.former = engagement.FormerOf(person);
  of.gate = gate[person];
  return of;
}

namespace {

template <typename Maps>
size_t BytesOf(const Maps& maps) {
  size_t bytes = 0;
  for (const auto& bitmap : maps) bytes += bitmap.getSizeInBytes(false);
  return bytes;
}
size_t BytesOf(const IndexData::ByValue& maps) {
  size_t bytes = 0;
  for (const auto& [symbol, bitmap] : maps) bytes += bitmap.getSizeInBytes(false) + 64;
  return bytes;
}

}  // namespace

size_t IndexData::IndexBytes() const {
  size_t bytes = ids.Bytes() + BytesOf(has_text) + BytesOf(of_kind) + BytesOf(reachable) +
                 BytesOf(of_deprivation) + BytesOf(of_inclusion) + BytesOf(with_interest) +
                 BytesOf(from_source);
  for (const auto& maps : with_text) bytes += BytesOf(maps);
  for (const auto* bitmap : {&alive, &has_born, &has_updated, &has_kind, &has_interest, &has_source})
    bytes += bitmap->getSizeInBytes(false);
  for (const auto& column : texts) bytes += column.capacity() * sizeof(column[0]);
  return bytes + engagement.Bytes() + born.capacity() * 6 + updated.capacity() * 10 +
         (interests.capacity() + sources.capacity()) * 4 + kinds.capacity() * 4;
}

size_t IndexData::Bitmaps() const {
  size_t count =
      with_interest.size() + from_source.size() + 2 * kDeciles + kKinds + kChannels + kTextFields + 6;
  for (const auto& maps : with_text) count += maps.size();
  return count + engagement.Bitmaps();
}

}  // namespace pharos::audience
