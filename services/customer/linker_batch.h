// Some changes taken together: told to the index, settled, turned into people, written in one transaction,
// then kept or undone as a whole. Lives while the lane is held.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "services/customer/linker_change.h"
#include "services/customer/linker_registry.h"
#include "services/customer/person_writer.h"

namespace pharos::customer {

class Batch {
 public:
  // `now` is later than that of any batch before, by more than this one has changes. `change`: who makes what
  // no single change makes.
  Batch(const PersonStore& people, Registry& registry, identity::LinkIndex& index, const ChangeMaker& change,
        int64_t now)
      : people_(people), registry_(registry), index_(index), change_(change), now_(now) {}

  // Up to date (Prepared::against); lives as long as the batch.
  void Add(Prepared& change, const ChangeMaker& by);
  // What has moved people, if nothing that was added did: "assertions/…".
  void SetCause(std::string cause) { cause_ = std::move(cause); }
  // Tells the index and sees who belongs to whom then. `threads`: for many.
  void Settle(int threads);
  // The same for groups that are known already.
  void Regroup(std::vector<identity::Group> groups);
  // True: nothing is to be written.
  bool empty() const { return planned_.empty() && persons_.empty(); }
  // Records whose content has to be read.
  std::vector<std::string> RecordsToOpen() const;
  // May run again, in another transaction.
  absl::Status Write(storage::Transaction& tx);
  void Keep();
  void Undo() { index_.Undo(); }

  // "people/…" that a record belongs to after this batch; empty: a new one whose id is not given yet.
  std::string PersonOf(const std::string& record, bool stored) const;
  // Somebody was linked with somebody, or something was withdrawn: whoever has a permit may not have one now.
  bool stricter() const { return stricter_; }
  bool erases() const { return erases_; }

 private:
  struct Planned {
    Prepared* change;
    RecordNo record;
    const ChangeMaker* by;
  };
  struct Person {
    RecordNo eldest = Registry::kNobody;
    std::vector<RecordNo> members;           // those in the index first
    size_t live = 0;                         // how many are
    const identity::Group* group = nullptr;  // of these; nullptr: why they are linked stays as it is
    const ChangeMaker* by = nullptr;
  };
  struct After {
    Registry::State state = Registry::kUnknown;
    RecordNo with = Registry::kNobody;
  };

  Registry::State StateOf(RecordNo record) const;
  RecordNo EndOfChain(RecordNo record) const;
  bool Same(const identity::Group& group) const;
  void Touch(RecordNo record);
  void StayWithSomebody(RecordNo gone);
  void PlaceGone();
  void Ensure(RecordNo live);
  void FinishPeople();
  bool Exists(RecordNo eldest) const;

  absl::Status WriteRecord(PersonStore::Writer& writer, storage::Transaction& tx, Planned& planned);
  absl::Status WriteEntries(PersonStore::Writer& writer, Planned& planned, const record::v1::RecordRow& row);
  absl::StatusOr<std::vector<std::string>> SubjectsOf(PersonStore::Writer& writer,
                                                      const record::v1::RecordRow& row,
                                                      const type::v1::GateEntry& entry);
  void WritePosting(storage::Transaction& tx, const Prepared& change) const;
  absl::Status WritePerson(PersonStore::Writer& writer, const Person& person,
                           std::vector<std::string> former_names);
  absl::Status WriteMember(PersonStore::Writer& writer, RecordNo record,
                           const std::optional<std::string>& rule, const std::string& person);
  using FormerNames = std::unordered_map<RecordNo, std::vector<std::string>>;  // eldest → names
  absl::StatusOr<FormerNames> MoveFormerNames(PersonStore::Writer& writer) const;
  std::string RuleOf(const identity::Membership& membership) const;
  std::string StaysWith(RecordNo record) const;

  const PersonStore& people_;
  Registry& registry_;
  identity::LinkIndex& index_;
  const ChangeMaker& change_;
  const int64_t now_;
  int64_t arrivals_ = 0;
  std::string cause_;
  std::vector<Planned> planned_;
  std::vector<identity::LinkIndex::Item> items_;
  std::unordered_map<RecordNo, size_t> planned_at_;
  std::unordered_map<RecordNo, After> after_;  // states that change
  std::vector<identity::Group> groups_;
  std::vector<Person> persons_;                     // those to be written
  std::unordered_map<RecordNo, size_t> person_at_;  // their members
  std::vector<RecordNo> touched_;                   // former people of these, by their eldest
  std::unordered_set<RecordNo> touched_set_;
  std::vector<RecordNo> ended_;
  bool stricter_ = false;
  bool erases_ = false;
};

// Before the name of the record that one that is gone stays with: in RecordRow.link_rule.
inline constexpr std::string_view kStaysWith = "stays with ";

}  // namespace pharos::customer
