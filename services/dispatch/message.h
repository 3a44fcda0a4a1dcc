// Single messages: their ids and how an intent names them. Pure.
//
// A message's id is a UUID of version 7 (RFC 9562, 5.7): 48 bits of milliseconds, then random ones. It is
// made from base::NewId, which has the same layout but for the six bits that say version and variant. Its
// intent's step is "{step}~{uuid}": the declared step that holds its text, and the message.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "pharos/dispatch/v1/message_service.pb.h"
#include "pharos/record/v1/dispatch.pb.h"
#include "services/content/email_text.h"
#include "services/content/template.h"

namespace pharos::dispatch {

inline constexpr size_t kMessageIdBytes = 16;

// 16 bytes.
std::string NewMessageId(int64_t wall_us);
// When it was made, microseconds since the epoch, in whole milliseconds: ids sort as these times do.
int64_t TimeOfMessage(std::string_view id);
// A UUID's text, in lower case, and its 16 bytes; "" unless it is one, in lower or upper case.
std::string UuidOf(std::string_view id);
std::string BytesOfUuid(std::string_view text);
// "messages/0198c5f2-…" and back; "" if the name has another shape.
std::string MessageName(std::string_view id);
std::string MessageIdOf(std::string_view name);
// Ids sorted the other way round: newest first.
std::string Complement(std::string_view id);

std::string MessageStep(std::string_view declared_step, std::string_view id);
bool IsMessageStep(std::string_view step);
// "1" of "1~0198c5f2-…", and of "1".
std::string DeclaredStep(std::string_view step);
// The message of an intent's step; "" if it is none.
std::string MessageIdOfStep(std::string_view step);

// Values by the names that templates know, of those that are needed only; what is missing is named.
struct Brought {
  std::map<std::string, std::string> values;
  std::vector<std::string> missing;
};
Brought TakeValues(const google::protobuf::Map<std::string, std::string>& personalisation,
                   const std::vector<std::string>& needed);

// What its intent says: state, reason, times.
void ShowIntent(const record::v1::IntentRow& intent, v1::Message& message);

}  // namespace pharos::dispatch
