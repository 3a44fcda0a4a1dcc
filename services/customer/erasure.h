// Erasing a person. Everything that a person would be known by goes, and what keeps us from writing to them
// stays:
//   1. with one commit: their endpoints are suppressed (ERASED), the words of their consent entries, of facts
//   and of decisions about
//      them alone go, and a row says that the erasure has begun. From then on nothing can be sent;
//   2. every record becomes a tombstone (services/customer/linker.h), again until no record is left that came
//   meanwhile;
//   3. the answer is remembered.
// Asked for again after a crash it goes on where it was. Data keys are not destroyed yet: copies in backups
// stay readable for whoever has the keys of access.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/record/v1/customer.pb.h"
#include "services/customer/linker.h"
#include "services/customer/person_store.h"
#include "storage/store.h"

namespace pharos::customer {

struct Erased {
  std::string person;                  // its name at the end
  std::vector<std::string> records;    // that became tombstones now
  std::vector<std::string> endpoints;  // blind indexes
};

// NOT_FOUND, ERASURE_UNFINISHED, and what the linker says. `erasure` has reason, principal, create_time_us.
absl::StatusOr<Erased> ErasePerson(storage::Store& store, const PersonStore& people, Linker& linker,
                                   const std::string& person, const record::v1::ErasureRow& erasure,
                                   const ChangeMaker& change);

// Entries that speak of nobody else: every record that they hang on is one of these. Pure.
bool IsAboutOnly(const record::v1::LedgerRow& entry, const std::vector<std::string>& records);

}  // namespace pharos::customer
