// People's decisions about records: which belong together, and which never do.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "services/customer/identity/link_index.h"

namespace pharos::customer::identity {

class Decisions {
 public:
  // A record's place in a decision.
  struct Place {
    uint64_t assertion = 0;
    uint32_t side = 0;
    auto operator<=>(const Place&) const = default;
  };

  // FAILED_PRECONDITION (ASSERTION_CONFLICT) if it contradicts what stands.
  absl::Status Check(uint64_t id, const Assertion& assertion) const;
  void Add(uint64_t id, Assertion assertion);
  void Remove(uint64_t id);
  const Assertion* Of(uint64_t id) const;
  // Sorted.
  const std::vector<Place>& PlacesOf(RecordNo record) const;
  const std::vector<RecordNo>& SideOf(const Place& place) const;
  const std::map<uint64_t, Assertion>& all() const { return all_; }

 private:
  std::map<uint64_t, Assertion> all_;
  absl::flat_hash_map<RecordNo, std::vector<Place>> places_;
};

}  // namespace pharos::customer::identity
