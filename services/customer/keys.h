// Names to keys and back: the one place that knows how the customer tables are keyed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pharos::customer {

// "sources/{source}/records/{record}" taken apart.
struct RecordId {
  std::string source;
  std::string record;
};
std::string RecordName(std::string_view source_id, std::string_view record_id);
// nullopt: the name has another shape.
std::optional<RecordId> ParseRecordName(std::string_view name);
// True for what may stand in a resource name: 1 to 128 characters of [A-Za-z0-9._~-].
bool IsRecordId(std::string_view id);

std::string SourceKey(std::string_view source);    // "sources/…"
std::string PurposeKey(std::string_view purpose);  // "purposes/…"
std::string PurposeVersionKey(std::string_view purpose, uint64_t version);
std::string OrganisationKey(std::string_view organisation);  // "organisations/…"
std::string OrganisationCodeKey(std::string_view code);
// "organisations/…/roles/…"; "" if the name has another shape.
std::string RoleKey(std::string_view role);
std::string RolesPrefix(std::string_view organisation);
std::string RecordKey(const RecordId& id);
std::string RecordVersionKey(const RecordId& id, uint64_t version);
std::string PersonKey(std::string_view person);  // "people/…"
std::string AliasKey(std::string_view person);   // "people/…"
std::string EndpointKey(std::string_view endpoint);
// Everybody at an endpoint: the prefix, which is the guard of scans too.
std::string EndpointPeoplePrefix(std::string_view endpoint);
std::string EndpointPersonKey(std::string_view endpoint, std::string_view person);
// Records with a linking key: the prefix, which is the guard of scans too.
std::string PostingPrefix(std::string_view blind);
std::string PostingKey(std::string_view blind, const RecordId& id);
// The entries of a record ("sources/…/records/…") or an endpoint: prefix, and key of one
// ("consentEntries/…").
std::string RecordEntriesPrefix(const RecordId& id);
std::string RecordEntryKey(const RecordId& id, std::string_view entry);
std::string EndpointEntriesPrefix(std::string_view endpoint);
std::string EndpointEntryKey(std::string_view endpoint, std::string_view entry);
std::string EntryKey(std::string_view entry);  // "consentEntries/…"
// The records that a person had until `until`, microseconds since the epoch.
std::string PersonHistoryPrefix(std::string_view person);
std::string PersonHistoryKey(std::string_view person, int64_t until);
std::string AssertionKey(std::string_view assertion);  // "assertions/…"
std::string RecordAssertionsPrefix(const RecordId& id);
std::string RecordAssertionKey(const RecordId& id, std::string_view assertion);
std::string LinkEpochKey();
// What people stated about a record (facts), oldest first; versions of a record as received, in their order.
std::string PauseEndKey(int64_t until_us, std::string_view entry);  // "consentEntries/…" or empty
std::string RecordFactsPrefix(const RecordId& id);
std::string RecordFactKey(const RecordId& id, std::string_view fact_id);
std::string RecordVersionsPrefix(const RecordId& id);
// Erasures of a person ("people/…"), oldest first.
std::string ErasuresPrefix(std::string_view person);
std::string ErasureKey(std::string_view person, std::string_view erasure_id);
// Roles that were assigned to a person ("people/…") under that id.
std::string PersonRolesPrefix(std::string_view person);
std::string PersonRoleKey(std::string_view person, std::string_view role);  // "organisations/…/roles/…"
std::string CountsKey();

}  // namespace pharos::customer
