// Gives permits: registers, then looks, then answers. Reads only, but for the one exemption of an opt-out's
// confirmation and the audit entry that stands before every answer that grants something. The verdict needs
// no data key; address and fields of a grant do, so nothing is granted while access is away.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pharos/customer/internal/v1/permit_service.pb.h"
#include "pharos/customer/internal/v1/permit_service.serve.h"
#include "pharos/record/v1/customer.pb.h"
#include "services/base/clock.h"
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
  absl::Status MayMeasure(rpc::Call& call, const internal::v1::MayMeasureRequest& request,
                          internal::v1::MayMeasureResponse& response) override;

 private:
  // One call's work on one id.
  struct Item {
    const internal::v1::PermitRequest* wanted;
    PermitTable::Registration registered;
    bool settled = false;
    bool exempt = false;  // the one confirmation of its opt-out
  };

  // What one call reads of purposes, once each.
  using Purposes = std::map<std::string, std::optional<record::v1::PurposeRow>>;
  // An item that the gate allows, before its grant is written.
  struct Allowed {
    size_t index;
    record::v1::PersonRow person;
  };

  absl::Status LookAtAll(const rpc::Call& call, const internal::v1::IssuePermitsRequest& request,
                         std::vector<Item>& items, internal::v1::IssuePermitsResponse& response);
  // Looks, audits and answers the items whose ids are new in the table; the others are left alone.
  absl::Status AnswerFresh(const rpc::Call& call, const storage::View& view,
                           const internal::v1::IssuePermitsRequest& request, std::vector<Item>& items,
                           internal::v1::IssuePermitsResponse& response);
  absl::Status AnswerRepeat(const rpc::Call& call, const internal::v1::IssuePermitsRequest& request,
                            std::vector<Item>& items, size_t index,
                            internal::v1::IssuePermitsResponse& response);
  // A single message: everybody who has the endpoint is looked at, and the strictest decides.
  absl::StatusOr<std::optional<record::v1::PersonRow>> LookAtHolders(const storage::View& view,
                                                                     const Item& item, Purposes& purposes,
                                                                     internal::v1::PermitAnswer& answer);
  // The person to be granted a permit; nullopt: denied, with the reason in `answer`.
  absl::StatusOr<std::optional<record::v1::PersonRow>> Look(const storage::View& view, const Item& item,
                                                            Purposes& purposes,
                                                            internal::v1::PermitAnswer& answer);
  // Addresses and fields, with the keys of all people fetched at once.
  absl::Status WriteGrants(const internal::v1::IssuePermitsRequest& request, std::vector<Allowed>& allowed,
                           internal::v1::IssuePermitsResponse& response);
  absl::Status Audit(const rpc::Call& call, const std::vector<std::string>& people);
  absl::StatusOr<std::optional<record::v1::PersonRow>> WhoseConfirmation(
      const storage::View& view, const internal::v1::PermitRequest& wanted);
  absl::Status UseConfirmations(std::span<Item> items);
  absl::StatusOr<bool> UseConfirmation(storage::Transaction& tx, const internal::v1::PermitRequest& wanted);
  absl::StatusOr<gate::Verdict> Judge(const storage::View& view, const internal::v1::PermitRequest& wanted,
                                      const type::v1::GateFacts& facts,
                                      const type::v1::GateEndpoint& endpoint, Purposes& purposes);

  // nullptr: it is not registered.
  absl::StatusOr<const record::v1::PurposeRow*> PurposeOf(const storage::View& view, const std::string& name,
                                                          Purposes& purposes) const;
  // Grant.measured, for one person and endpoint.
  absl::StatusOr<bool> IsMeasured(const storage::View& view, type::v1::Channel channel,
                                  const type::v1::GateFacts& facts, const type::v1::GateEndpoint& endpoint,
                                  Purposes& purposes) const;

  storage::Store& store_;
  const PersonStore& people_;
  PermitTable& permits_;
  base::Clock& clock_;
};

}  // namespace pharos::customer
