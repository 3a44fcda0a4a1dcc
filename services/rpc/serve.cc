#include "services/rpc/serve.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <chrono>

#include "services/base/clock.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/log.h"
#include "services/rpc/channel.h"
#include "services/rpc/credentials.h"
#include "services/rpc/field_check.h"
#include "services/rpc/host.h"
#include "services/rpc/limits.h"
#include "services/rpc/metrics.h"
#include "services/rpc/policy.h"

namespace pharos::rpc {
namespace {

namespace pb = google::protobuf;

constexpr std::string_view kBearer = "Bearer ";
constexpr size_t kMaxRequestId = 128;

int64_t Now() {
  return base::Clock::System().BootMicros();
}

// First value of a metadata key, "" if there is none.
std::string Metadata(const grpc::ServerContext& context, const char* key) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find(key);
  return found == metadata.end() ? "" : std::string(found->second.data(), found->second.size());
}

class ServedCall final : public Call {
 public:
  ServedCall(const Host& host, grpc::ServerContext& context, const MethodRow& row, bool unary)
      : host_(host), context_(context), row_(row), unary_(unary) {
    method_ = row.method;
  }
  int64_t RemainingMicros() const override { return std::max<int64_t>(0, end_us_ - Now()); }
  bool cancelled() const override {
    return context_.IsCancelled() || (!unary_ && (host_.draining() || !StillAllowed().ok()));
  }
  void Cancel() override { context_.TryCancel(); }
  void EndsAt(int64_t boot_us) { end_us_ = boot_us; }
  void CalledWith(std::string token_digest) { token_digest_ = std::move(token_digest); }
  // Whether the caller might begin this call now: the token, its roles and the policy may have changed since
  // it began.
  absl::Status StillAllowed() const {
    PHAROS_ASSIGN_OR_RETURN(const Caller caller, host_.credentials().AuthenticateDigest(token_digest_));
    return Authorise(*host_.credentials().policy(), caller, row_.permission, row_.internal);
  }

