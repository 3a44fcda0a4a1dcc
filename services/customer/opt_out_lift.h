// After an unlink: an opt-out that was recorded while records were one person stands for both sides until
// somebody decides whose it was. Who may be let off, and how.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pharos/record/v1/customer.pb.h"
#include "services/customer/keys.h"
#include "services/customer/person_store.h"
#include "storage/store.h"

namespace pharos::customer {

// Where an opt-out stands now.
struct OptOutStands {
  std::vector<std::string> here;  // records of the person named
  bool elsewhere = false;         // on a record of somebody else, too
  bool endpoint_here = false;     // it was said at an endpoint that the person has
};
// OPT_OUT_NOT_THERE, OPT_OUT_DIRECT. Pure.
absl::Status MayLift(const record::v1::LedgerRow& opt_out, const OptOutStands& stands,
                     std::string_view person);

// Appends `lifting` (name, how, principal, create_time_us, event time) and takes the opt-out from the
// person's records, on which stands afterwards what the ledger says without it; the opt-out itself stays in
// the ledger, and on everybody else. ENTRY_NOT_FOUND, PERSON_NOT_FOUND and as above. Gives the entry as it
// was stored.
absl::StatusOr<record::v1::LedgerRow> LiftOptOut(storage::Transaction& tx, const PersonStore& people,
                                                 std::string_view opt_out, std::string_view person,
                                                 record::v1::LedgerRow lifting, const ChangeMaker& change);

// The entries of which one record is a subject, in the order of their names. The transaction has read its
// row.
absl::StatusOr<std::vector<record::v1::LedgerRow>> LedgerOf(storage::Transaction& tx, const RecordId& record);

// What the gate looks at for one record: of these entries of its ledger those that are in force there. Pure.
google::protobuf::RepeatedPtrField<type::v1::GateEntry> EntriesInForce(
    const std::vector<record::v1::LedgerRow>& ledger, std::string_view record);

}  // namespace pharos::customer
