#include "services/customer/organisation.h"

#include <fmt/format.h>

#include <optional>
#include <set>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/text.h"
#include "services/customer/clean.h"
#include "services/customer/errors.h"

namespace pharos::customer {

using record::v1::OrganisationRow;
using record::v1::RoleRow;

namespace {

std::string EtagOf(const OrganisationRow& row) {
  return fmt::format("v{}", row.version());
}

// Follows `next` from `start` to its end: `self` must not be met on the way.
absl::Status CheckChain(const std::string& self, const std::string& start, std::string_view field,
                        const OrganisationLookup& find, const std::string& (OrganisationRow::*next)() const) {
  std::string at = start;
  for (int step = 0; !at.empty(); ++step) {
    if (at == self || step == kMostOrganisationSteps)
      return errors::OrganisationCircle(field, kMostOrganisationSteps);
    PHAROS_ASSIGN_OR_RETURN(const std::optional<OrganisationRow> row, find(at));
    if (!row) return errors::OrganisationMissing(field);
    at = ((*row).*next)();
  }
  return absl::OkStatus();
}

// Lower case, sorted, each once.
absl::StatusOr<google::protobuf::RepeatedPtrField<std::string>> CleanDomains(const v1::Organisation& wanted) {
  std::set<std::string> domains;
  for (const auto& typed : wanted.mail_domains()) {
    std::string domain = base::LowerAscii(base::TrimAscii(typed));
    if (domain.starts_with('@')) domain.erase(0, 1);
    // An address that cannot be cleaned has a domain that no mail can go to.
    if (CleanEmail("somebody@" + domain).empty()) return errors::ValueUnreadable("organisation.mail_domains");
    domains.insert(std::move(domain));
  }
  return google::protobuf::RepeatedPtrField<std::string>(domains.begin(), domains.end());
}

absl::Status Take(const v1::Organisation& wanted, const OrganisationLookup& find, OrganisationRow& row) {
  if (wanted.display_name().empty())
    return errors::FieldMissing("organisation.display_name", "its name for people");
  if (wanted.kind() == v1::ORGANISATION_KIND_UNSPECIFIED)
    return errors::FieldMissing("organisation.kind", "what sort of body it is");
  PHAROS_RETURN_IF_ERROR(
      CheckChain(row.name(), wanted.parent(), "organisation.parent", find, &OrganisationRow::parent));
  PHAROS_RETURN_IF_ERROR(CheckChain(row.name(), wanted.successor(), "organisation.successor", find,
                                    &OrganisationRow::successor));
  row.set_display_name(wanted.display_name());
  row.set_code(wanted.code());
  row.set_kind(wanted.kind());
  row.set_parent(wanted.parent());
  row.set_successor(wanted.successor());
  row.set_close_time_us(wanted.close_time_us());
  row.set_subscriber_kind(wanted.subscriber_kind());
  row.set_area(wanted.area());
  PHAROS_ASSIGN_OR_RETURN(*row.mutable_mail_domains(), CleanDomains(wanted));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<OrganisationRow> NewOrganisation(const v1::CreateOrganisationRequest& request,
                                                const OrganisationLookup& find, int64_t now) {
  if (!base::IsChosenId(request.organisation_id())) return errors::IdWrong("organisation_id");
  OrganisationRow row;
  row.set_name("organisations/" + request.organisation_id());
  row.set_create_time_us(now);
  row.set_version(1);
  PHAROS_RETURN_IF_ERROR(Take(request.organisation(), find, row));
  return row;
}

absl::StatusOr<OrganisationRow> NextOrganisation(const OrganisationRow& current,
                                                 const v1::Organisation& wanted,
                                                 const OrganisationLookup& find) {
  if (wanted.etag().empty()) return errors::EtagMissing("organisation.etag");
  if (wanted.etag() != EtagOf(current)) return errors::EtagMismatch(current.name());
  OrganisationRow row = current;
  row.set_version(current.version() + 1);
  PHAROS_RETURN_IF_ERROR(Take(wanted, find, row));
  return row;
}

v1::Organisation ShowOrganisation(const OrganisationRow& row) {
  v1::Organisation organisation;
  organisation.set_name(row.name());
  organisation.set_display_name(row.display_name());
  organisation.set_code(row.code());
  organisation.set_kind(static_cast<v1::OrganisationKind>(row.kind()));
  organisation.set_parent(row.parent());
  organisation.set_successor(row.successor());
  organisation.set_close_time_us(row.close_time_us());
  organisation.set_etag(EtagOf(row));
  organisation.set_subscriber_kind(static_cast<v1::SubscriberKind>(row.subscriber_kind()));
  organisation.set_area(row.area());
  *organisation.mutable_mail_domains() = row.mail_domains();
  organisation.set_create_time_us(row.create_time_us());
  return organisation;
}

absl::StatusOr<RoleRow> EndedRole(const RoleRow& role, int64_t end, int64_t now) {
  RoleRow ended = role;
  if (role.end_time_us() != 0) return ended;
  ended.set_end_time_us(end == 0 ? now : end);
  if (ended.end_time_us() < role.start_time_us()) return errors::TimeWrong("end_time_us");
  return ended;
}

}  // namespace pharos::customer
