#include "storage/envelope.h"

#include "fmt/format.h"
#include "google/protobuf/message_lite.h"
#include "services/base/errors.h"

namespace pharos::storage {
namespace {

constexpr char kClearFormat = 1, kSealedFormat = 2;
constexpr int kMaxVarintBytes = 10;

absl::Status NotAnEnvelope() {
  return base::MakeError(
      absl::StatusCode::kDataLoss, "STORE_VALUE_DAMAGED",
      "A stored value is not in the form that Pharos writes. Check the disk and restore the newest backup.");
}

// Takes a varint off the front; false if there is none.
bool TakeVarint(std::string_view& bytes, uint64_t& number) {
  number = 0;
  for (int i = 0; i < kMaxVarintBytes && !bytes.empty(); ++i) {
    const auto byte = static_cast<uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    number |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if ((byte & 0x80) == 0) return true;
  }
  return false;
}

template <typename Source>
absl::StatusOr<bool> ReadRecord(Source& source, std::string_view key, google::protobuf::MessageLite& record) {
  PHAROS_ASSIGN_OR_RETURN(const std::optional<std::string> value, source.Get(key));
  if (!value) return false;
  PHAROS_RETURN_IF_ERROR(DecodeRecord(*value, record));
  return true;
}

}  // namespace

std::string Wrap(std::string_view payload, uint64_t key_id) {
  std::string envelope(1, key_id == 0 ? kClearFormat : kSealedFormat);
  envelope.reserve(payload.size() + 2);
  for (; key_id >= 0x80; key_id >>= 7) envelope.push_back(static_cast<char>(key_id | 0x80));
  envelope.push_back(static_cast<char>(key_id));
  envelope.append(payload);
  return envelope;
}

absl::StatusOr<std::string_view> Unwrap(std::string_view envelope) {
  if (envelope.empty()) return NotAnEnvelope();
  const char format = envelope.front();
  envelope.remove_prefix(1);
  uint64_t key_id = 0;
  if (!TakeVarint(envelope, key_id)) return NotAnEnvelope();
  if (format != (key_id == 0 ? kClearFormat : kSealedFormat)) return NotAnEnvelope();
  if (key_id != 0) {
    return base::MakeError(
        absl::StatusCode::kUnimplemented, "STORE_VALUE_SEALED",
        fmt::format(
            "A stored value is sealed under data key {}, which this version of Pharos cannot open. Start the "
            "version that wrote it.",
            key_id),
        {{"key_id", fmt::format("{}", key_id)}});
  }
  return envelope;
}

std::string EncodeRecord(const google::protobuf::MessageLite& record) {
  std::string envelope = Wrap("");
  record.AppendToString(&envelope);
  return envelope;
}

absl::Status DecodeRecord(std::string_view envelope, google::protobuf::MessageLite& record) {
  PHAROS_ASSIGN_OR_RETURN(const std::string_view payload, Unwrap(envelope));
  if (!record.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) return NotAnEnvelope();
  return absl::OkStatus();
}

absl::StatusOr<bool> GetRecord(Transaction& tx, std::string_view key, google::protobuf::MessageLite& record) {
  return ReadRecord(tx, key, record);
}
absl::StatusOr<bool> GetRecord(const View& view, std::string_view key,
                               google::protobuf::MessageLite& record) {
  return ReadRecord(view, key, record);
}
absl::StatusOr<bool> GetRecord(const Store& store, std::string_view key,
                               google::protobuf::MessageLite& record) {
  return ReadRecord(store, key, record);
}
void PutRecord(Transaction& tx, std::string_view key, const google::protobuf::MessageLite& record) {
  tx.Put(key, EncodeRecord(record));
}

}  // namespace pharos::storage
