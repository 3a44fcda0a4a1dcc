#include "services/customer/linker_change.h"

#include <algorithm>
#include <array>
#include <utility>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/errors.h"
#include "services/customer/golden.h"
#include "storage/envelope.h"

namespace pharos::customer {

using record::v1::EarlierValues;
using record::v1::LedgerRow;
using record::v1::RecordRow;

namespace {

// Fields whose earlier values linking looks at.
constexpr std::array<std::string_view, 12> kLinkFields = {
    "given_name", "middle_name", "family_name", "date_of_birth", "email",      "phone",
    "postcode",   "house",       "street",      "town",          "nhs_number", "national_id"};

std::string_view CleanOf(const google::protobuf::Map<std::string, std::string>& clean,
                         std::string_view field) {
  const auto it = clean.find(std::string(field));
  return it == clean.end() ? std::string_view() : std::string_view(it->second);
}

bool SameContent(const RecordRow& a, const RecordRow& b) {
  if (a.update_time_us() != b.update_time_us() || a.fields_size() != b.fields_size()) return false;
  return std::all_of(a.fields().begin(), a.fields().end(), [&](const auto& field) {
    const auto it = b.fields().find(field.first);
    return it != b.fields().end() && it->second == field.second;
  });
}

// What a version said to linking.
EarlierValues ValuesOf(const google::protobuf::Map<std::string, std::string>& clean) {
  EarlierValues values;
  for (const auto field : kLinkFields) {
    const std::string_view value = CleanOf(clean, field);
    if (!value.empty()) (*values.mutable_clean())[std::string(field)] = std::string(value);
  }
  return values;
}
bool SameValues(const EarlierValues& a, const EarlierValues& b) {
  if (a.clean_size() != b.clean_size()) return false;
  return std::all_of(a.clean().begin(), a.clean().end(),
                     [&](const auto& field) { return CleanOf(b.clean(), field.first) == field.second; });
}

// Whether an earlier version speaks of the same person still: people change their names, homes and numbers,
// but a record in which the given name and the date of birth and the NHS number are others has been put
// right, or given to somebody else.
bool OfSamePerson(const google::protobuf::Map<std::string, std::string>& now, const EarlierValues& earlier) {
  for (const auto field : {"given_name", "date_of_birth", "nhs_number"}) {
    const std::string_view value = CleanOf(now, field);
    if (!value.empty() && value == CleanOf(earlier.clean(), field)) return true;
  }
  return false;
}

// Adds a version's values, the newest first, where `current` and the others do not say the same as a whole.
// True: something was added.
bool AddEarlier(SealedRows::Earlier& earlier, EarlierValues values, const EarlierValues& current,
                bool newest) {
  if (values.clean().empty() || SameValues(values, current)) return false;
  for (const auto& each : earlier) {
    if (SameValues(each, values)) return false;
  }
  *earlier.Add() = std::move(values);
  if (newest) {
    for (int at = earlier.size() - 1; at > 0; --at) earlier.SwapElements(at, at - 1);
  }
  if (earlier.size() > Preparation::kMostEarlier) earlier.RemoveLast();
  return true;
}

void DropEqual(SealedRows::Earlier& earlier, const EarlierValues& current) {
  for (int at = earlier.size() - 1; at >= 0; --at) {
    if (SameValues(earlier[at], current)) earlier.DeleteSubrange(at, 1);
  }
}

}  // namespace

bool SaysNewFact(const RecordRow& said, const RecordRow& current) {
  return (said.deceased() && !current.deceased()) || (said.paused() && !current.paused()) ||
         (said.sensitive() && !current.sensitive());
}

std::vector<const LedgerRow*> NewEntries(const RecordRow& current, const std::vector<LedgerRow>& entries,
                                         bool known_content) {
  std::vector<const LedgerRow*> fresh;
  for (const auto& entry : entries) {
    const auto* known = FindEntry(current.entries(), entry.gate());
    if (known != nullptr) {
      // Dated by its arrival, because its own time is not known: said again, it says nothing new.
      const bool undated =
          entry.gate().kind() != type::v1::GRANTED && entry.gate().event_time_us() == entry.create_time_us();
      const bool same = known->kind() == entry.gate().kind() &&
                        (undated || known->event_time_us() == entry.gate().event_time_us());
      if (same || (known_content && known->event_time_us() >= entry.gate().event_time_us())) continue;
    }
    fresh.push_back(&entry);
  }
  return fresh;
}

identity::Features Preparation::FeaturesOf(const RecordRow& row, const SealedRows::Earlier& earlier,
                                           const identity::Model& model) {
  const auto said_in = [](const google::protobuf::Map<std::string, std::string>& clean) {
    return [&clean](std::string_view field) { return CleanOf(clean, field); };
  };
  using SaidIn = decltype(said_in(row.clean()));
  std::vector<SaidIn> versions;
  versions.reserve(static_cast<size_t>(earlier.size()));
  for (const auto& each : earlier) {
    if (OfSamePerson(row.clean(), each)) versions.push_back(said_in(each.clean()));
  }
  const std::vector<identity::Said> before(versions.begin(), versions.end());
  return identity::Features::Of(said_in(row.clean()), before, model);
}

std::string Preparation::PostingOf(const RecordRow& row) const {
  const std::string_view number = CleanOf(row.clean(), "nhs_number");
  return number.empty() ? std::string() : people_.PostingOf("link:nhs_number", number);
}

absl::StatusOr<std::optional<RecordRow>> Preparation::Read(const Prepared& change) const {
  RecordRow row;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(store_, RecordKey(change.id), row));
  if (!found) return std::nullopt;
  return row;
}

