// The arithmetic of tallies. Pure.
#pragma once

#include "pharos/type/v1/event.pb.h"

namespace pharos::engagement {

// tally += change. Terms of a map that become zero are dropped.
void Add(type::v1::TallyChange& tally, const type::v1::TallyChange& change);

// intents = pending + in_flight + sent + delivered + sum(failed) + unconfirmed + sum(withheld), and no term
// is negative.
bool AddsUp(const type::v1::TallyChange& tally);

}  // namespace pharos::engagement
