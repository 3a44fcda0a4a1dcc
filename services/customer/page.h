// Pages of a table whose keys are one id: sources, purposes.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/customer/tables.h"
#include "storage/store.h"

namespace pharos::customer {

struct Page {
  std::vector<std::string> values;  // as stored
  std::string next_token;           // empty on the last page
};

// `size` 0 = 100, at most 1,000. INVALID_ARGUMENT PAGE_TOKEN_WRONG.
absl::StatusOr<Page> ReadPage(const storage::View& view, Table table, int size, const std::string& token);

}  // namespace pharos::customer
