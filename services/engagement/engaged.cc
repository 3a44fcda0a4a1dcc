#include "services/engagement/engaged.h"

#include <array>

#include "pharos/dispatch/v1/intent_service.pb.h"

namespace pharos::engagement {
namespace {

using internal::v1::EngagedPeople;

EngagedPeople::Event EventOf(int state) {
  switch (state) {
    case dispatch::v1::SENT:
      return EngagedPeople::EVENT_SENT;
    case dispatch::v1::INTENT_DELIVERED:
      return EngagedPeople::EVENT_DELIVERED;
    case dispatch::v1::FAILED:
      return EngagedPeople::EVENT_FAILED;
    case dispatch::v1::UNCONFIRMED:
      return EngagedPeople::EVENT_UNCONFIRMED;
    case dispatch::v1::WITHHELD:
      return EngagedPeople::EVENT_WITHHELD;
    default:
      return EngagedPeople::EVENT_UNSPECIFIED;
  }
}

EngagedPeople::Event EventOf(const std::string& kind) {
  if (kind == "REPLIED") return EngagedPeople::EVENT_REPLIED;
  if (kind == "OPTED_OUT") return EngagedPeople::EVENT_OPTED_OUT;
  if (kind == "COMPLAINED") return EngagedPeople::EVENT_COMPLAINED;
  if (kind == "FOLLOWED") return EngagedPeople::EVENT_FOLLOWED;
  return EngagedPeople::EVENT_UNSPECIFIED;  // of a newer dispatch
}

}  // namespace

size_t AddEngaged(const std::string& campaign, const type::v1::EventBatch& batch,
                  internal::v1::FollowEngagementResponse& to) {
  std::array<EngagedPeople*, EngagedPeople::Event_ARRAYSIZE> entries{};
  size_t people = 0;
  const auto add = [&](EngagedPeople::Event event, const std::string& person) {
    if (event == EngagedPeople::EVENT_UNSPECIFIED || person.empty()) return;
    EngagedPeople*& entry = entries[event];
    if (entry == nullptr) {
      entry = to.add_engaged();
      entry->set_campaign(campaign);
      entry->set_event(event);
      entry->set_time_us(batch.time_us());
    }
    entry->add_people(person);
    ++people;
  };
  for (const auto& event : batch.events()) add(EventOf(event.state()), event.person());
  for (const auto& response : batch.responses()) add(EventOf(response.kind()), response.person());
  return people;
}

}  // namespace pharos::engagement
