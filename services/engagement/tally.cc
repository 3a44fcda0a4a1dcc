#include "services/engagement/tally.h"

#include <algorithm>
#include <initializer_list>

namespace pharos::engagement {
namespace {

using Terms = google::protobuf::Map<std::string, int64_t>;

void AddTerms(Terms& terms, const Terms& changes) {
  for (const auto& [name, change] : changes) {
    const int64_t sum = terms[name] + change;
    if (sum == 0) {
      terms.erase(name);
    } else {
      terms[name] = sum;
    }
  }
}

int64_t Sum(const Terms& terms) {
  int64_t sum = 0;
  for (const auto& [name, count] : terms) sum += count;
  return sum;
}

bool NoneNegative(const Terms& terms) {
  return std::all_of(terms.begin(), terms.end(), [](const auto& term) { return term.second >= 0; });
}

}  // namespace

void Add(type::v1::TallyChange& tally, const type::v1::TallyChange& change) {
  tally.set_declared(tally.declared() + change.declared());
  tally.set_intents(tally.intents() + change.intents());
  tally.set_pending(tally.pending() + change.pending());
  tally.set_in_flight(tally.in_flight() + change.in_flight());
  tally.set_sent(tally.sent() + change.sent());
  tally.set_delivered(tally.delivered() + change.delivered());
  AddTerms(*tally.mutable_failed(), change.failed());
  tally.set_unconfirmed(tally.unconfirmed() + change.unconfirmed());
  AddTerms(*tally.mutable_withheld(), change.withheld());
  tally.set_bounced(tally.bounced() + change.bounced());
  tally.set_opted_out(tally.opted_out() + change.opted_out());
  AddTerms(*tally.mutable_accepted_by_channel(), change.accepted_by_channel());
  tally.set_complained(tally.complained() + change.complained());
  tally.set_parts(tally.parts() + change.parts());
  tally.set_cost_micropounds(tally.cost_micropounds() + change.cost_micropounds());
  tally.set_followed(tally.followed() + change.followed());
  AddTerms(*tally.mutable_followed_by_link(), change.followed_by_link());
}

bool AddsUp(const type::v1::TallyChange& tally) {
  const int64_t states = tally.pending() + tally.in_flight() + tally.sent() + tally.delivered() +
                         Sum(tally.failed()) + tally.unconfirmed() + Sum(tally.withheld());
  const auto plain = {tally.declared(),  tally.intents(),    tally.pending(),     tally.in_flight(),
                      tally.sent(),      tally.delivered(),  tally.unconfirmed(), tally.bounced(),
                      tally.opted_out(), tally.complained(), tally.parts(),       tally.cost_micropounds(),
                      tally.followed()};
  return tally.intents() == states && *std::min_element(plain.begin(), plain.end()) >= 0 &&
         NoneNegative(tally.failed()) && NoneNegative(tally.withheld()) &&
         NoneNegative(tally.accepted_by_channel()) && NoneNegative(tally.followed_by_link());
}

}  // namespace pharos::engagement
