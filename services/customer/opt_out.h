// Everything that makes the gate stricter goes through here: commit first, then fix the set of permits it
// touches, then wait for them, then acknowledge. Whoever acknowledges an opt-out in another way breaks
// promise 1.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pharos/customer/internal/v1/opt_out_service.pb.h"
#include "pharos/record/v1/customer.pb.h"
#include "services/base/clock.h"
#include "services/customer/permit_table.h"
#include "services/customer/person_store.h"
#include "services/rpc/call.h"
#include "storage/store.h"

namespace pharos::customer {

// Thread-safe.
class OptOuts {
 public:
  OptOuts(storage::Store& store, const PersonStore& people, PermitTable& permits, base::Clock& clock)
      : store_(store), people_(people), permits_(permits), clock_(clock) {}

  // The commit of a reply; a repeat of its reply_id gives the row of the first. Durable on return, not
  // acknowledged.
  absl::StatusOr<record::v1::OptOutRow> Record(
      const rpc::Call& call, const customer::internal::v1::RecordReplyRequest& request) const;

  // What providers said of endpoints: suppresses those that are not yet, in one commit. Durable on return.
  absl::Status Report(const rpc::Call& call,
                      const customer::internal::v1::ReportEndpointsRequest& request) const;

  // Whose address a reply came from: its endpoint, and the person who has it, of several the one known
  // longest
  // ("": nobody). Changes nothing.
  struct Holder {
    std::string endpoint, person;
  };
  absl::StatusOr<Holder> HolderOf(const customer::internal::v1::RecordReplyRequest& request) const;

  // Waits for what an opt-out covers: its endpoint, or the person whose messages it ends.
  absl::Status AwaitOptOut(const record::v1::OptOutRow& row) const;

  // Call after the commit, also for a request that changed nothing. Returns when nothing that the commit
  // covers can be handed over any more: at most D after the call or after the last start, whoever else is
  // dead.
  void AwaitEndpoint(std::string_view endpoint) const;
  // One person under every name that it has had, the endpoints that it has, and others besides.
  absl::Status AwaitPerson(const std::string& person, std::vector<std::string> endpoints = {}) const;
  // Every permit there is now, whomever it is for: for changes of many people at once, e.g. before an import
  // that may have linked people or brought opt-outs says that it is done.
  void AwaitAllOutstanding() const;

 private:
  absl::Status RecordNew(storage::Transaction& tx, const rpc::Call& call,
                         const customer::internal::v1::RecordReplyRequest& request, int64_t now,
                         record::v1::OptOutRow& row) const;
  absl::Status Suppress(storage::Transaction& tx, const ChangeMaker& change,
                        record::v1::OptOutRow& row) const;
  absl::Status Append(storage::Transaction& tx, const rpc::Call& call,
                      const customer::internal::v1::RecordReplyRequest& request, int64_t now,
                      const ChangeMaker& change, record::v1::OptOutRow& row) const;
  absl::Status Withdraw(storage::Transaction& tx, const rpc::Call& call,
                        const customer::internal::v1::RecordReplyRequest& request, int64_t now,
                        const ChangeMaker& change, record::v1::OptOutRow& row) const;
  absl::Status TakeBack(storage::Transaction& tx, const rpc::Call& call,
                        const customer::internal::v1::RecordReplyRequest& request, int64_t now,
                        const ChangeMaker& change, record::v1::OptOutRow& row) const;
  std::string EndpointOf(const customer::internal::v1::RecordReplyRequest& request) const;

  storage::Store& store_;
  const PersonStore& people_;
  PermitTable& permits_;
  base::Clock& clock_;
};

}  // namespace pharos::customer
