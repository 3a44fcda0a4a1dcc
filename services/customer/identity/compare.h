// Two records side by side: for each field how well they agree, as a level, and what speaks for or against
// them whatever the score. Pure and symmetric.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "services/customer/identity/features_data.h"

namespace pharos::customer::identity {

enum Field : uint8_t {
  kFieldName,
  kFieldMiddle,
  kFieldBirth,
  kFieldSex,
  kFieldEmail,
  kFieldPhone,
  kFieldPostcode,
  kFieldAddress,
  kFieldTown,
  kFieldNhsNumber,
  kFieldNationalId,
  kFieldOrganisation,
  kFields,
};

// A level's words, and the group within which shares add up to one. Level 0 of every field: one side does not
// say.
struct LevelInfo {
  std::string text;
  int group = 0;
};
struct FieldInfo {
  std::string name;
  std::vector<LevelInfo> levels;
};
const std::array<FieldInfo, kFields>& AllFields();

// Values whose frequency counts.
enum Term : uint8_t { kTermGiven, kTermFamily, kTermPostcode, kTermEmail, kTermPhone, kTerms };

// Share of records that have a value, in units of 2^-32; 0: not known to be frequent.
class Frequencies {
 public:
  void Set(uint64_t hash, uint32_t share) { shares_[hash] = share; }
  uint32_t Of(uint64_t hash) const {
    const auto it = shares_.find(hash);
    return it == shares_.end() ? 0 : it->second;
  }
  size_t size() const { return shares_.size(); }

 private:
  absl::flat_hash_map<uint64_t, uint32_t> shares_;
};
uint64_t TermHash(Term term, std::string_view value);

// What a comparison found besides levels.
enum Flag : uint16_t {
  kSameNumber = 1,     // NHS number, and the date of birth or the names agree
  kWeakNumber = 2,     // same NHS number, and neither agrees
  kOtherNumber = 4,    // both have NHS numbers, none in common
  kPossibleTwins = 8,  // born on one day, of one family or home, of different given names
  kGenerations = 16,   // born too many years apart
};
// Never joined without a person's word.
constexpr uint16_t kNever = kWeakNumber | kOtherNumber | kPossibleTwins | kGenerations;

// Weighed first.
constexpr uint16_t kDoubtful = kPossibleTwins | kGenerations;

struct Levels {
  std::array<uint8_t, kFields> of{};
  uint16_t flags = 0;
  // Hashes of the values that agree exactly; 0: none.
  std::array<uint64_t, kTerms> terms{};
};

Levels Compare(const View& a, const View& b, const Frequencies& frequencies);

// Blocking: two records are compared if they share at least one key. The lowest five bits say which kind it
// is.
constexpr int kKeyKinds = 32;
std::string_view KeyKindName(int kind);
inline int KeyKind(uint64_t key) {
  return static_cast<int>(key & (kKeyKinds - 1));
}
// Sorted, each once.
void BlockKeys(const View& record, std::vector<uint64_t>& keys);

// Levels of the name comparison: how the given names agree × how the family names do.
enum Given : uint8_t {
  kGivenMissing,
  kGivenExact,
  kGivenNickname,
  kGivenInitial,
  kGivenNear,
  kGivenHalf,
  kGivenDiffers
};
enum Family : uint8_t { kFamilyMissing, kFamilyExact, kFamilyNear, kFamilyHalf, kFamilyDiffers };
constexpr int kFamilies = 5;
constexpr int kNameSwapped = 35;  // given and family name in each other's place
constexpr int kNameSwappedNearly = 36;

}  // namespace pharos::customer::identity