absl::Status Preparation::Prepare(std::span<Prepared> changes, int64_t now) const {
  std::vector<std::optional<RecordRow>> stored(changes.size());
  std::vector<RecordRow> sealed;
  for (size_t at = 0; at < changes.size(); ++at) {
    changes[at].against = registry_.StandingOf(changes[at].change.row.name());
    if (changes[at].against.state == Registry::kUnknown) continue;
    PHAROS_ASSIGN_OR_RETURN(stored[at], Read(changes[at]));
    if (stored[at]) sealed.push_back(*stored[at]);
  }
  if (!sealed.empty()) PHAROS_RETURN_IF_ERROR(rows_.Prefetch(sealed));
  for (size_t at = 0; at < changes.size(); ++at) {
    PHAROS_RETURN_IF_ERROR(One(changes[at], std::move(stored[at]), now));
  }
  return absl::OkStatus();
}

absl::Status Preparation::Again(Prepared& change, int64_t now) const {
  if (change.said) change.change.row = *std::exchange(change.said, std::nullopt);
  change.effect = Effect::kNothing;
  change.returns = change.refeature = false;
  change.rows.clear();
  change.erased_versions.clear();
  change.posting.clear();
  change.old_posting.clear();
  change.change.row.clear_sealed();
  change.against = registry_.StandingOf(change.change.row.name());
  std::optional<RecordRow> stored;
  if (change.against.state != Registry::kUnknown) {
    PHAROS_ASSIGN_OR_RETURN(stored, Read(change));
  }
  return One(change, std::move(stored), now);
}

absl::Status Preparation::One(Prepared& change, std::optional<RecordRow> row, int64_t now) const {
  const bool put = change.change.kind == RecordChange::kPut;
  if (!row) return put ? PutNew(change, now) : absl::OkStatus();
  if (put && row->erase_time_us() != 0) return PutErased(change, *row);
  Stored stored;
  stored.row = *std::move(row);
  if (change.change.kind == RecordChange::kErase) return Erase(change, stored, now);
  const absl::StatusOr<storage::DataKey> key = rows_.KeyOf(stored.row);
  if (base::ReasonOf(key.status()) == "KEY_DESTROYED") {
    return put ? PutErased(change, stored.row) : Delete(change, stored, now);
  }
  PHAROS_RETURN_IF_ERROR(key.status());
  stored.key = *key;
  PHAROS_RETURN_IF_ERROR(rows_.OpenWhole(stored.row, stored.earlier));
  return put ? PutOver(change, stored, now) : Delete(change, stored, now);
}

void Preparation::AddVersion(Prepared& change, uint64_t version, const storage::DataKey& key,
                             int64_t now) const {
  RecordRow& row = change.change.row;
  RecordRow received;
  received.set_name(row.name());
  received.set_version(version);
  received.set_update_time_us(row.update_time_us());
  received.set_create_time_us(now);
  received.mutable_fields()->swap(*row.mutable_fields());
  rows_.SealVersion(received, key);
  received.mutable_fields()->swap(*row.mutable_fields());
  received.clear_fields();
  change.rows.emplace_back(RecordVersionKey(change.id, version), storage::EncodeRecord(received));
}

absl::Status Preparation::PutNew(Prepared& change, int64_t now) const {
  PHAROS_ASSIGN_OR_RETURN(const storage::DataKey key, rows_.NewKey(nullptr));
  RecordRow& row = change.change.row;
  AddVersion(change, 1, key, now);
  row.set_version(1);
  rows_.Seal(row, key);
  change.effect = Effect::kNew;
  change.birth = base::NewId(now);
  row.set_birth(change.birth);
  change.posting = PostingOf(row);
  change.features = FeaturesOf(row, {}, *model_);
  change.refeature = true;
  return absl::OkStatus();
}

// It never comes back; what was withdrawn is taken all the same.
absl::Status Preparation::PutErased(Prepared& change, const RecordRow& stored) const {
  change.refused = errors::RecordErased(change.change.row.name());
  std::erase_if(change.change.entries, [](const LedgerRow& entry) {
    return entry.gate().kind() != type::v1::WITHDRAWN && entry.gate().kind() != type::v1::OBJECTED_TO;
  });
  const bool news =
      !NewEntries(stored, change.change.entries, true).empty() || SaysNewFact(change.change.row, stored);
  change.effect = news ? Effect::kOnly : Effect::kRefused;
  return absl::OkStatus();
}

