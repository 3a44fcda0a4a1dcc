#include "services/audience/index_match.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "services/audience/scan.h"

namespace pharos::audience {

using Kind = Predicate::Kind;

// A bitmap of the index, or one made for this answer.
class Matcher::Found {
 public:
  Found(const Roaring* lent) : lent_(lent) {}
  Found(Roaring made) : made_(std::move(made)) {}
  const Roaring& get() const { return lent_ != nullptr ? *lent_ : made_; }
  Roaring Take() && { return lent_ != nullptr ? *lent_ : std::move(made_); }

 private:
  const Roaring* lent_ = nullptr;
  Roaring made_;
};

namespace {

const Roaring& Nobody() {
  static const Roaring* none = new Roaring;
  return *none;
}

}  // namespace

std::pair<PackedDate, PackedDate> BornFor(PackedDate today, int64_t low, int64_t high) {
  // AgeOn is (today - born) / 10000 rounded down, for born <= today.
  constexpr int64_t kOldest = 2000;
  low = std::clamp<int64_t>(low, 0, kOldest), high = std::clamp<int64_t>(high, 0, kOldest);
  if (low >= high) return {0, 0};
  const auto born = [&](int64_t age) { return static_cast<PackedDate>(today - age * 10000); };
  return {static_cast<PackedDate>(born(high) + 1), static_cast<PackedDate>(born(low) + 1)};
}

Roaring Matcher::Match(const Predicate& predicate) const {
  return Find(predicate).Take();
}

// Ranges wait until it is known how few people are left to look at.
struct Matcher::Parts {
  struct Range {
    int64_t low = INT64_MIN, high = INT64_MAX;
    bool given = false;
    void Narrow(int64_t from, int64_t to) {
      low = std::max(low, from), high = std::min(high, to);
      given = true;
    }
  };
  std::vector<Found> with, without;
  Range born, updated;
};

struct Matcher::Joined {
  Found found;
  Found last;
  enum { kNothing, kWith, kWithout } step = kNothing;
};

void Matcher::Gather(const std::vector<Predicate>& of, Parts& parts) const {
  for (const Predicate& part : of) {
    const bool whole = part.unequal;
    if (part.kind == Kind::kAnd) {
      Gather(part.parts, parts);
    } else if (part.kind == Kind::kNot) {
      parts.without.push_back(Find(part.parts[0]));
    } else if (part.kind == Kind::kBorn && !whole) {
      parts.born.Narrow(std::max<int64_t>(part.low, 1), part.high);
    } else if (part.kind == Kind::kAge && !whole) {
      const auto [low, high] = BornFor(today_, part.low, part.high);
      parts.born.Narrow(std::max<int64_t>(low, 1), high);
    } else if (part.kind == Kind::kUpdated && !whole) {
      parts.updated.Narrow(part.low, part.high);
      if (part.low <= 0) parts.with.push_back(&data_.has_updated);
    } else {
      parts.with.push_back(Find(part));
    }
  }
}

Matcher::Joined Matcher::Join(const std::vector<Predicate>& of) const {
  constexpr uint64_t kFew = 32;  // of so many: looking at each is quicker than scanning all
  Parts parts;
  Gather(of, parts);
  std::vector<std::pair<uint64_t, Found*>> order;  // the smallest first
  for (Found& found : parts.with) order.emplace_back(found.get().cardinality(), &found);
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::pair<Found, bool>> steps;  // true: without
  for (const auto& [size, found] : order) steps.emplace_back(std::move(*found), false);
  for (Found& found : parts.without) steps.emplace_back(std::move(found), true);
  const bool ranges = parts.born.given || parts.updated.given;
  std::optional<Found> joined;
  size_t at = 0;
  if (!order.empty()) joined.emplace(std::move(steps[at++].first));
  const auto take = [&](const Found& other, bool without) {
    const Roaring& before = joined ? joined->get() : data_.alive;
    Roaring made = without ? before - other.get() : before & other.get();
    joined.emplace(std::move(made));
  };
  const auto narrow = [&](const Parts::Range& range, const auto& days, const auto& values) {
    if (!range.given) return;
    const bool few = joined && joined->get().cardinality() * kFew < days.size();
    Roaring found = few ? PickRange(joined->get(), values, range.low, range.high)
                        : ScanRange(days, values, range.low, range.high);
    if (joined && !few) found &= joined->get();
    joined.emplace(std::move(found));
  };
  for (; at < steps.size() && (ranges || at + 1 < steps.size()); ++at)
    take(steps[at].first, steps[at].second);
  narrow(parts.born, data_.born_day, data_.born);
  narrow(parts.updated, data_.updated_day, data_.updated);
  if (!joined) joined.emplace(&data_.alive);
  if (at == steps.size()) return {*std::move(joined), &Nobody(), Joined::kNothing};
  return {*std::move(joined), std::move(steps[at].first),
          steps[at].second ? Joined::kWithout : Joined::kWith};
}

uint64_t Matcher::Count(const Predicate& predicate) const {
  if (predicate.kind == Kind::kNot) return data_.alive.cardinality() - Count(predicate.parts[0]);
  if (predicate.kind != Kind::kAnd) return Find(predicate).get().cardinality();
  const Joined joined = Join(predicate.parts);
  if (joined.step == Joined::kNothing) return joined.found.get().cardinality();
  if (joined.step == Joined::kWithout) return joined.found.get().andnot_cardinality(joined.last.get());
  return joined.found.get().and_cardinality(joined.last.get());
}

Matcher::Found Matcher::All(const std::vector<Predicate>& parts) const {
  Joined joined = Join(parts);
  if (joined.step == Joined::kNothing) return std::move(joined.found);
  if (joined.step == Joined::kWithout) return joined.found.get() - joined.last.get();
  return joined.found.get() & joined.last.get();
}

Matcher::Found Matcher::Any(const std::vector<Predicate>& parts) const {
  Found found = Find(parts[0]);
  for (size_t at = 1; at < parts.size(); ++at) found = Found(found.get() | Find(parts[at]).get());
  return found;
}

Matcher::Found Matcher::Find(const Predicate& predicate) const {
  switch (predicate.kind) {
    case Kind::kEverybody:
      return &data_.alive;
    case Kind::kAnd:
      return All(predicate.parts);
    case Kind::kOr:
      return Any(predicate.parts);
    case Kind::kNot:
      return data_.alive - Find(predicate.parts[0]).get();
    case Kind::kText:
      return Text(predicate);
    case Kind::kAge:
    case Kind::kBorn:
      return Aged(predicate);
    case Kind::kLevel:
      return Levels(predicate);
    case Kind::kUpdated:
      return Updated(predicate);
    case Kind::kPerson:
      return Person(predicate);
    case Kind::kInterest:
      return InSet(data_.with_interest, predicate.text);
    case Kind::kSource:
      return InSet(data_.from_source, predicate.text);
    case Kind::kAudience:
      return &data_.of_kind[static_cast<size_t>(predicate.low)];
    case Kind::kPresent:
      return Present(*predicate.field);
    case Kind::kReachable:
      return &data_.reachable[predicate.channel];
    case Kind::kConsent:
      return &consents_(predicate.channel, predicate.text);
    case Kind::kEngaged:
      return Engaged(predicate);
  }
  return &Nobody();
}

Roaring Matcher::PostcodeIs(const Predicate& predicate) const {
  std::vector<char> wanted(data_.pool.size(), 0);
  for (uint32_t symbol = 1; symbol < wanted.size(); ++symbol) {
    const std::string_view text = data_.pool.Get(symbol);
    wanted[symbol] = predicate.prefix ? text.starts_with(predicate.text) : text == predicate.text;
  }
  return ScanSymbols(data_.texts[kPostcode], wanted);
}

Matcher::Found Matcher::TextIs(TextField field, const Predicate& predicate) const {
  if (field == kPostcode) return PostcodeIs(predicate);
  const auto& bitmaps = data_.with_text[field];
  if (!predicate.prefix) {
    const auto found = bitmaps.find(data_.pool.Find(predicate.text));
    return found == bitmaps.end() ? &Nobody() : &found->second;
  }
  Roaring all;
  for (const auto& [symbol, bitmap] : bitmaps) {
    if (data_.pool.Get(symbol).starts_with(predicate.text)) all |= bitmap;
  }
  return all;
}

Matcher::Found Matcher::Text(const Predicate& predicate) const {
  const TextField field = predicate.field->text, name = NameOf(field);
  Found found = TextIs(field, predicate);
  if (name != kTextFields) {
    Found named = TextIs(name, predicate);
    if (found.get().isEmpty()) {
      found = std::move(named);
    } else if (!named.get().isEmpty()) {
      found = Found(found.get() | named.get());
    }
  }
  return predicate.unequal ? Found(data_.has_text[field] - found.get()) : std::move(found);
}

Matcher::Found Matcher::Aged(const Predicate& predicate) const {
  int64_t low = predicate.low, high = predicate.high;
  if (predicate.kind == Kind::kAge) std::tie(low, high) = BornFor(today_, low, high);
  Roaring found = ScanRange(data_.born_day, data_.born, std::max<int64_t>(low, 1), high);
  if (!predicate.unequal) return found;
  // Of those who have an age: born by today.
  const Roaring known = predicate.kind == Kind::kAge
                            ? ScanRange(data_.born_day, data_.born, 1, int64_t{today_} + 1)
                            : data_.has_born;
  return known - found;
}

Matcher::Found Matcher::Levels(const Predicate& predicate) const {
  const auto& levels =
      predicate.field->type == FieldType::kDeprivation ? data_.of_deprivation : data_.of_inclusion;
  Roaring found;
  for (int level = 1; level < IndexData::kDeciles; ++level) {
    const bool in = level >= predicate.low && level < predicate.high;
    if (in != predicate.unequal) found |= levels[static_cast<size_t>(level)];
  }
  return found;
}

Matcher::Found Matcher::Updated(const Predicate& predicate) const {
  Roaring found =
      ScanRange(data_.updated_day, data_.updated, predicate.low, predicate.high) & data_.has_updated;
  return predicate.unequal ? data_.has_updated - found : std::move(found);
}

Matcher::Found Matcher::Person(const Predicate& predicate) const {
  Roaring found;
  if (const PersonNo person = data_.ids.Find(predicate.text); person != IdBook::kNobody) found.add(person);
  return predicate.unequal ? data_.alive - found : std::move(found);
}

Matcher::Found Matcher::InSet(const IndexData::ByValue& bitmaps, const std::string& word) const {
  const auto found = bitmaps.find(data_.pool.Find(word));
  return found == bitmaps.end() ? &Nobody() : &found->second;
}

Matcher::Found Matcher::Engaged(const Predicate& predicate) const {
  return data_.engagement.Engaged(predicate.text, predicate.event, EngagedSince(predicate, today_),
                                  data_.alive, [this](std::string_view id) { return data_.ids.Find(id); });
}

Matcher::Found Matcher::Present(const FieldInfo& field) const {
  switch (field.type) {
    case FieldType::kText:
      return &data_.has_text[field.text];
    case FieldType::kInt:
    case FieldType::kDate:
      return &data_.has_born;
    case FieldType::kDeprivation:
      return data_.alive - data_.of_deprivation[0];
    case FieldType::kInclusion:
      return data_.alive - data_.of_inclusion[0];
    case FieldType::kTime:
      return &data_.has_updated;
    case FieldType::kKinds:
      return &data_.has_kind;
    case FieldType::kInterests:
      return &data_.has_interest;
    case FieldType::kSources:
      return &data_.has_source;
    case FieldType::kPerson:
      return &data_.alive;
    case FieldType::kFunction:
      break;
  }
  return &Nobody();
}

}  // namespace pharos::audience
