#include "services/customer/feed_out_view.h"

#include <array>

#include "services/customer/agreement.h"
#include "services/customer/keys.h"
#include "services/customer/purpose_store.h"
#include "services/gate/gate.h"

namespace pharos::customer {

namespace {

constexpr std::array<type::v1::Channel, 2> kChannels = {type::v1::CHANNEL_SMS, type::v1::CHANNEL_EMAIL};

void KeepOwn(type::v1::GateFacts& facts, const std::set<std::string>& own_endpoints) {
  auto& endpoints = *facts.mutable_endpoints();
  for (int at = endpoints.size() - 1; at >= 0; --at) {
    if (!own_endpoints.contains(endpoints[at].endpoint())) endpoints.DeleteSubrange(at, 1);
  }
}

}  // namespace

bool IsShared(const record::v1::AgreementRow& agreement, std::string_view record) {
  const auto id = ParseRecordName(record);
  return id && Lists(agreement.sources(), "sources/" + id->source);
}

v1::PersonChange ShowChange(const record::v1::AgreementRow& agreement, const SharedPerson& shared) {
  v1::PersonChange change;
  change.set_person(shared.person.name());
  change.set_version(shared.person.version());
  if (shared.gone || shared.person.sensitive() || shared.records.empty()) {
    change.set_gone(true);
    return change;
  }
  for (const auto& record : shared.records) change.add_records(record.name());
  for (const auto& golden : shared.person.fields()) {
    if (Lists(agreement.read_fields(), golden.field()))
      (*change.mutable_fields())[golden.field()] = golden.value();
  }
  return change;
}

std::vector<v1::ConsentState> ShowLost(const SharedPerson& shared,
                                       const std::vector<record::v1::PurposeRow>& purposes) {
  std::vector<v1::ConsentState> states;
  if (shared.lost.empty()) return states;
  for (const auto& purpose : purposes) {
    for (const auto channel : kChannels) {
      auto& state = states.emplace_back();
      for (const auto& record : shared.lost) state.add_records(record);
      state.set_purpose(purpose.name());
      state.set_channel(channel);
      state.set_version(shared.person.version());
      state.set_reason(type::v1::NO_ENDPOINT);
    }
  }
  return states;
}

std::vector<v1::ConsentState> ShowConsents(const SharedPerson& shared, type::v1::GateFacts facts,
                                           const std::set<std::string>& own_endpoints,
                                           const std::vector<record::v1::PurposeRow>& purposes) {
  std::vector<v1::ConsentState> states;
  if (shared.gone || shared.records.empty()) return states;
  KeepOwn(facts, own_endpoints);
  for (const auto& purpose : purposes) {
    for (const auto channel : kChannels) {
      auto& state = states.emplace_back();
      for (const auto& record : shared.records) state.add_records(record.name());
      state.set_purpose(purpose.name());
      state.set_channel(channel);
      state.set_version(shared.person.version());
      // Nothing is told of a restricted person but to leave them alone.
      state.set_reason(shared.person.sensitive()
                           ? type::v1::PAUSED
                           : gate::Choose(facts, GatePurpose(purpose), {channel}).reason);
    }
  }
  return states;
}

}  // namespace pharos::customer
