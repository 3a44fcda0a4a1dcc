// Model epochs on disk, and which one is in force. Keys: tables.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/customer/v1/identity_service.pb.h"
#include "pharos/record/v1/identity.pb.h"
#include "services/customer/identity/model.h"
#include "storage/store.h"

namespace pharos::customer {

inline constexpr std::string_view kShippedModel = "linkModels/shipped";

// "linkModels/{16 hex digits}" of its content: the same records, seed and options give the same model and the
// same name.
std::string NameOfModel(record::v1::LinkModel row);

// nullopt: no such model. The shipped one is always there.
absl::StatusOr<std::optional<record::v1::LinkModel>> LoadModel(const storage::View& view,
                                                               std::string_view name);
// Newest first, the shipped one last. At most kMostModels.
absl::StatusOr<std::vector<record::v1::LinkModel>> LoadModels(const storage::View& view);
inline constexpr size_t kMostModels =
    100;  // each is trained by hand and is megabytes; older ones are not listed
void SaveModel(storage::Transaction& tx, const record::v1::LinkModel& row);

// Which one is in force; epoch 0 and no name while it is the shipped one that nobody chose.
absl::StatusOr<record::v1::LinkEpochRow> LoadEpoch(const storage::View& view);
// "linkModels/…" in force.
std::string ActiveModel(const record::v1::LinkEpochRow& epoch);
std::string EtagOf(const record::v1::LinkEpochRow& epoch);

v1::LinkModel ShowModel(const record::v1::LinkModel& row, const record::v1::LinkEpochRow& epoch);

}  // namespace pharos::customer
