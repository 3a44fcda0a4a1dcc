#include "services/gate/gate.h"

#include <algorithm>
#include <string_view>

namespace pharos::gate {
namespace {

using type::v1::Channel;
using type::v1::EntryKind;
using type::v1::GateEndpoint;
using type::v1::GateEntry;
using type::v1::GateFacts;
using type::v1::GateReason;

// One candidate, with everything that may be said about it.
struct Case {
  const GateFacts& facts;
  const Purpose& purpose;
  Channel channel;
  const GateEndpoint* endpoint;  // nullptr: the person has none

  bool urgent() const { return purpose.purpose_class == type::v1::PURPOSE_CLASS_URGENT; }
};

bool IsOptOut(const GateEntry& entry) {
  return entry.kind() == type::v1::WITHDRAWN || entry.kind() == type::v1::OBJECTED_TO;
}

bool Covers(const GateEntry& entry, Channel channel) {
  return entry.channel() == type::v1::CHANNEL_UNSPECIFIED || entry.channel() == channel;
}

// The entries of the person, then those of the endpoint; an entry may stand in both. Stops when `visit` says
// true.
template <typename Visit>
bool Any(const Case& c, const Visit& visit) {
  for (const auto& entry : c.facts.entries()) {
    if (visit(entry)) return true;
  }
  if (c.endpoint == nullptr) return false;
  for (const auto& entry : c.endpoint->entries()) {
    if (visit(entry)) return true;
  }
  return false;
}

bool SameKey(const GateEntry& a, const GateEntry& b) {
  return a.scope() == b.scope() && a.channel() == b.channel() && a.record() == b.record() &&
         a.endpoint() == b.endpoint() && a.purpose() == b.purpose();
}

// Grants that undo nothing and grant nothing: START comes from the person, and there is no "agree to
// everything".
bool IsVoid(const GateEntry& entry) {
  if (entry.kind() == type::v1::ENTRY_KIND_UNSPECIFIED) return true;
  if (entry.kind() != type::v1::GRANTED || entry.scope() == type::v1::SCOPE_PURPOSE) return false;
  return entry.scope() != type::v1::SCOPE_ENDPOINT || !entry.direct();
}

// Of the entries with the same key the latest event time wins; of equal ones an opt-out, a withdrawal before
// an objection.
bool Supersedes(const GateEntry& later, const GateEntry& earlier) {
  if (IsVoid(later) || !SameKey(later, earlier)) return false;
  if (later.event_time_us() != earlier.event_time_us())
    return later.event_time_us() > earlier.event_time_us();
  if (IsOptOut(later) != IsOptOut(earlier)) return IsOptOut(later);
  return later.kind() == type::v1::WITHDRAWN && earlier.kind() == type::v1::OBJECTED_TO;
}

bool InForce(const Case& c, const GateEntry& entry) {
  return !IsVoid(entry) && !Any(c, [&](const GateEntry& other) { return Supersedes(other, entry); });
}

bool IsPurposeGrant(const Case& c, const GateEntry& entry) {
  return entry.kind() == type::v1::GRANTED && entry.scope() == type::v1::SCOPE_PURPOSE &&
         entry.purpose() == c.purpose.name && Covers(entry, c.channel);
}

// START: undoes a STOP of that endpoint, whichever record that hangs on.
bool UndoneByStart(const Case& c, const GateEntry& stop) {
  return Any(c, [&](const GateEntry& entry) {
    return entry.kind() == type::v1::GRANTED && entry.scope() == type::v1::SCOPE_ENDPOINT && entry.direct() &&
           entry.endpoint() == stop.endpoint() && entry.event_time_us() > stop.event_time_us() &&
           InForce(c, entry);
  });
}

// Grants follow the person, so those that hang on the endpoint alone (whoever shares it) are not looked at.
bool UndoneByDirectGrant(const Case& c, const GateEntry& opt_out) {
  const auto& entries = c.facts.entries();
  return std::any_of(entries.begin(), entries.end(), [&](const GateEntry& entry) {
    return entry.direct() && IsPurposeGrant(c, entry) && entry.event_time_us() > opt_out.event_time_us() &&
           InForce(c, entry);
  });
}

// Does this opt-out hold this message back?
bool HoldsBack(const Case& c, const GateEntry& entry) {
  switch (entry.scope()) {
    case type::v1::SCOPE_ENDPOINT:
      return !c.urgent() && c.endpoint != nullptr && entry.endpoint() == c.endpoint->endpoint() &&
             InForce(c, entry) && !UndoneByStart(c, entry);
    case type::v1::SCOPE_PURPOSE:
      return entry.purpose() == c.purpose.name && Covers(entry, c.channel) && InForce(c, entry) &&
             !UndoneByDirectGrant(c, entry);
    case type::v1::SCOPE_EVERYTHING:
      return InForce(c, entry) && !UndoneByDirectGrant(c, entry);
    default:
      return false;
  }
}

// The evidence shown: the latest entry that decides, by name among equals, so that it depends on no order.
void KeepLater(const GateEntry& entry, const GateEntry*& kept) {
  if (kept == nullptr || entry.event_time_us() > kept->event_time_us() ||
      (entry.event_time_us() == kept->event_time_us() && entry.name() > kept->name())) {
    kept = &entry;
  }
}

const GateEntry* HeldBackBy(const Case& c, EntryKind kind) {
  const GateEntry* found = nullptr;
  Any(c, [&](const GateEntry& entry) {
    if (entry.kind() == kind && HoldsBack(c, entry)) KeepLater(entry, found);
    return false;
  });
  return found;
}

const GateEntry* GrantInForce(const Case& c) {
  const GateEntry* found = nullptr;
  for (const auto& entry : c.facts.entries()) {
    if (IsPurposeGrant(c, entry) && InForce(c, entry)) KeepLater(entry, found);
  }
  return found;
}

std::string SuppressionName(std::string_view endpoint) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string name = "suppressions/";
  for (const char c : endpoint) {
    const auto byte = static_cast<unsigned char>(c);
    name += kDigits[byte >> 4];
    name += kDigits[byte & 15];
  }
  return name;
}

struct Finding {
  GateReason reason;
  const GateEntry* entry = nullptr;
};

Finding Find(const Case& c) {
  if (c.facts.deceased()) return {type::v1::DECEASED};
  if (c.endpoint != nullptr && c.endpoint->suppressed() != type::v1::SUPPRESSION_REASON_UNSPECIFIED) {
    return {type::v1::ENDPOINT_SUPPRESSED};
  }
  if (c.facts.paused() && !c.urgent()) return {type::v1::PAUSED};
  if (const auto* entry = HeldBackBy(c, type::v1::WITHDRAWN)) return {type::v1::OPTED_OUT, entry};
  if (const auto* entry = HeldBackBy(c, type::v1::OBJECTED_TO)) return {type::v1::OBJECTED, entry};
  const GateEntry* grant = nullptr;
  if (c.purpose.lawful_basis == type::v1::LAWFUL_BASIS_CONSENT) {
    grant = GrantInForce(c);
    if (grant == nullptr) return {type::v1::NO_CONSENT};
  }
  if (c.endpoint == nullptr) return {type::v1::NO_ENDPOINT};
  return {type::v1::ALLOW, grant};
}

Finding FindForConfirmation(const Case& c) {
  if (c.facts.deceased()) return {type::v1::DECEASED};
  if (c.endpoint != nullptr && c.endpoint->suppressed() != type::v1::SUPPRESSION_REASON_UNSPECIFIED) {
    return {type::v1::ENDPOINT_SUPPRESSED};
  }
  if (c.facts.paused()) return {type::v1::PAUSED};
  if (const auto* entry = HeldBackBy(c, type::v1::OBJECTED_TO)) return {type::v1::OBJECTED, entry};
  if (c.endpoint == nullptr) return {type::v1::NO_ENDPOINT};
  return {type::v1::ALLOW};
}

Verdict ToVerdict(const Case& c, const Finding& finding) {
  Verdict verdict;
  verdict.reason = finding.reason;
  verdict.channel = c.channel;
  if (c.endpoint != nullptr) verdict.endpoint = c.endpoint->endpoint();
  if (finding.entry != nullptr) verdict.evidence = finding.entry->name();
  if (finding.reason == type::v1::ENDPOINT_SUPPRESSED)
    verdict.evidence = SuppressionName(c.endpoint->endpoint());
  return verdict;
}

// Every candidate in order; where a channel has no endpoint, the candidate without one. Stops when `visit`
// says true.
template <typename Visit>
void EachCandidate(const GateFacts& facts, const Purpose& purpose, const std::vector<Channel>& channels,
                   const Visit& visit) {
  for (const Channel channel : channels) {
    bool has_one = false;
    for (const auto& endpoint : facts.endpoints()) {
      if (endpoint.channel() != channel) continue;
      has_one = true;
      if (visit(Case{facts, purpose, channel, &endpoint})) return;
    }
    if (!has_one && visit(Case{facts, purpose, channel, nullptr})) return;
  }
  if (channels.empty()) visit(Case{facts, purpose, type::v1::CHANNEL_UNSPECIFIED, nullptr});
}

}  // namespace

