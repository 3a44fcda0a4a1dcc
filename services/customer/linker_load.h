// How the linker's memory comes up to date with the store: a scan of all records, or the change log after a
// position; and what is to be rewritten where the two do not agree.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "services/customer/linker_change.h"
#include "services/customer/linker_registry.h"

namespace pharos::customer {

// Assertions in force, by their number in the index.
using Assertions = std::map<uint64_t, std::string>;

class Loader {
 public:
  Loader(storage::Store& store, const PersonStore& people, Registry& registry, int threads)
      : store_(store), people_(people), registry_(registry), threads_(threads) {}

  // Every record into `index`; `register_too`: into the registry as well, which is empty then. Settled and
  // kept.
  absl::Status Scan(identity::LinkIndex& index, bool register_too);
  // Those whose people have changed after `position`, which is moved on to the newest. OUT_OF_RANGE
  // (CURSOR_TOO_OLD). Settled and kept.
  absl::Status CatchUp(identity::LinkIndex& index, bool register_too, uint64_t& position);
  // All that are in force and not in `known` are told to the index, all that are no more are taken back.
  absl::Status Assertions(identity::LinkIndex& index, std::map<uint64_t, std::string>& known, uint64_t& last);

  // Groups that are not the people of the registry, in sets that have no person in common.
  static std::vector<std::vector<identity::Group>> Differences(const identity::LinkIndex& index,
                                                               const Registry& registry);
  static identity::Assertion AssertionOf(const record::v1::AssertionRow& row, Registry& registry);

  static constexpr size_t kRowsAtOnce =
      8192;  // their keys are fetched together, and they are compared together

 private:
  absl::Status ReadPage(std::string& from, std::vector<record::v1::RecordRow>& rows) const;
  absl::Status Feed(identity::LinkIndex& index, std::vector<record::v1::RecordRow> rows);
  void Register(const record::v1::RecordRow& row);
  void FinishRegistry();
  void RegisterPerson(uint64_t hash, const std::vector<RecordNo>& members);
  // The records of people who have changed since; those who are no more are ended in the registry where
  // `register_too`.
  absl::StatusOr<std::vector<std::vector<record::v1::RecordRow>>> ChangedPeople(uint64_t& position,
                                                                                bool register_too);

  storage::Store& store_;
  const PersonStore& people_;
  Registry& registry_;
  const int threads_;
  std::vector<std::pair<uint64_t, RecordNo>> person_of_;  // hash of the person's id
  std::unordered_map<RecordNo, std::string> unborn_;      // from before births were written → person
  std::unordered_map<RecordNo, std::string> stays_with_;
};

}  // namespace pharos::customer
