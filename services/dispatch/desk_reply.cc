// Messages from people. A STOP is durable in customer before the connector may answer the provider, and
// confirmed to the person once customer has acknowledged it. If customer is away nothing is answered and the
// provider keeps the message.
#include <algorithm>

#include "services/base/ids.h"
#include "services/base/log.h"
#include "services/dispatch/desk.h"
#include "services/dispatch/tables.h"

namespace pharos::dispatch {
namespace {

constexpr int64_t kReplyRetryMicros = 300'000;
constexpr int64_t kMostCalls = 64;     // repeated at once, so that new replies find a free thread
constexpr size_t kMaxReplies = 4'000;  // unacknowledged at customer; past this the provider keeps them

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
    default:
      return customer::internal::v1::REPLY_KIND_UNSPECIFIED;
  }
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
  for (const auto& message : messages.messages()) OnMessage(turn, session, message);
}

void Desk::OnMessage(Turn& turn, const SessionPtr& session, const internal::v1::InboundMessage& message) {
  const std::string& life = session->hello.life();
  std::string id = ReplyIdOf(session, message);
  if (auto at = replies_.find(id); at != replies_.end()) {  // repeated while customer works on it
    at->second.connector_life = life;
    at->second.sequence = message.sequence();
    if (at->second.durable) AcknowledgeInbound(turn, life, message.sequence());
    return;
  }
  ReplyMeaning meaning = Classify(message.text());
  if (message.from().empty()) meaning = ReplyMeaning::kOther;  // nobody to opt out
  std::optional<record::v1::IntentKey> unsubscribed;
  if (!message.unsubscribe_attempt().empty()) {
    unsubscribed = IntentOfAttempt(turn, message.unsubscribe_attempt());
    meaning = unsubscribed ? ReplyMeaning::kUnsubscribe : ReplyMeaning::kOther;
    if (!unsubscribed) base::Log(base::LogLevel::kError, "dispatch.unsubscribe_unknown");
  }
  if (LoadRow<record::v1::ReplyRow>(turn, ReplyKey(id))) {
    if (meaning != ReplyMeaning::kStop) return AcknowledgeInbound(turn, life, message.sequence());
    // Not every provider marks its messages, so the same words from the same number may be said anew, with a
    // START in between. A STOP is asked of customer again: if nothing has changed since, that changes
    // nothing.
    id += "#" + std::to_string(message.received_time_us());
    if (const auto again = replies_.find(id);
        again != replies_.end()) {  // repeated while customer works on it
      if (again->second.durable) AcknowledgeInbound(turn, life, message.sequence());
      return;
    }
    if (LoadRow<record::v1::ReplyRow>(turn, ReplyKey(id)))
      return AcknowledgeInbound(turn, life, message.sequence());
  }
  record::v1::ReplyRow row;
  row.set_reply_id(id);
  row.set_kind(std::string(NameOf(meaning)));
  row.set_received_time_ns(clock_.WallNanos());
  row.set_sent_to(message.to());
  row.set_channel(session->hello.channel());
  if (KindOf(meaning) == customer::internal::v1::REPLY_KIND_UNSPECIFIED) {
    SaveReply(turn, row);
    AcknowledgeInbound(turn, life, message.sequence());
    return;
  }
  if (replies_.size() >= kMaxReplies) return;
  if (unsubscribed) *row.mutable_unsubscribed() = *unsubscribed;
  Reply& reply = replies_[id];
  reply.row = std::move(row);
  reply.connector_life = life;
  reply.sequence = message.sequence();
  reply.request.set_reply_id(id);
  reply.request.set_address(message.from());
  reply.request.set_channel(session->hello.channel());
  reply.request.set_kind(KindOf(meaning));
  reply.request.set_event_time_us(message.received_time_us());
  if (unsubscribed) {
    const Step* step = StepOf(turn, *unsubscribed);
    reply.request.clear_address();
    reply.request.set_person(unsubscribed->person());
    if (step != nullptr) reply.request.set_purpose(step->manifest.purpose());
  }
  CallCustomer(reply);
}

// Whose message an attempt was, whichever connector brings the mail.
std::optional<record::v1::IntentKey> Desk::IntentOfAttempt(Turn& turn, const std::string& attempt) {
  if (attempt.size() != kAttemptBytes) return std::nullopt;
  return LoadRow<record::v1::IntentKey>(turn, AttemptKey(attempt));
}

// Keyed, as the connector makes its id from the number and the text.
std::string Desk::ReplyIdOf(const SessionPtr& session, const internal::v1::InboundMessage& message) const {
  return base::ToHex(reference_key_.Of("reply", session->hello.connector() + "/" + message.id()));
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
  if (!called) PutOffReply(id);
}

customer::internal::v1::RecordReplyRequest Desk::RepeatOf(const record::v1::ReplyRow& row) {
  customer::internal::v1::RecordReplyRequest request;
  request.set_reply_id(row.reply_id());
  request.set_channel(row.channel());
  for (const auto meaning :
       {ReplyMeaning::kStop, ReplyMeaning::kStart, ReplyMeaning::kWrongPerson, ReplyMeaning::kUnsubscribe}) {
    if (row.kind() == NameOf(meaning)) request.set_kind(KindOf(meaning));
  }
  return request;
}