Verdict Judge(const GateFacts& facts, const Purpose& purpose, Channel channel, const GateEndpoint* endpoint) {
  const Case c{facts, purpose, channel, endpoint};
  return ToVerdict(c, Find(c));
}

Judgement JudgePerson(const GateFacts& facts, const Purpose& purpose, const std::vector<Channel>& channels) {
  Judgement judgement;
  EachCandidate(facts, purpose, channels, [&](const Case& c) {
    judgement.candidates.push_back(ToVerdict(c, Find(c)));
    return false;
  });
  judgement.chosen = Choose(facts, purpose, channels);
  return judgement;
}

Verdict Choose(const GateFacts& facts, const Purpose& purpose, const std::vector<Channel>& channels) {
  Finding best{type::v1::GATE_REASON_UNSPECIFIED};
  Channel channel = type::v1::CHANNEL_UNSPECIFIED;
  const GateEndpoint* endpoint = nullptr;
  EachCandidate(facts, purpose, channels, [&](const Case& c) {
    const Finding finding = Find(c);
    const bool allowed = finding.reason == type::v1::ALLOW;
    if (allowed || best.reason == type::v1::GATE_REASON_UNSPECIFIED || finding.reason < best.reason) {
      best = finding;
      channel = c.channel;
      endpoint = c.endpoint;
    }
    return allowed;
  });
  return ToVerdict(Case{facts, purpose, channel, endpoint}, best);
}

Verdict JudgeConfirmation(const GateFacts& facts, Channel channel, const GateEndpoint* endpoint) {
  // No purpose has this name, so entries for one purpose do not speak of it; those for the endpoint or for
  // everything do.
  static const Purpose* const confirmation = new Purpose{"confirmation"};
  const Case c{facts, *confirmation, channel, endpoint};
  return ToVerdict(c, FindForConfirmation(c));
}

}  // namespace pharos::gate
