#include "services/dispatch/tally_change.h"

namespace pharos::dispatch {
namespace {

using Terms = google::protobuf::Map<std::string, int64_t>;

void AddDifference(const Terms& before, const Terms& after, Terms& difference) {
  for (const auto& [name, count] : after) {
    const auto at = before.find(name);
    const int64_t more = count - (at == before.end() ? 0 : at->second);
    if (more != 0) difference[name] = more;
  }
  for (const auto& [name, count] : before) {
    if (!after.contains(name) && count != 0) difference[name] = -count;
  }
}

}  // namespace

type::v1::TallyChange Difference(const record::v1::TallyRow& before, const record::v1::TallyRow& after) {
  type::v1::TallyChange change;
  change.set_declared(after.declared() - before.declared());
  change.set_intents(after.intents() - before.intents());
  change.set_pending(after.pending() - before.pending());
  change.set_in_flight(after.in_flight() - before.in_flight());
  change.set_sent(after.sent() - before.sent());
  change.set_delivered(after.delivered() - before.delivered());
  change.set_unconfirmed(after.unconfirmed() - before.unconfirmed());
  change.set_bounced(after.bounced() - before.bounced());
  change.set_opted_out(after.opted_out() - before.opted_out());
  change.set_complained(after.complained() - before.complained());
  change.set_parts(after.parts() - before.parts());
  change.set_cost_micropounds(after.cost_micropounds() - before.cost_micropounds());
  change.set_followed(after.followed() - before.followed());
  AddDifference(before.failed(), after.failed(), *change.mutable_failed());
  AddDifference(before.withheld(), after.withheld(), *change.mutable_withheld());
  AddDifference(before.accepted_by_channel(), after.accepted_by_channel(),
                *change.mutable_accepted_by_channel());
  AddDifference(before.followed_by_link(), after.followed_by_link(), *change.mutable_followed_by_link());
  return change;
}

}  // namespace pharos::dispatch
