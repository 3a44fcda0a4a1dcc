// The purpose register on disk: the current version of each, and those before it.
#pragma once

#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "pharos/record/v1/customer.pb.h"
#include "services/gate/gate.h"
#include "storage/store.h"

namespace pharos::customer {

// The current version; nullopt: there is none. A row from before there were versions is version 1.
absl::StatusOr<std::optional<record::v1::PurposeRow>> LoadPurpose(const storage::View& view,
                                                                  std::string_view name);
absl::StatusOr<std::optional<record::v1::PurposeRow>> LoadPurpose(storage::Transaction& tx,
                                                                  std::string_view name);
absl::StatusOr<std::optional<record::v1::PurposeRow>> LoadPurpose(const storage::Store& store,
                                                                  std::string_view name);
// One version, current or not.
absl::StatusOr<std::optional<record::v1::PurposeRow>> LoadPurposeVersion(const storage::View& view,
                                                                         std::string_view name,
                                                                         uint64_t version);
// `row` becomes the current version; `before`, if it is there, stays under its number.
void SavePurpose(storage::Transaction& tx, const record::v1::PurposeRow* before,
                 const record::v1::PurposeRow& row);

// As the gate looks at it.
gate::Purpose GatePurpose(const record::v1::PurposeRow& row);

}  // namespace pharos::customer
