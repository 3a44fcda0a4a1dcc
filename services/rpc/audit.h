// The audit of reads: whoever reads data of identifiable people leaves an entry in the change log of the
// service that answers, synced before the answer goes out (commits of several callers share one sync). RPCs
// that need it say so in their policy row (reads_people).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "services/rpc/call.h"
#include "storage/store.h"

namespace pharos::rpc {

// One entry, kind e.g. "person.read": who read what, through which RPC, for which purpose. `resources` are
// names ("people/…"), never personal values; empty is allowed (somebody looked and found nothing). A status
// that is not OK must be the caller's answer: no entry, no data.
absl::Status AuditRead(const Call& call, storage::Store& store, std::string_view kind,
                       const std::vector<std::string>& resources, int64_t now_us);

// The same in somebody else's transaction, where a loop owns the store: the answer waits for its commit.
void AuditReadIn(const Call& call, storage::Transaction& tx, std::string_view kind,
                 const std::vector<std::string>& resources, int64_t now_us);

}  // namespace pharos::rpc
