// Titles of roles as people write them: "Director of Public Health", "director, public health", "DPH", "Dir.
// of Public Health". Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pharos::customer {

// Words that carry meaning, in lower case: no punctuation, no "of", "the", "and"; usual short forms written
// out ("dir", "dep", "mgr"); how somebody holds the role ("interim", "acting") left out.
std::vector<std::string> TitleWords(std::string_view title);

// The same role: word for word, or where a word of the one is the initials of several of the other ("Deputy
// DPH").
bool SameTitle(std::string_view a, std::string_view b);

}  // namespace pharos::customer
