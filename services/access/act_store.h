// Acts on disk, newest first.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/record/v1/access.pb.h"
#include "storage/store.h"

namespace pharos::access {

// NOT_FOUND (ACT_NOT_FOUND).
absl::StatusOr<v1::Act> LoadAct(storage::Transaction& tx, std::string_view name);
absl::StatusOr<v1::Act> LoadAct(const storage::Store& store, std::string_view name);
void SaveAct(storage::Transaction& tx, const v1::Act& act);

struct ActPage {
  std::vector<v1::Act> acts;
  std::string next_page_token;
};
// PAGE_TOKEN_WRONG.
absl::StatusOr<ActPage> ListActPage(const storage::Store& store, int page_size, std::string_view page_token);

}  // namespace pharos::access
