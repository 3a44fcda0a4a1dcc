// Messages from people. A STOP is durable in customer before the connector may answer the provider, and
// confirmed to the person once customer has acknowledged it. If customer is away nothing is answered and the
// provider keeps the message.
#include <algorithm>

#include "services/base/ids.h"
#include "services/base/log.h"
#include "services/dispatch/desk.h"
#include "services/dispatch/errors.h"
#include "services/dispatch/inbox_reply.h"
#include "services/dispatch/message.h"
#include "services/dispatch/tables.h"

namespace pharos::dispatch {
namespace {

constexpr int64_t kReplyRetryMicros = 300'000;
constexpr int64_t kMostCalls = 64;     // repeated at once, so that new replies find a free thread
constexpr size_t kMaxReplies = 4'000;  // unacknowledged at customer; past this the provider keeps them
constexpr size_t kMaxNoted = 1'000;    // of these: words that opt nobody out leave room for those that do

customer::internal::v1::ReplyKind KindOf(ReplyMeaning meaning) {
  switch (meaning) {
    case ReplyMeaning::kStop:
      return customer::internal::v1::STOP;
    case ReplyMeaning::kStart:
      return customer::internal::v1::START;
    case ReplyMeaning::kWrongPerson:
      return customer::internal::v1::WRONG_PERSON_REPLY;
    case ReplyMeaning::kUnsubscribe:
      return customer::internal::v1::UNSUBSCRIBE;
    case ReplyMeaning::kStopAll:
      return customer::internal::v1::UNSUBSCRIBE_ALL;
    case ReplyMeaning::kPause:
      return customer::internal::v1::PAUSE_PERSON;
    case ReplyMeaning::kResume:
      return customer::internal::v1::RESUME;
    case ReplyMeaning::kHelp:
    case ReplyMeaning::kOther:
      return customer::internal::v1::NOTED;
  }
  return customer::internal::v1::REPLY_KIND_UNSPECIFIED;
}

// Customer acts on nothing of it: it is only asked whose endpoint it is.
bool IsNoted(const customer::internal::v1::RecordReplyRequest& request) {
  return request.kind() == customer::internal::v1::NOTED;
}

bool IsNotedOnly(ReplyMeaning meaning) {
  return KindOf(meaning) == customer::internal::v1::NOTED;
}

// What is kept of a message. An unsubscribe link that was pressed says nothing.
record::v1::ReplyContentRow SaidIn(const internal::v1::InboundMessage& message) {
  record::v1::ReplyContentRow content;
  if (message.text().empty() && !message.unsubscribe_attempt().empty()) return content;
  content.set_address(message.from());
  content.set_text(KeptText(message.text()));
  return content;
}

std::string MessageOf(const record::v1::IntentKey& key) {
  return key.campaign() + "/steps/" + key.step();
}

// Where the mail went, though the message may have gone on to another channel since.
std::string EmailOf(const record::v1::IntentRow& intent) {
  for (const auto& hop : intent.earlier()) {
    if (hop.channel() == type::v1::CHANNEL_EMAIL) return hop.endpoint();
  }
  return intent.endpoint();
}

}  // namespace

void Desk::OnInbound(Turn& turn, const SessionPtr& session, const internal::v1::InboundMessages& messages) {
  const Bringer bringer{session->hello.connector(), session->hello.channel(), session->hello.life(), {}};
  for (const auto& message : messages.messages()) OnMessage(turn, bringer, message);
}

void Desk::RecordMessage(Turn& turn, const std::string& connector,
                         const internal::v1::InboundMessage& message, std::function<void()> taken) {
  const auto known = connectors_.find(connector);
  const type::v1::Channel channel =
      known == connectors_.end() ? type::v1::CHANNEL_SMS : known->second.hello.channel();
  OnMessage(turn, {connector, channel, "", std::move(taken)}, message);
}

void Desk::OnMessage(Turn& turn, const Bringer& bringer, const internal::v1::InboundMessage& message) {
  std::string id = ReplyIdOf(bringer.connector, message);
  const auto repeats = [&] {  // while customer works on it
    const auto at = replies_.find(id);
    if (at == replies_.end()) return false;
    at->second.bringer = bringer;
    at->second.sequence = message.sequence();
    if (at->second.durable) AcknowledgeInbound(turn, bringer, message.sequence());
    return true;
  };
  if (repeats()) return;
  const Reading reading = Read(message.text());
  ReplyMeaning meaning = reading.meaning;
  if (message.from().empty()) meaning = ReplyMeaning::kOther;  // nobody to opt out
  std::optional<record::v1::IntentKey> unsubscribed;
  if (!message.unsubscribe_attempt().empty()) {
    unsubscribed = IntentOfAttempt(turn, message.unsubscribe_attempt());
    meaning = unsubscribed ? bringer.link.value_or(ReplyMeaning::kUnsubscribe) : ReplyMeaning::kOther;
    if (!unsubscribed) base::Log(base::LogLevel::kError, "dispatch.unsubscribe_unknown");
  }
  if (LoadRow<record::v1::ReplyRow>(turn, ReplyKey(id))) {
    const bool opts_out = meaning == ReplyMeaning::kStop || meaning == ReplyMeaning::kUnsubscribe;
    if (!opts_out) return AcknowledgeInbound(turn, bringer, message.sequence());
    // Not every provider marks its messages, so the same words from the same number may be said anew, with a
    // START in between. An opt-out is asked of customer again: if nothing has
    // changed since, that changes nothing.
    id += "#" + std::to_string(message.received_time_us());
    if (repeats()) return;
    if (LoadRow<record::v1::ReplyRow>(turn, ReplyKey(id)))
      return AcknowledgeInbound(turn, bringer, message.sequence());
  }
  record::v1::ReplyRow row;
  row.set_reply_id(id);
  row.set_inbox_id(NewMessageId(turn.now_us));
  row.set_kind(std::string(NameOf(meaning)));
  row.set_received_time_ns(clock_.WallNanos());
  row.set_sent_to(message.to());
  row.set_channel(bringer.channel);
  row.set_for_review(reading.for_review && meaning == reading.meaning);
  const bool nobody = message.from().empty() || !message.unsubscribe_attempt().empty();
  if (nobody && !unsubscribed) {  // there is nothing to ask customer
    if (!KeepText(turn, SaidIn(message), row)) return;
    EnterInbox(turn, row, std::nullopt, "");
    AcknowledgeInbound(turn, bringer, message.sequence());
    return;
  }
  if (replies_.size() >= kMaxReplies || (IsNotedOnly(meaning) && TooManyNoted())) return;
  if (unsubscribed) *row.mutable_unsubscribed() = *unsubscribed;
  AskCustomer(turn, id, bringer, message, std::move(row));
}

void Desk::AskCustomer(Turn& turn, const std::string& id, const Bringer& bringer,
                       const internal::v1::InboundMessage& message, record::v1::ReplyRow row) {
  Reply& reply = replies_[id];
  reply.request.set_reply_id(id);
  reply.request.set_channel(bringer.channel);
  reply.request.set_kind(RepeatOf(row).kind());
  reply.request.set_event_time_us(message.received_time_us());
  if (row.has_unsubscribed()) {
    const Step* step = StepOf(turn, row.unsubscribed());
    reply.request.set_person(row.unsubscribed().person());
    if (step != nullptr) reply.request.set_purpose(step->manifest.purpose());
    if (bringer.link) reply.request.set_message(MessageOf(row.unsubscribed()));
    if (row.kind() == NameOf(ReplyMeaning::kPause))
      reply.request.set_until_us(message.received_time_us() + kPauseMicros);
  } else {
    reply.request.set_address(message.from());
  }
  reply.row = std::move(row);
  reply.content = SaidIn(message);
  reply.bringer = bringer;
  reply.sequence = message.sequence();
  CallCustomer(reply);
}

// Whose message an attempt was, whichever connector brings the mail.
std::optional<record::v1::IntentKey> Desk::IntentOfAttempt(Turn& turn, const std::string& attempt) {
  if (attempt.size() != kAttemptBytes) return std::nullopt;
  return LoadRow<record::v1::IntentKey>(turn, AttemptKey(attempt));
}

// Keyed, as the connector makes its id from the number and the text.
std::string Desk::ReplyIdOf(const std::string& connector, const internal::v1::InboundMessage& message) const {
  return base::ToHex(reference_key_.Of("reply", connector + "/" + message.id()));
}

void Desk::CallCustomer(Reply& reply) {
  using customer::internal::v1::RecordReplyResponse;
  const std::string id = reply.row.reply_id();
  reply.calling = true;
  const bool called = customer_.RecordReply(
      reply.request,
      {.durable =
           [this, id](const RecordReplyResponse& response) {
             const int64_t durable_ns = clock_.WallNanos();
             (void)loop_.Post([this, id, response, durable_ns](Turn& turn) {
               OnReplyDurable(turn, id, response, durable_ns);
             });
           },
       .acknowledged =
           [this, id](const RecordReplyResponse&) {
             const int64_t acknowledged_ns = clock_.WallNanos();  // promise 1 is measured from here
             (void)loop_.Post(
                 [this, id, acknowledged_ns](Turn& turn) { OnReplyAcknowledged(turn, id, acknowledged_ns); });
           },
       .failed =
           [this, id](absl::Status status) {
             (void)loop_.Post([this, id, status](Turn& turn) { OnReplyFailed(turn, id, status); });
           }});
  if (called) return;
  if (reply.request.kind() != customer::internal::v1::RESUME) return PutOffReply(id);
  (void)loop_.Post([this, id](Turn& turn) { GiveUp(turn, id); });
}

customer::internal::v1::RecordReplyRequest Desk::RepeatOf(const record::v1::ReplyRow& row) {
  customer::internal::v1::RecordReplyRequest request;
  request.set_reply_id(row.reply_id());
  request.set_channel(row.channel());
  for (const auto meaning : {ReplyMeaning::kStop, ReplyMeaning::kStart, ReplyMeaning::kWrongPerson,
                             ReplyMeaning::kUnsubscribe, ReplyMeaning::kStopAll, ReplyMeaning::kPause,
                             ReplyMeaning::kResume, ReplyMeaning::kHelp, ReplyMeaning::kOther}) {
    if (row.kind() == NameOf(meaning)) request.set_kind(KindOf(meaning));
  }
  return request;
}

void Desk::OnReplyDurable(Turn& turn, const std::string& id,
                          const customer::internal::v1::RecordReplyResponse& response, int64_t durable_ns) {
  auto at = replies_.find(id);
  if (at == replies_.end() || at->second.durable) return;
  Reply& reply = at->second;
  const bool noted = IsNoted(reply.request);
  if (!KeepText(turn, reply.content, reply.row)) {
    if (noted) return PutOffReply(id);  // nothing of it is kept yet
    base::Log(base::LogLevel::kWarning, "dispatch.reply_text_not_kept", {{"kind", reply.row.kind()}});
  }
  reply.durable = true;
  reply.content.Clear();
  if (!noted) reply.row.set_durable_time_ns(durable_ns);
  reply.row.set_endpoint(response.endpoint());
  reply.row.set_opt_out(response.opt_out());
  reply.row.set_changed(response.changed());
  reply.until_us = response.until_us();
  reply.request = RepeatOf(reply.row);
  const auto answered = HearOf(turn, reply.row, response);
  if (reply.row.kind() == NameOf(ReplyMeaning::kStart) && response.changed()) NoteStart(turn, reply.row);
  EnterInbox(turn, reply.row, answered, response.person());
  AcknowledgeInbound(turn, reply.bringer, reply.sequence);
  if (noted) replies_.erase(at);
}

bool Desk::HasOptedOut(Turn& turn, const record::v1::IntentKey& key) {
  const record::v1::IntentRow* intent = intents_.Load(turn, key);
  return intent != nullptr && intent->opted_out();
}

// Which campaign's message was answered, and its count of opt-outs.
std::optional<record::v1::IntentKey> Desk::HearOf(
    Turn& turn, record::v1::ReplyRow& row, const customer::internal::v1::RecordReplyResponse& response) {
  std::optional<record::v1::IntentKey> answered;
  if (row.has_unsubscribed()) {
    answered = row.unsubscribed();
    if (const auto intent = intents_.Load(turn, *answered)) row.set_endpoint(EmailOf(*intent));
  } else {
    answered = LastTo(turn, response.endpoint());
  }
  if (!answered) return answered;
  row.set_campaign(answered->campaign());
  if (!row.has_unsubscribed()) intents_.NoteResponse(turn, *answered, "REPLIED", row.channel());
  const bool by_link = row.has_unsubscribed();
  const bool opts_out = row.kind() == NameOf(ReplyMeaning::kStop) ||
                        row.kind() == NameOf(ReplyMeaning::kUnsubscribe) ||
                        row.kind() == NameOf(ReplyMeaning::kStopAll);
  // Who stops this and then everything by the same message is counted once.
  if (!response.changed() || !opts_out || (by_link && HasOptedOut(turn, *answered))) return answered;
  intents_.NoteResponse(turn, *answered, "OPTED_OUT", row.channel());
  auto& tally = intents_.Tally(turn, answered->campaign());
  tally.set_opted_out(tally.opted_out() + 1);
  record::v1::IntentRow* intent = intents_.Load(turn, *answered);
  if (intent == nullptr || intent->opted_out()) return answered;
  if (!intent->canary() && !by_link) return answered;
  intent->set_opted_out(true);
  intents_.Save(turn, *intent);
  if (intent->canary()) CountCanaryOf(turn, *intent, CanaryEvent::kOptedOut);
  return answered;
}

void Desk::OnReplyAcknowledged(Turn& turn, const std::string& id, int64_t acknowledged_ns) {
  auto at = replies_.find(id);
  if (at == replies_.end() || IsNoted(at->second.request)) return;
  at->second.row.set_acknowledged_time_ns(acknowledged_ns);
  SaveReply(turn, at->second.row);
  Confirm(turn, at->second);
  const Chosen chosen{at->second.row.opt_out(), at->second.until_us, at->second.row.changed()};
  turn.After([waiting = std::move(at->second.waiting), chosen] {
    for (const auto& done : waiting) done(chosen);
  });
  replies_.erase(at);
}

void Desk::OnReplyFailed(Turn& turn, const std::string& id, const absl::Status& status) {
  auto at = replies_.find(id);
  if (at == replies_.end()) return;
  // Customer knows nobody whom it could be about: asking again would change nothing.
  if (!absl::IsNotFound(status) && !absl::IsInvalidArgument(status)) {
    return at->second.request.kind() == customer::internal::v1::RESUME ? GiveUp(turn, id) : PutOffReply(id);
  }
  base::Log(base::LogLevel::kWarning, "dispatch.reply_about_nobody", {{"kind", at->second.row.kind()}});
  const bool kept = KeepText(turn, at->second.content, at->second.row);
  if (!kept && IsNoted(at->second.request)) return PutOffReply(id);
  EnterInbox(turn, at->second.row, std::nullopt, "");
  AcknowledgeInbound(turn, at->second.bringer, at->second.sequence);
  turn.After([waiting = std::move(at->second.waiting), status] {
    for (const auto& done : waiting) done(status);
  });
  replies_.erase(at);
}

void Desk::PutOffReply(const std::string& id) {
  auto at = replies_.find(id);
  if (at == replies_.end()) return;
  at->second.calling = false;
  at->second.not_before_us = clock_.BootMicros() + kReplyRetryMicros;
}

void Desk::RetryReplies() {
  const int64_t boot = clock_.BootMicros();
  auto calling =
      std::count_if(replies_.begin(), replies_.end(), [](const auto& reply) { return reply.second.calling; });
  for (const bool noted : {false, true}) {  // who opts out goes first
    for (auto& [id, reply] : replies_) {
      if (calling >= kMostCalls) return;
      if (IsNoted(reply.request) != noted || reply.calling || boot < reply.not_before_us) continue;
      CallCustomer(reply);
      ++calling;
    }
  }
}

bool Desk::TooManyNoted() const {
  if (replies_.size() < kMaxNoted) return false;
  return std::count_if(replies_.begin(), replies_.end(), [](const auto& reply) {
           return IsNoted(reply.second.request);
         }) >= static_cast<int64_t>(kMaxNoted);
}

// Who says START after a STOP is not told any more that they have been opted out.
void Desk::NoteStart(Turn& turn, const record::v1::ReplyRow& row) {
  const std::string key = EndpointContactKey(row.endpoint());
  auto contacts = LoadRow<record::v1::ContactRow>(turn, key).value_or(record::v1::ContactRow());
  contacts.set_start_received_time_ns(row.received_time_ns());
  contacts.set_start_durable_time_us(turn.now_us);
  storage::PutRecord(turn.tx, key, contacts);
}

// Why a confirmation that was planned does not go any more; empty: it does.
std::string Desk::ConfirmationOver(Turn& turn, const record::v1::IntentRow& intent) {
  const int64_t planned_us = intent.events_size() > 0 ? intent.events(0).time_us() : turn.now_us;
  if (turn.now_us - planned_us > kConfirmationMicros) return "EXPIRED";
  const auto contacts = LoadRow<record::v1::ContactRow>(turn, EndpointContactKey(intent.endpoint()));
  const bool started = contacts && contacts->start_durable_time_us() >= planned_us;
  return started ? "STARTED_AGAIN" : "";
}

// The one confirmation: an intent of a standing campaign whose step is the opt-out, so that there can be only
// one.
void Desk::Confirm(Turn& turn, const Reply& reply) {
  if (!reply.row.changed() || reply.row.kind() != NameOf(ReplyMeaning::kStop)) return;
  if (reply.row.channel() != type::v1::CHANNEL_SMS) return;  // a mail is not answered by a text
  const auto last = LastTo(turn, reply.row.endpoint());
  if (!last) return;  // we never wrote to this number
  if (intents_.Load(turn, *last) == nullptr) return;
  if (turn.now_us - reply.row.received_time_ns() / 1000 > kConfirmationMicros) return;
  const auto contacts = LoadRow<record::v1::ContactRow>(turn, EndpointContactKey(reply.row.endpoint()));
  if (contacts && contacts->start_received_time_ns() > reply.row.received_time_ns()) return;
  record::v1::IntentRow row;
  row.mutable_key()->set_campaign(kConfirmations);
  row.mutable_key()->set_step(reply.row.opt_out());
  row.mutable_key()->set_person(last->person());
  if (intents_.Load(turn, row.key()) != nullptr) return;
  row.set_channel(reply.row.channel());
  row.set_endpoint(reply.row.endpoint());
  row.set_sender(reply.row.sent_to());
  row.set_lane(0);
  row.set_due_time_us(turn.now_us);
  intents_.Enter(turn, row);
  ready_.Noted(row);
}

void Desk::SaveReply(Turn& turn, const record::v1::ReplyRow& row) {
  storage::PutRecord(turn.tx, ReplyKey(row.reply_id()), row);
  turn.tx.Put(ReplyOrderKey(row.received_time_ns(), row.reply_id()), "");
}

void Desk::AcknowledgeInbound(Turn& turn, const Bringer& bringer, uint64_t sequence) {
  if (bringer.life.empty()) {
    if (bringer.taken) turn.After(bringer.taken);
    return;
  }
  turn.After([this, life = bringer.life, sequence] {
    SessionPtr session = SessionOfLife(life);
    if (!session) return;  // it will repeat the message, and is answered then
    internal::v1::WorkResponse message;
    message.mutable_acknowledgement()->add_inbound(sequence);
    (void)session->outbox.TryPush(std::move(message));
  });
}

}  // namespace pharos::dispatch
