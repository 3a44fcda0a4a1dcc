// The one way in which records come, change and go, and in which people decide who is who: everything that
// may move a link. Keeps the index of services/customer/identity in step with the store, and writes what
// follows from it: records, people, endpoints, ledger, history, counts, changes.
//
// One lane: callers hand in batches, which are taken together, linked, and committed in one transaction;
// while it is on its way the next ones are cleaned and sealed. An answer is durable. The index is in memory,
// saved (sealed) now and then, and brought up to date at the start from what the store says; until then what
// needs it is UNAVAILABLE (IDENTITY_LOADING), and everything else works.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pharos/record/v1/customer.pb.h"
#include "pharos/record/v1/identity.pb.h"
#include "services/base/clock.h"
#include "services/customer/identity/link_index.h"
#include "services/customer/person_store.h"

namespace pharos::customer {

// What a source says of one record.
struct RecordChange {
  enum Kind : uint8_t { kPut, kDelete, kErase };
  Kind kind = kPut;
  // kPut: name, update_time_us, fields, clean; deceased, paused, sensitive where the source says so (they
  // only make stricter). Otherwise: name and, for kDelete, update_time_us.
  record::v1::RecordRow row;
  // Ledger entries that the source brings with it (gate.record = row.name).
  std::vector<record::v1::LedgerRow> entries;
};

enum class RecordOutcome : uint8_t {
  kStored,     // new or changed
  kUnchanged,  // known already, or older than what is known
  kDeleted,    // gone; for kErase: a tombstone
  kRefused,    // see `status`
};

struct RecordResult {
  RecordOutcome outcome = RecordOutcome::kUnchanged;
  std::string person;  // "people/…" that it belongs to now; empty if refused
  // kRefused: RECORD_ERASED, …; kStored: what it withdraws or states was taken, the rest refused for this
  // reason.
  absl::Status status;
  // Something was withdrawn, stated or linked that may forbid what was allowed: to be acknowledged only when
  // no permit given before is left (OptOuts::AwaitAllOutstanding). Said of all that were stored together.
  bool stricter = false;
};

struct LinkerOptions {
  std::string folder;      // for the saved index; empty: it is not saved (in memory)
  int threads = 2;         // for bulk comparisons and for loading
  bool background = true;  // loads and saves by itself on a thread of its own; false: Load() is called
};

// Past so many times the records that a model was trained on it links strangers: 1.6 bits of its prior.
inline constexpr uint64_t kOutgrown = 3;

// Names of records by number, and the other way round.
class RecordNames {
 public:
  virtual ~RecordNames() = default;
  virtual std::string NameOf(identity::RecordNo record) const = 0;
  virtual std::optional<identity::RecordNo> NumberOf(std::string_view record) const = 0;
  // "people/…" it belongs to.
  virtual std::string PersonOf(identity::RecordNo record) const = 0;
};

// Thread-safe.
class Linker {
 public:
  virtual ~Linker() = default;
  static std::unique_ptr<Linker> Make(storage::Store& store, const PersonStore& people, base::Clock& clock,
                                      LinkerOptions options);
  // From now on keys can be had: begins to load. Stop() ends the background work and saves the index.
  virtual void Start() = 0;
  virtual void Stop() = 0;
  // Brings the index up to date with the store, now. For tests and tools.
  virtual absl::Status Load() = 0;

  // Calls of one caller that follow one another, as a feed's do: once one has failed, none after it is
  // stored. Lives until all of them have been awaited.
  class Line {
   public:
    Line() = default;
    Line(const Line&) = delete;

   private:
    friend class LinkerParts;
    absl::Status failed_;  // guarded by the linker
  };

  // Stores and links. Answers in order, when durable. Several changes of one record are taken in their order.
  // With `dry_run` every check is made and every outcome said, and nothing is stored. `bulk`: a first load;
  // the same result, quicker for many.
  struct ApplyOptions {
    bool dry_run = false;
    bool bulk = false;
    // Written in the same commit as the last of these changes (a feed's cursor); may be empty.
    std::function<void(storage::Transaction&)> with;
    Line* line = nullptr;  // that it stands in
  };
  virtual absl::StatusOr<std::vector<RecordResult>> Apply(std::vector<RecordChange> changes,
                                                          const ChangeMaker& change,
                                                          const ApplyOptions& options) = 0;

  // Apply in two steps, for a caller that has more to say before the answer. Begin makes ready and queues, in
  // the order of the calls. What it gives is to be awaited, once, whatever has become of its caller.
  class Coming {
   public:
    virtual ~Coming() = default;
  };
  virtual absl::StatusOr<std::shared_ptr<Coming>> Begin(std::vector<RecordChange> changes, ChangeMaker change,
                                                        ApplyOptions options) = 0;
  virtual absl::StatusOr<std::vector<RecordResult>> Await(Coming& coming) = 0;

  // Records a decision and relinks. `row` has name, sides (records), reason, principal, times; its number is
  // given here. FAILED_PRECONDITION (ASSERTION_CONFLICT), NOT_FOUND (RECORD_NOT_FOUND). `done` runs in the
  // same transaction (rpc::Once); may be empty.
  using InTransaction = std::function<absl::Status(storage::Transaction&)>;
  virtual absl::Status Assert(record::v1::AssertionRow row, const ChangeMaker& change,
                              const InTransaction& done) = 0;
  // Many at once, each by itself: a status for each.
  virtual absl::StatusOr<std::vector<absl::Status>> AssertAll(std::vector<record::v1::AssertionRow> rows,
                                                              const ChangeMaker& change) = 0;
  // `row` as stored, with revoke_* set.
  virtual absl::Status Revoke(record::v1::AssertionRow row, const ChangeMaker& change,
                              const InTransaction& done) = 0;

  // Builds an index under another model beside the live one. The lane goes on meanwhile.
  virtual absl::StatusOr<std::unique_ptr<identity::LinkIndex>> IndexUnder(
      std::shared_ptr<const identity::Model> model) = 0;
  // Puts a model in force (nullptr: the shipped one) and rewrites the people whom it changes, in as many
  // transactions as needed; started again after a crash. `epoch` is what LinkEpochRow must say before, or
  // ABORTED (ETAG_MISMATCH).
  virtual absl::Status SwitchModel(const record::v1::LinkEpochRow& to,
                                   std::shared_ptr<const identity::Model> model, uint64_t epoch,
                                   const ChangeMaker& change) = 0;

  // Reads the index as it stands after every answer given so far. Not for long: the lane waits.
  virtual absl::Status Read(
      absl::FunctionRef<absl::Status(const identity::LinkIndex&, const RecordNames&)> look) const = 0;
};

}  // namespace pharos::customer
