// Data-sharing agreements with partners.
#pragma once

#include "pharos/customer/v1/agreement_service.pb.h"
#include "pharos/customer/v1/agreement_service.serve.h"
#include "services/base/clock.h"
#include "services/customer/agreement_book.h"
#include "services/rpc/call.h"
#include "storage/store.h"

namespace pharos::customer {

class AgreementService : public v1::AgreementServiceHandler {
 public:
  AgreementService(storage::Store& store, AgreementBook& book, base::Clock& clock)
      : store_(store), book_(book), clock_(clock) {}

  absl::Status CreateAgreement(rpc::Call& call, const v1::CreateAgreementRequest& request,
                               v1::Agreement& response) override;
  absl::Status GetAgreement(rpc::Call& call, const v1::GetAgreementRequest& request,
                            v1::Agreement& response) override;
  absl::Status ListAgreements(rpc::Call& call, const v1::ListAgreementsRequest& request,
                              v1::ListAgreementsResponse& response) override;
  absl::Status EndAgreement(rpc::Call& call, const v1::EndAgreementRequest& request,
                            v1::Agreement& response) override;

 private:
  absl::Status ListOwn(const Asker& asker, const v1::ListAgreementsRequest& request,
                       v1::ListAgreementsResponse& response) const;

  storage::Store& store_;
  AgreementBook& book_;
  base::Clock& clock_;
};

}  // namespace pharos::customer
