// The file of the key-encryption key: 32 random bytes, mode 0600. Everything in the access store that is
// secret is wrapped under it, so that the store alone, or its backup, opens nothing. Keep a copy of it
// somewhere else than the store.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace pharos::access {

inline constexpr size_t kKekBytes = 32;

// Reads it. If it is not there: makes it, unless `must_exist`, which is KEK_MISSING. FAILED_PRECONDITION
// (KEK_UNUSABLE) in words.
absl::StatusOr<std::string> LoadKek(const std::string& file, bool must_exist);

}  // namespace pharos::access
