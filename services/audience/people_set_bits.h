// The bitmap behind a PeopleSet. Only the index looks inside.
#pragma once

#include <roaring/roaring.hh>

#include "services/audience/people_set.h"

namespace pharos::audience {

struct PeopleSet::Bits {
  Roaring roaring;
};

inline PeopleSet SetOf(Roaring roaring) {
  PeopleSet set;
  set.bits().roaring = std::move(roaring);
  return set;
}

}  // namespace pharos::audience
