// A question as it is kept for audit. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pharos/record/v1/audience.pb.h"
#include "services/rpc/call.h"

namespace google::protobuf {
class Message;
}

namespace pharos::audience {

inline constexpr size_t kMostKeptAnswer = 64u << 10;  // bytes of JSON; longer ones are only digested

// Protobuf's mapping, with the field names of the proto.
std::string JsonOf(const google::protobuf::Message& message);
// False: it is no JSON of such a message.
bool ReadJson(const std::string& json, google::protobuf::Message& message);

// What was asked, by whom. The row has a name of its own.
record::v1::QueryRow QuestionRow(const rpc::Call& call, const google::protobuf::Message& request,
                                 const std::string& filter, int64_t now_us);
// What was answered. `answer` may have fields "position" and "query", which are not part of the digest.
void SetAnswer(const google::protobuf::Message& answer, record::v1::QueryRow& row);

// Whether it was a question of AudienceService's `method`, e.g. "CountAudience".
bool IsMethod(const record::v1::QueryRow& row, std::string_view method);
// The question, with the filter that was evaluated then and no wish for freshness. False: it was of another
// method, or in a form that this program does not know.
template <typename Request>
bool ReadQuestion(const record::v1::QueryRow& row, std::string_view method, Request& request) {
  if (!IsMethod(row, method) || !ReadJson(row.request(), request)) return false;
  request.set_filter(row.filter());
  request.set_min_position(0);
  return true;
}

// SHA-256 of the answer without its position and the name of the question.
std::string AnswerDigest(const google::protobuf::Message& answer);

}  // namespace pharos::audience
