// Page tokens over keys: the last key of a page, opaque to the caller and bound to its list.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace pharos::campaign {

inline constexpr int kDefaultPage = 100;
inline constexpr int kLargestPage = 1000;

int PageSize(int asked);
std::string PageToken(std::string_view last_key);
// The first key of the next page; empty for an empty token. INVALID_ARGUMENT (PAGE_TOKEN_WRONG).
absl::StatusOr<std::string> PageStart(std::string_view token, uint8_t table);

}  // namespace pharos::campaign
