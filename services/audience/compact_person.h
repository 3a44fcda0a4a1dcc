// A person as the index keeps them: small, without names and contact details. About 200 bytes and the gate's
// facts.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pharos/customer/internal/v1/feed_service.pb.h"
#include "pharos/type/v1/types.pb.h"
#include "services/audience/london.h"
#include "services/audience/reference.h"

namespace pharos::audience {

// Strings to small numbers, for good: there are few different areas, roles and interests. Not thread-safe by
// itself.
class StringPool {
 public:
  static constexpr uint32_t kAbsent = 0;            // a person without a value
  static constexpr uint32_t kNowhere = UINT32_MAX;  // a value that nobody has

  // `shown`: as it is first written by somebody; `text`: as it is compared.
  uint32_t Intern(std::string_view text, std::string_view shown = {});
  uint32_t Find(std::string_view text) const;  // kNowhere if it was never interned
  std::string_view Get(uint32_t symbol) const { return strings_[symbol]; }
  std::string_view Shown(uint32_t symbol) const {
    return shown_[symbol].empty() ? std::string_view(strings_[symbol]) : std::string_view(shown_[symbol]);
  }
  size_t size() const { return strings_.size(); }

 private:
  std::deque<std::string> shown_{std::string()};    // empty: as compared
  std::deque<std::string> strings_{std::string()};  // a deque: the map's views stay where they are
  std::unordered_map<std::string_view, uint32_t> symbols_;
};

// kAreaName, kUpperTierName, kRegionName: what kArea, kUpperTier and kRegion are called; a filter may say
// either.
enum TextField : uint8_t {
  kArea,
  kPostcode,
  kLanguage,
  kSex,
  kOrganisation,
  kRole,
  kUpperTier,
  kRegion,
  kAreaName,
  kUpperTierName,
  kRegionName,
  kSourceArea,  // as a source said it
  kTextFields
};
// The field that says in words what `field` says as a code; kTextFields: there is none.
TextField NameOf(TextField field);

// A text as it is compared: ASCII letters in lower case, spaces at the ends dropped; in a postcode all spaces
// dropped.
std::string ComparedText(TextField field, std::string_view text);
// The same for a member of a set.
std::string ComparedWord(std::string_view text);

struct CompactPerson {
  uint8_t kinds = 0;  // bit n: type::v1::AudienceKind n
  uint8_t reach = 0;  // bit n: an endpoint of type::v1::Channel n that is not suppressed
  std::array<uint32_t, kTextFields> texts{};
  PackedDate born = 0;      // 0: unknown
  uint8_t deprivation = 0;  // 1 (most) to 10; 0: unknown
  uint8_t inclusion = 0;    // NHS digital inclusion scale, 1 to 9; 0: unknown
  std::vector<uint32_t> interests, sources;
  int64_t update_time_us = 0;       // 0: unknown
  std::vector<std::string> former;  // ids that were linked into this person, without "people/"
  std::string gate;  // type::v1::GateFacts, serialised: a tenth of the message's size in memory
};

CompactPerson MakeCompact(const customer::internal::v1::PersonState& state, StringPool& pool,
                          const Reference& reference);
// The place of a person anew, from their postcode and the area that a source said.
void SetPlace(StringPool& pool, const Reference& reference, CompactPerson& person);

}  // namespace pharos::audience
