// What the index holds: a number for each person, a column for each field, a bitmap for each value of each
// field. Not thread-safe by itself: the index locks round it.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <roaring/roaring.hh>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "services/audience/compact_person.h"
#include "services/audience/engagement_book.h"
#include "services/audience/id_book.h"
#include "services/audience/people_set.h"

namespace pharos::audience {

// Sets of symbols, each combination held once: there are few.
class ComboPool {
 public:
  uint32_t Intern(std::vector<uint32_t> symbols);
  const std::vector<uint32_t>& Get(uint32_t combo) const { return combos_[combo]; }
  size_t size() const { return combos_.size(); }

 private:
  std::deque<std::vector<uint32_t>> combos_{{}};  // 0: empty
  std::map<std::vector<uint32_t>, uint32_t> numbers_{{{}, 0}};
};

struct IndexData {
  static constexpr int kKinds = 8, kChannels = 8, kDeciles = 11;
  using ByValue = std::unordered_map<uint32_t, Roaring>;  // by symbol

  StringPool pool;
  IdBook ids;
  ComboPool combos;

  // Columns, by number. A person who is gone has none of anything.
  std::array<std::vector<uint32_t>, kTextFields> texts;
  std::vector<PackedDate> born;
  std::vector<int64_t> updated;
  std::vector<uint16_t> born_day, updated_day;  // codes of the two (services/audience/scan.h)
  std::vector<uint32_t> interests, sources;     // combinations
  std::vector<uint8_t> kinds, reach, deprivation, inclusion;
  std::vector<std::string> gate;  // type::v1::GateFacts
  size_t gate_bytes = 0;

  Roaring alive;
  std::array<ByValue, kTextFields> with_text;  // but for postcodes: nearly each person has their own
  std::array<Roaring, kTextFields> has_text;
  std::array<Roaring, kKinds> of_kind;
  std::array<Roaring, kChannels> reachable;
  std::array<Roaring, kDeciles> of_deprivation, of_inclusion;  // 0: those without
  ByValue with_interest, from_source;
  Roaring has_born, has_updated, has_kind, has_interest, has_source;
  EngagementBook engagement;

  // That so many will come.
  void Reserve(size_t people);
  PersonNo Put(std::string_view id, CompactPerson person);
  // kNobody: was not there.
  PersonNo Remove(std::string_view id);
  // That whoever is or was called `id` had an event.
  void AddEngaged(std::string_view id, std::string_view campaign, EngagementEvent event, int32_t day);
  // Where everybody lives, anew.
  void SetPlaces(const Reference& reference);
  // What Put was given.
  CompactPerson PersonAt(PersonNo person) const;
  size_t IndexBytes() const;
  size_t Bitmaps() const;

 private:
  void Grow();
  void SetText(int field, PersonNo person, uint32_t symbol);
  void SetBits(std::array<Roaring, 8>& bitmaps, Roaring* any, PersonNo person, uint8_t before, uint8_t after);
  void SetCombo(std::vector<uint32_t>& column, ByValue& bitmaps, Roaring& any, PersonNo person,
                std::vector<uint32_t> symbols);
  static void SetDecile(std::vector<uint8_t>& column, std::array<Roaring, kDeciles>& bitmaps, PersonNo person,
                        uint8_t value);
  void SetGate(PersonNo person, std::string gate);
  void Fill(PersonNo person, CompactPerson from);
};

}  // namespace pharos::audience
