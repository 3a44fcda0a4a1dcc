// Page tokens: opaque to the caller, bound to the query they came from.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace pharos::audience {

// `query` names what is paged through, `position` where the next page begins.
std::string MakePageToken(std::string_view query, std::string_view position);
// The position. INVALID_ARGUMENT (PAGE_TOKEN_WRONG) for a token of another query.
absl::StatusOr<std::string> ReadPageToken(std::string_view query, std::string_view token);

}  // namespace pharos::audience
