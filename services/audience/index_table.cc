#include "services/audience/index_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <unordered_map>
#include <utility>

#include "services/audience/errors.h"
#include "services/audience/index_match.h"
#include "services/audience/scan.h"
#include "services/base/errors.h"

namespace pharos::audience {
namespace {

constexpr size_t kChunk = 4096;              // of people at a time: what is known of them stays in the cache
constexpr uint64_t kMostCounted = 1u << 22;  // cells that are counted in an array; more go into a map
constexpr std::array<const char*, 4> kKindNames = {"", "INTERNAL", "PARTNER", "PUBLIC"};

constexpr size_t kMostByBitmap =
    512;  // values of the only dimension: a bitmap each; more are counted one by one

struct Band {
  int64_t low, high;  // low <= value < high
};
std::vector<Band> BandsOf(const TableDimension& dimension) {
  std::vector<Band> bands;
  for (size_t at = 0; at < dimension.edges.size(); ++at) {
    const bool last = at + 1 == dimension.edges.size();
    bands.push_back(
        {dimension.edges[at], last ? std::numeric_limits<int64_t>::max() : dimension.edges[at + 1]});
  }
  return bands;
}

// The codes of one dimension: 0 stands for no value; keys by code.
class Coder {
 public:
  Coder(const IndexData& data, PackedDate today, const TableDimension& dimension)
      : data_(data), type_(dimension.field->type), text_(dimension.field->text) {
    keys_.emplace_back();
    switch (type_) {
      case FieldType::kText:
        OfText();
        break;
      case FieldType::kInt:
      case FieldType::kDate:
        OfDates(dimension, today);
        break;
      case FieldType::kDeprivation:
      case FieldType::kInclusion:
        OfLevels(dimension);
        break;
      case FieldType::kInterests:
        OfSet(data.with_interest);
        break;
      case FieldType::kSources:
        OfSet(data.from_source);
        break;
      case FieldType::kKinds:
        for (size_t kind = 1; kind < kKindNames.size(); ++kind) keys_.emplace_back(kKindNames[kind]);
        break;
      default:
        break;
    }
  }

  bool set() const {
    return type_ == FieldType::kInterests || type_ == FieldType::kSources || type_ == FieldType::kKinds;
  }
  size_t size() const { return keys_.size(); }
  const std::string& key(size_t code) const { return keys_[code]; }

  // codes[i] of people[i]. Not for sets.
  void Codes(const uint32_t* people, size_t count, uint32_t* codes) const {
    if (type_ == FieldType::kText) {
      const uint32_t* column = data_.texts[text_].data();
      for (size_t at = 0; at < count; ++at) codes[at] = code_of_[column[people[at]]];
    } else if (type_ == FieldType::kDeprivation || type_ == FieldType::kInclusion) {
      const uint8_t* column = (type_ == FieldType::kDeprivation ? data_.deprivation : data_.inclusion).data();
      for (size_t at = 0; at < count; ++at) codes[at] = code_of_[column[people[at]]];
    } else {
      for (size_t at = 0; at < count; ++at) {
        const uint16_t code = by_day_[data_.born_day[people[at]]];
        codes[at] = code == kMixed ? Search(data_.born[people[at]]) : code;
      }
    }
  }
  // How many of `people` have each code, by the bitmaps of the values; false: there are too many or none.
  bool CountEach(const Roaring& people, std::vector<uint64_t>& counts) const {
    const auto* values = Values();
    const bool levels = type_ == FieldType::kDeprivation || type_ == FieldType::kInclusion;
    if (!levels && type_ != FieldType::kKinds && (values == nullptr || values->size() > kMostByBitmap))
      return false;
    counts.assign(size(), 0);
    if (levels) {
      const auto& of = type_ == FieldType::kDeprivation ? data_.of_deprivation : data_.of_inclusion;
      for (size_t level = 0; level < of.size(); ++level)
        counts[code_of_[level]] += people.and_cardinality(of[level]);
    } else if (type_ == FieldType::kKinds) {
      for (size_t kind = 1; kind < kKindNames.size(); ++kind)
        counts[kind] = people.and_cardinality(data_.of_kind[kind]);
      counts[0] = people.andnot_cardinality(data_.has_kind);
    } else {
      for (const auto& [symbol, bitmap] : *values) counts[code_of_[symbol]] += people.and_cardinality(bitmap);
      counts[0] = people.andnot_cardinality(*Any());
    }
    return true;
  }
  // Several of one person; without a value: 0 alone.
  void CodesOf(uint32_t person, std::vector<uint32_t>& codes) const {
    codes.clear();
    if (!set()) {
      codes.resize(1);
      Codes(&person, 1, codes.data());
    } else if (type_ == FieldType::kKinds) {
      for (uint32_t kind = 1; kind < keys_.size(); ++kind) {
        if (data_.kinds[person] >> kind & 1) codes.push_back(kind);
      }
    } else {
      const auto& column = type_ == FieldType::kInterests ? data_.interests : data_.sources;
      for (const uint32_t symbol : data_.combos.Get(column[person])) codes.push_back(code_of_[symbol]);
    }
    if (codes.empty()) codes.push_back(0);
  }

