// What people chose by a link in a message (its unsubscribe link, the page "what we send you"), and how it is
// taken back; and pauses, which end by themselves. Taking back is an entry of kind LIFTED: afterwards stands
// what the ledger says without what was taken back, so that nothing new is granted.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pharos/record/v1/customer.pb.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "services/customer/person_store.h"
#include "storage/store.h"

namespace pharos::customer {

// May RESUME, asked for by a link in `message`, take it back? It came by a link in the same message, to this
// person
// (`person` or a former name), and was said before `said_us`: an older message that was passed on undoes
// nothing that was chosen since. Pure.
bool IsOwnChoice(const record::v1::LedgerRow& entry, const record::v1::PersonRow& person,
                 std::string_view message, int64_t said_us);
// The pause that `pause` would only ask for again: by the same message, in force on each of the person's
// records, and ending within a day of it. nullopt: it is to be written. Withdrawals are written each time: an
// agreement may lie between two of them, or be heard of later.
absl::StatusOr<std::optional<record::v1::LedgerRow>> SamePause(storage::Transaction& tx,
                                                               const record::v1::PersonRow& person,
                                                               const record::v1::LedgerRow& pause);

// Takes all of them back from the person's records, each by an entry made of `lifting` (how, principal,
// message, times). Gives the new entries' names; empty: there was nothing. Once, in its transaction.
absl::StatusOr<std::vector<std::string>> TakeBackChoices(storage::Transaction& tx, const PersonStore& people,
                                                         const record::v1::PersonRow& person, int64_t said_us,
                                                         const record::v1::LedgerRow& lifting,
                                                         const ChangeMaker& change);
// The same for the pauses that anybody asked for on this person's records: somebody of ours ends them.
absl::Status TakeBackPauses(storage::Transaction& tx, const PersonStore& people,
                            const record::v1::PersonRow& person, const record::v1::LedgerRow& lifting,
                            const ChangeMaker& change);

// Does the person have a pause that they asked for?
absl::StatusOr<bool> HasPause(storage::Transaction& tx, const record::v1::PersonRow& person);
// So that it ends; in the transaction that appends the entry.
void NotePause(storage::Transaction& tx, const record::v1::LedgerRow& pause);

// Ends pauses when their time has come. A pause ends up to kLookMicros late, never early.
class PauseEnds {
 public:
  static constexpr int64_t kLookMicros = 10'000'000;

  PauseEnds(storage::Store& store, const PersonStore& people, base::Clock& clock)
      : store_(store), people_(people), clock_(clock) {}
  ~PauseEnds() { Stop(); }

  void Start();
  void Stop();
  // Those that are due now; gives how many. What Start does again and again.
  absl::StatusOr<size_t> EndDue();

 private:
  void Run();
  absl::Status End(const std::string& due_key, const std::string& entry);

  storage::Store& store_;
  const PersonStore& people_;
  base::Clock& clock_;
  base::Mutex mutex_;
  base::CondVar stopping_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace pharos::customer
