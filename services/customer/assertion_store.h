// Decisions on disk, for reading: the linker writes them (services/customer/linker.h). Keys: tables.h.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/record/v1/identity.pb.h"
#include "storage/store.h"

namespace pharos::customer {

// nullopt: no such decision; `name` is "assertions/…".
absl::StatusOr<std::optional<record::v1::AssertionRow>> LoadAssertion(const storage::View& view,
                                                                      std::string_view name);

// Those that name one of these records, newest first, each once; those taken back too. At most `most`.
absl::StatusOr<std::vector<record::v1::AssertionRow>> AssertionsAbout(const storage::View& view,
                                                                      std::span<const std::string> records,
                                                                      size_t most);

// All, newest first: those before `before` ("assertions/…"; empty: from the newest on) for which `wanted` is
// true, at most `most`. `now`: microseconds since the epoch.
using Wanted = std::function<bool(const record::v1::AssertionRow&)>;
absl::StatusOr<std::vector<record::v1::AssertionRow>> AssertionsBefore(const storage::View& view,
                                                                       std::string_view before, size_t most,
                                                                       const Wanted& wanted, int64_t now);

}  // namespace pharos::customer
