// Whom an address reaches, for single messages: whoever has it, and if nobody is known, a new record.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pharos/customer/internal/v1/recipient_service.pb.h"
#include "pharos/customer/internal/v1/recipient_service.serve.h"
#include "services/base/clock.h"
#include "services/customer/linker.h"
#include "services/customer/opt_out.h"
#include "services/customer/person_store.h"

namespace pharos::customer {

// Thread-safe.
class RecipientService : public internal::v1::RecipientServiceHandler {
 public:
  RecipientService(storage::Store& store, const PersonStore& people, Linker& linker, const OptOuts& opt_outs,
                   base::Clock& clock)
      : store_(store), people_(people), linker_(linker), opt_outs_(opt_outs), clock_(clock) {}

  absl::Status ResolveRecipients(rpc::Call& call, const internal::v1::ResolveRecipientsRequest& request,
                                 internal::v1::ResolveRecipientsResponse& response) override;

 private:
  // An address that nobody has: its record, and where its answer stands.
  struct Stranger {
    int index = 0;
    RecordChange change;
  };
  absl::Status CheckSource(const std::string& source) const;
  // Whoever is known; or the record to be made; or why neither.
  absl::StatusOr<std::optional<Stranger>> Find(const storage::View& view,
                                               const internal::v1::ResolveRecipientsRequest& request,
                                               int index, internal::v1::Recipient& recipient) const;
  absl::Status AddStrangers(rpc::Call& call, std::vector<Stranger> strangers,
                            internal::v1::ResolveRecipientsResponse& response) const;

  storage::Store& store_;
  const PersonStore& people_;
  Linker& linker_;
  const OptOuts& opt_outs_;
  base::Clock& clock_;
};

}  // namespace pharos::customer
