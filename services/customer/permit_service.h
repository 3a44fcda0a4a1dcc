// Gives permits: registers, then looks, then answers. Reads only, but for the one exemption of an opt-out's
// confirmation.
#pragma once

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "pharos/customer/internal/v1/permit_service.pb.h"
#include "pharos/customer/internal/v1/permit_service.serve.h"
#include "pharos/record/v1/customer.pb.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "services/customer/permit_table.h"
#include "services/customer/person_store.h"
#include "services/gate/gate.h"

namespace pharos::customer {

class PermitService : public internal::v1::PermitServiceHandler {
 public:
  PermitService(storage::Store& store, const PersonStore& people, PermitTable& permits, base::Clock& clock)
      : store_(store), people_(people), permits_(permits), clock_(clock) {}

  absl::Status IssuePermits(rpc::Call& call, const internal::v1::IssuePermitsRequest& request,
                            internal::v1::IssuePermitsResponse& response) override;
  absl::Status ReleasePermits(rpc::Call& call, const internal::v1::ReleasePermitsRequest& request,
                              internal::v1::ReleasePermitsResponse& response) override;

 private:
  // One call's work on one id.
  struct Item {
    const internal::v1::PermitRequest* wanted;
    PermitTable::Registration registered;
    bool settled = false;
    bool exempt = false;  // the one confirmation of its opt-out
  };

  absl::Status LookAtAll(const internal::v1::IssuePermitsRequest& request, std::vector<Item>& items,
                         internal::v1::IssuePermitsResponse& response);
  absl::Status AnswerFresh(const storage::View& view, const internal::v1::IssuePermitsRequest& request,
                           Item& item, internal::v1::PermitAnswer& answer);
  absl::Status AnswerRepeat(const internal::v1::IssuePermitsRequest& request, Item& item, int index,
                            internal::v1::IssuePermitsResponse& response);
  absl::Status Look(const storage::View& view, const Item& item,
                    const internal::v1::IssuePermitsRequest& request, internal::v1::PermitAnswer& answer);
  absl::StatusOr<std::optional<record::v1::PersonRow>> WhoseConfirmation(
      const storage::View& view, const internal::v1::PermitRequest& wanted);
  absl::Status UseConfirmations(std::span<Item> items);
  absl::StatusOr<bool> UseConfirmation(storage::Transaction& tx, const internal::v1::PermitRequest& wanted);
  absl::StatusOr<gate::Verdict> Judge(const storage::View& view, const internal::v1::PermitRequest& wanted,
                                      const type::v1::GateFacts& facts,
                                      const type::v1::GateEndpoint& endpoint);
  absl::StatusOr<std::optional<gate::Purpose>> PurposeOf(const storage::View& view, const std::string& name);

  storage::Store& store_;
  const PersonStore& people_;
  PermitTable& permits_;
  base::Clock& clock_;

  base::Mutex mutex_;
  // Purposes cannot be changed once registered, so what was read once stays true.
  std::unordered_map<std::string, gate::Purpose> purposes_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace pharos::customer