absl::StatusOr<Preparation::Versions> Preparation::LookAtVersions(const RecordId& id,
                                                                  const RecordRow& current,
                                                                  const RecordRow& row) const {
  Versions versions{current.version(), !SealedRows::IsGone(current) && SameContent(current, row)};
  if (versions.known) return versions;
  // What is newer than everything cannot have come before.
  const bool newer = row.update_time_us() > current.update_time_us();
  // Late arrivals stand after the current version.
  while (true) {
    RecordRow other;
    PHAROS_ASSIGN_OR_RETURN(const bool found,
                            storage::GetRecord(store_, RecordVersionKey(id, versions.last + 1), other));
    if (!found) break;
    ++versions.last;
    if (newer) continue;
    PHAROS_RETURN_IF_ERROR(rows_.OpenVersion(other));
    versions.known = versions.known || SameContent(other, row);
  }
  for (uint64_t back = 1; !newer && !versions.known && back < kVersionsCompared && back < current.version();
       ++back) {
    RecordRow other;
    PHAROS_ASSIGN_OR_RETURN(
        const bool found, storage::GetRecord(store_, RecordVersionKey(id, current.version() - back), other));
    PHAROS_RETURN_IF_ERROR(rows_.OpenVersion(other));
    versions.known = found && SameContent(other, row);
  }
  return versions;
}

absl::Status Preparation::PutOver(Prepared& change, Stored& stored, int64_t now) const {
  RecordRow& row = change.change.row;
  const RecordRow& current = stored.row;
  PHAROS_ASSIGN_OR_RETURN(const Versions versions, LookAtVersions(change.id, current, row));
  const bool gone = SealedRows::IsGone(current);
  const bool older = row.update_time_us() < current.update_time_us();
  // A deleted record comes back with whatever is not older than its end, even if that was known.
  if (versions.known && !(gone && !older)) {
    const bool news = !NewEntries(current, change.change.entries, true).empty() || SaysNewFact(row, current);
    change.effect = news ? Effect::kOnly : Effect::kNothing;
    return absl::OkStatus();
  }
  if (stored.key.id == 0) {
    PHAROS_ASSIGN_OR_RETURN(stored.key, rows_.NewKey(nullptr));
  }
  AddVersion(change, versions.last + 1, stored.key, now);
  if (older) return Late(change, stored);
  const EarlierValues values = ValuesOf(row.clean());
  SealedRows::Earlier earlier = stored.earlier;
  DropEqual(earlier, values);
  AddEarlier(earlier, ValuesOf(current.clean()), values, true);
  row.set_version(versions.last + 1);
  rows_.Seal(row, stored.key, earlier);
  change.effect = Effect::kCurrent;
  change.returns = gone;
  change.features = FeaturesOf(row, earlier, *model_);
  change.refeature = true;
  change.posting = PostingOf(row);
  if (!gone) change.old_posting = PostingOf(current);
  return absl::OkStatus();
}

// The current version stays; what this one said helps linking, and consent in it counts all the same.
absl::Status Preparation::Late(Prepared& change, Stored& stored) const {
  change.effect = Effect::kLate;
  const bool added =
      AddEarlier(stored.earlier, ValuesOf(change.change.row.clean()), ValuesOf(stored.row.clean()), false);
  const bool sealed_before = *storage::KeyIdOf(stored.row.sealed()) == stored.key.id;
  if (!added && sealed_before) return absl::OkStatus();
  RecordRow current = stored.row;
  rows_.Seal(current, stored.key, stored.earlier);
  change.features = FeaturesOf(current, stored.earlier, *model_);
  change.refeature = added && !SealedRows::IsGone(current);
  current.set_deceased(change.change.row.deceased());
  current.set_paused(change.change.row.paused());
  current.set_sensitive(change.change.row.sensitive());
  change.said = std::exchange(change.change.row, std::move(current));
  return absl::OkStatus();
}

absl::Status Preparation::Delete(Prepared& change, Stored& stored, int64_t now) const {
  const RecordRow& current = stored.row;
  const int64_t time = change.change.row.update_time_us();
  const bool older = time != 0 && time < current.update_time_us();
  if (SealedRows::IsGone(current) || older) return absl::OkStatus();
  change.effect = Effect::kDelete;
  change.said = change.change.row;
  change.change.row.set_delete_time_us(now);
  change.change.row.set_update_time_us(std::max(time, current.update_time_us()));
  change.old_posting = PostingOf(current);
  return absl::OkStatus();
}

absl::Status Preparation::Erase(Prepared& change, const Stored& stored, int64_t now) const {
  if (stored.row.erase_time_us() != 0) return absl::OkStatus();
  RecordRow opened = stored.row;
  PHAROS_RETURN_IF_ERROR(rows_.Open(opened));  // a destroyed key is no error
  change.effect = Effect::kErase;
  change.change.row.set_erase_time_us(now);
  change.old_posting = PostingOf(opened);
  for (uint64_t version = 1;; ++version) {
    const std::string key = RecordVersionKey(change.id, version);
    RecordRow row;
    PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(store_, key, row));
    if (!found && version > stored.row.version()) break;
    if (!found) continue;
    row.clear_sealed();
    row.clear_fields();
    row.clear_clean();
    change.rows.emplace_back(key, storage::EncodeRecord(row));
  }
  return absl::OkStatus();
}

}  // namespace pharos::customer