 private:
  const Host& host_;
  grpc::ServerContext& context_;
  const MethodRow& row_;
  const bool unary_;
  std::string token_digest_;
  int64_t end_us_ = 0;
};

bool FitsHeader(std::string_view id) {
  return !id.empty() && id.size() <= kMaxRequestId &&
         std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

// A string field of the request, "" if it has none of this name.
std::string FieldOf(const pb::Message* request, const char* name) {
  if (request == nullptr) return "";
  const auto* field = request->GetDescriptor()->FindFieldByName(name);
  if (field == nullptr || field->is_repeated() || field->cpp_type() != pb::FieldDescriptor::CPPTYPE_STRING)
    return "";
  return request->GetReflection()->GetString(*request, field);
}

std::string RequestId(const grpc::ServerContext& context, const pb::Message* request) {
  for (const std::string& id : {FieldOf(request, "request_id"), Metadata(context, "x-request-id")}) {
    if (FitsHeader(id)) return id;
  }
  return base::NewId(base::Clock::System().WallMicros());
}

absl::StatusOr<Caller> Authenticate(const Host& host, const grpc::ServerContext& context, ServedCall& call) {
  const std::string header = Metadata(context, "authorization");
  if (!header.starts_with(kBearer)) {
    return base::MakeError(absl::StatusCode::kUnauthenticated, "CREDENTIAL_MISSING",
                           "Send a valid token in the metadata key \"authorization\" as \"Bearer <token>\".");
  }
  std::string digest = Credentials::DigestOf(std::string_view(header).substr(kBearer.size()));
  auto caller = host.credentials().AuthenticateDigest(digest);
  if (!caller.ok()) return caller.status();
  call.CalledWith(std::move(digest));
  const std::string principal = Metadata(context, "x-pharos-on-behalf-of");
  if (!caller->internal || principal.empty()) return *std::move(caller);
  if (base::Segment(principal, "principals").empty()) {
    return base::MakeError(absl::StatusCode::kInvalidArgument, "PRINCIPAL_WRONG",
                           "x-pharos-on-behalf-of must be \"principals/{principal}\".");
  }
  caller->principal = principal;
  return *std::move(caller);
}

// Micros from now until the client's deadline; nullopt if it set none.
std::optional<int64_t> MicrosLeft(const grpc::ServerContext& context) {
  const auto deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::microseconds>(deadline - std::chrono::system_clock::now())
      .count();
}

absl::Status SetDeadline(const grpc::ServerContext& context, bool unary, ServedCall& call) {
  const std::optional<int64_t> left = MicrosLeft(context);
  if (unary && !left.has_value()) {
    return base::MakeError(absl::StatusCode::kInvalidArgument, "DEADLINE_MISSING",
                           "Set a deadline on the call, at most 30 seconds.", {{"max_seconds", "30"}});
  }
  const int64_t most = unary ? kMaxUnaryMicros : kMaxStreamMicros;
  call.EndsAt(Now() + std::min(left.value_or(most), most));
  if (call.RemainingMicros() > 0) return absl::OkStatus();
  return base::MakeError(absl::StatusCode::kDeadlineExceeded, "DEADLINE_EXCEEDED",
                         "The deadline passed before the call began.");
}

// The metadata key, or else the request's own field, which CheckFields and the handler look at.
absl::StatusOr<std::string> PurposeOf(const grpc::ServerContext& context, const pb::Message* request) {
  const std::string named = Metadata(context, "x-pharos-purpose");
  if (named.empty()) {
    std::string own = FieldOf(request, "purpose");
    return base::Segment(own, "purposes").empty() ? std::string() : std::move(own);
  }
  if (base::IsChosenId(base::Segment(named, "purposes"))) return named;
  return base::MakeError(absl::StatusCode::kInvalidArgument, "PURPOSE_WRONG",
                         "x-pharos-purpose must be \"purposes/{purpose}\"; list the purposes.");
}

// Everything before the handler, in this order.
absl::Status Admit(const Host& host, grpc::ServerContext& context, const MethodRow& row, bool unary,
                   pb::Message* request, ServedCall& call) {
  PHAROS_ASSIGN_OR_RETURN(call.caller_, Authenticate(host, context, call));
  call.policy_ = host.credentials().policy();
  PHAROS_RETURN_IF_ERROR(Authorise(*call.policy_, call.caller_, row.permission, row.internal, row.instead));
  PHAROS_ASSIGN_OR_RETURN(call.purpose_, PurposeOf(context, request));
  PHAROS_RETURN_IF_ERROR(SetDeadline(context, unary, call));
  return request == nullptr ? absl::OkStatus() : CheckFields(*request);
}

absl::Status Draining() {
  base::ErrorFacts facts;
  facts.reason = "SERVER_DRAINING";
  facts.retry_after_ms = 1000;
  return base::MakeError(absl::StatusCode::kUnavailable, "The server is going down; try again.",
                         std::move(facts));
}

CallKind KindOf(const MethodRow& row, const Call& call, bool unary) {
  if (!unary) return row.internal ? CallKind::kEndless : CallKind::kPlain;
  return call.caller().internal ? CallKind::kNested : CallKind::kPlain;
}

// No audit entry, no data.
absl::Status Unaudited(const MethodRow& row) {
  return base::MakeError(
      absl::StatusCode::kInternal, "AUDIT_MISSING",
      fmt::format("{} answers with data of people and left no audit entry, so that its answer is "
                  "withheld. Report this as a fault of the program.",
                  row.method));
}

absl::Status RunBody(Host& host, grpc::ServerContext& context, const MethodRow& row, bool unary,
                     ServedCall& call, const StreamBody& body) {
  std::function<bool()> allowed;
  if (!unary) allowed = [&call] { return call.StillAllowed().ok(); };
  if (!host.Enter(context, KindOf(row, call, unary), std::move(allowed))) return Draining();
  InputCheck check;
  const absl::Status status = body(call, check);
  host.Leave(context);
  PHAROS_RETURN_IF_ERROR(check.error());
  if (!unary)
    PHAROS_RETURN_IF_ERROR(call.StillAllowed());  // what ended a stream of a revoked caller, in words
  if (status.ok() && row.reads_people && !call.audited()) return Unaudited(row);
  return status;
}

void Record(const ServedCall& call, const absl::Status& status, int64_t elapsed_us) {
  const std::string code = absl::StatusCodeToString(status.code());
  CountRpc(call.method(), code, static_cast<double>(elapsed_us) / 1e6);
  base::Log(status.code() == absl::StatusCode::kInternal ? base::LogLevel::kError : base::LogLevel::kInfo,
            "rpc",
            {{"method", call.method()},
             {"code", code},
             {"reason", base::ReasonOf(status)},
             {"principal", call.caller().principal},
             {"ms", static_cast<double>(elapsed_us) / 1e3},
             {"request_id", call.request_id()}});
}

grpc::Status Serve(Host* host, grpc::ServerContext& context, const MethodRow& row, bool unary,
                   pb::Message* request, const StreamBody& body) {
  if (host == nullptr)
    return grpc::Status(grpc::StatusCode::INTERNAL, "the service was not started with rpc::StartServer");
  const int64_t start = Now();
  ServedCall call(*host, context, row, unary);
  call.request_id_ = RequestId(context, request);
  context.AddInitialMetadata("x-request-id", call.request_id_);
  absl::Status status = Admit(*host, context, row, unary, request, call);
  if (status.ok()) status = RunBody(*host, context, row, unary, call, body);
  Record(call, status, Now() - start);
  return ToGrpc(status);
}

StreamBody WithoutInput(const Body& body) {
  return [&body](Call& call, InputCheck&) { return body(call); };
}

// gRPC owns the request and gives it to us only; clearing output-only fields in place spares a copy.
pb::Message* Own(const pb::Message& request) {
  return const_cast<pb::Message*>(&request);
}

}  // namespace

bool InputCheck::Accept(pb::Message& message) {
  absl::Status status = CheckFields(message);
  if (status.ok()) return true;
  base::MutexLock lock(mutex_);
  error_ = std::move(status);
  return false;
}

absl::Status InputCheck::error() const {
  base::MutexLock lock(mutex_);
  return error_;
}

grpc::Status ServeUnary(Host* host, grpc::ServerContext& context, const MethodRow& row,
                        const pb::Message& request, const Body& body) {
  return Serve(host, context, row, true, Own(request), WithoutInput(body));
}

grpc::Status ServeServerStream(Host* host, grpc::ServerContext& context, const MethodRow& row,
                               const pb::Message& request, const Body& body) {
  return Serve(host, context, row, false, Own(request), WithoutInput(body));
}

grpc::Status ServeStream(Host* host, grpc::ServerContext& context, const MethodRow& row,
                         const StreamBody& body) {
  return Serve(host, context, row, false, nullptr, body);
}

}  // namespace pharos::rpc
