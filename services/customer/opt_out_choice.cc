#include "services/customer/opt_out_choice.h"

#include <algorithm>
#include <map>
#include <set>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/log.h"
#include "services/customer/opt_out_lift.h"
#include "services/customer/opt_out_store.h"
#include "services/customer/person_writer.h"
#include "services/customer/tables.h"
#include "services/rpc/once.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"

namespace pharos::customer {

using record::v1::LedgerRow;
using record::v1::PersonRow;
using record::v1::RecordRow;

namespace {

constexpr int64_t kSameDayMicros = int64_t{24} * 3600 * 1'000'000;
constexpr size_t kDueBatch = 100;  // pauses ended between two looks at whether to stop

bool IsPause(const LedgerRow& entry) {
  return entry.gate().kind() == type::v1::WITHDRAWN && entry.gate().scope() == type::v1::SCOPE_PAUSE;
}

// Entries, and from which records each is to be taken.
struct Taken {
  LedgerRow entry;
  std::vector<std::string> records;
};
using TakenByName = std::map<std::string, Taken>;

// Of a record's ledger what `wanted` says and is not lifted there yet, whether or not a later entry has
// overtaken it: it would stand again.
template <typename Wanted>
absl::Status Gather(storage::Transaction& tx, PersonStore::Writer& writer, const std::string& record,
                    const Wanted& wanted, TakenByName& taken) {
  const auto id = ParseRecordName(record);
  if (!id) return absl::OkStatus();
  PHAROS_ASSIGN_OR_RETURN(const RecordRow* row, writer.Record(record));
  if (row == nullptr) return absl::OkStatus();  // of the source `direct`: in name only
  PHAROS_ASSIGN_OR_RETURN(const std::vector<LedgerRow> ledger, LedgerOf(tx, *id));
  std::set<std::string_view> lifted;
  for (const auto& entry : ledger) {
    if (entry.gate().kind() == type::v1::LIFTED) lifted.insert(entry.lifts());
  }
  for (const auto& entry : ledger) {
    if (!wanted(entry) || lifted.contains(entry.gate().name())) continue;
    Taken& one = taken[entry.gate().name()];
    one.entry = entry;
    one.records.push_back(record);
  }
  return absl::OkStatus();
}

LedgerRow LiftingOf(const Taken& taken, std::string_view direct_record, LedgerRow lifting) {
  auto& gate = *lifting.mutable_gate();
  gate.set_name("consentEntries/" + base::NewId(lifting.create_time_us()));
  gate.set_kind(type::v1::LIFTED);
  gate.set_record(std::string(direct_record));
  gate.set_scope(taken.entry.gate().scope());
  gate.set_channel(taken.entry.gate().channel());
  gate.set_purpose(taken.entry.gate().purpose());
  gate.set_event_time_us(lifting.create_time_us());
  gate.set_direct(true);
  lifting.set_lifts(taken.entry.gate().name());
  for (const auto& record : taken.records) lifting.add_subjects(record);
  return lifting;
}

// Gives the names of the new entries.
absl::StatusOr<std::vector<std::string>> LiftAll(storage::Transaction& tx, PersonStore::Writer& writer,
                                                 const TakenByName& taken, std::string_view direct_record,
                                                 const LedgerRow& lifting, const ChangeMaker& change) {
  std::vector<std::string> names;
  std::set<std::string> touched;
  for (const auto& [name, one] : taken) {
    const LedgerRow entry = LiftingOf(one, direct_record, lifting);
    PHAROS_RETURN_IF_ERROR(writer.Append(entry));
    touched.insert(one.records.begin(), one.records.end());
    names.push_back(entry.gate().name());
  }
  for (const auto& record : touched) {
    PHAROS_ASSIGN_OR_RETURN(RecordRow * row, writer.Change(record));
    PHAROS_ASSIGN_OR_RETURN(const auto ledger, LedgerOf(tx, *ParseRecordName(record)));
    *row->mutable_entries() = EntriesInForce(ledger, record);
  }
  PHAROS_RETURN_IF_ERROR(writer.Finish());
  for (const auto& name : names) tx.AppendChange(change(name, "optOut.takenBack", 0));
  return names;
}

template <typename Wanted>
absl::StatusOr<std::vector<std::string>> TakeFrom(storage::Transaction& tx, const PersonStore& people,
                                                  const PersonRow& person, const Wanted& wanted,
                                                  const LedgerRow& lifting, const ChangeMaker& change) {
  PersonStore::Writer writer(people, tx, change);
  TakenByName taken;
  for (const auto& record : person.records())
    PHAROS_RETURN_IF_ERROR(Gather(tx, writer, record, wanted, taken));
  if (taken.empty()) return std::vector<std::string>();
  return LiftAll(tx, writer, taken, DirectRecordOfPerson(person.name()), lifting, change);
}

}  // namespace

bool IsOwnChoice(const LedgerRow& entry, const PersonRow& person, std::string_view message, int64_t said_us) {
  const auto& gate = entry.gate();
  if (message.empty() || entry.message() != message) return false;
  if (!gate.direct() || gate.kind() != type::v1::WITHDRAWN) return false;
  if (gate.event_time_us() >= said_us) return false;
  const std::string who = PersonOfDirectRecord(gate.record());
  const auto& former = person.former_names();
  return !who.empty() &&
         (who == person.name() || std::find(former.begin(), former.end(), who) != former.end());
}

absl::StatusOr<std::optional<LedgerRow>> SamePause(storage::Transaction& tx, const PersonRow& person,
                                                   const LedgerRow& pause) {
  std::map<std::string, int> on_records;  // by entry
  for (const auto& record : person.records()) {
    const auto id = ParseRecordName(record);
    RecordRow row;
    if (!id) continue;
    PHAROS_RETURN_IF_ERROR(storage::GetRecord(tx, RecordKey(*id), row).status());
    for (const auto& entry : row.entries()) {
      if (entry.scope() == type::v1::SCOPE_PAUSE) ++on_records[entry.name()];
    }
  }
  for (const auto& [name, records] : on_records) {
    if (records != person.records_size()) continue;
    PHAROS_ASSIGN_OR_RETURN(std::optional<LedgerRow> standing, LoadEntry(tx, name));
    if (standing && IsPause(*standing) && standing->message() == pause.message() &&
        standing->until_us() > pause.until_us() - kSameDayMicros)
      return standing;
  }
  return std::optional<LedgerRow>();
}

absl::StatusOr<std::vector<std::string>> TakeBackChoices(storage::Transaction& tx, const PersonStore& people,
                                                         const PersonRow& person, int64_t said_us,
                                                         const LedgerRow& lifting,
                                                         const ChangeMaker& change) {
  if (person.erased()) return std::vector<std::string>();  // nothing is known any more of who would ask
  return TakeFrom(
      tx, people, person,
      [&](const LedgerRow& entry) { return IsOwnChoice(entry, person, lifting.message(), said_us); }, lifting,
      change);
}

absl::Status TakeBackPauses(storage::Transaction& tx, const PersonStore& people, const PersonRow& person,
                            const LedgerRow& lifting, const ChangeMaker& change) {
  return TakeFrom(tx, people, person, IsPause, lifting, change).status();
}

absl::StatusOr<bool> HasPause(storage::Transaction& tx, const PersonRow& person) {
  for (const auto& record : person.records()) {
    const auto id = ParseRecordName(record);
    RecordRow row;
    if (!id) continue;
    PHAROS_RETURN_IF_ERROR(storage::GetRecord(tx, RecordKey(*id), row).status());
    for (const auto& entry : row.entries()) {
      if (entry.scope() == type::v1::SCOPE_PAUSE) return true;
    }
  }
  return false;
}

void NotePause(storage::Transaction& tx, const LedgerRow& pause) {
  tx.Put(PauseEndKey(pause.until_us(), pause.gate().name()), storage::Wrap({}));
}

void PauseEnds::Start() {
  base::MutexLock lock(mutex_);
  stop_ = false;
  if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
}

void PauseEnds::Stop() {
  {
    base::MutexLock lock(mutex_);
    stop_ = true;
    stopping_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void PauseEnds::Run() {
  for (;;) {
    const absl::StatusOr<size_t> ended = EndDue();
    if (!ended.ok()) base::Log(base::LogLevel::kWarning, "customer.pauses_not_ended");
    base::MutexLock lock(mutex_);
    if (stop_) return;
    if (ended.ok() && *ended == kDueBatch) continue;  // there may be more
    stopping_.WaitForMicros(lock, kLookMicros);
    if (stop_) return;
  }
}

absl::StatusOr<size_t> PauseEnds::EndDue() {
  const storage::KeyRange due{storage::KeyWriter(kPauseEnd).str(), PauseEndKey(clock_.WallMicros() + 1, "")};
  std::vector<std::pair<std::string, std::string>> found;  // key, entry
  PHAROS_RETURN_IF_ERROR(store_.Read()->Scan(due, [&](std::string_view key, std::string_view) {
    storage::KeyReader reader(key);
    reader.U64();
    found.emplace_back(key, "consentEntries/" + reader.String());
    return found.size() < kDueBatch;
  }));
  absl::Status ended;
  for (const auto& [key, entry] : found) {
    absl::Status status = End(key, entry);  // one that does not end keeps nobody else's going on
    if (!status.ok()) ended = std::move(status);
  }
  PHAROS_RETURN_IF_ERROR(ended);
  return found.size();
}

// On whichever people its records are now.
absl::Status PauseEnds::End(const std::string& due_key, const std::string& entry) {
  const int64_t now = clock_.WallMicros();
  const ChangeMaker change = [&](std::string_view resource, std::string_view kind, uint64_t version) {
    return rpc::ChangeByLoop("internal:pauses", resource, kind, version, now);
  };
  LedgerRow lifting;
  lifting.set_create_time_us(now);
  lifting.set_how("the pause has ended");
  lifting.set_principal("principals/pharosd");
  return store_.Transact([&](storage::Transaction& tx) -> absl::Status {
    PHAROS_ASSIGN_OR_RETURN(const std::optional<LedgerRow> pause, LoadEntry(tx, entry));
    tx.Delete(due_key);
    if (!pause) return absl::OkStatus();
    PersonStore::Writer writer(people_, tx, change);
    TakenByName taken;
    const auto this_one = [&](const LedgerRow& each) { return each.gate().name() == entry; };
    for (const auto& record : pause->subjects())
      PHAROS_RETURN_IF_ERROR(Gather(tx, writer, record, this_one, taken));
    if (taken.empty()) return absl::OkStatus();  // taken back before
    return LiftAll(tx, writer, taken, pause->gate().record(), lifting, change).status();
  });
}

}  // namespace pharos::customer
