#include "services/customer/person_store.h"

#include <algorithm>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/keys.h"
#include "services/customer/person_writer.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"

namespace pharos::customer {

using record::v1::EndpointRow;
using record::v1::LedgerRow;
using record::v1::PersonRow;
using record::v1::RecordRow;

namespace {

// One step leads to the record that an id was born with, and one to that record's person; ids from before
// that may lead over other ids, and the bound is against a damaged store.
constexpr int kMostAliasSteps = 8;

// Where a former id leads: "people/…"; empty: nowhere.
template <typename From>
absl::StatusOr<std::string> FollowAlias(From& from, const std::string& person) {
  PHAROS_ASSIGN_OR_RETURN(const std::optional<std::string> alias, from.Get(AliasKey(person)));
  if (!alias) return std::string();
  PHAROS_ASSIGN_OR_RETURN(const std::string_view target, storage::Unwrap(*alias));
  const auto id = ParseRecordName(target);
  if (!id) return "people/" + std::string(target);  // from before ids were born with records
  RecordRow row;
  PHAROS_RETURN_IF_ERROR(storage::GetRecord(from, RecordKey(*id), row).status());
  return row.person();
}

template <typename From>
absl::StatusOr<std::optional<PersonRow>> LoadFrom(From& from, std::string_view name) {
  std::string current(name);
  for (int step = 0; step < kMostAliasSteps; ++step) {
    if (base::Segment(current, "people").empty()) return std::nullopt;
    PersonRow person;
    PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(from, PersonKey(current), person));
    if (found) return person;
    PHAROS_ASSIGN_OR_RETURN(current, FollowAlias(from, current));
    if (current.empty()) return std::nullopt;
  }
  return std::nullopt;
}

storage::Visitor CollectPeople(std::vector<std::string>& people, size_t raw_length) {
  return [&people, raw_length](std::string_view key, std::string_view) {
    storage::KeyReader reader(key);
    reader.Raw(raw_length);
    people.push_back("people/" + reader.String());
    return true;
  };
}

}  // namespace

PersonStore::PersonStore(storage::Store& store, const storage::BlindIndex& blind, base::Clock* clock,
                         RecordKeys* keys)
    : store_(store),
      blind_(blind),
      clock_(clock == nullptr ? base::Clock::System() : *clock),
      no_keys_(keys == nullptr ? std::make_unique<RecordKeys>(false) : nullptr),
      rows_(keys == nullptr ? *no_keys_ : *keys) {}

absl::StatusOr<std::optional<RecordRow>> PersonStore::LoadRecord(const storage::View& view,
                                                                 std::string_view name) const {
  const auto id = ParseRecordName(name);
  if (!id) return std::nullopt;
  RecordRow row;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(view, RecordKey(*id), row));
  if (!found) return std::nullopt;
  return row;
}

absl::StatusOr<std::optional<PersonRow>> PersonStore::Load(const storage::View& view,
                                                           std::string_view name) const {
  return LoadFrom(view, name);
}

absl::StatusOr<std::optional<PersonRow>> PersonStore::Load(storage::Transaction& tx,
                                                           std::string_view name) const {
  return LoadFrom(tx, name);
}

absl::StatusOr<EndpointRow> PersonStore::LoadEndpoint(const storage::View& view,
                                                      std::string_view endpoint) const {
  EndpointRow row;
  PHAROS_RETURN_IF_ERROR(storage::GetRecord(view, EndpointKey(endpoint), row).status());
  return row;
}

absl::StatusOr<std::vector<std::string>> PersonStore::PeopleAt(const storage::View& view,
                                                               std::string_view endpoint) const {
  std::vector<std::string> people;
  PHAROS_RETURN_IF_ERROR(view.Scan(storage::PrefixRange(EndpointPeoplePrefix(endpoint)),
                                   CollectPeople(people, endpoint.size())));
  return people;
}

absl::StatusOr<std::vector<std::string>> PersonStore::PeopleAt(storage::Transaction& tx,
                                                               std::string_view endpoint) const {
  std::vector<std::string> people;
  const std::string prefix = EndpointPeoplePrefix(endpoint);
  PHAROS_RETURN_IF_ERROR(
      tx.Scan(storage::PrefixRange(prefix), prefix, CollectPeople(people, endpoint.size())));
  return people;
}

absl::StatusOr<type::v1::GateFacts> PersonStore::FactsOf(const storage::View& view,
                                                         const PersonRow& person) const {
  type::v1::GateFacts facts;
  facts.set_deceased(person.deceased());
  facts.set_paused(person.paused());
  *facts.mutable_entries() = person.entries();
  for (const auto& endpoint : person.endpoints()) {
    if (endpoint.channel() == type::v1::CHANNEL_UNSPECIFIED) continue;
    PHAROS_ASSIGN_OR_RETURN(EndpointRow row, LoadEndpoint(view, endpoint.endpoint()));
    auto* fact = facts.add_endpoints();
    fact->set_endpoint(endpoint.endpoint());
    fact->set_channel(endpoint.channel());
    fact->set_suppressed(row.suppressed());
    fact->mutable_entries()->Swap(row.mutable_entries());
  }
  return facts;
}

absl::Status PersonStore::AppendEntry(storage::Transaction& tx, const LedgerRow& entry,
                                      const ChangeMaker& change) const {
  Writer writer(*this, tx, change);
  PHAROS_RETURN_IF_ERROR(writer.Append(entry));
  return writer.Finish();
}

absl::Status PersonStore::SetDeceased(storage::Transaction& tx, const PersonRow& person, bool holds,
                                      const ChangeMaker& change) const {
  Writer writer(*this, tx, change);
  for (const auto& record : person.records()) {
    PHAROS_ASSIGN_OR_RETURN(RecordRow * row, writer.Change(record));
    if (row != nullptr) row->set_deceased(holds);
  }
  return writer.Finish();
}

absl::Status PersonStore::SetPaused(storage::Transaction& tx, const PersonRow& person, bool holds,
                                    const ChangeMaker& change) const {
  Writer writer(*this, tx, change);
  for (const auto& record : person.records()) {
    PHAROS_ASSIGN_OR_RETURN(RecordRow * row, writer.Change(record));
    if (row != nullptr) row->set_paused(holds);
  }
  return writer.Finish();
}

absl::Status PersonStore::Suppress(storage::Transaction& tx, std::string_view endpoint,
                                   type::v1::SuppressionReason reason, const ChangeMaker& change) const {
  Writer writer(*this, tx, change);
  PHAROS_ASSIGN_OR_RETURN(EndpointRow * row, writer.ChangeEndpoint(std::string(endpoint)));
  if (row->suppressed() == type::v1::ERASED) return absl::OkStatus();  // the strongest: it never comes back
  row->set_suppressed(reason);
  return writer.Finish();
}

std::string PersonStore::EndpointOf(type::v1::Channel channel, std::string_view clean_address) const {
  return blind_.Of(channel == type::v1::CHANNEL_EMAIL ? "email" : "phone", clean_address);
}

}  // namespace pharos::customer
