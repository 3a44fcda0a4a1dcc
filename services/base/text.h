// Text: what the standard library and Abseil of Debian 12 lack between them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/string_view.h"

namespace pharos::base {

// Debian's absl::string_view is a type of its own.
inline absl::string_view ToAbsl(std::string_view s) {
  return {s.data(), s.size()};
}
inline std::string_view FromAbsl(absl::string_view s) {
  return {s.data(), s.size()};
}

std::string_view TrimAscii(std::string_view s);
std::string LowerAscii(std::string_view s);
// "a,b,,c" → {"a","b","","c"}; an empty text gives one empty part.
std::vector<std::string> Split(std::string_view text, char separator);
// Well-formed UTF-8: no overlong forms, surrogates or values past U+10FFFF.
bool IsUtf8(std::string_view s);
// Fewest insertions, deletions, substitutions and swaps of neighbours between two short words.
int EditDistance(std::string_view a, std::string_view b);
// The candidate nearest to `word`, for "did you mean"; "" if none is within a third of its length (at least
// 2).
std::string Nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace pharos::base
