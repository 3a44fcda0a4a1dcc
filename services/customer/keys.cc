#include "services/customer/keys.h"

#include <algorithm>

#include "services/base/ids.h"
#include "services/customer/tables.h"

namespace pharos::customer {

using storage::KeyWriter;

namespace {

constexpr std::string_view kSources = "sources/";
constexpr std::string_view kRecords = "/records/";
constexpr std::string_view kRoles = "/roles/";
constexpr size_t kLongestRecordId = 128;

}  // namespace

std::string RecordName(std::string_view source_id, std::string_view record_id) {
  std::string name;
  name.reserve(kSources.size() + source_id.size() + kRecords.size() + record_id.size());
  return name.append(kSources).append(source_id).append(kRecords).append(record_id);
}

std::optional<RecordId> ParseRecordName(std::string_view name) {
  if (name.substr(0, kSources.size()) != kSources) return std::nullopt;
  name.remove_prefix(kSources.size());
  const size_t slash = name.find('/');
  if (slash == 0 || slash == std::string_view::npos || name.substr(slash, kRecords.size()) != kRecords)
    return std::nullopt;
  RecordId id{std::string(name.substr(0, slash)), std::string(name.substr(slash + kRecords.size()))};
  if (!IsRecordId(id.record)) return std::nullopt;
  return id;
}

bool IsRecordId(std::string_view id) {
  const auto allowed = [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '_' || c == '~' || c == '-';
  };
  return !id.empty() && id.size() <= kLongestRecordId && std::all_of(id.begin(), id.end(), allowed);
}

std::string SourceKey(std::string_view source) {
  return KeyWriter(kSource).String(base::Segment(source, "sources"));
}
std::string PurposeKey(std::string_view purpose) {
  return KeyWriter(kPurpose).String(base::Segment(purpose, "purposes"));
}
std::string PurposeVersionKey(std::string_view purpose, uint64_t version) {
  return KeyWriter(kPurposeVersion).String(base::Segment(purpose, "purposes")).U64(version);
}
std::string OrganisationKey(std::string_view organisation) {
  return KeyWriter(kOrganisation).String(base::Segment(organisation, "organisations"));
}
std::string OrganisationCodeKey(std::string_view code) {
  return KeyWriter(kOrganisationCode).String(code);
}
std::string RoleKey(std::string_view role) {
  const size_t at = role.find(kRoles);
  if (at == std::string_view::npos) return {};
  const std::string organisation = base::Segment(role.substr(0, at), "organisations");
  const std::string_view id = role.substr(at + kRoles.size());
  if (organisation.empty() || id.empty()) return {};
  return KeyWriter(kRole).String(organisation).String(id);
}
std::string RolesPrefix(std::string_view organisation) {
  return KeyWriter(kRole).String(base::Segment(organisation, "organisations"));
}
std::string RecordKey(const RecordId& id) {
  return KeyWriter(kRecord).String(id.source).String(id.record);
}
std::string RecordVersionKey(const RecordId& id, uint64_t version) {
  return KeyWriter(kRecordVersion).String(id.source).String(id.record).U64(version);
}
std::string PersonKey(std::string_view person) {
  return KeyWriter(kPerson).String(base::Segment(person, "people"));
}
std::string AliasKey(std::string_view person) {
  return KeyWriter(kAlias).String(base::Segment(person, "people"));
}
std::string EndpointKey(std::string_view endpoint) {
  return KeyWriter(kEndpoint).Raw(endpoint);
}
std::string EndpointPeoplePrefix(std::string_view endpoint) {
  return KeyWriter(kEndpointPerson).Raw(endpoint);
}
std::string EndpointPersonKey(std::string_view endpoint, std::string_view person) {
  return KeyWriter(kEndpointPerson).Raw(endpoint).String(base::Segment(person, "people"));
}
std::string PostingPrefix(std::string_view blind) {
  return KeyWriter(kPosting).Raw(blind);
}
std::string PostingKey(std::string_view blind, const RecordId& id) {
  return KeyWriter(kPosting).Raw(blind).String(id.source).String(id.record);
}
std::string RecordEntriesPrefix(const RecordId& id) {
  return KeyWriter(kRecordEntry).String(id.source).String(id.record);
}
std::string RecordEntryKey(const RecordId& id, std::string_view entry) {
  return KeyWriter(kRecordEntry)
      .String(id.source)
      .String(id.record)
      .String(base::Segment(entry, "consentEntries"));
}
std::string EndpointEntriesPrefix(std::string_view endpoint) {
  return KeyWriter(kEndpointEntry).Raw(endpoint);
}
std::string EndpointEntryKey(std::string_view endpoint, std::string_view entry) {
  return KeyWriter(kEndpointEntry).Raw(endpoint).String(base::Segment(entry, "consentEntries"));
}
std::string EntryKey(std::string_view entry) {
  return KeyWriter(kEntry).String(base::Segment(entry, "consentEntries"));
}
std::string PersonHistoryPrefix(std::string_view person) {
  return KeyWriter(kPersonHistory).String(base::Segment(person, "people"));
}
std::string PersonHistoryKey(std::string_view person, int64_t until) {
  return KeyWriter(kPersonHistory).String(base::Segment(person, "people")).U64(static_cast<uint64_t>(until));
}
std::string AssertionKey(std::string_view assertion) {
  return KeyWriter(kAssertion).String(base::Segment(assertion, "assertions"));
}
std::string RecordAssertionsPrefix(const RecordId& id) {
  return KeyWriter(kRecordAssertion).String(id.source).String(id.record);
}
std::string RecordAssertionKey(const RecordId& id, std::string_view assertion) {
  return KeyWriter(kRecordAssertion)
      .String(id.source)
      .String(id.record)
      .String(base::Segment(assertion, "assertions"));
}
std::string LinkEpochKey() {
  return KeyWriter(kLinkEpoch);
}
std::string PauseEndKey(int64_t until_us, std::string_view entry) {
  return KeyWriter(kPauseEnd)
      .U64(static_cast<uint64_t>(until_us))
      .String(base::Segment(entry, "consentEntries"));
}
std::string RecordFactsPrefix(const RecordId& id) {
  return KeyWriter(kRecordFact).String(id.source).String(id.record);
}
std::string RecordFactKey(const RecordId& id, std::string_view fact_id) {
  return KeyWriter(kRecordFact).String(id.source).String(id.record).String(fact_id);
}
std::string RecordVersionsPrefix(const RecordId& id) {
  return KeyWriter(kRecordVersion).String(id.source).String(id.record);
}
std::string ErasuresPrefix(std::string_view person) {
  return KeyWriter(kErasure).String(base::Segment(person, "people"));
}
std::string ErasureKey(std::string_view person, std::string_view erasure_id) {
  return KeyWriter(kErasure).String(base::Segment(person, "people")).String(erasure_id);
}
std::string PersonRolesPrefix(std::string_view person) {
  return KeyWriter(kPersonRole).String(base::Segment(person, "people"));
}
std::string PersonRoleKey(std::string_view person, std::string_view role) {
  const size_t roles = role.find("/roles/");
  if (roles == std::string_view::npos) return {};
  return KeyWriter(kPersonRole)
      .String(base::Segment(person, "people"))
      .String(base::Segment(role.substr(0, roles), "organisations"))
      .String(role.substr(roles + 7));
}
std::string CountsKey() {
  return KeyWriter(kCounts);
}

}  // namespace pharos::customer
