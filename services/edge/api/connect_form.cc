#include "services/edge/api/connect_form.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/util/json_util.h>
#include <openssl/evp.h>

#include <cctype>
#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>

#include "google/rpc/error_details.pb.h"
#include "services/base/errors.h"
#include "services/base/text.h"

namespace pharos::edge::api {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::Message;
using nlohmann::json;

constexpr char kEndFlag = 0x02, kCompressedFlag = 0x01;
constexpr size_t kEnvelopeHead = 5, kLongestTimeout = 10;
constexpr size_t kLongestFieldName = 64;
constexpr int kDeepestJson =
    64;  // of objects and lists within each other; messages of ours have fewer than ten

struct CodeRow {
  absl::StatusCode code;
  const char* name;
  int http;
};
constexpr CodeRow kCodes[] = {
    {absl::StatusCode::kCancelled, "canceled", 499},
    {absl::StatusCode::kUnknown, "unknown", 500},
    {absl::StatusCode::kInvalidArgument, "invalid_argument", 400},
    {absl::StatusCode::kDeadlineExceeded, "deadline_exceeded", 504},
    {absl::StatusCode::kNotFound, "not_found", 404},
    {absl::StatusCode::kAlreadyExists, "already_exists", 409},
    {absl::StatusCode::kPermissionDenied, "permission_denied", 403},
    {absl::StatusCode::kResourceExhausted, "resource_exhausted", 429},
    {absl::StatusCode::kFailedPrecondition, "failed_precondition", 400},
    {absl::StatusCode::kAborted, "aborted", 409},
    {absl::StatusCode::kOutOfRange, "out_of_range", 400},
    {absl::StatusCode::kUnimplemented, "unimplemented", 501},
    {absl::StatusCode::kInternal, "internal", 500},
    {absl::StatusCode::kUnavailable, "unavailable", 503},
    {absl::StatusCode::kDataLoss, "data_loss", 500},
    {absl::StatusCode::kUnauthenticated, "unauthenticated", 401},
};

const CodeRow& RowOf(absl::StatusCode code) {
  for (const CodeRow& row : kCodes) {
    if (row.code == code) return row;
  }
  return kCodes[1];
}

// Without padding, as Connect wants it.
std::string Base64(const std::string& bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(length));
  while (!text.empty() && text.back() == '=') text.pop_back();
  return text;
}

json Detail(const Message& detail, json debug) {
  return {{"type", detail.GetTypeName()},
          {"value", Base64(detail.SerializeAsString())},
          {"debug", std::move(debug)}};
}

json DetailsOf(const base::ErrorFacts& facts) {
  google::rpc::ErrorInfo info;
  info.set_reason(facts.reason);
  info.set_domain("pharos");
  info.mutable_metadata()->insert(facts.metadata.begin(), facts.metadata.end());
  json details = json::array();
  details.push_back(
      Detail(info, {{"reason", facts.reason}, {"domain", "pharos"}, {"metadata", json(facts.metadata)}}));
  if (facts.violations.empty()) return details;
  google::rpc::BadRequest bad;
  json fields = json::array();
  for (const base::FieldViolation& violation : facts.violations) {
    auto* added = bad.add_field_violations();
    added->set_field(violation.field);
    added->set_description(violation.description);
    fields.push_back({{"field", violation.field}, {"description", violation.description}});
  }
  details.push_back(Detail(bad, {{"fieldViolations", std::move(fields)}}));
  return details;
}

json ErrorOf(const absl::Status& status) {
  json error = {{"code", CodeOf(status.code())},
                {"message", std::string(status.message().data(), status.message().size())}};
  if (const auto facts = base::FactsOf(status); facts && !facts->reason.empty())
    error["details"] = DetailsOf(*facts);
  return error;
}

std::string Text(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

absl::Status BodyWrong(std::string_view words) {
  return base::MakeError(absl::StatusCode::kInvalidArgument, "BODY_WRONG", words);
}

std::unique_ptr<Message> New(const Descriptor& type) {
  const Message* prototype = google::protobuf::MessageFactory::generated_factory()->GetPrototype(&type);
  return std::unique_ptr<Message>(prototype->New());
}

// Too deep, or not JSON: protobuf's parser takes texts in single quotes too, which would hide brackets from
// us.
bool IsTooDeep(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '\'') {
      return true;
    } else if (c == '{' || c == '[') {
      if (++depth > kDeepestJson) return true;
    } else if (c == '}' || c == ']') {
      if (--depth < 0) return true;
    }
  }
  return false;
}

