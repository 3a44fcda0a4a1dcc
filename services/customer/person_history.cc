#include "services/customer/person_history.h"

#include <algorithm>
#include <deque>
#include <set>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/assertion_store.h"
#include "services/customer/facts.h"
#include "services/customer/keys.h"
#include "services/customer/record_reading.h"
#include "services/customer/tables.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"

namespace pharos::customer {

using record::v1::PersonRow;
using record::v1::RecordRow;

namespace {

constexpr size_t kMostVersions = 10'000;   // of one record: a feed that changes it every hour for a year
constexpr size_t kMostAssertions = 1'000;  // about one person

// The records that an id had at `time`; nullopt: it was no person then.
absl::StatusOr<std::optional<std::vector<std::string>>> RecordsOfId(const storage::View& view,
                                                                    std::string_view person, int64_t time) {
  PHAROS_ASSIGN_OR_RETURN(const std::vector<HistoryStep> steps, HistoryOf(view, person));
  const auto step =
      std::find_if(steps.begin(), steps.end(), [&](const auto& each) { return each.until > time; });
  PersonRow row;
  if (step == steps.end()) {
    PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(view, PersonKey(person), row));
    if (!found) return std::nullopt;
  }
  const auto& names = step == steps.end() ? row.records() : step->row.records();
  if (names.empty()) return std::nullopt;
  return std::vector<std::string>(names.begin(), names.end());
}

absl::StatusOr<std::optional<RecordRow>> Current(const storage::View& view, std::string_view record) {
  const auto id = ParseRecordName(record);
  RecordRow row;
  if (!id) return std::nullopt;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(view, RecordKey(*id), row));
  if (!found) return std::nullopt;
  return row;
}

// Those that had arrived by `time`.
absl::StatusOr<std::vector<std::string>> Arrived(const storage::View& view, std::vector<std::string> records,
                                                 int64_t time) {
  std::vector<std::string> arrived;
  for (auto& record : records) {
    PHAROS_ASSIGN_OR_RETURN(const std::optional<RecordRow> row, Current(view, record));
    if (row && row->create_time_us() <= time) arrived.push_back(std::move(record));
  }
  return arrived;
}

// Looks for whom a record belonged to.
class Search {
 public:
  Search(const storage::View& view, std::string record, int64_t time)
      : view_(view), record_(std::move(record)), time_(time) {}

  absl::StatusOr<std::optional<PersonThen>> From(const PersonRow& current) {
    Add(current.name());
    for (const auto& former : current.former_names()) Add(former);
    PHAROS_RETURN_IF_ERROR(AddDecided());
    while (!waiting_.empty()) {
      const std::string person = std::move(waiting_.front());
      waiting_.pop_front();
      PHAROS_ASSIGN_OR_RETURN(auto records, RecordsOfId(view_, person, time_));
      if (records && std::find(records->begin(), records->end(), record_) != records->end()) {
        PHAROS_ASSIGN_OR_RETURN(auto arrived, Arrived(view_, *std::move(records), time_));
        return PersonThen{person, std::move(arrived)};
      }
      PHAROS_RETURN_IF_ERROR(AddLinkedWith(person));
    }
    return std::nullopt;
  }

 private:
  void Add(std::string_view person) {
    if (seen_.size() < kMostPeopleTried && !person.empty() && seen_.emplace(person).second)
      waiting_.emplace_back(person);
  }
  absl::Status AddPeopleOf(std::string_view record) {
    PHAROS_ASSIGN_OR_RETURN(const std::optional<RecordRow> row, Current(view_, record));
    if (!row) return absl::OkStatus();
    Add(row->person());
    if (!row->birth().empty()) Add("people/" + row->birth());
    return absl::OkStatus();
  }
  // Everybody whose record ever stood beside theirs.
  absl::Status AddLinkedWith(const std::string& person) {
    PHAROS_ASSIGN_OR_RETURN(const std::vector<HistoryStep> steps, HistoryOf(view_, person));
    for (const auto& step : steps) {
      for (const auto& record : step.row.records()) PHAROS_RETURN_IF_ERROR(AddPeopleOf(record));
    }
    return absl::OkStatus();
  }
  absl::Status AddDecided() {
    PHAROS_ASSIGN_OR_RETURN(const auto assertions,
                            AssertionsAbout(view_, std::span(&record_, 1), kMostAssertions));
    for (const auto& assertion : assertions) {
      for (const auto& side : assertion.sides()) {
        for (const auto& record : side.records()) PHAROS_RETURN_IF_ERROR(AddPeopleOf(record));
      }
    }
    return absl::OkStatus();
  }

  const storage::View& view_;
  const std::string record_;
  const int64_t time_;
  std::set<std::string> seen_;
  std::deque<std::string> waiting_;
};

// The record that an id was born with; "" if it cannot be told.
absl::StatusOr<std::string> BirthRecordOf(const storage::View& view, std::string_view person,
                                          const PersonRow& current) {
  PHAROS_ASSIGN_OR_RETURN(const std::optional<std::string> alias, view.Get(AliasKey(person)));
  if (alias) {
    PHAROS_ASSIGN_OR_RETURN(const std::string_view target, storage::Unwrap(*alias));
    if (ParseRecordName(target)) return std::string(target);
  }
  const std::string birth = base::Segment(person, "people");
  for (const auto& record : current.records()) {
    PHAROS_ASSIGN_OR_RETURN(const std::optional<RecordRow> row, Current(view, record));
    if (row && row->birth() == birth) return record;
  }
  return std::string();
}

