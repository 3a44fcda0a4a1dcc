// One change of people inside a transaction: reads records and people once, writes each at most once, at
// Finish.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "services/customer/keys.h"
#include "services/customer/person_store.h"

namespace pharos::customer {

class PersonStore::Writer {
 public:
  // `now` stands in the history of people whose records change: later than that of any change before.
  Writer(const PersonStore& store, storage::Transaction& tx, const ChangeMaker& change, int64_t now = 0)
      : store_(store), tx_(tx), change_(&change), now_(now) {}

  // Who makes what follows.
  void SetChange(const ChangeMaker& change) { change_ = &change; }

  // Writes the entry to the ledger, its subjects and its endpoint.
  absl::Status Append(const record::v1::LedgerRow& entry);
  // Closed, as it is now; nullptr: there is none.
  absl::StatusOr<record::v1::RecordRow*> Record(const std::string& name);
  // A record whose entries or flags are to be changed in place; nullptr: there is none. Its person's facts
  // are derived anew at Finish; sealed parts stay as they are, so that no key is needed.
  absl::StatusOr<record::v1::RecordRow*> Change(const std::string& record);
  // An endpoint to be changed in place; the facts of all who have it change.
  absl::StatusOr<record::v1::EndpointRow*> ChangeEndpoint(const std::string& endpoint);

  // For the linker. A record as it is to be from now on, opened; lives until Finish.
  void Use(record::v1::RecordRow& row);
  // It is to be written.
  void MarkChanged(const std::string& record) { dirty_records_.insert(record); }
  // As it was before this change; version 0: it was not there.
  absl::StatusOr<const record::v1::PersonRow*> Before(const std::string& name);
  void IsNew(const std::string& person) { before_[person]; }
  // A person with all its records, those gone included; derived at Finish.
  struct Membership {
    std::vector<std::string> records;
    std::vector<std::string> former_names;
    uint64_t version = 1;  // at least
    bool returns = false;  // its id comes back: that is noted in its history
    std::string cause;
    const ChangeMaker* change = nullptr;
  };
  void SetMembers(const std::string& person, Membership membership);
  // Its id leads to `birth_record` from now on.
  absl::Status EndPerson(const std::string& name, const std::string& birth_record, const std::string& cause);
  void CountRecords(int64_t more) { more_records_ += more; }
  void CountPeople(int64_t more) { more_people_ += more; }

  // Derives the people concerned, writes everything, appends the changes.
  absl::Status Finish();

 private:
  // With its fields; a record that is not there is an error.
  absl::StatusOr<record::v1::RecordRow*> OpenRecord(const std::string& name);
  absl::Status AddToEndpoint(const type::v1::GateEntry& entry);
  absl::StatusOr<std::vector<const record::v1::RecordRow*>> RowsOf(const std::vector<std::string>& records,
                                                                   bool open);
  absl::Status Derive(const std::string& name, const Membership& membership);
  absl::Status DeriveFacts(const std::string& name, const std::vector<std::string>& records);
  absl::StatusOr<record::v1::PersonRow> Build(const std::string& name,
                                              const std::vector<const record::v1::RecordRow*>& rows);
  void NoteHistory(const std::string& person, const record::v1::PersonRow& before, const std::string& cause);
  void Save(const record::v1::LedgerRow& entry);
  void MoveEndpoints(const std::string& person, const record::v1::PersonRow& before,
                     const record::v1::PersonRow& after);
  absl::Status TouchHolders();
  absl::Status SaveCounts();
  void Changed(const std::string& person, uint64_t version) {
    tx_.AppendChange((*change_)(person, "person.changed", version));
  }

  const PersonStore& store_;
  storage::Transaction& tx_;
  const ChangeMaker* change_;
  const int64_t now_;
  std::unordered_map<std::string, record::v1::RecordRow> read_;
  std::unordered_map<std::string, record::v1::RecordRow*> records_;
  std::set<std::string> dirty_records_;
  std::unordered_map<std::string, record::v1::PersonRow> before_;
  std::vector<std::pair<std::string, Membership>> members_;  // people to derive
  std::unordered_map<std::string, std::vector<std::string>>
      facts_of_;  // people where only facts change → their records
  std::unordered_map<std::string, record::v1::EndpointRow> endpoints_;
  std::set<std::string> written_people_;
  int64_t more_people_ = 0;
  int64_t more_records_ = 0;
};

}  // namespace pharos::customer
