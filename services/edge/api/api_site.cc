#include "services/edge/api/api_site.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>

#include "services/base/errors.h"
#include "services/edge/api/connect_form.h"
#include "services/edge/api/document.h"
#include "services/rpc/method.h"

namespace pharos::edge::api {
namespace {

using google::protobuf::MethodDescriptor;

constexpr int64_t kStreamWaitMs = 1'000;  // then it is looked whether the browser is still there

Response OfError(const absl::Status& status) {
  Response response;
  response.status = HttpStatusOf(status.code());
  response.content_type = "application/json";
  response.body = ErrorBody(status);
  if (absl::IsUnavailable(status) || absl::IsResourceExhausted(status)) {
    const auto facts = base::FactsOf(status);
    response.retry_after_s =
        facts && facts->retry_after_ms > 0 ? static_cast<int>((facts->retry_after_ms + 999) / 1000) : 1;
  }
  return response;
}

Response NotThere() {
  Response response = OfError(base::MakeError(absl::StatusCode::kUnimplemented, "METHOD_NOT_FOUND",
                                              "There is no such RPC. /openapi.json lists them."));
  response.status = 404;
  return response;
}

Response OfContentType(bool stream) {
  Response response;
  response.status = 415;
  response.headers.emplace_back("Accept-Post", stream ? "application/connect+json, application/connect+proto"
                                                      : "application/json, application/proto");
  response.body = stream ? "This RPC answers with a stream: send application/connect+json.\n"
                         : "Send application/json.\n";
  return response;
}

Credential WhoOf(const Request& request) {
  constexpr std::string_view kScheme = "Bearer ";
  Credential who;
  if (std::string_view(request.authorization).substr(0, kScheme.size()) == kScheme)
    who.token = request.authorization.substr(kScheme.size());
  who.purpose = request.Header("x-pharos-purpose");
  return who;
}

// One answer after the other in envelopes, until the service ends it or the caller goes.
class Pieces {
 public:
  Pieces(std::unique_ptr<BackendStream> stream, const google::protobuf::Descriptor* type, Encoding encoding)
      : stream_(std::move(stream)), type_(type), encoding_(encoding) {}

  bool Next(std::string& text) {
    std::string bytes;
    switch (stream_->Read(kStreamWaitMs, bytes)) {
      case BackendStream::Next::kNothingYet:
        return true;
      case BackendStream::Next::kEnd:
        text = EndOfStream(stream_->status());
        return false;
      case BackendStream::Next::kMessage:
        break;
    }
    const auto message = FromBytes(*type_, encoding_, bytes);
    text = message.ok() ? Envelope(*message) : EndOfStream(message.status());
    return message.ok();
  }

 private:
  const std::unique_ptr<BackendStream> stream_;
  const google::protobuf::Descriptor* const type_;
  const Encoding encoding_;
};

}  // namespace

Response ApiSite::Handle(const Request& request) {
  const MethodDescriptor* method = rpc::FindMethod(request.target.method);
  if (method == nullptr || rpc::IsInternal(*method) || method->client_streaming() ||
      !request.target.method.starts_with("/pharos."))
    return NotThere();
  if (!method->server_streaming() && WhoOf(request).token.empty())  // before anything is read for a stranger
    return OfError(base::MakeError(absl::StatusCode::kUnauthenticated, "CREDENTIAL_MISSING",
                                   "Send your access key: Authorization: Bearer …"));
  return method->server_streaming() ? Stream(request, *method) : Unary(request, *method);
}

Response ApiSite::Unary(const Request& request, const MethodDescriptor& method) const {
  const auto type = ReadContentType(request.content_type);
  if (!type || type->stream) return OfContentType(false);
  const auto timeout = ReadTimeout(request.Header("connect-timeout-ms"));
  if (!timeout.ok()) return OfError(timeout.status());
  const auto bytes = ToBytes(*method.input_type(), type->encoding, request.body);
  if (!bytes.ok()) return OfError(bytes.status());
  const int64_t wait = *timeout > 0 ? std::min(*timeout, kLongestMs) : Backend::kCallMs;
  const auto answer = backend_.CallBytes(WhoOf(request), request.target.method, *bytes, wait);
  if (!answer.ok()) return OfError(answer.status());
  auto body = FromBytes(*method.output_type(), type->encoding, *answer);
  if (!body.ok()) return OfError(body.status());
  Response response;
  response.content_type = ContentTypeOf(*type);
  response.body = *std::move(body);
  return response;
}

absl::StatusOr<std::unique_ptr<BackendStream>> ApiSite::Begin(const Request& request,
                                                              const MethodDescriptor& method,
                                                              Encoding encoding) const {
  if (WhoOf(request).token.empty())
    return base::MakeError(absl::StatusCode::kUnauthenticated, "CREDENTIAL_MISSING",
                           "Send your access key: Authorization: Bearer …");
  PHAROS_ASSIGN_OR_RETURN(const int64_t timeout, ReadTimeout(request.Header("connect-timeout-ms")));
  PHAROS_ASSIGN_OR_RETURN(const std::string message, OnlyMessage(request.body));
  PHAROS_ASSIGN_OR_RETURN(const std::string bytes, ToBytes(*method.input_type(), encoding, message));
  return backend_.Stream(WhoOf(request), request.target.method, bytes, timeout);
}

Response ApiSite::Stream(const Request& request, const MethodDescriptor& method) const {
  const auto type = ReadContentType(request.content_type);
  if (!type || !type->stream) return OfContentType(true);
  Response response;
  response.content_type = ContentTypeOf(*type);
  auto stream = Begin(request, method, type->encoding);
  if (!stream.ok()) {
    response.body = EndOfStream(stream.status());
    return response;
  }
  auto pieces = std::make_shared<Pieces>(*std::move(stream), method.output_type(), type->encoding);
  response.next = [pieces](std::string& text) { return pieces->Next(text); };
  return response;
}

Response ApiDocument::Handle(const Request&) {
  Response response;
  response.content_type = "application/json";
  response.body = Document();
  return response;
}

}  // namespace pharos::edge::api
