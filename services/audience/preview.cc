#include "services/audience/preview.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "services/audience/filter_fields.h"
#include "services/audience/london.h"
#include "services/base/ids.h"

namespace pharos::audience {
namespace {

constexpr int kAgeBand = 10;
constexpr const char* kShown[] = {"area", "region", "language", "audience_kinds", "interests"};

// FNV-1a from a chosen start, then SplitMix64's finaliser: an order that nobody finds a meaning in.
uint64_t Order(uint64_t start, std::string_view id) {
  uint64_t hash = start ^ 0xCBF29CE484222325u;
  for (const char c : id) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001B3u;
  hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9u;
  return hash ^ (hash >> 27);
}

std::string Band(const std::string& age) {
  const int years = std::atoi(age.c_str());
  return fmt::format("{}-{}", years / kAgeBand * kAgeBand, years / kAgeBand * kAgeBand + kAgeBand - 1);
}

}  // namespace

std::vector<PersonNo> ChooseFew(const PeopleIndex::Reader& reader, const PeopleSet& people,
                                const std::string& filter, int64_t now_us, size_t most) {
  uint64_t start = 0;
  const std::string day = fmt::format("{}\n{}", LondonDate(now_us), filter);
  std::memcpy(&start, base::Sha256(day).data(), sizeof(start));
  std::vector<std::pair<uint64_t, PersonNo>> few;  // a heap, the last in the order first
  reader.ForEachId(people, [&](PersonNo person, std::string_view id) {
    const std::pair<uint64_t, PersonNo> one(Order(start, id), person);
    if (few.size() == most && one > few.front()) return true;
    if (few.size() == most) {
      std::pop_heap(few.begin(), few.end());
      few.pop_back();
    }
    few.push_back(one);
    std::push_heap(few.begin(), few.end());
    return true;
  });
  std::sort(few.begin(), few.end());
  std::vector<PersonNo> chosen;
  for (const auto& [order, person] : few) chosen.push_back(person);
  return chosen;
}

std::map<std::string, std::string> MaskedFields(const PeopleIndex::Reader& reader, PersonNo person) {
  std::map<std::string, std::string> fields;
  for (const char* name : kShown) {
    const FieldInfo* field = FindField(name);
    if (field == nullptr) continue;
    if (std::string value = reader.Value(person, *field); !value.empty()) fields[name] = std::move(value);
  }
  if (const FieldInfo* age = FindField("age")) {
    if (const std::string value = reader.Value(person, *age); !value.empty())
      fields["age_band"] = Band(value);
  }
  return fields;
}

}  // namespace pharos::audience
