// PrincipalService: parse, load, call the rule, save, publish, answer.
#pragma once

#include <functional>

#include "pharos/access/v1/principal_service.pb.h"
#include "pharos/access/v1/principal_service.serve.h"
#include "pharos/record/v1/access.pb.h"
#include "services/access/principal_store.h"
#include "services/access/snapshot_board.h"
#include "services/base/clock.h"
#include "storage/store.h"

namespace pharos::access {

class PrincipalHandler : public v1::PrincipalServiceHandler {
 public:
  PrincipalHandler(storage::Store& store, const FilePrincipals& file, SnapshotBoard& board,
                   base::Clock& clock)
      : store_(store), file_(file), board_(board), clock_(clock) {}

  absl::Status CreatePrincipal(rpc::Call& call, const v1::CreatePrincipalRequest& request,
                               v1::Principal& response) override;
  absl::Status GetPrincipal(rpc::Call& call, const v1::GetPrincipalRequest& request,
                            v1::Principal& response) override;
  absl::Status ListPrincipals(rpc::Call& call, const v1::ListPrincipalsRequest& request,
                              v1::ListPrincipalsResponse& response) override;
  absl::Status UpdatePrincipal(rpc::Call& call, const v1::UpdatePrincipalRequest& request,
                               v1::Principal& response) override;
  absl::Status IssueToken(rpc::Call& call, const v1::IssueTokenRequest& request,
                          v1::IssueTokenResponse& response) override;
  absl::Status RevokeToken(rpc::Call& call, const v1::RevokeTokenRequest& request,
                           v1::Principal& response) override;
  absl::Status WhoAmI(rpc::Call& call, const v1::WhoAmIRequest& request,
                      v1::WhoAmIResponse& response) override;

 private:
  using Rule = std::function<absl::StatusOr<record::v1::PrincipalRow>(const record::v1::PrincipalRow&)>;
  // In `tx`: loads the principal, lets the rule change it, saves it with a new snapshot version and a change
  // entry.
  absl::StatusOr<record::v1::PrincipalRow> Change(storage::Transaction& tx, const rpc::Call& call,
                                                  std::string_view name, std::string_view kind,
                                                  int64_t now_us, const Rule& rule);

  storage::Store& store_;
  const FilePrincipals& file_;
  SnapshotBoard& board_;
  base::Clock& clock_;
};

}  // namespace pharos::access
