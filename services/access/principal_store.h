// Principals on disk, and those of the bootstrap file beside them: one list.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/record/v1/access.pb.h"
#include "services/access/token_file.h"
#include "storage/store.h"

namespace pharos::access {

// The principals of the bootstrap file, by name, as the API shows them. Where a principal stands in both, the
// file is right.
using FilePrincipals = std::map<std::string, v1::Principal, std::less<>>;
FilePrincipals PrincipalsOf(const std::vector<FileCaller>& callers);

// False if there is none.
absl::StatusOr<bool> FindPrincipal(storage::Transaction& tx, std::string_view name,
                                   record::v1::PrincipalRow& row);
absl::StatusOr<bool> FindPrincipal(const storage::Store& store, std::string_view name,
                                   record::v1::PrincipalRow& row);
void SavePrincipal(storage::Transaction& tx, const record::v1::PrincipalRow& row);

// All of them, by id; the visitor returns false to stop.
absl::Status ForEachPrincipal(const storage::View& view, std::string_view after_key,
                              const std::function<bool(const record::v1::PrincipalRow&)>& visit);

struct PrincipalPage {
  std::vector<v1::Principal> principals;
  std::string next_page_token;
};
// By id. PAGE_TOKEN_WRONG.
absl::StatusOr<PrincipalPage> ListPrincipalPage(const storage::Store& store, const FilePrincipals& file,
                                                int page_size, std::string_view page_token, int64_t now_us);

}  // namespace pharos::access
