#include "services/rpc/key_client.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <algorithm>

#include "pharos/access/internal/v1/key_service.grpc.pb.h"
#include "services/base/errors.h"
#include "services/rpc/channel.h"

namespace pharos::rpc {
namespace {

namespace v1 = pharos::access::internal::v1;

constexpr size_t kBatch = 4096;           // what one call of KeyService may ask for
constexpr int64_t kTimeoutMs = 10'000;    // a batch takes milliseconds; past this access is in trouble
constexpr int64_t kRetryAfterMs = 1'000;  // access restarts within a second or so

absl::Status AccessAway() {
  base::ErrorFacts facts;
  facts.reason = "ACCESS_AWAY";
  facts.retry_after_ms = kRetryAfterMs;
  return base::MakeError(
      absl::StatusCode::kUnavailable,
      "The access service, which keeps the data keys, does not answer. Start it; then try again.", facts);
}

absl::Status WrongAnswer() {
  return base::MakeError(absl::StatusCode::kInternal, "KEYS_WRONG",
                         "The access service gave other keys than were asked for; check its version.");
}

class KeyClient final : public storage::KeySource {
 public:
  KeyClient(const std::shared_ptr<grpc::Channel>& access, std::string token)
      : stub_(v1::KeyService::NewStub(access)), token_(std::move(token)) {}

  absl::StatusOr<std::vector<storage::DataKey>> Create(size_t count) override {
    std::vector<storage::DataKey> keys;
    while (keys.size() < count) {
      v1::CreateKeysRequest request;
      request.set_count(static_cast<int32_t>(std::min(kBatch, count - keys.size())));
      v1::CreateKeysResponse response;
      PHAROS_RETURN_IF_ERROR(Ask(&v1::KeyService::Stub::CreateKeys, request, response));
      if (response.keys_size() != request.count()) return WrongAnswer();
      for (const auto& key : response.keys()) keys.push_back({key.id(), key.key()});
    }
    return keys;
  }

  absl::StatusOr<std::vector<storage::DataKey>> Fetch(const std::vector<uint64_t>& ids) override {
    std::vector<storage::DataKey> keys;
    while (keys.size() < ids.size()) {
      v1::GetKeysRequest request;
      const size_t end = std::min(ids.size(), keys.size() + kBatch);
      for (size_t i = keys.size(); i < end; ++i) request.add_ids(ids[i]);
      v1::GetKeysResponse response;
      PHAROS_RETURN_IF_ERROR(Ask(&v1::KeyService::Stub::GetKeys, request, response));
      if (response.keys_size() != request.ids_size()) return WrongAnswer();
      for (const auto& key : response.keys()) {
        if (key.id() != ids[keys.size()]) return WrongAnswer();
        keys.push_back({key.id(), key.key()});
      }
    }
    return keys;
  }

  absl::Status Destroy(const std::vector<uint64_t>& ids) {
    for (size_t at = 0; at < ids.size(); at += kBatch) {
      v1::DestroyKeysRequest request;
      for (size_t i = at; i < std::min(ids.size(), at + kBatch); ++i) request.add_ids(ids[i]);
      v1::DestroyKeysResponse response;
      PHAROS_RETURN_IF_ERROR(Ask(&v1::KeyService::Stub::DestroyKeys, request, response));
    }
    return absl::OkStatus();
  }

 private:
  template <typename Method, typename Request, typename Response>
  absl::Status Ask(Method method, const Request& request, Response& response) {
    grpc::ClientContext context;
    CallOptions options;
    options.token = token_;
    options.timeout_ms = kTimeoutMs;
    Prepare(context, options);
    const absl::Status status = FromGrpc((stub_.get()->*method)(&context, request, &response));
    const bool away = absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
    return away ? AccessAway() : status;
  }

  std::unique_ptr<v1::KeyService::Stub> stub_;
  const std::string token_;
};

}  // namespace

std::unique_ptr<storage::KeySource> MakeKeyClient(std::shared_ptr<grpc::Channel> access, std::string token) {
  return std::make_unique<KeyClient>(access, std::move(token));
}

std::function<absl::Status(const std::vector<uint64_t>&)> MakeKeyDestroyer(
    std::shared_ptr<grpc::Channel> access, std::string token) {
  auto client = std::make_shared<KeyClient>(access, std::move(token));
  return [client](const std::vector<uint64_t>& ids) { return client->Destroy(ids); };
}

}  // namespace pharos::rpc
