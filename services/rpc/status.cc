// absl::Status ↔ grpc::Status, with google.rpc.Status in the trailer grpc-status-details-bin (AIP-193).
#include <fmt/format.h>
#include <grpcpp/support/status.h>

#include <algorithm>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "services/base/errors.h"
#include "services/base/text.h"
#include "services/rpc/channel.h"

namespace pharos::rpc {
namespace {

constexpr std::string_view kDomain = "pharos";
constexpr size_t kMaxMessage = 1024;  // bytes; trailers of 8 KiB are what any client accepts
constexpr int64_t kMillisPerSecond = 1000;

std::string ReasonOfCode(absl::StatusCode code) {
  return absl::StatusCodeToString(code);
}

// Cut between characters.
std::string Shorten(std::string_view text) {
  if (text.size() <= kMaxMessage) return std::string(text);
  size_t end = kMaxMessage;
  while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "…";
}

void AddDetails(const base::ErrorFacts& facts, google::rpc::Status& out) {
  google::rpc::ErrorInfo info;
  info.set_reason(facts.reason);
  info.set_domain(std::string(kDomain));
  for (const auto& [key, value] : facts.metadata) (*info.mutable_metadata())[key] = value;
  out.add_details()->PackFrom(info);
  if (!facts.violations.empty()) {
    google::rpc::BadRequest bad;
    for (const auto& violation : facts.violations) {
      auto* added = bad.add_field_violations();
      added->set_field(violation.field);
      added->set_description(violation.description);
    }
    out.add_details()->PackFrom(bad);
  }
  if (facts.retry_after_ms > 0) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(facts.retry_after_ms / kMillisPerSecond);
    retry.mutable_retry_delay()->set_nanos(
        static_cast<int32_t>(facts.retry_after_ms % kMillisPerSecond * 1'000'000));
    out.add_details()->PackFrom(retry);
  }
}

base::ErrorFacts ReadDetails(const google::rpc::Status& status) {
  base::ErrorFacts facts;
  for (const auto& detail : status.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad;
    google::rpc::RetryInfo retry;
    if (detail.Is<google::rpc::ErrorInfo>() && detail.UnpackTo(&info)) {
      facts.reason = info.reason();
      facts.metadata.insert(info.metadata().begin(), info.metadata().end());
    } else if (detail.Is<google::rpc::BadRequest>() && detail.UnpackTo(&bad)) {
      for (const auto& v : bad.field_violations()) facts.violations.push_back({v.field(), v.description()});
    } else if (detail.Is<google::rpc::RetryInfo>() && detail.UnpackTo(&retry)) {
      facts.retry_after_ms =
          retry.retry_delay().seconds() * kMillisPerSecond + retry.retry_delay().nanos() / 1'000'000;
    }
  }
  return facts;
}

// What gRPC itself says without details.
absl::Status WithoutDetails(absl::StatusCode code, const std::string& message) {
  if (code == absl::StatusCode::kResourceExhausted && message.find("larger than max") != std::string::npos) {
    return base::MakeError(
        code, "MESSAGE_TOO_LARGE",
        fmt::format("A message may have at most 4 MiB; send less at a time. ({})", message),
        {{"limit_bytes", "4194304"}});
  }
  return base::MakeError(code, ReasonOfCode(code), message);
}

}  // namespace

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  base::ErrorFacts facts = base::FactsOf(status).value_or(base::ErrorFacts{});
  if (facts.reason.empty()) facts.reason = ReasonOfCode(status.code());
  const std::string message = Shorten(base::FromAbsl(status.message()));
  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(message);
  AddDetails(facts, details);
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), message, details.SerializeAsString());
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  google::rpc::Status details;
  if (status.error_details().empty() || !details.ParseFromString(status.error_details())) {
    return WithoutDetails(code, status.error_message());
  }
  base::ErrorFacts facts = ReadDetails(details);
  if (facts.reason.empty()) facts.reason = ReasonOfCode(code);
  return base::MakeError(code, status.error_message(), std::move(facts));
}

}  // namespace pharos::rpc
