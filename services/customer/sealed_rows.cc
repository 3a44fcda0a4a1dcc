#include "services/customer/sealed_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "services/base/errors.h"
#include "services/base/text.h"
#include "storage/envelope.h"
#include "storage/seal.h"

namespace pharos::customer {

using record::v1::GoldenRow;
using record::v1::PersonPrivate;
using record::v1::PersonRow;
using record::v1::RecordPrivate;
using record::v1::RecordRow;

namespace {

constexpr std::string_view kRecordTable = "record";
constexpr std::string_view kVersionTable = "version";
constexpr std::string_view kInterests = "interests";  // the one field that is a union of several records'

std::string AssociatedOf(std::string_view table, const RecordRow& row) {
  return fmt::format("{}\n{}\n{}", table, row.name(), row.version());
}
std::string AssociatedOf(const PersonRow& person) {
  return fmt::format("person\n{}", person.name());
}

bool IsErased(const absl::Status& status) {
  return base::ReasonOf(status) == "KEY_DESTROYED";
}

absl::Status Damaged() {
  return base::MakeError(
      absl::StatusCode::kDataLoss, "STORE_VALUE_DAMAGED",
      "A sealed value is not in the form that Pharos writes. Check the disk and restore the "
      "newest backup.");
}

// False: erased.
template <typename Private>
absl::StatusOr<bool> Unseal(storage::KeyRing& ring, const std::string& envelope,
                            const std::string& associated, Private& opened) {
  const absl::StatusOr<std::string> payload = storage::Unseal(ring, envelope, associated);
  if (IsErased(payload.status())) return false;
  PHAROS_RETURN_IF_ERROR(payload.status());
  if (!opened.ParseFromString(*payload)) return Damaged();
  return true;
}

absl::Status AddKeyId(const std::string& envelope, std::vector<uint64_t>& ids) {
  if (envelope.empty()) return absl::OkStatus();
  PHAROS_ASSIGN_OR_RETURN(const uint64_t id, storage::KeyIdOf(envelope));
  if (id != 0) ids.push_back(id);
  return absl::OkStatus();
}
absl::Status AddKeyIds(const RecordRow& row, std::vector<uint64_t>& ids) {
  return AddKeyId(row.sealed(), ids);
}
absl::Status AddKeyIds(const PersonRow& row, std::vector<uint64_t>& ids) {
  for (const auto& part : row.parts()) PHAROS_RETURN_IF_ERROR(AddKeyId(part.sealed(), ids));
  return absl::OkStatus();
}

// A single key is fetched when it is needed, if it is not at hand.
template <typename Rows>
absl::Status PrefetchAll(storage::KeyRing& ring, const Rows& rows) {
  std::vector<uint64_t> ids;
  for (const auto& row : rows) PHAROS_RETURN_IF_ERROR(AddKeyIds(row, ids));
  return ids.size() < 2 ? absl::OkStatus() : ring.Prefetch(ids);
}

std::string_view CleanOf(const RecordRow& row, const std::string& field) {
  const auto it = row.clean().find(field);
  return it == row.clean().end() ? std::string_view() : std::string_view(it->second);
}

bool Gave(const RecordRow& record, const record::v1::PersonEndpointRow& endpoint) {
  const bool email = endpoint.channel() == type::v1::CHANNEL_EMAIL;
  return CleanOf(record, email ? "email" : "phone") == endpoint.address();
}

// Record and time are the same for nearly every value of a part: a third of its bytes.
void SayOnce(const RecordRow& record, PersonPrivate& part) {
  part.set_record(record.name());
  part.set_time_us(record.update_time_us());
  for (auto& field : *part.mutable_fields()) {
    field.clear_record();
    if (field.time_us() == part.time_us()) field.clear_time_us();
  }
}
void SayAgain(const PersonPrivate& part, GoldenRow& field) {
  if (!field.record().empty()) return;  // of an older version of this program
  field.set_record(part.record());
  if (field.time_us() == 0) field.set_time_us(part.time_us());
}

// What one record gave. Of a union each record has its own share, so that erasing one takes that share away.
PersonPrivate PartOf(const PersonRow& person, const RecordRow& record) {
  PersonPrivate part;
  for (int at = 0; at < person.fields_size(); ++at) {
    const GoldenRow& field = person.fields(at);
    const bool winner = field.record() == record.name();
    const bool shared = field.field() == kInterests;
    const std::string_view share = shared ? CleanOf(record, field.field()) : std::string_view(field.value());
    if (share.empty() || (!winner && !shared)) continue;
    GoldenRow& row = *part.add_fields();
    row = field;
    row.set_value(std::string(share));
    row.set_record(record.name());
    if (!winner) {
      row.set_time_us(record.update_time_us());
      row.clear_rule();
    }
    part.add_field_at(at);
  }
  for (int at = 0; at < person.endpoints_size(); ++at) {
    if (!Gave(record, person.endpoints(at))) continue;
    part.add_addresses(person.endpoints(at).address());
    part.add_address_at(at);
  }
  SayOnce(record, part);
  return part;
}

// The parts put together again: each value at its place, places whose record was erased left out.
class Assembly {
 public:
  absl::Status Add(PersonPrivate part, PersonRow& person) {
    if (part.fields_size() != part.field_at_size() || part.addresses_size() != part.address_at_size())
      return Damaged();
    for (int i = 0; i < part.fields_size(); ++i) {
      SayAgain(part, *part.mutable_fields(i));
      AddField(part.field_at(i), *part.mutable_fields(i));
    }
    for (int i = 0; i < part.addresses_size(); ++i) {
      const int at = part.address_at(i);
      if (at < 0 || at >= person.endpoints_size()) return Damaged();
      person.mutable_endpoints(at)->set_address(part.addresses(i));
    }
    return absl::OkStatus();
  }
  void Finish(PersonRow& person) {
    for (auto& [at, row] : fields_) {
      if (row.rule().empty()) row.set_rule("union");  // the winner was erased
      person.add_fields()->Swap(&row);
    }
  }

