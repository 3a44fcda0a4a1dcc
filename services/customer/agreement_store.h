// Agreements on disk, and which of them name a principal. Keys: tables.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/record/v1/sync.pb.h"
#include "storage/store.h"

namespace pharos::customer {

// nullopt: there is none; also for a name of another shape.
absl::StatusOr<std::optional<record::v1::AgreementRow>> LoadAgreement(const storage::Store& store,
                                                                      std::string_view name);
absl::StatusOr<std::optional<record::v1::AgreementRow>> LoadAgreement(storage::Transaction& tx,
                                                                      std::string_view name);
void SaveAgreement(storage::Transaction& tx, const record::v1::AgreementRow& row);

inline constexpr size_t kMostAgreementsOfOne = 1000;  // of one principal; a partner has a handful
// By id, those after `after` (an id), at most `most`.
absl::StatusOr<std::vector<record::v1::AgreementRow>> AgreementsOf(const storage::View& view,
                                                                   std::string_view principal,
                                                                   std::string_view after, size_t most);

// How far a source's feed has come.
std::string SyncCursorKey(std::string_view source);  // "sources/…"

}  // namespace pharos::customer
