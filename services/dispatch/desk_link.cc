// Tracked links. A link leads where the approved template version says that the attempt's intent names: the
// token holds no address, and nobody outside can choose one. What is counted is counted once for each link of
// a message.
#include <fmt/format.h>

#include <algorithm>

#include "services/dispatch/desk.h"
#include "services/dispatch/errors.h"
#include "services/dispatch/link_token.h"

namespace pharos::dispatch {
namespace {

// Where the mail went, though the message may have gone on to another channel since.
std::string MailboxOf(const record::v1::IntentRow& intent) {
  for (const auto& hop : intent.earlier()) {
    if (hop.channel() == type::v1::CHANNEL_EMAIL) return hop.endpoint();
  }
  return intent.endpoint();
}

bool Holds(const record::v1::IntentRow& intent, uint32_t link) {
  const auto& followed = intent.followed_links();
  return std::find(followed.begin(), followed.end(), link) != followed.end();
}

}  // namespace

// Empty: its links stay as they are written.
std::vector<std::string> Desk::TrackedLinks(const Step& step, const customer::internal::v1::Grant& grant,
                                            const std::string& attempt) const {
  std::vector<std::string> tracked;
  if (!grant.measured() || !Measures(step)) return tracked;
  for (size_t i = 0; i < step.email->links().size(); ++i) {
    const LinkName name{attempt, static_cast<uint8_t>(i + 1)};
    tracked.push_back(settings_.edge_url + "/l/" + WriteLinkToken(reference_key_, name));
  }
  return tracked;
}

bool Desk::Measures(const Step& step) const {
  return step.manifest.measure_links() && step.email && !settings_.edge_url.empty();
}

std::optional<TrackedLink> Desk::LinkOf(Turn& turn, const std::string& token) {
  const std::optional<LinkName> name = ReadLinkToken(reference_key_, token);
  if (!name) return std::nullopt;
  const auto key = IntentOfAttempt(turn, name->attempt);
  const Step* step = key ? StepOf(turn, *key) : nullptr;
  if (step == nullptr || !step->email || name->link > step->email->links().size()) return std::nullopt;
  TrackedLink link;
  link.url = step->email->links()[name->link - 1];
  link.number = name->link;
  link.message = *key;
  if (const record::v1::IntentRow* intent = intents_.Load(turn, *key)) {
    link.endpoint = MailboxOf(*intent);
    link.counted = Holds(*intent, link.number);
  }
  return link;
}

void Desk::CountFollowed(Turn& turn, const TrackedLink& link) {
  record::v1::IntentRow* intent = intents_.Load(turn, link.message);
  if (intent == nullptr || Holds(*intent, link.number)) return;
  record::v1::TallyRow& tally = intents_.Tally(turn, link.message.campaign());
  if (intent->followed_links().empty()) tally.set_followed(tally.followed() + 1);
  ++(*tally.mutable_followed_by_link())[fmt::format("{}/{}", link.message.step(), link.number)];
  intent->add_followed_links(link.number);
  intents_.Save(turn, *intent);
  intents_.NoteResponse(turn, link.message, "FOLLOWED", type::v1::CHANNEL_EMAIL,
                        static_cast<int>(link.number));
}

}  // namespace pharos::dispatch
