#include "services/campaign/paging.h"

#include <algorithm>

#include "services/base/ids.h"
#include "services/campaign/errors.h"

namespace pharos::campaign {

int PageSize(int asked) {
  return asked <= 0 ? kDefaultPage : std::min(asked, kLargestPage);
}

std::string PageToken(std::string_view last_key) {
  return base::ToHex(last_key);
}

absl::StatusOr<std::string> PageStart(std::string_view token, uint8_t table) {
  if (token.empty()) return std::string();
  std::string key = base::FromHex(token);
  if (key.empty() || static_cast<uint8_t>(key[0]) != table) return errors::PageTokenWrong();
  key.push_back('\0');
  return key;
}

}  // namespace pharos::campaign
