#include "services/audience/index_match.h"

#include <algorithm>
#include <utility>

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

uint64_t Matcher::Count(const Predicate& predicate) const {
  if (predicate.kind == Kind::kNot) return data_.alive.cardinality() - Count(predicate.parts[0]);
  if (predicate.kind != Kind::kAnd || predicate.parts.size() < 2) return Find(predicate).get().cardinality();
  const std::vector<Predicate> most(predicate.parts.begin(), predicate.parts.end() - 1);
  const Predicate& last = predicate.parts.back();
  const Found before = All(most);
  if (last.kind == Kind::kNot) return before.get().andnot_cardinality(Find(last.parts[0]).get());
  return before.get().and_cardinality(Find(last).get());
}

Matcher::Found Matcher::All(const std::vector<Predicate>& parts) const {
  Found found = Find(parts[0]);
  for (size_t at = 1; at < parts.size(); ++at) {
    const bool without = parts[at].kind == Kind::kNot;
    const Found other = Find(without ? parts[at].parts[0] : parts[at]);
    found = without ? Found(found.get() - other.get()) : Found(found.get() & other.get());
  }
  return found;
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

Roaring Matcher::TextIs(TextField field, const Predicate& predicate) const {
  if (field == kPostcode) return PostcodeIs(predicate);
  const auto& bitmaps = data_.with_text[field];
  if (!predicate.prefix) {
    const auto found = bitmaps.find(data_.pool.Find(predicate.text));
    return found == bitmaps.end() ? Roaring() : found->second;
  }
  Roaring all;
  for (const auto& [symbol, bitmap] : bitmaps) {
    if (data_.pool.Get(symbol).starts_with(predicate.text)) all |= bitmap;
  }
  return all;
}

Matcher::Found Matcher::Text(const Predicate& predicate) const {
  const TextField field = predicate.field->text, name = NameOf(field);
  Roaring found = TextIs(field, predicate);
  if (name != kTextFields) found |= TextIs(name, predicate);
  return predicate.unequal ? data_.has_text[field] - found : std::move(found);
}

Matcher::Found Matcher::Aged(const Predicate& predicate) const {
  int64_t low = predicate.low, high = predicate.high;
  if (predicate.kind == Kind::kAge) std::tie(low, high) = BornFor(today_, low, high);
  Roaring found = ScanRange(data_.born, std::max<int64_t>(low, 1), high);
  if (!predicate.unequal) return found;
  // Of those who have an age: born by today.
  const Roaring known =
      predicate.kind == Kind::kAge ? ScanRange(data_.born, 1, int64_t{today_} + 1) : data_.has_born;
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
  Roaring found = ScanRange(data_.updated, predicate.low, predicate.high) & data_.has_updated;
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
