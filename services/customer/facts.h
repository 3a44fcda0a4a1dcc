// Facts that people state about a person: deceased, paused, sensitive; with who said so, when and how. (Facts
// that a source states come with its records.)
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/customer/v1/consent_service.pb.h"
#include "pharos/record/v1/customer.pb.h"
#include "services/customer/keys.h"
#include "services/customer/person_store.h"

namespace pharos::customer {

// States it on all records of the person, also those gone: after an unlink it holds for both sides. In force
// with the commit; whoever acknowledges one that makes the gate stricter waits first (OptOuts). `id` is new.
absl::Status StateFact(storage::Transaction& tx, const PersonStore& people,
                       const record::v1::PersonRow& person, const record::v1::FactRow& fact,
                       std::string_view id, const ChangeMaker& change);

struct StatedFact {
  std::string id;
  record::v1::FactRow row;
};
// Oldest first.
absl::StatusOr<std::vector<StatedFact>> FactsStatedOf(const storage::View& view, const RecordId& record);

// Did it hold for a record at `time`? What people stated decides; where nobody had yet, what the record said
// all along: `now` unless somebody changed it later. Pure.
bool HeldAt(const std::vector<StatedFact>& stated, v1::SetPersonFactRequest::Fact fact, bool now,
            int64_t time);

}  // namespace pharos::customer