 private:
  uint32_t CodeFor(std::string key) {
    keys_.push_back(std::move(key));
    return static_cast<uint32_t>(keys_.size() - 1);
  }
  // A bitmap for each value; nullptr: this field has none.
  const IndexData::ByValue* Values() const {
    if (type_ == FieldType::kInterests) return &data_.with_interest;
    if (type_ == FieldType::kSources) return &data_.from_source;
    return type_ == FieldType::kText && text_ != kPostcode ? &data_.with_text[text_] : nullptr;
  }
  const Roaring* Any() const {
    if (type_ == FieldType::kInterests) return &data_.has_interest;
    return type_ == FieldType::kSources ? &data_.has_source : &data_.has_text[text_];
  }
  void OfText() {
    if (text_ != kPostcode) return OfSet(data_.with_text[text_]);
    code_of_.assign(data_.pool.size(), 0);
    for (const uint32_t symbol : data_.texts[kPostcode]) {
      if (symbol != StringPool::kAbsent && code_of_[symbol] == 0)
        code_of_[symbol] = CodeFor(std::string(data_.pool.Shown(symbol)));
    }
  }
  // In the order of their keys, so that cells come in order.
  void OfSet(const IndexData::ByValue& bitmaps) {
    std::vector<std::pair<std::string_view, uint32_t>> values;
    for (const auto& [symbol, bitmap] : bitmaps) values.emplace_back(data_.pool.Shown(symbol), symbol);
    std::sort(values.begin(), values.end());
    code_of_.assign(data_.pool.size(), 0);
    for (const auto& [key, symbol] : values) code_of_[symbol] = CodeFor(std::string(key));
  }
  void OfLevels(const TableDimension& dimension) {
    code_of_.assign(256, 0);
    const auto bands = BandsOf(dimension);
    for (size_t at = 0; at < bands.size(); ++at) {
      const uint32_t code = CodeFor(dimension.edge_texts[at]);
      for (int64_t level = std::max<int64_t>(1, bands[at].low);
           level < std::min<int64_t>(bands[at].high, IndexData::kDeciles); ++level)
        code_of_[static_cast<size_t>(level)] = code;
    }
    if (!bands.empty()) return;
    for (size_t level = 1; level < IndexData::kDeciles; ++level)
      code_of_[level] = CodeFor(std::to_string(level));
  }
  void OfDates(const TableDimension& dimension, PackedDate today) {
    const auto bands = BandsOf(dimension);
    for (size_t at = 0; at < bands.size(); ++at) {
      int64_t low = bands[at].low, high = bands[at].high;
      if (type_ == FieldType::kInt) std::tie(low, high) = BornFor(today, low, high);
      starts_.push_back({low, high, CodeFor(dimension.edge_texts[at])});
    }
    // Days before 1870 and after 2045 share a code, and an edge may lie within a day's code: there the date
    // itself is looked at.
    by_day_.assign(size_t{UINT16_MAX} + 1, 0);
    for (const Start& start : starts_) {
      const size_t low = DayOfDate(start.low), high = DayOfDate(start.high);
      for (size_t day = low; day < high; ++day)
        if (by_day_[day] == 0) by_day_[day] = static_cast<uint16_t>(start.code);
    }
    for (const Start& start : starts_)
      by_day_[DayOfDate(start.low)] = by_day_[DayOfDate(start.high)] = kMixed;
    by_day_[1] = by_day_[UINT16_MAX] = kMixed;
  }
  uint32_t Search(int64_t date) const {
    if (date <= 0) return 0;
    for (const Start& start : starts_) {
      if (date >= start.low && date < start.high) return start.code;
    }
    return 0;
  }
  static constexpr uint16_t kMixed = UINT16_MAX;
  struct Start {
    int64_t low, high;
    uint32_t code;
  };
  const IndexData& data_;
  const FieldType type_;
  const TextField text_;
  std::vector<std::string> keys_;
  std::vector<uint32_t> code_of_;  // by symbol or level
  std::vector<Start> starts_;
  std::vector<uint16_t> by_day_;
};

// Counts by place: in an array where that is small, else in a map.
class Counts {
 public:
  explicit Counts(uint64_t places) {
    if (places <= kMostCounted) flat_.assign(places, 0);
  }
  void Add(uint64_t place, uint32_t people = 1) {
    if (!flat_.empty()) {
      flat_[place] += people;
    } else {
      map_[place] += people;
    }
  }
  int64_t Of(uint64_t place) const {
    if (!flat_.empty()) return flat_[place];
    const auto found = map_.find(place);
    return found == map_.end() ? 0 : found->second;
  }
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (size_t place = 0; place < flat_.size(); ++place) {
      if (flat_[place] != 0) visit(place, flat_[place]);
    }
    for (const auto& [place, count] : map_) visit(place, count);
  }

