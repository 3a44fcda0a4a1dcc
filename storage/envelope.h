// The envelope round every stored value.
//   envelope := 0x01 0x00 payload                            clear
//             | 0x02 key_id(varint, not 0) sealed payload    storage/seal.h
// Two format bytes, so that no single changed byte can make a sealed value read as a clear one.
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
// DATA_LOSS if it is not an envelope; UNIMPLEMENTED if it is sealed: storage/seal.h opens it.
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
