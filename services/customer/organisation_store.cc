#include "services/customer/organisation_store.h"

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/errors.h"
#include "services/customer/keys.h"
#include "services/customer/tables.h"
#include "storage/envelope.h"

namespace pharos::customer {

using record::v1::OrganisationRow;
using record::v1::RoleRow;

namespace {

template <typename Row, typename From>
absl::StatusOr<std::optional<Row>> LoadAt(From& from, const std::string& key) {
  Row row;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(from, key, row));
  if (!found) return std::nullopt;
  return row;
}

}  // namespace

absl::StatusOr<std::optional<OrganisationRow>> LoadOrganisation(const storage::View& view,
                                                                std::string_view name) {
  return LoadAt<OrganisationRow>(view, OrganisationKey(name));
}
absl::StatusOr<std::optional<OrganisationRow>> LoadOrganisation(storage::Transaction& tx,
                                                                std::string_view name) {
  return LoadAt<OrganisationRow>(tx, OrganisationKey(name));
}

absl::Status SaveOrganisation(storage::Transaction& tx, const OrganisationRow* before,
                              const OrganisationRow& row) {
  const std::string old_code = before == nullptr ? std::string() : before->code();
  if (old_code != row.code()) {
    if (!old_code.empty()) tx.Delete(OrganisationCodeKey(old_code));
    if (!row.code().empty()) {
      const std::string key = OrganisationCodeKey(row.code());
      PHAROS_ASSIGN_OR_RETURN(const std::optional<std::string> taken, tx.Get(key));
      if (taken) {
        PHAROS_ASSIGN_OR_RETURN(const std::string_view id, storage::Unwrap(*taken));
        return errors::OrganisationCodeTaken("organisations/" + std::string(id));
      }
      tx.Put(key, storage::Wrap(base::Segment(row.name(), "organisations")));
    }
  }
  storage::PutRecord(tx, OrganisationKey(row.name()), row);
  return absl::OkStatus();
}

absl::StatusOr<std::optional<RoleRow>> LoadRole(storage::Transaction& tx, std::string_view name) {
  const std::string key = RoleKey(name);
  if (key.empty()) return std::nullopt;
  return LoadAt<RoleRow>(tx, key);
}

void SaveRole(storage::Transaction& tx, const RoleRow& role) {
  storage::PutRecord(tx, RoleKey(role.name()), role);
  tx.Put(PersonRoleKey(role.person(), role.name()), storage::Wrap({}));
}

absl::StatusOr<RolePage> ReadRoles(const storage::View& view, std::string_view organisation, bool ended,
                                   size_t most, const std::string& token) {
  storage::KeyRange range = storage::PrefixRange(RolesPrefix(organisation));
  if (!token.empty()) {
    // A role id: the last one of the page before.
    const std::string after = RoleKey(std::string(organisation) + "/roles/" + token);
    if (!base::IsChosenId(token)) return errors::PageTokenWrong();
    range.begin = after + '\0';
  }
  RolePage page;
  absl::Status damaged;
  PHAROS_RETURN_IF_ERROR(view.Scan(range, [&](std::string_view, std::string_view value) {
    RoleRow role;
    damaged = storage::DecodeRecord(value, role);
    if (!damaged.ok()) return false;
    if (role.end_time_us() != 0 && !ended) return true;
    if (page.roles.size() == most) {
      const std::string& last = page.roles.back().name();
      page.next_token = last.substr(last.rfind('/') + 1);
      return false;
    }
    page.roles.push_back(std::move(role));
    return true;
  }));
  PHAROS_RETURN_IF_ERROR(damaged);
  return page;
}

}  // namespace pharos::customer