// The parser's words ("filter.nam: Cannot find field.") may quote what was sent: only a field's name is kept.
std::string UnknownField(const std::string& words) {
  const size_t end = words.find(": Cannot find field");
  if (end == std::string::npos) return "";
  size_t begin = end;
  const auto is_name = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
  };
  while (begin > 0 && end - begin < kLongestFieldName && is_name(words[begin - 1])) --begin;
  return begin == end ? "" : " It has no field \"" + words.substr(begin, end - begin) + "\".";
}

absl::Status ReadJson(std::string_view body, Message& message) {
  if (!base::IsUtf8(body)) return BodyWrong("The body is not UTF-8. Send JSON in UTF-8.");
  if (IsTooDeep(body))
    return BodyWrong("The JSON is nested too deep. Send the message that the documentation shows.");
  const auto status = google::protobuf::util::JsonStringToMessage(std::string(body), &message);
  if (status.ok()) return absl::OkStatus();
  return BodyWrong("The body is not the JSON of " + std::string(message.GetDescriptor()->full_name()) + "." +
                   UnknownField(std::string(status.message().data(), status.message().size())) +
                   " Compare it with /openapi.json.");
}

}  // namespace

std::optional<ContentType> ReadContentType(std::string_view text) {
  const std::string type = base::LowerAscii(base::TrimAscii(text.substr(0, text.find(';'))));
  for (const ContentType& known : {ContentType{Encoding::kJson, false}, ContentType{Encoding::kProto, false},
                                   ContentType{Encoding::kJson, true}, ContentType{Encoding::kProto, true}}) {
    if (type == ContentTypeOf(known)) return known;
  }
  return std::nullopt;
}

std::string_view ContentTypeOf(const ContentType& type) {
  if (type.encoding == Encoding::kJson) return type.stream ? "application/connect+json" : "application/json";
  return type.stream ? "application/connect+proto" : "application/proto";
}

std::string_view CodeOf(absl::StatusCode code) {
  return RowOf(code).name;
}

int HttpStatusOf(absl::StatusCode code) {
  return RowOf(code).http;
}

std::string ErrorBody(const absl::Status& status) {
  return Text(ErrorOf(status));
}

absl::StatusOr<int64_t> ReadTimeout(std::string_view text) {
  if (text.empty()) return 0;
  int64_t milliseconds = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), milliseconds);
  if (text.size() <= kLongestTimeout && read.ec == std::errc() && read.ptr == text.data() + text.size() &&
      milliseconds > 0)
    return milliseconds;
  return base::MakeError(absl::StatusCode::kInvalidArgument, "HEADER_WRONG",
                         "Connect-Timeout-Ms must be a number of milliseconds with at most ten digits.");
}

std::string Envelope(std::string_view message, bool end) {
  std::string text(1, end ? kEndFlag : '\0');
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(message.size() >> shift & 0xff);
  return text.append(message);
}

absl::StatusOr<std::string> OnlyMessage(std::string_view body) {
  if (body.size() < kEnvelopeHead)
    return BodyWrong(
        "The body of a stream is messages in envelopes: a byte of flags, four of length, the message.");
  if ((body[0] & kCompressedFlag) != 0) return BodyWrong("Compressed messages are not taken. Send it plain.");
  size_t length = 0;
  for (size_t i = 1; i < kEnvelopeHead; ++i) length = length << 8 | static_cast<uint8_t>(body[i]);
  if (length != body.size() - kEnvelopeHead)
    return BodyWrong("The envelope's length is not that of its message, or there is more than one message.");
  return std::string(body.substr(kEnvelopeHead));
}

std::string EndOfStream(const absl::Status& status) {
  return Envelope(status.ok() ? "{}" : Text({{"error", ErrorOf(status)}}), true);
}

absl::StatusOr<std::string> ToBytes(const Descriptor& type, Encoding encoding, std::string_view body) {
  if (encoding == Encoding::kProto) return std::string(body);  // the service reads it, once it knows who asks
  const auto message = New(type);
  PHAROS_RETURN_IF_ERROR(ReadJson(body.empty() ? "{}" : body, *message));
  return message->SerializeAsString();
}

absl::StatusOr<std::string> FromBytes(const Descriptor& type, Encoding encoding, std::string_view bytes) {
  if (encoding == Encoding::kProto) return std::string(bytes);
  const auto message = New(type);
  std::string text;
  if (message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) &&
      google::protobuf::util::MessageToJsonString(*message, &text).ok())
    return text;
  return base::MakeError(absl::StatusCode::kInternal, "ANSWER_UNREADABLE",
                         "The service's answer could not be written as JSON. Ask for application/proto.");
}

}  // namespace pharos::edge::api
