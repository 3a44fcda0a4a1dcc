// Page tokens over keys: the last key of a page, opaque to the caller and bound to its list.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace pharos::access {

inline constexpr int kDefaultPage = 100;
inline constexpr int kLargestPage = 1000;

size_t PageSize(int asked);
std::string PageToken(std::string_view last_key);
// The last key of the page before; empty for an empty token. INVALID_ARGUMENT (PAGE_TOKEN_WRONG).
absl::StatusOr<std::string> AfterKey(std::string_view token, uint8_t table);

}  // namespace pharos::access
