// What a turn added to a campaign's tally. Pure.
#pragma once

#include "pharos/record/v1/dispatch.pb.h"
#include "pharos/type/v1/event.pb.h"

namespace pharos::dispatch {

// after - before, term by term; terms that did not change are left out.
type::v1::TallyChange Difference(const record::v1::TallyRow& before, const record::v1::TallyRow& after);

}  // namespace pharos::dispatch
