// Templates on disk: every version, and the newest under its own key.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/record/v1/campaign.pb.h"
#include "storage/store.h"

namespace pharos::campaign {

// version 0 = newest. NOT_FOUND (TEMPLATE_NOT_FOUND).
absl::StatusOr<record::v1::TemplateRow> LoadTemplate(const storage::Store& store, std::string_view name,
                                                     uint64_t version);
// The newest version inside a transaction; false if there is none.
absl::StatusOr<bool> FindTemplate(storage::Transaction& tx, std::string_view name,
                                  record::v1::TemplateRow& row);
// Writes a version as the newest one.
void SaveTemplate(storage::Transaction& tx, const record::v1::TemplateRow& row);

struct TemplatePage {
  std::vector<record::v1::TemplateRow> rows;
  std::string next_page_token;
};
// Newest versions by id. INVALID_ARGUMENT (PAGE_TOKEN_WRONG).
absl::StatusOr<TemplatePage> ListTemplateRows(const storage::Store& store, int page_size,
                                              std::string_view page_token);

}  // namespace pharos::campaign