// The version in force at `time`: of those that had come the one that was said last, of equal ones the later
// arrival.
const RecordRow* InForceAt(const std::vector<RecordRow>& versions, int64_t time) {
  const RecordRow* found = nullptr;
  for (const auto& version : versions) {
    if (version.create_time_us() > time) continue;
    if (found == nullptr || version.update_time_us() >= found->update_time_us()) found = &version;
  }
  return found;
}

}  // namespace

const record::v1::SourceRow* SourceReader::Find(std::string_view source_id) {
  if (const auto it = rows_.find(source_id); it != rows_.end()) return it->second.get();
  auto row = std::make_unique<record::v1::SourceRow>();
  const auto found = storage::GetRecord(view_, storage::KeyWriter(kSource).String(source_id).str(), *row);
  if (!found.ok()) status_ = found.status();
  if (!found.ok() || !*found) row.reset();
  return rows_.emplace(std::string(source_id), std::move(row)).first->second.get();
}

absl::StatusOr<std::vector<HistoryStep>> HistoryOf(const storage::View& view, std::string_view person) {
  std::vector<HistoryStep> steps;
  absl::Status damaged;
  PHAROS_RETURN_IF_ERROR(view.Scan(storage::PrefixRange(PersonHistoryPrefix(person)),
                                   [&](std::string_view key, std::string_view value) {
                                     storage::KeyReader reader(key);
                                     reader.String();
                                     auto& step = steps.emplace_back();
                                     step.until = static_cast<int64_t>(reader.U64());
                                     damaged = storage::DecodeRecord(value, step.row);
                                     return damaged.ok();
                                   }));
  PHAROS_RETURN_IF_ERROR(damaged);
  return steps;
}

absl::StatusOr<std::optional<PersonThen>> PersonAt(const storage::View& view, const PersonStore& people,
                                                   std::string_view person, int64_t time) {
  PHAROS_ASSIGN_OR_RETURN(auto own, RecordsOfId(view, person, time));
  if (own) {
    PHAROS_ASSIGN_OR_RETURN(auto arrived, Arrived(view, *std::move(own), time));
    if (arrived.empty()) return std::nullopt;
    return PersonThen{std::string(person), std::move(arrived)};
  }
  PHAROS_ASSIGN_OR_RETURN(const std::optional<PersonRow> current, people.Load(view, person));
  if (!current) return std::nullopt;
  PHAROS_ASSIGN_OR_RETURN(std::string record, BirthRecordOf(view, person, *current));
  PHAROS_ASSIGN_OR_RETURN(const std::optional<RecordRow> row, Current(view, record));
  if (!row || row->create_time_us() > time) return std::nullopt;
  return Search(view, std::move(record), time).From(*current);
}

absl::StatusOr<std::vector<RecordRow>> VersionsOf(const storage::View& view, std::string_view record,
                                                  size_t most) {
  std::vector<RecordRow> versions;
  const auto id = ParseRecordName(record);
  if (!id) return versions;
  absl::Status damaged;
  PHAROS_RETURN_IF_ERROR(view.Scan(storage::PrefixRange(RecordVersionsPrefix(*id)),
                                   [&](std::string_view, std::string_view value) {
                                     damaged = storage::DecodeRecord(value, versions.emplace_back());
                                     return damaged.ok() && versions.size() < most;
                                   }));
  PHAROS_RETURN_IF_ERROR(damaged);
  return versions;
}

absl::StatusOr<std::vector<RecordRow>> RecordsAt(const storage::View& view, const PersonStore& people,
                                                 const std::vector<std::string>& records, int64_t time) {
  std::vector<RecordRow> found;
  for (const auto& record : records) {
    PHAROS_ASSIGN_OR_RETURN(const std::optional<RecordRow> row, Current(view, record));
    if (!row || row->erase_time_us() != 0) continue;
    if (row->delete_time_us() != 0 && row->delete_time_us() <= time) continue;
    PHAROS_ASSIGN_OR_RETURN(const std::vector<RecordRow> versions, VersionsOf(view, record, kMostVersions));
    const RecordRow* version = InForceAt(versions, time);
    if (version == nullptr) continue;
    PHAROS_ASSIGN_OR_RETURN(const auto stated, FactsStatedOf(view, *ParseRecordName(record)));
    RecordRow& then = found.emplace_back(*version);
    then.set_deceased(HeldAt(stated, v1::SetPersonFactRequest::FACT_DECEASED, row->deceased(), time));
    then.set_paused(HeldAt(stated, v1::SetPersonFactRequest::FACT_PAUSED, row->paused(), time));
    // What is restricted now stays so when it is looked at as of an earlier time.
    then.set_sensitive(row->sensitive() ||
                       HeldAt(stated, v1::SetPersonFactRequest::FACT_SENSITIVE, row->sensitive(), time));
  }
  PHAROS_RETURN_IF_ERROR(people.rows().Prefetch(found));
  for (auto& row : found) {
    PHAROS_RETURN_IF_ERROR(people.rows().OpenVersion(row));
    const auto fields = row.fields();
    for (const auto& [field, typed] : fields) ReadField(row, field, typed);
  }
  return found;
}

}  // namespace pharos::customer
