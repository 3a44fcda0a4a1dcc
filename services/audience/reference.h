// Reference data as one immutable snapshot: where a place is. Shared by the index and the services; replaced
// as a whole when new data is loaded.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace pharos::audience {

// Codes and names; empty where not known. deprivation 1 (most) to 10, 0 = not known.
struct Place {
  std::string_view area, area_name, upper_tier, upper_tier_name, region, region_name;
  uint8_t deprivation = 0;
};

class Reference {
 public:
  virtual ~Reference() = default;
  // The place of a person: of the postcode if it is known (its own decile, else the area's), else of the area
  // that the source said: by code, by a replaced code, or by name (case does not matter). An area that is not
  // in the data is kept as the source said it, with nothing else known. Views live as long as the snapshot
  // and the arguments.
  virtual Place PlaceOf(std::string_view postcode, std::string_view source_area) const = 0;
  virtual uint64_t generation() const = 0;

  // Knows nothing.
  static std::shared_ptr<const Reference> Nothing();
};

}  // namespace pharos::audience
