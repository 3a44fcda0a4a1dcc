#include "services/audience/reference_data.h"

#include <algorithm>

#include "services/base/errors.h"
#include "services/base/text.h"

namespace pharos::audience {
namespace {

using Chunk = record::v1::ReferenceChunkRow;
using Area = Chunk::Area;

constexpr size_t kShortestPostcode = 2, kLongestPostcode = 7;
constexpr int kLongestChain = 8;  // of codes that were replaced again
constexpr int kAreaBits = 16, kDecileBits = 4;
constexpr uint64_t kBase = 37;  // nothing, ten digits, 26 letters

absl::Status TooLarge() {
  return base::MakeError(
      absl::StatusCode::kResourceExhausted, "REFERENCE_TOO_LARGE",
      "There are more areas or postcodes than this version can hold (65,535 and 4,000,000).");
}

uint64_t Pack(std::string_view normal) {
  uint64_t packed = 0;
  for (size_t i = 0; i < kLongestPostcode; ++i) {
    uint64_t digit = 0;
    if (i < normal.size())
      digit = normal[i] <= '9' ? static_cast<uint64_t>(normal[i] - '0') + 1
                               : static_cast<uint64_t>(normal[i] - 'A') + 11;
    packed = packed * kBase + digit;
  }
  return packed << (kAreaBits + kDecileBits);
}

Place PlaceIn(const Area& area, uint8_t decile) {
  Place place;
  place.area = area.code();
  place.area_name = area.display_name();
  place.upper_tier = area.upper_tier();
  place.upper_tier_name = area.upper_tier_name();
  place.region = area.region();
  place.region_name = area.region_name();
  place.deprivation = decile != 0 ? decile : static_cast<uint8_t>(area.deprivation_decile());
  return place;
}

}  // namespace

std::string NormalPostcode(std::string_view text) {
  std::string normal;
  for (const char c : text) {
    if (c == ' ') continue;
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && !(c >= '0' && c <= '9')) return "";
    normal += letter ? static_cast<char>(c & ~0x20) : c;
  }
  return normal.size() < kShortestPostcode || normal.size() > kLongestPostcode ? "" : normal;
}

absl::StatusOr<std::shared_ptr<const ReferenceData>> ReferenceData::Make(uint64_t generation,
                                                                         const std::vector<Chunk>& chunks) {
  std::shared_ptr<ReferenceData> data(new ReferenceData(generation));
  PHAROS_RETURN_IF_ERROR(data->Add(chunks));
  return std::shared_ptr<const ReferenceData>(std::move(data));
}

absl::Status ReferenceData::Add(const std::vector<Chunk>& chunks) {
  for (const Chunk& chunk : chunks) areas_.insert(areas_.end(), chunk.areas().begin(), chunk.areas().end());
  std::sort(areas_.begin(), areas_.end(), [](const Area& a, const Area& b) { return a.code() < b.code(); });
  for (size_t i = 0; i < areas_.size(); ++i) {
    by_code_.emplace(areas_[i].code(), i);
    if (!areas_[i].display_name().empty()) by_name_.emplace(base::LowerAscii(areas_[i].display_name()), i);
  }
  for (const Chunk& chunk : chunks) {
    for (const Chunk::Change& change : chunk.changes()) {
      if (change.code() != change.code_now()) now_.emplace(change.code(), change.code_now());
    }
  }
  for (const Chunk& chunk : chunks) PHAROS_RETURN_IF_ERROR(AddPostcodes(chunk));
  std::sort(postcodes_.begin(), postcodes_.end());
  return areas_.size() > kMostAreas || postcodes_.size() > kMostPostcodes ? TooLarge() : absl::OkStatus();
}

// A postcode may lie where no area says more than its code: in another nation.
size_t ReferenceData::IndexOf(const std::string& code) {
  if (const Area* known = ByCode(code)) return static_cast<size_t>(known - areas_.data());
  const auto [at, fresh] = by_code_.emplace(code, areas_.size());
  if (fresh) areas_.emplace_back().set_code(code);
  return at->second;
}

absl::Status ReferenceData::AddPostcodes(const Chunk& chunk) {
  for (const Chunk::Postcode& postcode : chunk.postcodes()) {
    const size_t area = IndexOf(postcode.area());
    if (area > kMostAreas) return TooLarge();
    postcodes_.push_back(Pack(postcode.postcode()) | area << kDecileBits | postcode.deprivation_decile());
  }
  return absl::OkStatus();
}

const Area* ReferenceData::ByCode(std::string_view code) const {
  std::string key(code);
  for (int i = 0; i < kLongestChain; ++i) {
    if (const auto at = by_code_.find(key); at != by_code_.end()) return &areas_[at->second];
    const auto next = now_.find(key);
    if (next == now_.end()) return nullptr;
    key = next->second;
  }
  return nullptr;
}

const Area* ReferenceData::ByName(std::string_view name) const {
  const auto at = by_name_.find(base::LowerAscii(name));
  return at == by_name_.end() ? nullptr : &areas_[at->second];
}

Place ReferenceData::PlaceOf(std::string_view postcode, std::string_view source_area) const {
  if (const std::string normal = NormalPostcode(postcode); !normal.empty()) {
    const uint64_t wanted = Pack(normal);
    const auto at = std::lower_bound(postcodes_.begin(), postcodes_.end(), wanted);
    if (at != postcodes_.end() && *at >> (kAreaBits + kDecileBits) == wanted >> (kAreaBits + kDecileBits))
      return PlaceIn(areas_[*at >> kDecileBits & 0xffff], static_cast<uint8_t>(*at & 0xf));
  }
  if (const Area* area = ByCode(source_area)) return PlaceIn(*area, 0);
  if (const Area* area = ByName(source_area)) return PlaceIn(*area, 0);
  Place place;
  place.area = source_area;
  return place;
}

}  // namespace pharos::audience
