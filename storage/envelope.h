// The envelope round every stored value: format byte, key id, payload. Key id 0 = clear. Sealing under a data
// key comes with the access service and changes no format.
//   envelope := 0x01 key_id(varint) payload
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "storage/store.h"

namespace google::protobuf {
class MessageLite;
}

namespace pharos::storage {

std::string Wrap(std::string_view payload, uint64_t key_id = 0);
// DATA_LOSS if it is not an envelope; UNIMPLEMENTED if sealed under a key that this build cannot open.
absl::StatusOr<std::string_view> Unwrap(std::string_view envelope);

// Protobuf records, wrapped. Parse fails with DATA_LOSS.
std::string EncodeRecord(const google::protobuf::MessageLite& record);
absl::Status DecodeRecord(std::string_view envelope, google::protobuf::MessageLite& record);

// Reads a record: false if nothing is there.
absl::StatusOr<bool> GetRecord(Transaction& tx, std::string_view key, google::protobuf::MessageLite& record);
absl::StatusOr<bool> GetRecord(const View& view, std::string_view key, google::protobuf::MessageLite& record);
absl::StatusOr<bool> GetRecord(const Store& store, std::string_view key,
                               google::protobuf::MessageLite& record);
void PutRecord(Transaction& tx, std::string_view key, const google::protobuf::MessageLite& record);

}  // namespace pharos::storage
