// Files that are built into the program: pages/*.mustache and assets/*. Written by ops/build/embed.cmake.
#pragma once

#include <map>
#include <string_view>

namespace pharos::edge::console {

// By name, without the folder and ".mustache".
const std::map<std::string_view, std::string_view>& BuiltInPages();
// By file name: "console.js".
const std::map<std::string_view, std::string_view>& BuiltInAssets();

}  // namespace pharos::edge::console
