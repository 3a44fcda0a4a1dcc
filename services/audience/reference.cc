#include "services/audience/reference.h"

namespace pharos::audience {
namespace {

class NoReference : public Reference {
 public:
  Place PlaceOf(std::string_view, std::string_view source_area) const override {
    Place place;
    place.area = source_area;
    return place;
  }
  uint64_t generation() const override { return 0; }
};

}  // namespace

std::shared_ptr<const Reference> Reference::Nothing() {
  return std::make_shared<NoReference>();
}

}  // namespace pharos::audience
