// What people tell us directly: withdrawals, objections, grants, facts. Each is an entry of a record of our
// own source `direct`.
#pragma once

#include "pharos/customer/v1/consent_service.serve.h"
#include "services/base/clock.h"
#include "services/customer/opt_out.h"
#include "services/customer/person_store.h"

namespace pharos::customer {

class ConsentService : public v1::ConsentServiceHandler {
 public:
  ConsentService(storage::Store& store, const PersonStore& people, OptOuts& opt_outs, base::Clock& clock)
      : store_(store), people_(people), opt_outs_(opt_outs), clock_(clock) {}

  absl::Status WithdrawConsent(rpc::Call& call, const v1::WithdrawConsentRequest& request,
                               v1::ConsentEntry& response) override;
  absl::Status GrantConsent(rpc::Call& call, const v1::GrantConsentRequest& request,
                            v1::ConsentEntry& response) override;
  absl::Status ListConsentEntries(rpc::Call& call, const v1::ListConsentEntriesRequest& request,
                                  v1::ListConsentEntriesResponse& response) override;
  absl::Status ResolveOptOut(rpc::Call& call, const v1::ResolveOptOutRequest& request,
                             v1::ConsentEntry& response) override;
  absl::Status SetPersonFact(rpc::Call& call, const v1::SetPersonFactRequest& request,
                             v1::SetPersonFactResponse& response) override;

 private:
  // Hangs a direct entry on the person's own record of `direct` and on every record linked to the person now.
  absl::Status Append(rpc::Call& call, storage::Transaction& tx, const std::string& person,
                      record::v1::LedgerRow entry, v1::ConsentEntry& response);

  storage::Store& store_;
  const PersonStore& people_;
  OptOuts& opt_outs_;
  base::Clock& clock_;
};

}  // namespace pharos::customer