 private:
  // Of the shares of a union the one that names a rule is the winner's.
  void AddField(int at, GoldenRow& row) {
    const auto [it, first] = fields_.try_emplace(at);
    GoldenRow& known = it->second;
    if (first) {
      known.Swap(&row);
      return;
    }
    std::set<std::string> values;
    for (const auto* value : {&known.value(), &row.value()}) {
      for (auto& single : base::Split(*value, ';')) values.insert(std::move(single));
    }
    if (known.rule().empty()) known.Swap(&row);
    std::string joined;
    for (const auto& value : values) joined += (joined.empty() ? "" : ";") + value;
    known.set_value(joined);
  }

  std::map<int, GoldenRow> fields_;
};

}  // namespace

absl::Status SealedRows::OpenOne(RecordRow& row, std::string_view table) const {
  if (row.sealed().empty() || row.fields_size() > 0 || row.clean_size() > 0) return absl::OkStatus();
  RecordPrivate opened;
  PHAROS_ASSIGN_OR_RETURN(const bool there,
                          Unseal(keys_.ring(), row.sealed(), AssociatedOf(table, row), opened));
  if (!there) return absl::OkStatus();
  row.mutable_fields()->swap(*opened.mutable_fields());
  row.mutable_clean()->swap(*opened.mutable_clean());
  return absl::OkStatus();
}

absl::Status SealedRows::OpenWhole(RecordRow& row, Earlier& earlier) const {
  earlier.Clear();
  if (row.sealed().empty()) return absl::OkStatus();
  RecordPrivate opened;
  PHAROS_ASSIGN_OR_RETURN(const bool there,
                          Unseal(keys_.ring(), row.sealed(), AssociatedOf(kRecordTable, row), opened));
  if (!there) return absl::OkStatus();
  row.mutable_fields()->swap(*opened.mutable_fields());
  row.mutable_clean()->swap(*opened.mutable_clean());
  earlier.Swap(opened.mutable_earlier());
  return absl::OkStatus();
}

absl::Status SealedRows::OpenOne(PersonRow& person) const {
  if (person.fields_size() > 0) return absl::OkStatus();
  Assembly assembly;
  for (const auto& sealed : person.parts()) {
    PersonPrivate part;
    PHAROS_ASSIGN_OR_RETURN(const bool there,
                            Unseal(keys_.ring(), sealed.sealed(), AssociatedOf(person), part));
    if (there) PHAROS_RETURN_IF_ERROR(assembly.Add(std::move(part), person));
  }
  assembly.Finish(person);
  return absl::OkStatus();
}

absl::Status SealedRows::Open(std::span<RecordRow> rows) const {
  PHAROS_RETURN_IF_ERROR(PrefetchAll(keys_.ring(), rows));
  for (auto& row : rows) PHAROS_RETURN_IF_ERROR(OpenOne(row, kRecordTable));
  return absl::OkStatus();
}

absl::Status SealedRows::Open(std::span<PersonRow> rows) const {
  PHAROS_RETURN_IF_ERROR(PrefetchAll(keys_.ring(), rows));
  for (auto& row : rows) PHAROS_RETURN_IF_ERROR(OpenOne(row));
  return absl::OkStatus();
}

absl::Status SealedRows::OpenVersion(RecordRow& row) const {
  return OpenOne(row, kVersionTable);
}

absl::Status SealedRows::Prefetch(std::span<const RecordRow> rows) const {
  std::vector<uint64_t> ids;
  for (const auto& row : rows) PHAROS_RETURN_IF_ERROR(AddKeyIds(row, ids));
  return ids.empty() ? absl::OkStatus() : keys_.ring().Prefetch(ids);
}

absl::StatusOr<storage::DataKey> SealedRows::KeyOf(const RecordRow& row) const {
  std::vector<uint64_t> ids;
  PHAROS_RETURN_IF_ERROR(AddKeyIds(row, ids));
  return ids.empty() ? storage::DataKey() : keys_.ring().Get(ids.front());
}

absl::StatusOr<storage::DataKey> SealedRows::NewKey(FreshKeys* fresh) const {
  if (!seals()) return storage::DataKey();
  return fresh == nullptr ? keys_.ring().Fresh() : fresh->Take();
}

// The values are lent to the message, so that they are not copied.
void SealedRows::Seal(RecordRow& row, const storage::DataKey& key, const Earlier& earlier) const {
  RecordPrivate opened;
  *opened.mutable_earlier() = earlier;
  opened.mutable_fields()->swap(*row.mutable_fields());
  opened.mutable_clean()->swap(*row.mutable_clean());
  row.set_sealed(storage::Seal(key, opened.SerializeAsString(), AssociatedOf(kRecordTable, row)));
  row.mutable_fields()->swap(*opened.mutable_fields());
  row.mutable_clean()->swap(*opened.mutable_clean());
}

void SealedRows::SealVersion(RecordRow& row, const storage::DataKey& key) const {
  RecordPrivate opened;
  opened.mutable_fields()->swap(*row.mutable_fields());
  row.set_sealed(storage::Seal(key, opened.SerializeAsString(), AssociatedOf(kVersionTable, row)));
  row.mutable_fields()->swap(*opened.mutable_fields());
}

absl::Status SealedRows::Seal(PersonRow& person, const std::vector<const RecordRow*>& records) const {
  person.clear_parts();
  for (const RecordRow* record : records) {
    const PersonPrivate part = PartOf(person, *record);
    if (part.fields().empty() && part.addresses().empty()) continue;
    PHAROS_ASSIGN_OR_RETURN(const storage::DataKey key, KeyOf(*record));
    person.add_parts()->set_sealed(storage::Seal(key, part.SerializeAsString(), AssociatedOf(person)));
  }
  return absl::OkStatus();
}

void SealedRows::Save(storage::Transaction& tx, std::string_view key, RecordRow& row) {
  if (row.sealed().empty()) {
    storage::PutRecord(tx, key, row);
    return;
  }
  google::protobuf::Map<std::string, std::string> fields, clean;
  fields.swap(*row.mutable_fields());
  clean.swap(*row.mutable_clean());
  storage::PutRecord(tx, key, row);
  fields.swap(*row.mutable_fields());
  clean.swap(*row.mutable_clean());
}

void SealedRows::Save(storage::Transaction& tx, PersonRow person) {
  if (person.parts_size() > 0) {
    person.clear_fields();
    for (auto& endpoint : *person.mutable_endpoints()) endpoint.clear_address();
  }
  storage::PutRecord(tx, PersonKey(person.name()), person);
}

}  // namespace pharos::customer
