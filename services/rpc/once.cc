#include "services/rpc/once.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message.h>

#include "pharos/record/v1/change.pb.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"

namespace pharos::rpc {
namespace {

namespace pb = google::protobuf;

constexpr int64_t kRememberedMicros = int64_t{7} * 24 * 3600 * 1'000'000;

const pb::FieldDescriptor* RequestIdField(const pb::Message& request) {
  return request.GetDescriptor()->FindFieldByName("request_id");
}

// SHA-256 of the request without its id; maps in a fixed order.
std::string DigestOf(const pb::Message& request) {
  std::unique_ptr<pb::Message> copy(request.New());
  copy->CopyFrom(request);
  copy->GetReflection()->ClearField(copy.get(), RequestIdField(*copy));
  std::string bytes;
  {
    pb::io::StringOutputStream stream(&bytes);
    pb::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    copy->SerializeToCodedStream(&coded);
  }
  return base::Sha256(bytes);
}

std::string KeyOf(const Call& call, const std::string& request_id) {
  return storage::KeyWriter(storage::kRememberedTable)
      .String(call.caller().principal)
      .String(call.method())
      .String(request_id);
}

absl::Status Reused() {
  return base::MakeError(absl::StatusCode::kInvalidArgument, "REQUEST_ID_REUSED",
                         "This request_id came before with another body; use a new one for a new request.");
}

// True if `response` now holds the first answer.
template <typename From>
absl::StatusOr<bool> RecallFrom(From& from, const std::string& key, const std::string& digest, int64_t now_us,
                                pb::Message& response) {
  record::v1::RememberedAnswer answer;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(from, key, answer));
  if (!found || answer.time_us() < now_us - kRememberedMicros) return false;
  if (answer.request_digest() != digest) return Reused();
  if (!response.ParseFromString(answer.answer())) {
    return base::MakeError(absl::StatusCode::kDataLoss, "ANSWER_DAMAGED",
                           "A remembered answer cannot be read; check the store.");
  }
  return true;
}

record::v1::ChangeEntry Entry(std::string_view resource, std::string_view kind, uint64_t version,
                              int64_t now_us) {
  record::v1::ChangeEntry entry;
  entry.set_resource(std::string(resource));
  entry.set_kind(std::string(kind));
  entry.set_version(version);
  entry.set_time_us(now_us);
  return entry;
}

}  // namespace

FirstAnswer::FirstAnswer(const Call& call, const pb::Message& request, int64_t now_us) : now_us_(now_us) {
  const std::string request_id = request.GetReflection()->GetString(request, RequestIdField(request));
  if (request_id.empty()) return;
  key_ = KeyOf(call, request_id);
  digest_ = DigestOf(request);
}

absl::StatusOr<bool> FirstAnswer::Recall(const storage::Store& store, pb::Message& response) const {
  if (key_.empty()) return false;
  return RecallFrom(store, key_, digest_, now_us_, response);
}

absl::StatusOr<bool> FirstAnswer::Recall(storage::Transaction& tx, pb::Message& response) const {
  if (key_.empty()) return false;
  return RecallFrom(tx, key_, digest_, now_us_, response);
}

void FirstAnswer::Remember(storage::Transaction& tx, const pb::Message& response) const {
  if (key_.empty()) return;
  record::v1::RememberedAnswer answer;
  answer.set_request_digest(digest_);
  answer.set_answer(response.SerializeAsString());
  answer.set_time_us(now_us_);
  storage::PutRecord(tx, key_, answer);
}

absl::Status Once(Call& call, storage::Store& store, const pb::Message& request, pb::Message& response,
                  const std::function<absl::Status(storage::Transaction&)>& body, int64_t now_us) {
  const FirstAnswer answer(call, request, now_us);
  return store.Transact([&](storage::Transaction& tx) {
    response.Clear();  // an attempt before this one may have filled it
    PHAROS_ASSIGN_OR_RETURN(const bool answered, answer.Recall(tx, response));
    if (answered) return absl::OkStatus();
    PHAROS_RETURN_IF_ERROR(body(tx));
    answer.Remember(tx, response);
    return absl::OkStatus();
  });
}

std::string ChangeBy(const Call& call, std::string_view resource, std::string_view kind, uint64_t version,
                     int64_t now_us) {
  record::v1::ChangeEntry entry = Entry(resource, kind, version, now_us);
  entry.set_principal(call.caller().principal);
  entry.set_purpose(call.purpose());
  entry.set_rpc(call.method());
  entry.set_request_id(call.request_id());
  return entry.SerializeAsString();
}

std::string ChangeByLoop(std::string_view loop, std::string_view resource, std::string_view kind,
                         uint64_t version, int64_t now_us) {
  record::v1::ChangeEntry entry = Entry(resource, kind, version, now_us);
  entry.set_principal("principals/pharosd");
  entry.set_rpc(std::string(loop));
  return entry.SerializeAsString();
}

}  // namespace pharos::rpc
