#include "services/access/principal_service.h"

#include "services/access/errors.h"
#include "services/access/force_store.h"
#include "services/access/principal.h"
#include "services/access/vault.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/rpc/once.h"

namespace pharos::access {
namespace {

using record::v1::ForceRow;
using record::v1::PrincipalRow;

constexpr size_t kTokenBytes = 32;

}  // namespace

absl::Status PrincipalHandler::CreatePrincipal(rpc::Call& call, const v1::CreatePrincipalRequest& request,
                                               v1::Principal& response) {
  const int64_t now = clock_.WallMicros();
  const auto policy = board_.Get()->policy;
  const absl::Status status = rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction& tx) -> absl::Status {
        PHAROS_ASSIGN_OR_RETURN(const PrincipalRow row,
                                NewPrincipal(request.principal_id(), request.principal(), *policy, now));
        const std::string& name = row.principal().name();
        PrincipalRow before;
        PHAROS_ASSIGN_OR_RETURN(const bool exists, FindPrincipal(tx, name, before));
        if (exists || file_.count(name) != 0) return errors::PrincipalExists(name);
        PHAROS_ASSIGN_OR_RETURN(ForceRow force, LoadForce(tx));
        if (force.principals() >= kMaxPrincipals) return errors::PrincipalsTooMany(kMaxPrincipals);
        force.set_principals(force.principals() + 1);
        SaveForce(tx, force, now);
        SavePrincipal(tx, row);
        tx.AppendChange(rpc::ChangeBy(call, name, "principal.created", row.revision(), now));
        response = Shown(row, now);
        return absl::OkStatus();
      },
      now);
  PHAROS_RETURN_IF_ERROR(status);
  return board_.Refresh();
}

absl::Status PrincipalHandler::GetPrincipal(rpc::Call&, const v1::GetPrincipalRequest& request,
                                            v1::Principal& response) {
  if (const auto from_file = file_.find(request.name()); from_file != file_.end()) {
    response = from_file->second;
    return absl::OkStatus();
  }
  PrincipalRow row;
  PHAROS_ASSIGN_OR_RETURN(const bool found, FindPrincipal(store_, request.name(), row));
  if (!found) return errors::PrincipalNotFound(request.name());
  response = Shown(row, clock_.WallMicros());
  return absl::OkStatus();
}

absl::Status PrincipalHandler::ListPrincipals(rpc::Call&, const v1::ListPrincipalsRequest& request,
                                              v1::ListPrincipalsResponse& response) {
  PHAROS_ASSIGN_OR_RETURN(
      const PrincipalPage page,
      ListPrincipalPage(store_, file_, request.page_size(), request.page_token(), clock_.WallMicros()));
  response.mutable_principals()->Assign(page.principals.begin(), page.principals.end());
  response.set_next_page_token(page.next_page_token);
  return absl::OkStatus();
}

absl::StatusOr<PrincipalRow> PrincipalHandler::Change(storage::Transaction& tx, const rpc::Call& call,
                                                      std::string_view name, std::string_view kind,
                                                      int64_t now_us, const Rule& rule) {
  if (file_.find(name) != file_.end()) return errors::PrincipalFromFile(name);
  PrincipalRow before;
  PHAROS_ASSIGN_OR_RETURN(const bool found, FindPrincipal(tx, name, before));
  if (!found) return errors::PrincipalNotFound(name);
  PHAROS_ASSIGN_OR_RETURN(PrincipalRow row, rule(before));
  PHAROS_ASSIGN_OR_RETURN(const ForceRow force, LoadForce(tx));
  SaveForce(tx, force, now_us);
  SavePrincipal(tx, row);
  tx.AppendChange(rpc::ChangeBy(call, name, kind, row.revision(), now_us));
  return row;
}

absl::Status PrincipalHandler::UpdatePrincipal(rpc::Call& call, const v1::UpdatePrincipalRequest& request,
                                               v1::Principal& response) {
  const int64_t now = clock_.WallMicros();
  const auto policy = board_.Get()->policy;
  const v1::Principal& asked = request.principal();
  const absl::Status status = rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction& tx) -> absl::Status {
        PHAROS_ASSIGN_OR_RETURN(
            const PrincipalRow row,
            Change(tx, call, asked.name(), "principal.updated", now, [&](const PrincipalRow& before) {
              return Changed(before, asked, call.caller().principal, *policy);
            }));
        response = Shown(row, now);
        return absl::OkStatus();
      },
      now);
  PHAROS_RETURN_IF_ERROR(status);
  return board_.Refresh();
}

// Without rpc::Once: a remembered answer would keep the token.
absl::Status PrincipalHandler::IssueToken(rpc::Call& call, const v1::IssueTokenRequest& request,
                                          v1::IssueTokenResponse& response) {
  if (!board_.HasRoom()) return errors::SnapshotFull();
  const int64_t now = clock_.WallMicros();
  const std::string token = base::ToHex(RandomBytes(kTokenBytes));
  PrincipalRow row;
  PHAROS_RETURN_IF_ERROR(store_.Transact([&](storage::Transaction& tx) -> absl::Status {
    PHAROS_ASSIGN_OR_RETURN(
        row, Change(tx, call, request.name(), "token.issued", now, [&](const PrincipalRow& before) {
          return WithToken(before, base::Sha256(token), request.valid_s(), now);
        }));
    return absl::OkStatus();
  }));
  response.set_token(token);
  *response.mutable_info() = Shown(row.tokens(row.tokens_size() - 1));
  return board_.Refresh();
}

absl::Status PrincipalHandler::RevokeToken(rpc::Call& call, const v1::RevokeTokenRequest& request,
                                           v1::Principal& response) {
  const int64_t now = clock_.WallMicros();
  const absl::Status status = rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction& tx) -> absl::Status {
        PHAROS_ASSIGN_OR_RETURN(
            const PrincipalRow row,
            Change(tx, call, request.name(), "token.revoked", now,
                   [&](const PrincipalRow& before) { return WithoutToken(before, request.token_id()); }));
        response = Shown(row, now);
        return absl::OkStatus();
      },
      now);
  PHAROS_RETURN_IF_ERROR(status);
  return board_.Refresh();
}

absl::Status PrincipalHandler::WhoAmI(rpc::Call& call, const v1::WhoAmIRequest&,
                                      v1::WhoAmIResponse& response) {
  const auto snapshot = board_.Get();
  const auto& roles = call.caller().roles;
  const std::vector<std::string> permissions = snapshot->policy->PermissionsOf(roles);
  response.set_principal(call.caller().principal);
  response.mutable_roles()->Assign(roles.begin(), roles.end());
  response.mutable_permissions()->Assign(permissions.begin(), permissions.end());
  response.set_live(snapshot->live);
  response.set_policy_version(snapshot->policy_version);
  return absl::OkStatus();
}

}  // namespace pharos::access
