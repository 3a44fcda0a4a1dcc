// The gate: may this message go to this person now? One pure function, used by the count, the plan and the
// permit, so that they cannot disagree. The rules and their order are those of "The gate" in ARCHITECTURE.md;
// the first that applies decides.
#pragma once

#include <string>
#include <vector>

#include "pharos/type/v1/gate.pb.h"
#include "pharos/type/v1/types.pb.h"

namespace pharos::gate {

// What the message is for.
struct Purpose {
  std::string name;  // "purposes/…"
  type::v1::PurposeClass purpose_class = type::v1::PURPOSE_CLASS_UNSPECIFIED;
  type::v1::LawfulBasis lawful_basis = type::v1::LAWFUL_BASIS_UNSPECIFIED;
};

// Verdict for one candidate.
struct Verdict {
  type::v1::GateReason reason = type::v1::GATE_REASON_UNSPECIFIED;
  type::v1::Channel channel = type::v1::CHANNEL_UNSPECIFIED;
  std::string endpoint;  // blind index; empty: the person has none for that channel
  std::string evidence;  // name of the entry that decided; empty where no entry did
};

// One (person, purpose, channel, endpoint). `endpoint` is one of facts.endpoints(), or nullptr: the person
// has none.
Verdict Judge(const type::v1::GateFacts& facts, const Purpose& purpose, type::v1::Channel channel,
              const type::v1::GateEndpoint* endpoint);

// All candidates of a person, channels in the order given, endpoints in golden-record order. `chosen` is the
// first ALLOW, or the verdict whose reason is earliest in the list of reasons.
struct Judgement {
  Verdict chosen;
  std::vector<Verdict> candidates;
};
Judgement JudgePerson(const type::v1::GateFacts& facts, const Purpose& purpose,
                      const std::vector<type::v1::Channel>& channels);

// The same, for counting: only the chosen verdict, no allocation for the rest.
Verdict Choose(const type::v1::GateFacts& facts, const Purpose& purpose,
               const std::vector<type::v1::Channel>& channels);

// The exemption: an opt-out's confirmation may pass OPTED_OUT (and NO_CONSENT), nothing else. `purpose` may
// be empty.
Verdict JudgeConfirmation(const type::v1::GateFacts& facts, type::v1::Channel channel,
                          const type::v1::GateEndpoint* endpoint);

}  // namespace pharos::gate
