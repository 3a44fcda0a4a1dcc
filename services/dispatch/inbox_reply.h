// A message from a person as the inbox knows it: its name, what is kept of its text, what the feed says of
// it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pharos/record/v1/dispatch.pb.h"
#include "pharos/type/v1/event.pb.h"

namespace pharos::dispatch {

// Kinds of the change-log entries whose facts are a ReplyEvent.
inline constexpr char kReplyReceived[] = "reply.received";
inline constexpr char kReplyForgotten[] = "reply.forgotten";

// Of a text, in bytes: some 50 parts of an SMS, so that a page of the inbox fits into one answer. The rest
// stands at the provider. What a text means is read from all of it.
inline constexpr size_t kMostReplyText = 8'192;
// Services that may read one text: a number that more of them share is shared by mistake.
inline constexpr int kMostReaders = 64;

// "replies/0198c5f2-…" and back, as messages are named; "" if the name has another shape.
std::string ReplyName(std::string_view id);
std::string ReplyIdOf(std::string_view name);

// Cut at a whole character (UTF-8).
std::string KeptText(std::string_view text);

// Our sender's number as we write it ("+44 …" and "44…" are one), to be compared.
bool IsSameSender(std::string_view a, std::string_view b);

// `answered`: the message that it answers. `holder`: who has the endpoint, if that is known.
type::v1::ReplyEvent EventOf(const record::v1::ReplyRow& row,
                             const std::optional<record::v1::IntentKey>& answered, std::string_view holder,
                             const std::vector<type::v1::ReplyReader>& readers, int64_t now_us);

}  // namespace pharos::dispatch
