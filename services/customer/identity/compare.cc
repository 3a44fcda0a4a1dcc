#include "services/customer/identity/compare.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "services/customer/identity/text.h"

namespace pharos::customer::identity {

namespace {

constexpr double kNear = 0.90;  // Jaro-Winkler: two or three slips in a long name
constexpr double kHalf = 0.78;
// Two names that are both common are two names, not one with a slip in it (Eva and Ava). Units of 2^-32.
constexpr uint32_t kCommonGiven = 1'288'490;  // 3 in 10,000
constexpr uint32_t kCommonFamily = 429'497;   // 1 in 10,000
constexpr int kYearsOfAGeneration = 11;

enum Compatible { kAgree, kUnknown, kConflict };

struct NameResult {
  int level = 0;
  int rank = -1;
  Compatible compatible = kUnknown;
  bool given_agrees = false, family_agrees = false, given_differs = false;
  std::string_view given, family;  // exact ones
};

bool BothCommon(Term term, std::string_view a, std::string_view b, uint32_t common,
                const Frequencies& frequencies) {
  return frequencies.Of(TermHash(term, a)) >= common && frequencies.Of(TermHash(term, b)) >= common;
}

bool ShareFamily(std::string_view a, std::string_view b) {
  return std::any_of(a.begin(), a.end(), [&](char c) { return b.find(c) != std::string_view::npos; });
}

Given CompareGiven(const NameView& a, const NameView& b, const Frequencies& frequencies) {
  if (a.given.empty() || b.given.empty()) return kGivenMissing;
  if (a.given == b.given) return kGivenExact;
  if (ShareFamily(a.families, b.families)) return kGivenNickname;
  if (a.given.size() == 1 || b.given.size() == 1)
    return a.given[0] == b.given[0] ? kGivenInitial : kGivenDiffers;
  const bool slip = std::min(a.given.size(), b.given.size()) > 2 && OneSlip(a.given, b.given);
  const double likeness = slip ? 1 : JaroWinkler(a.given, b.given);
  if (likeness < kHalf) return kGivenDiffers;
  if (likeness < kNear) return kGivenHalf;
  return BothCommon(kTermGiven, a.given, b.given, kCommonGiven, frequencies) ? kGivenHalf : kGivenNear;
}

Family CompareFamily(const NameView& a, const NameView& b, const Frequencies& frequencies) {
  if (a.family.empty() || b.family.empty()) return kFamilyMissing;
  if (a.family == b.family) return kFamilyExact;
  const bool slip = std::min(a.family.size(), b.family.size()) > 2 && OneSlip(a.family, b.family);
  const double likeness = slip ? 1 : JaroWinkler(a.family, b.family);
  if (likeness < kHalf) return kFamilyDiffers;
  if (likeness < kNear) return kFamilyHalf;
  return BothCommon(kTermFamily, a.family, b.family, kCommonFamily, frequencies) ? kFamilyHalf : kFamilyNear;
}

int RankOf(Given given, Family family) {
  constexpr int kOfGiven[] = {3, 8, 7, 5, 6, 2, 0};
  constexpr int kOfFamily[] = {2, 8, 6, 1, 0};
  return kOfGiven[given] * 2 + kOfFamily[family] * 2;
}

bool Alike(std::string_view a, std::string_view b) {
  return a == b || (std::min(a.size(), b.size()) > 2 && OneSlip(a, b));
}

NameResult ComparePair(const NameView& a, const NameView& b, const Frequencies& frequencies) {
  NameResult result;
  const Given given = CompareGiven(a, b, frequencies);
  const Family family = CompareFamily(a, b, frequencies);
  result.level = given * kFamilies + family;
  result.rank = RankOf(given, family);
  result.given_agrees = given >= kGivenExact && given <= kGivenNear;
  result.given_differs = given == kGivenHalf || given == kGivenDiffers;
  result.family_agrees = family == kFamilyExact || family == kFamilyNear;
  result.compatible = result.given_agrees ? kAgree : result.given_differs ? kConflict : kUnknown;
  if (given == kGivenExact) result.given = a.given;
  if (family == kFamilyExact) result.family = a.family;
  if (result.given_agrees || result.family_agrees) return result;
  if (a.given.empty() || b.family.empty() || a.family.empty() || b.given.empty()) return result;
  const bool first = Alike(a.given, b.family), second = Alike(a.family, b.given);
  if (!first || !second) return result;
  const bool exact = a.given == b.family && a.family == b.given;
  return {exact ? kNameSwapped : kNameSwappedNearly, exact ? 30 : 26, kAgree, true, true, false, {}, {}};
}

NameResult CompareNames(const View& a, const View& b, const Frequencies& frequencies) {
  NameResult best;
  for (const auto& left : a.names) {
    for (const auto& right : b.names) {
      NameResult result = ComparePair(left, right, frequencies);
      if (result.rank > best.rank || (result.rank == best.rank && result.level < best.level)) best = result;
    }
  }
  return best;
}

enum Birth : uint8_t {
  kBirthMissing,
  kBirthExact,
  kBirthSwapped,
  kBirthSlip,
  kBirthTwoParts,
  kBirthYear,
  kBirthDiffers,
  kBirthOnlyYear,
  kBirthOnlyYearDiffers,
};

int SlipsIn(const BirthView& a, const BirthView& b) {
  int differing = 0;
  for (int x = a.year, y = b.year; x != 0 || y != 0; x /= 10, y /= 10) differing += x % 10 != y % 10;
  differing += (a.month % 10 != b.month % 10) + (a.month / 10 != b.month / 10);
  return differing + (a.day % 10 != b.day % 10) + (a.day / 10 != b.day / 10);
}

bool NeighboursSwapped(const BirthView& a, const BirthView& b) {
  const auto turned = [](int x, int y) { return x % 10 == y / 10 && x / 10 == y % 10; };
  const bool year = a.year == b.year, month = a.month == b.month, day = a.day == b.day;
  return (year && month && turned(a.day, b.day)) || (year && day && turned(a.month, b.month)) ||
         (month && day && a.year / 100 == b.year / 100 && turned(a.year % 100, b.year % 100));
}

Birth CompareBirth(const BirthView& a, const BirthView& b) {
  if (a.month == 0 || b.month == 0) return a.year == b.year ? kBirthOnlyYear : kBirthOnlyYearDiffers;
  const int same = (a.year == b.year) + (a.month == b.month) + (a.day == b.day);
  if (same == 3) return kBirthExact;
  if (a.year == b.year && a.month == b.day && a.day == b.month) return kBirthSwapped;
  if (SlipsIn(a, b) == 1 || NeighboursSwapped(a, b)) return kBirthSlip;
  if (same == 2) return kBirthTwoParts;
  return std::abs(a.year - b.year) <= 1 ? kBirthYear : kBirthDiffers;
}

struct BirthResult {
  Birth level = kBirthMissing;
  bool generations = false;
};

BirthResult CompareBirths(const View& a, const View& b) {
  static constexpr int kRank[] = {0, 9, 8, 7, 6, 4, 2, 5, 3};
  BirthResult result;
  bool apart = !a.births.empty() && !b.births.empty();
  for (const auto& left : a.births) {
    for (const auto& right : b.births) {
      const Birth level = CompareBirth(left, right);
      if (kRank[level] > kRank[result.level]) result.level = level;
      if (std::abs(left.year - right.year) < kYearsOfAGeneration) apart = false;
    }
  }
  result.generations = apart && result.level != kBirthSlip && result.level != kBirthTwoParts;
  return result;
}

std::string_view LocalPart(std::string_view email) {
  return email.substr(0, email.find('@'));
}

constexpr size_t kTellingLocalPart = 8;  // shorter ones are many people's, at several providers
constexpr int kTellingDigits = 3;        // without them it says no more than the name does

bool Telling(std::string_view local) {
  return std::count_if(local.begin(), local.end(), [](char c) { return c >= '0' && c <= '9'; }) >=
         kTellingDigits;
}

// The number in an address is what tells two people of one name apart: another digit is another person's
// address, not a slip. Digits that changed places are a slip.
bool SameDigits(std::string_view a, std::string_view b) {
  std::array<int, 10> count{};
  for (char c : a) {
    if (c >= '0' && c <= '9') ++count[static_cast<size_t>(c - '0')];
  }
  for (char c : b) {
    if (c >= '0' && c <= '9') --count[static_cast<size_t>(c - '0')];
  }
  return std::all_of(count.begin(), count.end(), [](int n) { return n == 0; });
}

bool NearlySameEmail(std::string_view left, std::string_view right) {
  const std::string_view a = LocalPart(left), b = LocalPart(right);
  if (!Telling(a) || !SameDigits(a, b)) return false;
  return OneSlip(left, right) || (a == b && a.size() > kTellingLocalPart);
}

// 0 exact, 1 shared by design, 2 nearly, 3 different; 4 missing.
int CompareEmails(const View& a, const View& b, std::string_view& same) {
  int best = 4;
  for (const auto& left : a.of[kEmail]) {
    for (const auto& right : b.of[kEmail]) {
      int level = 3;
      if (left == right) {
        level = left[0] == kRole ? 1 : 0;
        if (level < best) same = left;
      } else if (NearlySameEmail(left, right)) {
        level = left[0] == kRole || right[0] == kRole ? 3 : 2;
      }
      best = std::min(best, level);
    }
  }
  return best;
}

int ComparePhones(const View& a, const View& b, std::string_view& same) {
  int best = 4;
  for (const auto& left : a.of[kPhone]) {
    for (const auto& right : b.of[kPhone]) {
      int level = 3;
      if (left == right) {
        level = left[0] == kLandline ? 1 : 0;
        if (level < best) same = left;
      } else if (left[0] == kMobile && right[0] == kMobile && left.size() == right.size() &&
                 OneSlip(left, right)) {
        level = 2;
      }
      best = std::min(best, level);
    }
  }
  return best;
}

std::string_view Outcode(std::string_view postcode) {
  return postcode.size() > 4 ? postcode.substr(0, postcode.size() - 3)
                             : postcode.substr(0, postcode.size() - 1);
}

std::string_view AreaOf(std::string_view postcode) {
  size_t letters = 0;
  while (letters < postcode.size() && postcode[letters] >= 'A') ++letters;
  return postcode.substr(0, std::max<size_t>(letters, 1));
}

int ComparePostcodes(const View& a, const View& b, std::string_view& same) {
  int best = 6;
  for (const auto& left : a.of[kPostcode]) {
    for (const auto& right : b.of[kPostcode]) {
      int level = 5;
      if (left == right) {
        level = 1, same = left;
      } else if (OneSlip(left, right)) {
        level = 2;
      } else if (Outcode(left) == Outcode(right)) {
        level = 3;
      } else if (AreaOf(left) == AreaOf(right)) {
        level = 4;
      }
      best = std::min(best, level);
    }
  }
  return best == 6 ? 0 : best;
}

bool AnyLike(const Few<std::string_view>& a, const Few<std::string_view>& b, double likeness) {
  for (const auto& left : a) {
    for (const auto& right : b) {
      if (left == right || (likeness < 1 && JaroWinkler(left, right) >= likeness)) return true;
    }
  }
  return false;
}

// 0 house and street, 1 street, 2 house, 3 different; 4 missing.
int CompareAddresses(const View& a, const View& b) {
  const auto &house_a = a.of[kHouse], &house_b = b.of[kHouse], &street_a = a.of[kStreet],
             &street_b = b.of[kStreet];
  const bool houses = !house_a.empty() && !house_b.empty(), streets = !street_a.empty() && !street_b.empty();
  if (!houses && !streets) return 4;
  const bool house = houses && AnyLike(house_a, house_b, 1);
  const bool street = streets && AnyLike(street_a, street_b, kNear);
  return house && street ? 0 : street ? 1 : house ? 2 : 3;
}

// 1 exact, 2 one slip, 3 different; 0 missing.
int CompareCodes(const Few<std::string_view>& a, const Few<std::string_view>& b) {
  if (a.empty() || b.empty()) return 0;
  int best = 3;
  for (const auto& left : a) {
    for (const auto& right : b) best = std::min(best, left == right ? 1 : OneSlip(left, right) ? 2 : 3);
  }
  return best;
}

int CompareMiddle(const Few<std::string_view>& a, const Few<std::string_view>& b) {
  if (a.empty() || b.empty()) return 0;
  int best = 3;
  for (const auto& left : a) {
    for (const auto& right : b) best = std::min(best, left == right ? 1 : left[0] == right[0] ? 2 : 3);
  }
  return best;
}

std::vector<LevelInfo> NameLevels() {
  static const char* const kGivenText[] = {
      "given name missing", "given name exact",   "short form of the given name", "initial agrees",
      "given name nearly",  "given name similar", "given name different"};
  static const char* const kFamilyText[] = {"family name missing", "family name exact", "family name nearly",
                                            "family name similar", "family name different"};
  std::vector<LevelInfo> levels;
  for (int given = 0; given < 7; ++given) {
    for (int family = 0; family < kFamilies; ++family) {
      const int group = given == 0 && family == 0 ? 0 : given == 0 ? 1 : family == 0 ? 2 : 3;
      levels.push_back({std::string(kGivenText[given]) + ", " + kFamilyText[family], group});
    }
  }
  levels[0].text = "not known of both";
  levels.push_back({"given and family name swapped", 3});
  levels.push_back({"given and family name swapped, nearly", 3});
  return levels;
}

std::vector<LevelInfo> Grouped(const std::vector<std::string>& groups,
                               const std::vector<std::string>& levels) {
  std::vector<LevelInfo> all = {{"not known of both", 0}};
  int number = 0;
  for (const auto& group : groups) {
    ++number;
    for (const auto& level : levels) all.push_back({group.empty() ? level : level + ", " + group, number});
  }
  return all;
}

std::array<FieldInfo, kFields> MakeFields() {
  const std::vector<std::string> names = {"given names agree", "given name not known",
                                          "given names conflict"};
  const std::vector<std::string> codes = {"exact", "one character differs", "different"};
  const std::vector<std::string> homes = {"same postcode", "other postcode"};
  std::array<FieldInfo, kFields> fields;
  fields[kFieldName] = {"name", NameLevels()};
  fields[kFieldMiddle] = {"middle_name", Grouped({""}, {"exact", "initial agrees", "different"})};
  fields[kFieldBirth] = {"date_of_birth",
                         Grouped({""}, {"exact", "day and month swapped", "one digit differs",
                                        "two parts of three agree", "year agrees or nearly", "different"})};
  fields[kFieldBirth].levels.push_back({"only the year is known and agrees", 2});
  fields[kFieldBirth].levels.push_back({"only the year is known and differs", 2});
  fields[kFieldSex] = {"sex", Grouped({"given names agree", "given names do not"}, {"same", "different"})};
  fields[kFieldEmail] = {"email", Grouped(names, {"exact", "same shared mailbox", "nearly", "different"})};
  fields[kFieldPhone] = {"phone",
                         Grouped(names, {"same mobile", "same landline", "one digit differs", "different"})};
  fields[kFieldPostcode] = {"postcode", Grouped({""}, {"exact", "one character differs", "same district",
                                                       "same area", "different"})};
  fields[kFieldAddress] = {
      "address", Grouped(homes, {"same house and street", "same street", "same house number", "different"})};
  fields[kFieldTown] = {"town", Grouped(homes, {"exact", "nearly", "different"})};
  fields[kFieldNhsNumber] = {"nhs_number", Grouped({""}, codes)};
  fields[kFieldNationalId] = {"national_id", Grouped({""}, codes)};
  fields[kFieldOrganisation] = {"organisation", Grouped({""}, {"same", "different"})};
  return fields;
}

uint16_t FlagsOf(const Levels& levels, const NameResult& name, const BirthResult& birth, const View& a,
                 const View& b) {
  uint16_t flags = 0;
  const int number = levels.of[kFieldNhsNumber];
  const bool birth_agrees = birth.level >= kBirthExact && birth.level <= kBirthSlip;
  const bool names_agree = name.given_agrees && name.family_agrees;
  if (number == 1) {
    const bool nothing_else = birth.level == kBirthMissing && (a.names.empty() || b.names.empty());
    if (birth_agrees || names_agree)
      flags |= kSameNumber;
    else if (!nothing_else)
      flags |= kWeakNumber;
  }
  if (number > 1) flags |= kOtherNumber;
  const bool one_home = name.family_agrees || levels.of[kFieldPostcode] == 1;
  const bool same_id = number == 1 || levels.of[kFieldNationalId] == 1;
  if (!same_id && birth.level == kBirthExact && name.given_differs && one_home) flags |= kPossibleTwins;
  if (birth.generations && !same_id) flags |= kGenerations;
  return flags;
}

}  // namespace

const std::array<FieldInfo, kFields>& AllFields() {
  static const std::array<FieldInfo, kFields>* const fields =
      new std::array<FieldInfo, kFields>(MakeFields());
  return *fields;
}

uint64_t TermHash(Term term, std::string_view value) {
  return HashOf(100 + term, value);
}

Levels Compare(const View& a, const View& b, const Frequencies& frequencies) {
  Levels levels;
  const auto set = [&](Field field, int level) { levels.of[field] = static_cast<uint8_t>(level); };
  const NameResult name = CompareNames(a, b, frequencies);
  const BirthResult birth = CompareBirths(a, b);
  set(kFieldName, name.level);
  set(kFieldMiddle, CompareMiddle(a.of[kMiddle], b.of[kMiddle]));
  set(kFieldBirth, birth.level);
  if (!a.of[kSex].empty() && !b.of[kSex].empty()) {
    set(kFieldSex, (name.compatible == kAgree ? 1 : 3) + !AnyLike(a.of[kSex], b.of[kSex], 1));
  }
  std::string_view email, phone, postcode;
  const int emails = CompareEmails(a, b, email), phones = ComparePhones(a, b, phone);
  if (emails < 4) set(kFieldEmail, 1 + name.compatible * 4 + emails);
  if (phones < 4) set(kFieldPhone, 1 + name.compatible * 4 + phones);
  const int postcodes = ComparePostcodes(a, b, postcode);
  set(kFieldPostcode, postcodes);
  const int elsewhere = postcodes == 1 || postcodes == 2 ? 0 : 1;
  const int addresses = CompareAddresses(a, b);
  if (addresses < 4) set(kFieldAddress, 1 + elsewhere * 4 + addresses);
  if (!a.of[kTown].empty() && !b.of[kTown].empty()) {
    const int town = AnyLike(a.of[kTown], b.of[kTown], 1)       ? 0
                     : AnyLike(a.of[kTown], b.of[kTown], kNear) ? 1
                                                                : 2;
    set(kFieldTown, 1 + elsewhere * 3 + town);
  }
  set(kFieldNhsNumber, CompareCodes(a.of[kNhsNumber], b.of[kNhsNumber]));
  set(kFieldNationalId, CompareCodes(a.of[kNationalId], b.of[kNationalId]));
  if (!a.of[kOrganisation].empty() && !b.of[kOrganisation].empty()) {
    set(kFieldOrganisation, AnyLike(a.of[kOrganisation], b.of[kOrganisation], 1) ? 1 : 2);
  }
  levels.flags = FlagsOf(levels, name, birth, a, b);
  if (!name.given.empty()) levels.terms[kTermGiven] = TermHash(kTermGiven, name.given);
  if (!name.family.empty()) levels.terms[kTermFamily] = TermHash(kTermFamily, name.family);
  if (postcodes == 1) levels.terms[kTermPostcode] = TermHash(kTermPostcode, postcode);
  if (emails < 2) levels.terms[kTermEmail] = TermHash(kTermEmail, email);
  if (phones < 2) levels.terms[kTermPhone] = TermHash(kTermPhone, phone);
  return levels;
}

}  // namespace pharos::customer::identity
