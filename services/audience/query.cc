#include "services/audience/query.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message.h>
#include <google/protobuf/util/json_util.h>

#include <memory>

#include "services/base/ids.h"

namespace pharos::audience {
namespace {

namespace pb = google::protobuf;

void Clear(pb::Message& message, const char* field) {
  if (const auto* found = message.GetDescriptor()->FindFieldByName(field)) {
    message.GetReflection()->ClearField(&message, found);
  }
}

std::string Deterministic(const pb::Message& message) {
  std::string bytes;
  pb::io::StringOutputStream stream(&bytes);
  {
    pb::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

}  // namespace

record::v1::QueryRow QuestionRow(const rpc::Call& call, const pb::Message& request, const std::string& filter,
                                 int64_t now_us) {
  record::v1::QueryRow row;
  row.set_name("queries/" + base::NewId(now_us));
  row.set_principal(call.caller().principal);
  row.set_method(call.method());
  row.set_request(JsonOf(request));
  row.set_purpose(call.purpose());
  row.set_filter(filter);
  row.set_ask_time_us(now_us);
  return row;
}

void SetAnswer(const pb::Message& answer, record::v1::QueryRow& row) {
  row.set_answer_digest(AnswerDigest(answer));
  std::string json = JsonOf(answer);
  if (json.size() <= kMostKeptAnswer) row.set_answer(std::move(json));
}

bool IsMethod(const record::v1::QueryRow& row, std::string_view method) {
  return row.method() == fmt::format("/pharos.audience.v1.AudienceService/{}", method);
}

std::string AnswerDigest(const pb::Message& answer) {
  const std::unique_ptr<pb::Message> bare(answer.New());
  bare->CopyFrom(answer);
  Clear(*bare, "position");
  Clear(*bare, "query");
  return base::Sha256(Deterministic(*bare));
}

std::string JsonOf(const pb::Message& message) {
  pb::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  return pb::util::MessageToJsonString(message, &text, options).ok() ? text : "";
}

bool ReadJson(const std::string& json, pb::Message& message) {
  return pb::util::JsonStringToMessage(json, &message).ok();
}

}  // namespace pharos::audience
