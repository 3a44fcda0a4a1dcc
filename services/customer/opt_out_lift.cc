#include "services/customer/opt_out_lift.h"

#include <algorithm>
#include <optional>
#include <set>

#include "services/base/errors.h"
#include "services/customer/errors.h"
#include "services/customer/golden.h"
#include "services/customer/keys.h"
#include "services/customer/opt_out_store.h"
#include "services/customer/person_writer.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"

namespace pharos::customer {

using record::v1::LedgerRow;
using record::v1::PersonRow;
using record::v1::RecordRow;

namespace {

bool IsOptOut(const LedgerRow& entry) {
  return entry.gate().kind() == type::v1::WITHDRAWN || entry.gate().kind() == type::v1::OBJECTED_TO;
}

bool Stands(const RecordRow& row, std::string_view entry) {
  return std::any_of(row.entries().begin(), row.entries().end(),
                     [&](const auto& each) { return each.name() == entry; });
}

absl::StatusOr<OptOutStands> WhereItStands(PersonStore::Writer& writer, const LedgerRow& opt_out,
                                           const PersonRow& person) {
  OptOutStands stands;
  for (const auto& subject : opt_out.subjects()) {
    PHAROS_ASSIGN_OR_RETURN(const RecordRow* row, writer.Record(subject));
    if (row == nullptr || !Stands(*row, opt_out.gate().name())) continue;
    if (row->person() == person.name()) {
      stands.here.push_back(subject);
    } else {
      stands.elsewhere = true;
    }
  }
  const std::string& endpoint = opt_out.gate().endpoint();
  stands.endpoint_here =
      !endpoint.empty() && std::any_of(person.endpoints().begin(), person.endpoints().end(),
                                       [&](const auto& each) { return each.endpoint() == endpoint; });
  return stands;
}

}  // namespace

// The index is written with a record's own row, which the transaction has read: nothing comes in between.
absl::StatusOr<std::vector<LedgerRow>> LedgerOf(storage::Transaction& tx, const RecordId& record) {
  const std::string prefix = RecordEntriesPrefix(record);
  std::vector<std::string> ids;
  PHAROS_RETURN_IF_ERROR(
      tx.Scan(storage::PrefixRange(prefix), prefix, [&](std::string_view key, std::string_view) {
        storage::KeyReader reader(key);
        reader.String(), reader.String();
        ids.push_back(reader.String());
        return true;
      }));
  std::vector<LedgerRow> ledger;
  for (const auto& id : ids) {
    PHAROS_ASSIGN_OR_RETURN(auto row, LoadEntry(tx, "consentEntries/" + id));
    if (row) ledger.push_back(*std::move(row));
  }
  return ledger;
}

absl::Status MayLift(const LedgerRow& opt_out, const OptOutStands& stands, std::string_view person) {
  const std::string& name = opt_out.gate().name();
  if (!IsOptOut(opt_out) || stands.here.empty()) return errors::OptOutNotThere(name, person);
  if (!opt_out.gate().direct())
    return errors::OptOutDirect(name, "a source says so of this person's own record");
  if (stands.endpoint_here)
    return errors::OptOutDirect(name, "it was said at an address that this person has");
  if (!stands.elsewhere)
    return errors::OptOutDirect(name, "it stands for nobody else, so that it is this person's own");
  return absl::OkStatus();
}

google::protobuf::RepeatedPtrField<type::v1::GateEntry> EntriesInForce(const std::vector<LedgerRow>& ledger,
                                                                       std::string_view record) {
  std::set<std::string_view> lifted;
  for (const auto& entry : ledger) {
    const bool here =
        std::find(entry.subjects().begin(), entry.subjects().end(), record) != entry.subjects().end();
    if (entry.gate().kind() == type::v1::LIFTED && here) lifted.insert(entry.lifts());
  }
  google::protobuf::RepeatedPtrField<type::v1::GateEntry> entries;
  for (const auto& entry : ledger) {
    if (!lifted.contains(entry.gate().name())) AddEntry(entries, entry.gate());
  }
  return entries;
}

absl::StatusOr<LedgerRow> LiftOptOut(storage::Transaction& tx, const PersonStore& people,
                                     std::string_view opt_out, std::string_view person, LedgerRow lifting,
                                     const ChangeMaker& change) {
  PHAROS_ASSIGN_OR_RETURN(const std::optional<LedgerRow> entry, LoadEntry(tx, opt_out));
  if (!entry) return errors::EntryNotFound(opt_out);
  PHAROS_ASSIGN_OR_RETURN(const std::optional<PersonRow> row, people.Load(tx, person));
  if (!row) return errors::PersonNotFound(person);
  PersonStore::Writer writer(people, tx, change);
  PHAROS_ASSIGN_OR_RETURN(const OptOutStands stands, WhereItStands(writer, *entry, *row));
  PHAROS_RETURN_IF_ERROR(MayLift(*entry, stands, row->name()));
  auto& gate = *lifting.mutable_gate();
  gate.set_kind(type::v1::LIFTED);
  gate.set_record(DirectRecordOfPerson(row->name()));
  gate.set_scope(entry->gate().scope());
  gate.set_channel(entry->gate().channel());
  gate.set_purpose(entry->gate().purpose());
  lifting.set_lifts(std::string(opt_out));
  for (const auto& record : stands.here) lifting.add_subjects(record);
  PHAROS_RETURN_IF_ERROR(writer.Append(lifting));
  for (const auto& record : stands.here) {
    PHAROS_ASSIGN_OR_RETURN(RecordRow * changed, writer.Change(record));
    PHAROS_ASSIGN_OR_RETURN(const auto ledger, LedgerOf(tx, *ParseRecordName(record)));
    *changed->mutable_entries() = EntriesInForce(ledger, record);
  }
  PHAROS_RETURN_IF_ERROR(writer.Finish());
  tx.AppendChange(change(gate.name(), "optOut.lifted", 0));
  return lifting;
}

}  // namespace pharos::customer
