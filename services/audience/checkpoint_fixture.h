// Keys for tests of what lies sealed.
#pragma once

#include <string>
#include <vector>

#include "services/base/ids.h"
#include "storage/seal.h"

namespace pharos::audience {

// Keys that anybody could guess.
class GuessableKeys : public storage::KeySource {
 public:
  absl::StatusOr<std::vector<storage::DataKey>> Create(size_t count) override {
    std::vector<storage::DataKey> keys;
    for (size_t i = 1; i <= count; ++i) keys.push_back(Key(i));
    return keys;
  }
  absl::StatusOr<std::vector<storage::DataKey>> Fetch(const std::vector<uint64_t>& ids) override {
    std::vector<storage::DataKey> keys;
    for (const uint64_t id : ids) keys.push_back(Key(id));
    return keys;
  }
  static storage::DataKey Key(uint64_t id) { return {id, base::Sha256(std::to_string(id))}; }
};

}  // namespace pharos::audience
