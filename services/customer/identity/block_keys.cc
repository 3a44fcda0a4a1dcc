#include <algorithm>
#include <array>

#include "services/customer/identity/compare.h"
#include "services/customer/identity/text.h"

namespace pharos::customer::identity {

namespace {

// Compound, so that the fields of a record can be wrong one at a time, and mostly two at a time.
enum KeyName : int {
  kKeyNhsNumber,
  kKeyNationalId,
  kKeyEmail,
  kKeyPhone,
  kKeyLocalPart,
  kKeyNamesYear,
  kKeyNamesOutcode,
  kKeyBirthGiven,
  kKeyBirthFamily,
  kKeyBirthNickname,
  kKeyBirthOutcode,
  kKeyFamilyPostcode,
  kKeyGivenPostcode,
  kKeyPostcodeHouse,
  kKeyStreetHouse,
  kKeyFamilyTown,
  kKeyGivenYearDay,
  kKeyGivenMonthDay,
  kKeyFamilyYearDay,
  kKeyFamilyMonthDay,
  kKeyFamilyYearMonth,
  kKeyPhoneTail,
  kKeySkeletonsYear,
  kKeyInitialsPostcode,
  kKeyNameKinds,
};
constexpr std::array<std::string_view, kKeyNameKinds> kKeyTexts = {"NHS number",
                                                                   "national id",
                                                                   "email",
                                                                   "phone",
                                                                   "email local part and initial",
                                                                   "names and year of birth",
                                                                   "names and postcode district",
                                                                   "date of birth and given initial",
                                                                   "date of birth and family initial",
                                                                   "date of birth and short form",
                                                                   "date of birth and postcode district",
                                                                   "family name and postcode",
                                                                   "given name and postcode",
                                                                   "postcode and house",
                                                                   "street and house",
                                                                   "family name and town",
                                                                   "given name, year and day of birth",
                                                                   "given name, month and day of birth",
                                                                   "family name, year and day of birth",
                                                                   "family name, month and day of birth",
                                                                   "family name, year and month of birth",
                                                                   "end of phone and initial",
                                                                   "similar names and year of birth",
                                                                   "initials and postcode"};
static_assert(kKeyNameKinds <= kKeyKinds);

constexpr size_t kFollowed = 4;        // values of each kind that are combined with each other
constexpr size_t kShortLocalPart = 6;  // shorter ones are many people's
constexpr size_t kPhoneTail = 7;

class Collector {
 public:
  explicit Collector(std::vector<uint64_t>& keys) : keys_(keys) {}
  void Add(int kind, uint64_t hash) {
    keys_.push_back((hash & ~uint64_t{kKeyKinds - 1}) | static_cast<uint64_t>(kind));
  }
  void Add(int kind, std::string_view value) { Add(kind, HashOf(kind, value)); }
  void Add(int kind, std::string_view first, std::string_view second) {
    Add(kind, Mix(HashOf(kind, first), HashOf(kind, second)));
  }
  void Add(int kind, std::string_view first, uint64_t second) { Add(kind, Mix(HashOf(kind, first), second)); }

