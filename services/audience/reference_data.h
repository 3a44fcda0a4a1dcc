// Reference data in memory: areas, replaced codes, postcodes. A postcode takes eight bytes. Built once, then
// never changed.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/record/v1/audience.pb.h"
#include "services/audience/reference.h"

namespace pharos::audience {

// Upper case, without spaces: "M11AE". "" if it has another form than 2 to 7 letters and digits (BS 7666
// postcodes have 5 to 7, their districts 2 to 4).
std::string NormalPostcode(std::string_view text);

class ReferenceData : public Reference {
 public:
  static constexpr size_t kMostAreas = 65'535;  // the United Kingdom has some 400 local authorities
  static constexpr size_t kMostPostcodes =
      4'000'000;  // there are 1.8 million, 2.7 million with terminated ones

  // RESOURCE_EXHAUSTED (REFERENCE_TOO_LARGE) past the limits.
  static absl::StatusOr<std::shared_ptr<const ReferenceData>> Make(
      uint64_t generation, const std::vector<record::v1::ReferenceChunkRow>& chunks);

  Place PlaceOf(std::string_view postcode, std::string_view source_area) const override;
  uint64_t generation() const override { return generation_; }
  // By code; with names where they are known.
  const std::vector<record::v1::ReferenceChunkRow::Area>& areas() const { return areas_; }
  size_t postcodes() const { return postcodes_.size(); }

 private:
  explicit ReferenceData(uint64_t generation) : generation_(generation) {}
  absl::Status Add(const std::vector<record::v1::ReferenceChunkRow>& chunks);
  absl::Status AddPostcodes(const record::v1::ReferenceChunkRow& chunk);
  // The area of a code, by way of replaced ones; of a name. Null: not known.
  const record::v1::ReferenceChunkRow::Area* ByCode(std::string_view code) const;
  const record::v1::ReferenceChunkRow::Area* ByName(std::string_view name) const;
  size_t IndexOf(const std::string& code);

  const uint64_t generation_;
  std::vector<record::v1::ReferenceChunkRow::Area> areas_;
  std::unordered_map<std::string, size_t> by_code_, by_name_;  // names in lower case
  std::unordered_map<std::string, std::string> now_;           // code before → code now
  std::vector<uint64_t> postcodes_;  // ascending: postcode in base 37, 16 bits of area, 4 bits of decile
};

}  // namespace pharos::audience
