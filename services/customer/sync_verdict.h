// What of a stored record has no effect, because something stands above a feed: an opt-out, a steward's
// correction.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "pharos/record/v1/customer.pb.h"
#include "services/customer/person_store.h"
#include "services/customer/sync_item.h"
#include "storage/store.h"

namespace pharos::customer {

// Pure. Does an opt-out of the person hold back what this grant was meant to open?
bool OptOutStands(const type::v1::GateFacts& facts, const record::v1::PurposeRow& purpose,
                  const SyncGrant& grant);
// Pure. The first field, by name, where a steward's record says something else than `row`; "" if none does.
// `person` is open.
std::string CorrectedField(const record::v1::PersonRow& person, const record::v1::RecordRow& row);

// Looks at records that were stored (or would be) and notes in each result what has no effect.
class SyncVerdict {
 public:
  // As the store is now. `corrections`: whether there are any at all, as AnyCorrections said.
  SyncVerdict(const storage::Store& store, const PersonStore& people, bool corrections)
      : people_(people), view_(store.Read()), corrections_(corrections) {}
  static bool AnyCorrections(const storage::Store& store);

  // `reading` still has its change; `result` has the person.
  absl::Status Note(const SyncReading& reading, v1::SyncResult& result) const;

 private:
  const PersonStore& people_;
  const std::unique_ptr<storage::View> view_;
  const bool corrections_;
};

}  // namespace pharos::customer