 private:
  std::vector<uint64_t>& keys_;
};

template <class T>
size_t Followed(const Few<T>& few) {
  return std::min<size_t>(few.size, kFollowed);
}

std::string_view OutcodeOf(std::string_view postcode) {
  return postcode.size() > 4 ? postcode.substr(0, postcode.size() - 3) : postcode;
}

void NameAndBirth(Collector& out, const NameView& name, const BirthView& birth) {
  const uint64_t year = static_cast<uint64_t>(birth.year);
  if (!name.given.empty() && !name.family.empty()) {
    const auto [low, high] = std::minmax(name.given, name.family);
    out.Add(kKeyNamesYear, Mix(Mix(HashOf(kKeyNamesYear, low), HashOf(kKeyNamesYear, high)), year));
    const std::string given = Skeleton(name.given), family = Skeleton(name.family);
    out.Add(kKeySkeletonsYear,
            Mix(Mix(HashOf(0, std::min(given, family)), HashOf(0, std::max(given, family))), year));
  }
  if (birth.month == 0) return;
  const auto month = static_cast<uint64_t>(birth.month), day = static_cast<uint64_t>(birth.day);
  // Day and month in order of size, so that swapped ones meet.
  const uint64_t whole = year << 16 | std::min(month, day) << 8 | std::max(month, day);
  const uint64_t year_day = year << 8 | day, month_day = month << 8 | day, year_month = year << 8 | month;
  if (!name.given.empty()) {
    out.Add(kKeyBirthGiven, name.given.substr(0, 1), whole);
    for (char family : name.families) out.Add(kKeyBirthNickname, std::string_view(&family, 1), whole);
    const std::string given = Skeleton(name.given);
    out.Add(kKeyGivenYearDay, given, year_day);
    out.Add(kKeyGivenMonthDay,
            Mix(Mix(HashOf(kKeyGivenMonthDay, given), HashOf(0, name.family.substr(0, 1))), month_day));
  }
  if (!name.family.empty()) {
    out.Add(kKeyBirthFamily, name.family.substr(0, 1), whole);
    const std::string family = Skeleton(name.family);
    out.Add(kKeyFamilyYearDay, family, year_day);
    out.Add(kKeyFamilyMonthDay,
            Mix(Mix(HashOf(kKeyFamilyMonthDay, family), HashOf(0, name.given.substr(0, 1))), month_day));
    out.Add(kKeyFamilyYearMonth,
            Mix(Mix(HashOf(kKeyFamilyYearMonth, family), HashOf(0, name.given.substr(0, 1))), year_month));
  }
}

void NameAndPlace(Collector& out, const NameView& name, std::string_view postcode) {
  if (!name.given.empty() && !name.family.empty()) {
    const auto [low, high] = std::minmax(name.given, name.family);
    out.Add(kKeyNamesOutcode, Mix(Mix(HashOf(kKeyNamesOutcode, low), HashOf(kKeyNamesOutcode, high)),
                                  HashOf(0, OutcodeOf(postcode))));
    const auto [first, second] = std::minmax(name.given[0], name.family[0]);
    const std::string initials = {first, second};
    out.Add(kKeyInitialsPostcode, initials, postcode);
  }
  if (!name.family.empty()) out.Add(kKeyFamilyPostcode, Skeleton(name.family), postcode);
  if (!name.given.empty()) out.Add(kKeyGivenPostcode, name.given.substr(0, 3), postcode);
}

void Contacts(Collector& out, const View& record) {
  for (const auto& email : record.of[kEmail]) {
    if (email[0] == kRole) continue;  // whoever is on duty
    out.Add(kKeyEmail, email);
    const std::string_view local = email.substr(1, email.find('@') - 1);
    if (local.size() < kShortLocalPart) continue;
    out.Add(kKeyLocalPart, local);
  }
  for (const auto& phone : record.of[kPhone]) {
    out.Add(kKeyPhone, phone);
    if (phone[0] != kMobile || phone.size() <= kPhoneTail || record.names.empty()) continue;
    for (const auto& name : record.names) {
      if (!name.given.empty())
        out.Add(kKeyPhoneTail, phone.substr(phone.size() - kPhoneTail), name.given.substr(0, 1));
    }
  }
}

void Places(Collector& out, const View& record) {
  for (size_t h = 0; h < Followed(record.of[kHouse]); ++h) {
    for (const auto& postcode : record.of[kPostcode])
      out.Add(kKeyPostcodeHouse, record.of[kHouse][h], postcode);
    for (const auto& street : record.of[kStreet])
      out.Add(kKeyStreetHouse, record.of[kHouse][h], street.substr(0, 6));
  }
  for (size_t t = 0; t < Followed(record.of[kTown]); ++t) {
    for (const auto& name : record.names) {
      if (name.family.empty()) continue;
      out.Add(kKeyFamilyTown, Mix(HashOf(0, name.given.substr(0, 1)), HashOf(0, name.family.substr(0, 3))) ^
                                  HashOf(kKeyFamilyTown, record.of[kTown][t].substr(0, 4)));
    }
  }
}

}  // namespace

std::string_view KeyKindName(int kind) {
  return kind < kKeyNameKinds ? kKeyTexts[static_cast<size_t>(kind)] : std::string_view();
}

void BlockKeys(const View& record, std::vector<uint64_t>& keys) {
  keys.clear();
  Collector out(keys);
  for (const auto& number : record.of[kNhsNumber]) out.Add(kKeyNhsNumber, number);
  for (const auto& number : record.of[kNationalId]) out.Add(kKeyNationalId, number);
  Contacts(out, record);
  Places(out, record);
  for (size_t n = 0; n < Followed(record.names); ++n) {
    for (size_t b = 0; b < Followed(record.births); ++b) NameAndBirth(out, record.names[n], record.births[b]);
    for (size_t p = 0; p < Followed(record.of[kPostcode]); ++p)
      NameAndPlace(out, record.names[n], record.of[kPostcode][p]);
  }
  for (size_t b = 0; b < Followed(record.births); ++b) {
    const BirthView& birth = record.births[b];
    if (birth.month == 0) continue;
    const uint64_t whole = static_cast<uint64_t>(birth.year) << 16 | static_cast<uint64_t>(birth.month) << 8 |
                           static_cast<uint64_t>(birth.day);
    for (size_t p = 0; p < Followed(record.of[kPostcode]); ++p) {
      out.Add(kKeyBirthOutcode, OutcodeOf(record.of[kPostcode][p]), whole);
    }
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
}

}  // namespace pharos::customer::identity
