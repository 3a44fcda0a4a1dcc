#include "services/customer/intake.h"

namespace pharos::customer {

bool Intake::Enter() {
  base::MutexLock lock(mutex_);
  if (imports_ == kMostImports) return false;
  ++imports_;
  return true;
}

void Intake::Leave() {
  base::MutexLock lock(mutex_);
  --imports_;
}

}  // namespace pharos::customer
