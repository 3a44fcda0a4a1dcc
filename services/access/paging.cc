#include "services/access/paging.h"

#include <algorithm>

#include "services/access/errors.h"
#include "services/base/ids.h"

namespace pharos::access {

size_t PageSize(int asked) {
  return static_cast<size_t>(asked <= 0 ? kDefaultPage : std::min(asked, kLargestPage));
}

std::string PageToken(std::string_view last_key) {
  return base::ToHex(last_key);
}

absl::StatusOr<std::string> AfterKey(std::string_view token, uint8_t table) {
  if (token.empty()) return std::string();
  std::string key = base::FromHex(token);
  if (key.empty() || static_cast<uint8_t>(key[0]) != table) return errors::PageTokenWrong();
  return key;
}

}  // namespace pharos::access
