// Who works under which agreement right now. What is read or written under one happens inside a Use, and
// ending an agreement waits for those that began before: after that nothing happens under it. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pharos/record/v1/sync.pb.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "services/customer/agreement.h"
#include "services/rpc/call.h"
#include "storage/store.h"

namespace pharos::customer {

class AgreementBook {
 public:
  AgreementBook(const storage::Store& store, base::Clock& clock) : store_(store), clock_(clock) {}

  // Work that is being done. Movable; not for longer than one batch, as EndAgreement waits for it.
  class Use {
   public:
    Use() = default;
    ~Use() { Release(); }
    Use(Use&& other) noexcept : book_(std::exchange(other.book_, nullptr)), row_(std::move(other.row_)) {}
    Use& operator=(Use&& other) noexcept {
      Release();
      book_ = std::exchange(other.book_, nullptr);
      row_ = std::move(other.row_);
      return *this;
    }
    // nullptr: under none, by one who needs none.
    const record::v1::AgreementRow* agreement() const { return row_.get(); }
    // The same, to be looked at when the use is over: an agreement never changes but for its end.
    std::shared_ptr<const record::v1::AgreementRow> row() const { return row_; }
    void Release();

   private:
    friend class AgreementBook;
    AgreementBook* book_ = nullptr;
    std::shared_ptr<const record::v1::AgreementRow> row_;
  };

  // As MayBring and MayFollow, for the state of now. `agreement` may be empty in the first.
  absl::StatusOr<Use> Bring(const Asker& asker, const std::string& agreement, std::string_view source);
  absl::StatusOr<Use> Follow(const Asker& asker, const std::string& agreement);

  // Returns when every use that began before is over: true; false if `call` has no time left.
  bool AwaitUses(const std::string& agreement, const rpc::Call& call);

  base::Clock& clock() const { return clock_; }
  static constexpr int64_t kWaitMicros = 100'000;  // between looks at the time left

 private:
  absl::StatusOr<Use> Begin(const std::string& agreement);
  void End(const std::string& agreement);

  const storage::Store& store_;
  base::Clock& clock_;
  base::Mutex mutex_;
  base::CondVar ended_;
  std::map<std::string, int> uses_ ABSL_GUARDED_BY(mutex_);  // by agreement, none with 0
};

// Whoever has the role partner is bound by agreements, whatever other roles they have.
Asker AskerOf(const rpc::Caller& caller);

}  // namespace pharos::customer
