#include "services/engagement/inbox_reply.h"

#include "services/engagement/errors.h"

namespace pharos::engagement {
namespace {

using record::v1::InboxRow;

// Pharos acts on these words and choices by itself.
bool IsActedOn(v1::ReplyKind kind) {
  return kind != v1::HELP && kind != v1::OTHER;
}

}  // namespace

v1::ReplyKind KindOf(std::string_view name) {
  v1::ReplyKind kind = v1::OTHER;
  const bool known = v1::ReplyKind_Parse(std::string(name), &kind);
  return known && kind != v1::REPLY_KIND_UNSPECIFIED ? kind : v1::OTHER;
}

InboxRow NewReply(const type::v1::ReplyEvent& event) {
  InboxRow row;
  row.set_name(event.reply());
  row.set_position(event.position());
  row.set_kind(KindOf(event.kind()));
  row.set_channel(event.channel());
  row.set_campaign(event.campaign());
  row.set_person(event.person());
  row.set_sender(event.sender());
  row.set_receive_time_us(event.receive_time_us());
  row.set_create_time_us(event.time_us());
  row.set_for_review(event.for_review());
  row.set_automatic(IsActedOn(static_cast<v1::ReplyKind>(row.kind())) && !event.for_review());
  row.set_state(row.automatic() ? v1::DEALT_WITH : v1::NEW);
  *row.mutable_readers() = event.readers();
  return row;
}

absl::StatusOr<std::optional<ReplyDecision>> Decide(const InboxRow& row, const ReplyCommand& command,
                                                    int64_t now_us) {
  if (!command.etag.empty() && command.etag != EtagOf(row)) return errors::ReplyChanged();
  const bool noting = command.note.has_value() && !(command.note->empty() && row.note().empty());
  if (noting && !command.note->empty() && row.forgotten()) return errors::ReplyForgotten();
  const bool moving = command.state != v1::REPLY_STATE_UNSPECIFIED && command.state != row.state();
  if (!moving && !noting) return std::optional<ReplyDecision>();
  ReplyDecision decision{row, "reply.noted"};
  if (noting) decision.row.set_note(*command.note);
  if (moving) {
    decision.row.set_state(command.state);
    decision.change = command.state == v1::NEW ? "reply.reopened" : "reply.dealtWith";
  }
  decision.row.set_revision(row.revision() + 1);
  decision.row.set_change_principal(command.principal);
  decision.row.set_change_time_us(now_us);
  return std::optional(std::move(decision));
}

void Forget(InboxRow& row) {
  row.set_forgotten(true);
  row.clear_note();
  row.clear_readers();
}

std::string EtagOf(const InboxRow& row) {
  return std::to_string(row.revision());
}

v1::Reply Show(const InboxRow& row) {
  v1::Reply reply;
  reply.set_name(row.name());
  reply.set_state(static_cast<v1::ReplyState>(row.state()));
  reply.set_kind(static_cast<v1::ReplyKind>(row.kind()));
  reply.set_channel(row.channel());
  reply.set_campaign(row.campaign());
  reply.set_person(row.person());
  reply.set_sender(row.sender());
  reply.set_receive_time_us(row.receive_time_us());
  reply.set_create_time_us(row.create_time_us());
  reply.set_for_review(row.for_review());
  reply.set_automatic(row.automatic());
  reply.set_change_principal(row.change_principal());
  reply.set_change_time_us(row.change_time_us());
  reply.set_etag(EtagOf(row));
  reply.set_forgotten(row.forgotten());
  return reply;
}

}  // namespace pharos::engagement