void Desk::OnReplyDurable(Turn& turn, const std::string& id,
                          const customer::internal::v1::RecordReplyResponse& response, int64_t durable_ns) {
  auto at = replies_.find(id);
  if (at == replies_.end() || at->second.durable) return;
  Reply& reply = at->second;
  reply.durable = true;
  reply.row.set_durable_time_ns(durable_ns);
  reply.row.set_endpoint(response.endpoint());
  reply.row.set_opt_out(response.opt_out());
  reply.row.set_changed(response.changed());
  reply.request = RepeatOf(reply.row);
  HearOf(turn, reply.row, response);
  SaveReply(turn, reply.row);
  AcknowledgeInbound(turn, reply.connector_life, reply.sequence);
}

// Which campaign's message was answered, and its count of opt-outs.
void Desk::HearOf(Turn& turn, record::v1::ReplyRow& row,
                  const customer::internal::v1::RecordReplyResponse& response) {
  std::optional<record::v1::IntentKey> answered;
  if (row.has_unsubscribed()) {
    answered = row.unsubscribed();
    if (const auto intent = intents_.Load(turn, *answered)) row.set_endpoint(EmailOf(*intent));
  } else {
    answered = LoadRow<record::v1::IntentKey>(turn, LastToKey(response.endpoint()));
  }
  if (!answered) return;
  row.set_campaign(answered->campaign());
  const bool opts_out =
      row.kind() == NameOf(ReplyMeaning::kStop) || row.kind() == NameOf(ReplyMeaning::kUnsubscribe);
  if (!response.changed() || !opts_out) return;
  auto& tally = intents_.Tally(turn, answered->campaign());
  tally.set_opted_out(tally.opted_out() + 1);
}

void Desk::OnReplyAcknowledged(Turn& turn, const std::string& id, int64_t acknowledged_ns) {
  auto at = replies_.find(id);
  if (at == replies_.end()) return;
  at->second.row.set_acknowledged_time_ns(acknowledged_ns);
  SaveReply(turn, at->second.row);
  Confirm(turn, at->second);
  replies_.erase(at);
}

void Desk::OnReplyFailed(Turn& turn, const std::string& id, const absl::Status& status) {
  auto at = replies_.find(id);
  if (at == replies_.end()) return;
  // Customer knows nobody whom it could be about: asking again would change nothing.
  if (!absl::IsNotFound(status) && !absl::IsInvalidArgument(status)) return PutOffReply(id);
  base::Log(base::LogLevel::kWarning, "dispatch.reply_about_nobody", {{"kind", at->second.row.kind()}});
  SaveReply(turn, at->second.row);
  AcknowledgeInbound(turn, at->second.connector_life, at->second.sequence);
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
  for (auto& [id, reply] : replies_) {
    if (calling >= kMostCalls) return;
    if (reply.calling || boot < reply.not_before_us) continue;
    CallCustomer(reply);
    ++calling;
  }
}

// The one confirmation: an intent of a standing campaign whose step is the opt-out, so that there can be only
// one.
void Desk::Confirm(Turn& turn, const Reply& reply) {
  if (!reply.row.changed() || reply.row.kind() != NameOf(ReplyMeaning::kStop)) return;
  if (reply.row.channel() != type::v1::CHANNEL_SMS) return;  // a mail is not answered by a text
  auto last = LoadRow<record::v1::IntentKey>(turn, LastToKey(reply.row.endpoint()));
  if (!last) return;  // we never wrote to this number
  auto answered = intents_.Load(turn, *last);
  if (!answered) return;
  record::v1::IntentRow row;
  row.mutable_key()->set_campaign(kConfirmations);
  row.mutable_key()->set_step(reply.row.opt_out());
  row.mutable_key()->set_person(last->person());
  if (intents_.Load(turn, row.key())) return;
  row.set_channel(reply.row.channel());
  row.set_endpoint(reply.row.endpoint());
  row.set_sender(reply.row.sent_to());
  row.set_lane(0);
  row.set_due_time_us(turn.now_us);
  intents_.Enter(turn, row);
}

void Desk::SaveReply(Turn& turn, const record::v1::ReplyRow& row) {
  storage::PutRecord(turn.tx, ReplyKey(row.reply_id()), row);
  turn.tx.Put(ReplyOrderKey(row.received_time_ns(), row.reply_id()), "");
}

void Desk::AcknowledgeInbound(Turn& turn, const std::string& connector_life, uint64_t sequence) {
  turn.After([this, connector_life, sequence] {
    SessionPtr session = SessionOfLife(connector_life);
    if (!session) return;  // it will repeat the message, and is answered then
    internal::v1::WorkResponse message;
    message.mutable_acknowledgement()->add_inbound(sequence);
    (void)session->outbox.TryPush(std::move(message));
  });
}

}  // namespace pharos::dispatch
