// What people choose by a link in a message: its unsubscribe link, and the page that its footer links to. One
// token for both. Each choice is durable and acknowledged in customer before whoever pressed is told.
#include "services/base/ids.h"
#include "services/dispatch/desk.h"
#include "services/dispatch/errors.h"

namespace pharos::dispatch {

// base64url-like: hex of the attempt's id and of a MAC over it. Names one message, works as long as its row
// is kept, and cannot be made without our key.
std::string Desk::LinkToken(const std::string& attempt) const {
  return base::ToHex(attempt + reference_key_.Of("unsubscribe-link", attempt).substr(0, kMacBytes));
}

// Empty: we did not make it.
std::string Desk::AttemptOfLink(const std::string& token) const {
  const std::string bytes = base::FromHex(token);
  if (bytes.size() != kAttemptBytes + kMacBytes) return "";
  std::string attempt = bytes.substr(0, kAttemptBytes);
  const std::string mac = reference_key_.Of("unsubscribe-link", attempt).substr(0, kMacBytes);
  return base::SameBytes(mac, std::string_view(bytes).substr(kAttemptBytes)) ? attempt : "";
}

std::optional<std::string> Desk::PurposeOfLink(Turn& turn, const std::string& token) {
  const auto key = IntentOfAttempt(turn, AttemptOfLink(token));
  const Step* step = key ? StepOf(turn, *key) : nullptr;
  return step == nullptr ? std::nullopt : std::optional(step->manifest.purpose());
}

// Pressed again while customer works on it: one choice, one answer. Not if something was taken back since:
// that may have been this one.
bool Desk::Join(const record::v1::IntentKey& key, ReplyMeaning choice, WhenChosen& done) {
  for (auto& [id, reply] : replies_) {
    const auto& row = reply.row;
    if (reply.overtaken || !row.has_unsubscribed() || row.kind() != NameOf(choice)) continue;
    const auto& of = row.unsubscribed();
    if (of.person() != key.person() || of.campaign() != key.campaign() || of.step() != key.step()) continue;
    reply.waiting.push_back(std::move(done));
    return true;
  }
  return false;
}

// Pressed later it is said to customer anew, which changes nothing if nothing has changed since.
void Desk::Choose(Turn& turn, const std::string& token, ReplyMeaning choice, WhenChosen done) {
  internal::v1::InboundMessage message;
  message.set_unsubscribe_attempt(AttemptOfLink(token));
  const auto key = IntentOfAttempt(turn, message.unsubscribe_attempt());
  if (!key) return done(DispatchErrors::LinkUnknown());
  if (choice == ReplyMeaning::kResume) {
    for (auto& [id, reply] : replies_) reply.overtaken = true;  // linked people may have several names
  } else if (Join(*key, choice, done)) {
    return;
  }
  message.set_id("link/" + base::NewId(turn.now_us));
  message.set_from("link");
  message.set_received_time_us(turn.now_us);
  Bringer bringer{"edge", type::v1::CHANNEL_EMAIL, "", {}};
  bringer.link = choice;
  OnMessage(turn, bringer, message);
  const auto at = replies_.find(ReplyIdOf(bringer.connector, message));
  if (at == replies_.end()) return done(DispatchErrors::TooManyReplies());
  at->second.waiting.push_back(std::move(done));
}

// Only what is stricter is asked of customer until it answers. A choice that was taken back is told that it
// could not be: later it might overtake another one.
void Desk::GiveUp(Turn& turn, const std::string& id) {
  auto at = replies_.find(id);
  if (at == replies_.end()) return;
  turn.After([waiting = std::move(at->second.waiting)] {
    for (const auto& done : waiting) done(DispatchErrors::NotAcknowledgedYet());
  });
  replies_.erase(at);
}

}  // namespace pharos::dispatch
