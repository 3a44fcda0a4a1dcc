#include "services/customer/agreement_book.h"

#include <algorithm>
#include <optional>

#include "services/base/errors.h"
#include "services/customer/agreement_store.h"

namespace pharos::customer {

using record::v1::AgreementRow;

void AgreementBook::Use::Release() {
  if (book_ != nullptr) std::exchange(book_, nullptr)->End(row_->name());
}

// Counted before it is read: either the reader sees that the agreement has ended, or whoever ends it sees the
// reader.
absl::StatusOr<AgreementBook::Use> AgreementBook::Begin(const std::string& agreement) {
  Use use;
  if (agreement.empty()) return use;
  {
    base::MutexLock lock(mutex_);
    ++uses_[agreement];
  }
  auto row = LoadAgreement(store_, agreement);
  if (!row.ok() || !*row) {
    End(agreement);
    PHAROS_RETURN_IF_ERROR(row.status());
    return use;
  }
  use.row_ = std::make_shared<const AgreementRow>(**std::move(row));
  use.book_ = this;
  return use;
}

void AgreementBook::End(const std::string& agreement) {
  base::MutexLock lock(mutex_);
  const auto it = uses_.find(agreement);
  if (--it->second == 0) {
    uses_.erase(it);
    ended_.NotifyAll();
  }
}

absl::StatusOr<AgreementBook::Use> AgreementBook::Bring(const Asker& asker, const std::string& agreement,
                                                        std::string_view source) {
  PHAROS_ASSIGN_OR_RETURN(Use use, Begin(agreement));
  PHAROS_RETURN_IF_ERROR(MayBring(use.agreement(), !agreement.empty(), asker, source, clock_.WallMicros()));
  return use;
}

absl::StatusOr<AgreementBook::Use> AgreementBook::Follow(const Asker& asker, const std::string& agreement) {
  PHAROS_ASSIGN_OR_RETURN(Use use, Begin(agreement));
  PHAROS_RETURN_IF_ERROR(MayFollow(use.agreement(), asker, clock_.WallMicros()));
  return use;
}

bool AgreementBook::AwaitUses(const std::string& agreement, const rpc::Call& call) {
  base::MutexLock lock(mutex_);
  while (uses_.contains(agreement)) {
    if (call.cancelled() || call.RemainingMicros() <= 0) return false;
    ended_.WaitForMicros(lock, kWaitMicros);
  }
  return true;
}

Asker AskerOf(const rpc::Caller& caller) {
  const bool is_partner =
      std::find(caller.roles.begin(), caller.roles.end(), "partner") != caller.roles.end();
  return {caller.principal, is_partner};
}

}  // namespace pharos::customer
