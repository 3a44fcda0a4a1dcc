// Given names and the short forms people use for them.
#pragma once

#include <string_view>

namespace pharos::customer {

// True if one is a short form of the other, or both are short forms of one name. Both folded.
bool SameByNickname(std::string_view a, std::string_view b);

}  // namespace pharos::customer