 private:
  std::vector<uint32_t> flat_;
  std::unordered_map<uint64_t, uint32_t> map_;
};

class Counter {
 public:
  Counter(const IndexData& data, PackedDate today, const std::vector<TableDimension>& dimensions) {
    for (const auto& dimension : dimensions) {
      coders_.emplace_back(data, today, dimension);
      places_ *= coders_.back().size();
      sets_ |= coders_.back().set();
    }
  }

  Counts Count(const Roaring& people) const {
    Counts counts(places_);
    if (std::vector<uint64_t> each; coders_.size() == 1 && coders_[0].CountEach(people, each)) {
      for (size_t code = 0; code < each.size(); ++code) {
        if (each[code] != 0) counts.Add(code, static_cast<uint32_t>(each[code]));
      }
      return counts;
    }
    std::vector<uint32_t> numbers(kChunk), codes(kChunk);
    std::vector<uint64_t> places(kChunk);
    roaring_uint32_iterator_t from;
    roaring_init_iterator(&people.roaring, &from);
    while (const size_t size = roaring_read_uint32_iterator(&from, numbers.data(), kChunk))
      CountChunk(numbers.data(), size, codes.data(), places.data(), counts);
    return counts;
  }
  std::vector<std::string> KeysOf(uint64_t place) const {
    std::vector<std::string> keys(coders_.size());
    for (size_t at = coders_.size(); at-- > 0;) {
      keys[at] = coders_[at].key(place % coders_[at].size());
      place /= coders_[at].size();
    }
    return keys;
  }

 private:
  void CountChunk(const uint32_t* people, size_t size, uint32_t* codes, uint64_t* places,
                  Counts& counts) const {
    if (sets_) {
      for (size_t at = 0; at < size; ++at) CountSets(people[at], 0, 0, counts);
      return;
    }
    std::fill(places, places + size, 0);
    for (const Coder& coder : coders_) {
      coder.Codes(people, size, codes);
      for (size_t at = 0; at < size; ++at) places[at] = places[at] * coder.size() + codes[at];
    }
    for (size_t at = 0; at < size; ++at) counts.Add(places[at]);
  }
  void CountSets(uint32_t person, size_t at, uint64_t place, Counts& counts) const {
    if (at == coders_.size()) return counts.Add(place);
    std::vector<uint32_t> codes;
    coders_[at].CodesOf(person, codes);
    for (const uint32_t code : codes) CountSets(person, at + 1, place * coders_[at].size() + code, counts);
  }

  std::vector<Coder> coders_;
  uint64_t places_ = 1;
  bool sets_ = false;
};

Roaring WithKey(const IndexData& data, const IndexData::ByValue& bitmaps, const std::string& key) {
  for (const auto& [symbol, bitmap] : bitmaps) {
    if (data.pool.Shown(symbol) == key) return bitmap;
  }
  return Roaring();
}

Roaring InBand(const IndexData& data, PackedDate today, const TableDimension& dimension, const Band& band) {
  if (dimension.field->type == FieldType::kDate)
    return ScanRange(data.born_day, data.born, std::max<int64_t>(band.low, 1), band.high);
  if (dimension.field->type == FieldType::kInt) {
    const auto [low, high] = BornFor(today, band.low, band.high);
    return ScanRange(data.born_day, data.born, std::max<int64_t>(low, 1), high);
  }
  const auto& levels =
      dimension.field->type == FieldType::kDeprivation ? data.of_deprivation : data.of_inclusion;
  Roaring found;
  for (int64_t level = 1; level < IndexData::kDeciles; ++level) {
    if (level >= band.low && level < band.high) found |= levels[static_cast<size_t>(level)];
  }
  return found;
}

std::vector<Band> BandsOrValues(const TableDimension& dimension) {
  if (!dimension.edges.empty()) return BandsOf(dimension);
  std::vector<Band> bands;
  for (int64_t level = 1; level < IndexData::kDeciles; ++level) bands.push_back({level, level + 1});
  return bands;
}

// Of a band's dimension. "": in no band.
Roaring OfBand(const IndexData& data, PackedDate today, const TableDimension& dimension,
               const std::string& key) {
  Roaring any;
  const auto bands = BandsOrValues(dimension);
  for (size_t at = 0; at < bands.size(); ++at) {
    Roaring in = InBand(data, today, dimension, bands[at]);
    const std::string text = dimension.edges.empty() ? std::to_string(at + 1) : dimension.edge_texts[at];
    if (text == key) return in;
    any |= in;
  }
  return data.alive - any;
}

Roaring OfKey(const IndexData& data, PackedDate today, const TableDimension& dimension,
              const std::string& key) {
  switch (dimension.field->type) {
    case FieldType::kText:
      if (key.empty()) return data.alive - data.has_text[dimension.field->text];
      if (dimension.field->text != kPostcode)
        return WithKey(data, data.with_text[dimension.field->text], key);
      {
        std::vector<char> wanted(data.pool.size(), 0);
        for (uint32_t symbol = 1; symbol < wanted.size(); ++symbol)
          wanted[symbol] = data.pool.Shown(symbol) == key;
        return ScanSymbols(data.texts[kPostcode], wanted);
      }
    case FieldType::kInterests:
      return key.empty() ? data.alive - data.has_interest : WithKey(data, data.with_interest, key);
    case FieldType::kSources:
      return key.empty() ? data.alive - data.has_source : WithKey(data, data.from_source, key);
    case FieldType::kKinds:
      for (size_t kind = 1; kind < kKindNames.size(); ++kind) {
        if (key == kKindNames[kind]) return data.of_kind[kind];
      }
      return data.alive - data.has_kind;
    default:
      return OfBand(data, today, dimension, key);
  }
}

std::string Joined(const IndexData& data, const std::vector<uint32_t>& symbols) {
  std::vector<std::string_view> words;
  for (const uint32_t symbol : symbols) words.push_back(data.pool.Shown(symbol));
  std::sort(words.begin(), words.end());
  return fmt::format("{}", fmt::join(words, ";"));
}

}  // namespace

