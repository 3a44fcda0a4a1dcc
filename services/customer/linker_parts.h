// The linker as it is made: see linker.h. What one class needs of another is here; linker.cc has the lane,
// linker_decisions.cc what people decide, linker_models.cc loading and models.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "services/customer/linker.h"
#include "services/customer/linker_batch.h"
#include "services/customer/linker_change.h"
#include "services/customer/linker_lane.h"
#include "services/customer/linker_registry.h"

namespace pharos::customer {

class LinkerParts final : public Linker {
 public:
  LinkerParts(storage::Store& store, const PersonStore& people, base::Clock& clock, LinkerOptions options);
  ~LinkerParts() override;

  void Start() override;
  void Stop() override;
  absl::Status Load() override;
  absl::StatusOr<std::vector<RecordResult>> Apply(std::vector<RecordChange> changes,
                                                  const ChangeMaker& change,
                                                  const ApplyOptions& options) override;
  absl::StatusOr<std::shared_ptr<Coming>> Begin(std::vector<RecordChange> changes, ChangeMaker change,
                                                ApplyOptions options) override;
  absl::StatusOr<std::vector<RecordResult>> Await(Coming& coming) override;
  absl::Status Assert(record::v1::AssertionRow row, const ChangeMaker& change,
                      const InTransaction& done) override;
  absl::StatusOr<std::vector<absl::Status>> AssertAll(std::vector<record::v1::AssertionRow> rows,
                                                      const ChangeMaker& change) override;
  absl::Status Revoke(record::v1::AssertionRow row, const ChangeMaker& change,
                      const InTransaction& done) override;
  absl::StatusOr<std::unique_ptr<identity::LinkIndex>> IndexUnder(
      std::shared_ptr<const identity::Model> model) override;
  absl::Status SwitchModel(const record::v1::LinkEpochRow& to, std::shared_ptr<const identity::Model> model,
                           uint64_t epoch, const ChangeMaker& change) override;
  absl::Status Read(
      absl::FunctionRef<absl::Status(const identity::LinkIndex&, const RecordNames&)> look) const override;

  static constexpr size_t kMostInBatch =
      512;  // one transaction: some 30 ms of work, which all that wait share
  static constexpr size_t kMostInBulkBatch = 8192;  // one transaction of a first load
  static constexpr size_t kMostWaiting = 32'768;  // changes prepared and not taken yet: callers wait past it
  static constexpr int64_t kLoadPatienceMicros =
      5'000'000;  // a call waits this long for the index before it is refused
  static constexpr int64_t kRetryMicros = 1'000'000;        // loading, when access or the store is away
  static constexpr int64_t kSaveEveryMicros = 900'000'000;  // of the index, if enough has changed
  // Pairs to be looked at are found ahead, some groups a turn, so that whoever asks finds nearly all found:
  // in turns of some 5 ms where nobody waits, else in less than a twentieth of the lane's time.
  static constexpr size_t kGroupsIdle = 1024, kGroupsBusy = 128;
  static constexpr int64_t kRestIdleMicros = 2'000, kRestBusyMicros = 20'000, kRestDoneMicros = 1'000'000;
  static constexpr uint64_t kWorthSaving = 100'000;  // changes of records; fewer are read again in seconds

 private:
  // One call of Apply.
  struct Job : Coming {
    std::vector<Prepared> changes;
    ChangeMaker by;
    ApplyOptions options;
    std::shared_ptr<const identity::Model> model;  // that it was prepared under
    std::vector<RecordResult> results;
    size_t next = 0;  // of those not done
    absl::Status status;
    std::atomic<bool> done = false;  // said last
  };
  // Some of a job's changes.
  struct Slice {
    std::shared_ptr<Job> job;
    size_t begin, end;
  };
  struct Built {
    std::unique_ptr<identity::LinkIndex> index;
    std::map<uint64_t, std::string> assertions;
    uint64_t last_assertion = 0;
    uint64_t position = 0;
  };

  // ------------------------------------------------------------ the lane
  absl::Status AwaitLoaded() const;
  absl::Status MakeReady(std::vector<RecordChange> changes, Job& job);
  absl::Status Enqueue(std::shared_ptr<Job> job);
  void BreakLine(Line* line, const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RunOne();  // in a turn: the next batch, whoever's it is
  std::vector<Slice> TakeSlices();
  void Finish(const std::vector<Slice>& slices, const absl::Status& status);
  absl::Status RunSlices(const std::vector<Slice>& slices);
  absl::Status BringUpToDate(const std::vector<Slice>& slices);
  absl::Status Commit(Batch& batch, const std::vector<Slice>& slices, bool dry_run);
  absl::Status Commit(Batch& batch, const InTransaction& more);
  void Answer(const Batch& batch, const std::vector<Slice>& slices, bool stored);
  absl::Status PrefetchKeys(const Batch& batch) const;
  int64_t Now(size_t changes);

  // ------------------------------------------------------------ decisions
  absl::Status CheckNames(const record::v1::AssertionRow& row) const;
  absl::Status TellIndex(record::v1::AssertionRow& row);
  absl::Status NameConflicts(const absl::Status& conflict) const;
  void WriteDecision(storage::Transaction& tx, const record::v1::AssertionRow& row, std::string_view kind,
                     const ChangeMaker& change) const;
  absl::Status AssertSome(std::span<record::v1::AssertionRow> rows, const ChangeMaker& change,
                          const InTransaction& done, std::vector<absl::Status>& statuses);

  // ------------------------------------------------------------ loading and models
  absl::Status LoadInTurn();
  absl::StatusOr<std::shared_ptr<const identity::Model>> ModelInForce() const;
  absl::StatusOr<Built> Build(std::shared_ptr<const identity::Model> model);
  absl::Status CatchUp(Built& built, bool register_too);
  absl::Status Reconcile(const ChangeMaker& change);
  void Background();
  bool RestUntilStop(int64_t micros);
  bool FindReviewsUntilStop(int64_t micros);
  void WarnIfOutgrown() const;
  // Gets the key of the next save, so that the last one, while everything stops, needs nobody else.
  absl::Status PrepareKey();
  absl::Status SaveInTurn();
  void DropSaved();

  storage::Store& store_;
  const PersonStore& people_;
  base::Clock& clock_;
  const LinkerOptions options_;

  mutable Lane lane_;
  // In a turn only, but for the registry's thread-safe functions once it is loaded.
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<identity::LinkIndex> index_;
  std::map<uint64_t, std::string> assertions_;
  uint64_t last_assertion_ = 0;
  int64_t last_now_ = 0;
  bool differs_ = false;  // from the people in the store: to be put right before anything else
  uint64_t changed_since_saved_ = 0;
  storage::DataKey save_key_;  // the background thread's; id 0: none

  mutable base::Mutex mutex_;
  mutable base::CondVar changed_;
  std::deque<std::shared_ptr<Job>> queue_ ABSL_GUARDED_BY(mutex_);
  size_t waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  bool loaded_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::shared_ptr<const identity::Model> model_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace pharos::customer
