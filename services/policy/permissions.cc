#include "services/policy/permissions.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "services/policy/policy.h"

namespace pharos::policy {
namespace {

// Sorted by name.
constexpr Permission kPermissions[] = {
    {"acts.confirm", false},  // as the second person
    {"acts.propose", false},  // as the first
    {"acts.read", false},     // acts, and the policy in force
    {"agreements.read", false},
    {"agreements.write", false},
    {"approvals.sign", true},  // for the approver who calls campaign
    {"audiences.count", false},
    {"audiences.exact", false},    // numbers about people as counted, without disclosure control
    {"audiences.list", false},     // row by row
    {"audiences.preview", false},  // a few people, masked
    {"audiences.read", false},
    {"audiences.write", false},
    {"campaigns.approve", false},
    {"campaigns.plan", true},  // campaign hands members to dispatch
    {"campaigns.read", false},
    {"campaigns.run", false},  // launch, pause, resume, cancel
    {"campaigns.write", false},
    {"connectors.read", false},
    {"connectors.steer", false},  // hold one back, let it go again
    {"connectors.work", true},    // a connector takes attempts and gives outcomes
    {"consents.read", false},
    {"consents.write", false},  // what somebody said on the phone; replies come through dispatch
    {"endpoints.read", false},  // turns an address into a name: a question about personal data
    {"endpoints.suppress", false},
    {"events.follow", true},     // engagement follows dispatch, audience follows engagement
    {"facts.write", false},      // e.g. a death
    {"identity.decide", false},  // who is the same person, and who is not
    {"identity.read", false},
    {"identity.state", false},  // counts and models, nobody in particular
    {"identity.train", false},
    {"inbound.record", true},  // the edge: opt-outs by link, providers' callbacks
    {"intents.read", false},
    {"keys.destroy", true},  // erasure
    {"keys.use", true},
    {"members.pin", true},
    {"messages.read", false},  // single messages: what was sent to whom
    {"messages.send", false},
    {"optouts.record", true},
    {"organisations.read", false},
    {"organisations.write", false},
    {"people.correct", false},
    {"people.count", false},
    {"people.erase", false},
    {"people.follow", true},  // audience follows customer
    {"people.judge", false},  // a verdict and its evidence, without contact data
    {"people.read", false},
    {"people.read_personal", false},  // beyond people.read: names, addresses, what the sources said
    {"permits.issue", true},
    {"principals.read", false},
    {"principals.write", false},
    {"purposes.read", false},
    {"purposes.write", false},
    {"queries.read", false},       // what was asked of audiences, and answered
    {"recipients.resolve", true},  // dispatch asks customer whose address it is
    {"records.import", false},
    {"records.sync", false},
    {"reference.read", false},   // areas and what is loaded of them
    {"reference.write", false},  // loads areas, code changes and postcodes
    {"reflection.read", false},  // the public API is no secret from anybody with a role
    {"replies.open", true},      // engagement asks dispatch what people wrote
    {"replies.read", false},     // what people wrote; by whom only with people.read_personal
    {"replies.write", false},    // mark them as dealt with
    {"self.read", false},        // who am I
    {"snapshot.follow", true},
    {"sources.read", false},
    {"sources.write", false},
    {"templates.read", false},
    {"templates.write", false},
};

}  // namespace

const Permission* FindPermission(std::string_view name) {
  const auto* found = std::lower_bound(std::begin(kPermissions), std::end(kPermissions), name,
                                       [](const Permission& p, std::string_view n) { return p.name < n; });
  return found != std::end(kPermissions) && found->name == name ? found : nullptr;
}

const std::vector<std::string>& KnownPermissions() {
  static const auto* names = [] {
    auto* made = new std::vector<std::string>;
    for (const Permission& permission : kPermissions) made->emplace_back(permission.name);
    return made;
  }();
  return *names;
}

}  // namespace pharos::policy
