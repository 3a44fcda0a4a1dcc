// One change of people inside a transaction: reads records and people once, writes each at most once, at
// Finish.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "services/customer/keys.h"
#include "services/customer/linking.h"
#include "services/customer/person_store.h"

namespace pharos::customer {

class PersonStore::Writer {
 public:
  Writer(const PersonStore& store, storage::Transaction& tx, const ChangeMaker& change)
      : store_(store), tx_(tx), change_(change) {}

  // Stores `row` as the current version (it replaces `old`, if there is one) and links it with all it belongs
  // to.
  absl::Status Relink(record::v1::RecordRow row, const record::v1::RecordRow* old);
  // Writes the entry to the ledger, its subjects and its endpoint.
  absl::Status Append(const record::v1::LedgerRow& entry);
  // The same for a record that Relink gets afterwards: `row` receives the entry.
  absl::Status AppendTo(record::v1::RecordRow& row, const record::v1::LedgerRow& entry);
  // A record whose entries or flags are to be changed in place; nullptr: there is none. Its person's facts
  // are derived anew at Finish; sealed parts stay as they are, so that no key is needed.
  absl::StatusOr<record::v1::RecordRow*> Change(const std::string& record);
  // An endpoint to be changed in place; the facts of all who have it change.
  absl::StatusOr<record::v1::EndpointRow*> ChangeEndpoint(const std::string& endpoint);
  // Derives the people concerned, writes everything, appends the changes.
  absl::Status Finish();

 private:
  // Closed.
  absl::StatusOr<record::v1::RecordRow*> Record(const std::string& name);
  // With its fields; a record that is not there is an error.
  absl::StatusOr<record::v1::RecordRow*> OpenRecord(const std::string& name);
  // As it was before this change; version 0: it was not there.
  absl::StatusOr<const record::v1::PersonRow*> Before(const std::string& name);
  absl::Status MovePostings(const RecordId& id, const LinkFeatures* old_features,
                            const LinkFeatures& features);
  absl::StatusOr<std::set<std::string>> Candidates(const LinkFeatures& features);
  absl::StatusOr<std::set<std::string>> PeopleToTouch(const LinkFeatures& features,
                                                      const std::string& own_person);
  absl::Status Regroup(const std::vector<LinkFeatures>& features, const std::set<std::string>& touched);
  absl::Status EndPerson(const std::string& name, const std::string& successor);
  absl::Status KeepErased(const std::vector<std::string>& erased);
  absl::Status AddToEndpoint(const type::v1::GateEntry& entry);
  absl::StatusOr<std::vector<const record::v1::RecordRow*>> RowsOf(const std::vector<std::string>& records);
  absl::Status Derive(const std::string& name);
  absl::Status DeriveFacts(const std::string& name);
  void Save(const record::v1::LedgerRow& entry);
  absl::Status MoveEndpoints(const std::string& person, const record::v1::PersonRow& before,
                             const record::v1::PersonRow& after);
  absl::Status TouchHolders();
  absl::Status CountPeople();
  void Changed(const std::string& person, uint64_t version) {
    tx_.AppendChange(change_(person, "person.changed", version));
  }

  const PersonStore& store_;
  storage::Transaction& tx_;
  const ChangeMaker& change_;
  std::map<std::string, record::v1::RecordRow> records_;
  std::set<std::string> dirty_records_;
  std::map<std::string, record::v1::PersonRow> before_;
  std::map<std::string, std::vector<std::string>> members_;   // people to derive → their records
  std::map<std::string, std::vector<std::string>> facts_of_;  // the same where only facts change
  std::map<std::string, std::vector<std::string>> absorbed_;  // person → former names that it takes over
  std::map<std::string, std::string> ended_;                  // person → successor
  std::map<std::string, record::v1::EndpointRow> endpoints_;
  std::set<std::string> written_people_;
  int64_t more_people_ = 0;
  int64_t more_records_ = 0;
};

}  // namespace pharos::customer
