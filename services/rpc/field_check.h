// What the protos say about fields, enforced once by reflection: REQUIRED, OUTPUT_ONLY, Bounds, resource
// shapes, known enum values, UTF-8.
#pragma once

#include "absl/status/status.h"

namespace google::protobuf {
class Message;
}

namespace pharos::rpc {

// Clears OUTPUT_ONLY fields, then INVALID_ARGUMENT (FIELD_WRONG) with every violation (the first 16), or OK.
// Descriptions never quote the value.
absl::Status CheckFields(google::protobuf::Message& message);

}  // namespace pharos::rpc
