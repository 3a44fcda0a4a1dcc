#include "connectors/smtp/domain_pace.h"

#include <algorithm>

namespace pharos::smtp {

DomainPace::State& DomainPace::Of(const std::string& domain) {
  auto found = states_.find(domain);
  if (found != states_.end()) return found->second;
  if (states_.size() >= options_.domains)
    std::erase_if(states_,
                  [](const auto& entry) { return entry.second.open == 0 && entry.second.deferrals == 0; });
  State state;
  state.limit = options_.most_at_once;
  state.next_pause_us = options_.pause_first_us;
  return states_.emplace(domain, state).first->second;
}

int DomainPace::LimitOf(const State& state) const {
  const bool slow = state.usual_us > options_.slow_us;
  return slow ? std::max(1, std::min(state.limit, options_.most_at_once / 2)) : state.limit;
}

bool DomainPace::MayBegin(const std::string& domain, int64_t now_us) const {
  auto found = states_.find(domain);
  if (found == states_.end()) return true;
  return now_us >= found->second.paused_until_us && found->second.open < LimitOf(found->second);
}

int64_t DomainPace::Pause(const std::string& domain, int64_t now_us) const {
  auto found = states_.find(domain);
  return found == states_.end() ? 0 : std::max<int64_t>(0, found->second.paused_until_us - now_us);
}

void DomainPace::Begun(const std::string& domain) {
  ++Of(domain).open;
}

void DomainPace::Close(State& state) {
  state.open = std::max(0, state.open - 1);
}

void DomainPace::Accepted(const std::string& domain, int64_t took_us) {
  State& state = Of(domain);
  Close(state);
  state.deferrals = 0;
  state.next_pause_us = options_.pause_first_us;
  if (took_us >= 0) state.usual_us += (took_us - state.usual_us) / 8;
  if (++state.accepted % options_.accepted_to_widen == 0)
    state.limit = std::min(state.limit + 1, options_.most_at_once);
}

int64_t DomainPace::Deferred(const std::string& domain, int64_t now_us) {
  State& state = Of(domain);
  // Answers to what was begun before the first deferral say nothing new.
  const bool again = now_us < state.paused_until_us;
  state.limit = std::max(1, std::min(state.limit, std::max(1, state.open)) / 2);
  state.accepted = 0;
  Close(state);
  if (again) return state.paused_until_us - now_us;
  if (++state.deferrals < options_.deferrals_to_pause) return 0;
  const auto pause =
      state.next_pause_us + static_cast<int64_t>(jitter_() * static_cast<double>(state.next_pause_us) / 4);
  state.paused_until_us = now_us + std::min(pause, options_.pause_most_us);
  state.next_pause_us = std::min(2 * state.next_pause_us, options_.pause_most_us);
  state.limit = 1;
  return state.paused_until_us - now_us;
}

void DomainPace::Ended(const std::string& domain) {
  Close(Of(domain));
}

size_t DomainPace::paused(int64_t now_us) const {
  return static_cast<size_t>(std::count_if(states_.begin(), states_.end(), [&](const auto& entry) {
    return entry.second.paused_until_us > now_us;
  }));
}

}  // namespace pharos::smtp
