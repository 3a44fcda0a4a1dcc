// The Connect protocol's form of calls over HTTP (https://connectrpc.com/docs/protocol, version 1): JSON or
// binary messages in plain POSTs, errors as JSON, streams in envelopes. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace google::protobuf {
class Descriptor;
}

namespace pharos::edge::api {

enum class Encoding { kJson, kProto };
struct ContentType {
  Encoding encoding = Encoding::kJson;
  bool stream = false;
};
// "application/json", "application/proto", "application/connect+json", "application/connect+proto", with or
// without "; charset=utf-8".
std::optional<ContentType> ReadContentType(std::string_view text);
std::string_view ContentTypeOf(const ContentType& type);

// "not_found" and 404, by Connect's table.
std::string_view CodeOf(absl::StatusCode code);
int HttpStatusOf(absl::StatusCode code);

// {"code", "message", "details": [{"type", "value", "debug"}]}: google.rpc.ErrorInfo and BadRequest as gRPC
// callers get them, and `debug` for people.
std::string ErrorBody(const absl::Status& status);

// Header Connect-Timeout-Ms: at most ten digits; 0 if there is none. INVALID_ARGUMENT (HEADER_WRONG).
absl::StatusOr<int64_t> ReadTimeout(std::string_view text);

// One message in a stream: a byte of flags, four of length (big-endian), the message.
std::string Envelope(std::string_view message, bool end = false);
// The one message of a request that is a stream. INVALID_ARGUMENT (BODY_WRONG).
absl::StatusOr<std::string> OnlyMessage(std::string_view body);
// What ends a stream: {} or {"error": …}.
std::string EndOfStream(const absl::Status& status);

// A body as a serialized message of that type, and back. INVALID_ARGUMENT (BODY_WRONG) says where the JSON is
// wrong without repeating values.
absl::StatusOr<std::string> ToBytes(const google::protobuf::Descriptor& type, Encoding encoding,
                                    std::string_view body);
absl::StatusOr<std::string> FromBytes(const google::protobuf::Descriptor& type, Encoding encoding,
                                      std::string_view bytes);

}  // namespace pharos::edge::api
