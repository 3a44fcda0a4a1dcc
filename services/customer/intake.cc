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

Intake::Turn::Turn(Intake& intake) : intake_(intake) {
  base::MutexLock lock(intake_.mutex_);
  while (intake_.busy_) intake_.free_.Wait(lock);
  intake_.busy_ = true;
}

Intake::Turn::~Turn() {
  base::MutexLock lock(intake_.mutex_);
  intake_.busy_ = false;
  intake_.free_.NotifyOne();
}

}  // namespace pharos::customer
