// Filters, step 4 of 4: does a person match? Pure; every predicate has an answer for every person.
#pragma once

#include <functional>
#include <string_view>

#include "pharos/type/v1/gate.pb.h"
#include "services/audience/compact_person.h"
#include "services/audience/filter_check.h"

namespace pharos::audience {

// One person's gate facts, unpacked when first asked for and kept for the gate. Reused from person to person.
// Not thread-safe.
class FactsReader {
 public:
  void Start(const CompactPerson& person) { Start(person.gate); }
  // GateFacts, serialised; it must live as long as they are asked for.
  void Start(const std::string& gate);
  const type::v1::GateFacts& Facts();
  // A grant for the purpose is in force on that channel, and no opt-out or objection covers it. The gate
  // itself says so, asked with a purpose that needs consent and facts in which nothing else stands in the
  // way.
  bool Consents(type::v1::Channel channel, const std::string& purpose);

 private:
  const std::string* gate_ = nullptr;
  bool facts_read_ = false, consent_facts_read_ = false;
  type::v1::GateFacts facts_, consent_facts_;
};

// Whether somebody, by their id, had an event: the plain way, for whoever compares. kEngaged only.
using EngagedTest = std::function<bool(std::string_view id, const Predicate& predicate)>;

// A predicate bound to a pool: lives no longer than the pool's lock is held.
class BoundFilter {
 public:
  // Without `engaged` nobody had any event.
  BoundFilter(Predicate predicate, const StringPool& pool, PackedDate today, EngagedTest engaged = {});
  // `id` is the person's name without "people/".
  bool Matches(std::string_view id, const CompactPerson& person, FactsReader& facts) const;

 private:
  void Bind(Predicate& predicate) const;
  bool Test(const Predicate& predicate, std::string_view id, const CompactPerson& person,
            FactsReader& facts) const;
  bool TestText(const Predicate& predicate, const CompactPerson& person) const;

  const StringPool& pool_;
  const PackedDate today_;
  Predicate root_;
  const EngagedTest engaged_;
};

}  // namespace pharos::audience
