#include "services/customer/page.h"

#include <algorithm>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/errors.h"

namespace pharos::customer {

namespace {

constexpr int kDefaultSize = 100;
constexpr int kMostOnAPage = 1000;

}  // namespace

absl::StatusOr<Page> ReadPage(const storage::View& view, Table table, int size, const std::string& token) {
  storage::KeyRange range = storage::PrefixRange(storage::KeyWriter(table).str());
  if (!token.empty()) {
    const std::string last = base::FromHex(token);
    if (!base::IsChosenId(last)) return errors::PageTokenWrong();
    range.begin = storage::KeyWriter(table).String(last).str() + '\0';
  }
  const size_t most = size <= 0 ? kDefaultSize : std::min(size, kMostOnAPage);
  Page page;
  std::string last;
  PHAROS_RETURN_IF_ERROR(view.Scan(range, [&](std::string_view key, std::string_view value) {
    if (page.values.size() == most) {
      page.next_token = base::ToHex(last);
      return false;
    }
    page.values.emplace_back(value);
    last = storage::KeyReader(key).String();
    return true;
  }));
  return page;
}

}  // namespace pharos::customer
