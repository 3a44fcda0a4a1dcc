// Names of places, for tables whose keys are codes of areas or regions.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "services/edge/console/visit.h"

namespace pharos::edge::console {

class AreaNames {
 public:
  AreaNames() = default;
  explicit AreaNames(std::map<std::string, std::string, std::less<>> names) : names_(std::move(names)) {}

  // "" if there is none.
  std::string Of(std::string_view code) const;
  // "Leeds (E08000035)"; the code alone where no name is known.
  std::string WithCode(std::string_view code) const;

 private:
  std::map<std::string, std::string, std::less<>> names_;
};

// Those for a field of people: "area", "region"; none for another field, and none where reference data are
// not loaded or may not be read.
AreaNames NamesFor(const Visit& visit, std::string_view field);

}  // namespace pharos::edge::console