absl::StatusOr<std::vector<TableCell>> MakeTable(const IndexData& data, PackedDate today,
                                                 const Roaring& people,
                                                 const std::vector<TableDimension>& dimensions,
                                                 const std::vector<const Roaring*>& measures, size_t most) {
  const Counter counter(data, today, dimensions);
  const Counts counts = counter.Count(people);
  std::vector<Counts> measured;
  for (const Roaring* measure : measures) measured.push_back(counter.Count(people & *measure));
  std::vector<TableCell> cells;
  bool too_many = false;
  counts.ForEach([&](uint64_t place, uint32_t count) {
    too_many |= cells.size() == most;
    if (too_many) return;
    TableCell& cell = cells.emplace_back();
    cell.keys = counter.KeysOf(place);
    cell.people = count;
    for (const Counts& measure : measured) cell.measures.push_back(measure.Of(place));
  });
  if (too_many) return AudienceErrors::TooManyCells(most);
  const auto earlier = [](const auto& a, const auto& b) { return a.keys < b.keys; };
  if (!std::is_sorted(cells.begin(), cells.end(), earlier)) std::sort(cells.begin(), cells.end(), earlier);
  return cells;
}

Roaring PeopleOfCell(const IndexData& data, PackedDate today, const Roaring& people,
                     const std::vector<TableDimension>& dimensions, const TableCell& cell) {
  Roaring found = people;
  for (size_t at = 0; at < dimensions.size(); ++at)
    found &= OfKey(data, today, dimensions[at], cell.keys[at]);
  return found;
}

std::string ValueAt(const IndexData& data, PackedDate today, PersonNo person, const FieldInfo& field) {
  const PackedDate born = data.born[person];
  switch (field.type) {
    case FieldType::kText:
      return std::string(data.pool.Shown(data.texts[field.text][person]));
    case FieldType::kInt: {
      const auto age = born == 0 ? std::nullopt : AgeOn(today, born);
      return age ? std::to_string(*age) : std::string();
    }
    case FieldType::kDate:
      return born == 0 ? std::string()
                       : fmt::format("{:04}-{:02}-{:02}", born / 10000, born / 100 % 100, born % 100);
    case FieldType::kDeprivation:
      return data.deprivation[person] == 0 ? std::string() : std::to_string(data.deprivation[person]);
    case FieldType::kInclusion:
      return data.inclusion[person] == 0 ? std::string() : std::to_string(data.inclusion[person]);
    case FieldType::kTime:
      return data.updated[person] == 0 ? std::string() : std::to_string(data.updated[person]);
    case FieldType::kKinds: {
      std::string joined;
      for (size_t kind = 1; kind < kKindNames.size(); ++kind) {
        if (data.kinds[person] >> kind & 1)
          joined += (joined.empty() ? "" : ";") + std::string(kKindNames[kind]);
      }
      return joined;
    }
    case FieldType::kInterests:
      return Joined(data, data.combos.Get(data.interests[person]));
    case FieldType::kSources:
      return Joined(data, data.combos.Get(data.sources[person]));
    case FieldType::kPerson:
      return data.ids.Id(person);
    case FieldType::kFunction:
      break;
  }
  return {};
}

}  // namespace pharos::audience
