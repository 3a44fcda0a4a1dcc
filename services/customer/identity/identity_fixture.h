// Records for tests, as a source would say them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "services/customer/identity/link_index.h"

namespace pharos::customer::identity {

using Fields = std::map<std::string, std::string, std::less<>>;

inline Features FeaturesOf(const Fields& fields, const std::vector<Fields>& before = {}) {
  const auto reader = [](const Fields& of) {
    return [&of](std::string_view field) -> std::string_view {
      const auto it = of.find(field);
      return it == of.end() ? std::string_view() : std::string_view(it->second);
    };
  };
  std::vector<decltype(reader(fields))> readers;
  for (const auto& earlier : before) readers.push_back(reader(earlier));
  const std::vector<Said> earlier(readers.begin(), readers.end());
  return Features::Of(reader(fields), earlier, *Model::Default());
}

}  // namespace pharos::customer::identity
