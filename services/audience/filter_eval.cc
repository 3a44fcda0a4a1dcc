#include "services/audience/filter_eval.h"

#include <algorithm>
#include <optional>

#include "services/gate/gate.h"

namespace pharos::audience {
namespace {

using Kind = Predicate::Kind;

bool InRange(const Predicate& predicate, int64_t value) {
  return (value >= predicate.low && value < predicate.high) != predicate.unequal;
}

bool Holds(const std::vector<uint32_t>& set, uint32_t symbol) {
  return std::find(set.begin(), set.end(), symbol) != set.end();
}

bool Present(const FieldInfo& field, const CompactPerson& person) {
  switch (field.type) {
    case FieldType::kText:
      return person.texts[field.text] != StringPool::kAbsent;
    case FieldType::kInt:
    case FieldType::kDate:
      return person.born != 0;
    case FieldType::kDeprivation:
      return person.deprivation != 0;
    case FieldType::kInclusion:
      return person.inclusion != 0;
    case FieldType::kTime:
      return person.update_time_us != 0;
    case FieldType::kKinds:
      return person.kinds != 0;
    case FieldType::kInterests:
      return !person.interests.empty();
    case FieldType::kSources:
      return !person.sources.empty();
    case FieldType::kPerson:
      return true;
    case FieldType::kFunction:
      break;
  }
  return false;
}

}  // namespace

void FactsReader::Start(const std::string& gate) {
  gate_ = &gate;
  facts_read_ = consent_facts_read_ = false;
}

const type::v1::GateFacts& FactsReader::Facts() {
  if (!facts_read_) facts_.ParseFromString(*gate_);  // our own bytes
  facts_read_ = true;
  return facts_;
}

bool FactsReader::Consents(type::v1::Channel channel, const std::string& purpose) {
  if (!consent_facts_read_) {
    consent_facts_ = Facts();
    consent_facts_.set_deceased(false);
    consent_facts_.set_paused(false);
    for (auto& endpoint : *consent_facts_.mutable_endpoints()) endpoint.clear_suppressed();
    // Consent does not need an endpoint: one that nothing is known of stands in for the missing.
    for (const auto missing : {type::v1::CHANNEL_SMS, type::v1::CHANNEL_EMAIL}) {
      const auto& endpoints = consent_facts_.endpoints();
      if (std::any_of(endpoints.begin(), endpoints.end(),
                      [&](const auto& e) { return e.channel() == missing; }))
        continue;
      auto* endpoint = consent_facts_.add_endpoints();
      endpoint->set_channel(missing);
      endpoint->set_endpoint(std::string(16, '\0'));
    }
    consent_facts_read_ = true;
  }
  const gate::Purpose asked{purpose, type::v1::PURPOSE_CLASS_MARKETING, type::v1::LAWFUL_BASIS_CONSENT};
  return gate::Choose(consent_facts_, asked, {channel}).reason == type::v1::ALLOW;
}

BoundFilter::BoundFilter(Predicate predicate, const StringPool& pool, PackedDate today, EngagedTest engaged)
    : pool_(pool), today_(today), root_(std::move(predicate)), engaged_(std::move(engaged)) {
  Bind(root_);
}

void BoundFilter::Bind(Predicate& predicate) const {
  predicate.symbol = pool_.Find(predicate.text);
  for (Predicate& part : predicate.parts) Bind(part);
}

bool BoundFilter::Matches(std::string_view id, const CompactPerson& person, FactsReader& facts) const {
  return Test(root_, id, person, facts);
}

bool BoundFilter::TestText(const Predicate& predicate, const CompactPerson& person) const {
  const TextField field = predicate.field->text, name = NameOf(field);
  if (person.texts[field] == StringPool::kAbsent) return false;
  const auto equal = [&](uint32_t symbol) {
    if (symbol == StringPool::kAbsent) return false;
    return predicate.prefix ? pool_.Get(symbol).starts_with(predicate.text) : symbol == predicate.symbol;
  };
  return (equal(person.texts[field]) || (name != kTextFields && equal(person.texts[name]))) !=
         predicate.unequal;
}

bool BoundFilter::Test(const Predicate& predicate, std::string_view id, const CompactPerson& person,
                       FactsReader& facts) const {
  const auto test = [&](const Predicate& part) { return Test(part, id, person, facts); };
  switch (predicate.kind) {
    case Kind::kEverybody:
      return true;
    case Kind::kAnd:
      return std::all_of(predicate.parts.begin(), predicate.parts.end(), test);
    case Kind::kOr:
      return std::any_of(predicate.parts.begin(), predicate.parts.end(), test);
    case Kind::kNot:
      return !test(predicate.parts[0]);
    case Kind::kText:
      return TestText(predicate, person);
    case Kind::kLevel: {
      const uint8_t level =
          predicate.field->type == FieldType::kDeprivation ? person.deprivation : person.inclusion;
      return level != 0 && InRange(predicate, level);
    }
    case Kind::kAge: {
      const std::optional<int> age = person.born == 0 ? std::nullopt : AgeOn(today_, person.born);
      return age && InRange(predicate, *age);
    }
    case Kind::kBorn:
      return person.born != 0 && InRange(predicate, person.born);
    case Kind::kUpdated:
      return person.update_time_us != 0 && InRange(predicate, person.update_time_us);
    case Kind::kPerson:
      return (id == predicate.text) != predicate.unequal;
    case Kind::kInterest:
      return Holds(person.interests, predicate.symbol);
    case Kind::kSource:
      return Holds(person.sources, predicate.symbol);
    case Kind::kAudience:
      return (person.kinds >> predicate.low & 1) != 0;
    case Kind::kPresent:
      return Present(*predicate.field, person);
    case Kind::kReachable:
      return (person.reach >> predicate.channel & 1) != 0;
    case Kind::kConsent:
      return facts.Consents(predicate.channel, predicate.text);
    case Kind::kEngaged:
      return engaged_ && engaged_(id, predicate);
  }
  return false;
}

}  // namespace pharos::audience
