// The life of a reply in the inbox: NEW ⇄ DEALT_WITH. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "pharos/engagement/v1/inbox_service.pb.h"
#include "pharos/record/v1/engagement.pb.h"
#include "pharos/type/v1/event.pb.h"

namespace pharos::engagement {

// "STOP" …; one that is not known is OTHER: a person reads it.
v1::ReplyKind KindOf(std::string_view name);

// How a reply comes in: NEW, unless its words were plain and Pharos has acted on them itself.
record::v1::InboxRow NewReply(const type::v1::ReplyEvent& event);

// What a person does about one.
struct ReplyCommand {
  v1::ReplyState state = v1::REPLY_STATE_UNSPECIFIED;  // unspecified: as it is
  std::optional<std::string> note;                     // an envelope; "": none any more
  std::string etag;                                    // "": whatever it is
  std::string principal;
};
// What it is then, and the kind of its change-log entry ("reply.dealtWith", "reply.reopened", "reply.noted").
struct ReplyDecision {
  record::v1::InboxRow row;
  std::string_view change;
};
// ABORTED (REPLY_CHANGED); FAILED_PRECONDITION (REPLY_FORGOTTEN) for a note to what is not kept any more.
// What is so already stays as it is: nullopt.
absl::StatusOr<std::optional<ReplyDecision>> Decide(const record::v1::InboxRow& row,
                                                    const ReplyCommand& command, int64_t now_us);

// What it says is not kept any more, nor what was noted about it, nor whose text it was.
void Forget(record::v1::InboxRow& row);

std::string EtagOf(const record::v1::InboxRow& row);

// Without what is personal.
v1::Reply Show(const record::v1::InboxRow& row);

}  // namespace pharos::engagement
