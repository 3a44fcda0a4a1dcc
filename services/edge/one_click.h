// Does a POST say "List-Unsubscribe=One-Click"? RFC 8058, 3.1: as application/x-www-form-urlencoded or
// multipart/form-data. Pure.
#pragma once

#include <string_view>

namespace pharos::edge {

// Header names and values of the content type are compared without regard to case; the pair is exact.
bool IsOneClick(std::string_view content_type, std::string_view body);

}  // namespace pharos::edge
