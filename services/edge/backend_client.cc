#include "services/edge/backend_client.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>

#include "services/base/clock.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/rpc/channel.h"
#include "services/rpc/method.h"

namespace pharos::edge {
namespace {

using google::protobuf::Message;
using Pointer = void*;
using std::chrono::milliseconds;

constexpr size_t kLongestHeader = 1024;
constexpr int64_t kWholeStreamMs = 24ll * 3600 * 1000;  // a watch that nobody ends; the page asks anew

void Prepare(grpc::ClientContext& context, const Credential& who, int64_t timeout_ms) {
  rpc::CallOptions options;
  options.token = who.token;
  options.purpose = who.purpose;
  options.timeout_ms = timeout_ms > 0 ? timeout_ms : kWholeStreamMs;
  rpc::Prepare(context, options);
}

// What gRPC takes in a header without ending the process; a token and a purpose hold nothing else.
bool IsPlain(std::string_view text) {
  return text.size() <= kLongestHeader &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

absl::Status CheckCredential(const Credential& who) {
  if (!IsPlain(who.token))
    return base::MakeError(absl::StatusCode::kUnauthenticated, "CREDENTIAL_UNKNOWN",
                           "This access key is not known. Check that you copied all of it.");
  if (!IsPlain(who.purpose))
    return base::MakeError(absl::StatusCode::kInvalidArgument, "PURPOSE_WRONG",
                           "A purpose is a name such as purposes/access-requests.");
  return absl::OkStatus();
}

// gRPC's own words name addresses inside; ours come with details.
absl::Status WithoutAddresses(const absl::Status& status) {
  if (!absl::IsUnavailable(status) || base::ReasonOf(status) != "UNAVAILABLE") return status;
  return base::MakeError(absl::StatusCode::kUnavailable, "SERVICE_AWAY",
                         "The service that answers this is away. Try again in a minute.");
}

grpc::ByteBuffer BufferOf(const std::string& bytes) {
  grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

absl::Status BytesOf(const grpc::ByteBuffer& buffer, std::string& bytes) {
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok())
    return base::MakeError(absl::StatusCode::kInternal, "ANSWER_UNREADABLE",
                           "The service's answer could not be read. Try again.");
  bytes.clear();
  for (const grpc::Slice& slice : slices)
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return absl::OkStatus();
}

// One call on a completion queue of its own, step by step. Whatever is under way has ended when it is gone.
class Steps : public BackendStream {
 public:
  Steps(grpc::Channel* channel, const std::string& method, const Credential& who, int64_t timeout_ms)
      : stub_(std::shared_ptr<grpc::Channel>(std::shared_ptr<void>(), channel)) {
    Prepare(context_, who, timeout_ms);
    call_ = stub_.PrepareCall(&context_, method, &queue_);
  }
  ~Steps() override {
    context_.TryCancel();
    queue_.Shutdown();
    Pointer tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  bool Start() {
    return Step([&](Pointer tag) { call_->StartCall(tag); });
  }
  bool Write(const std::string& bytes) {
    return Step([&](Pointer tag) { call_->Write(BufferOf(bytes), tag); });
  }
  bool WritesDone() {
    return Step([&](Pointer tag) { call_->WritesDone(tag); });
  }

  Next Read(int64_t wait_ms, std::string& bytes) override {
    if (ended_) return Next::kEnd;
    if (!reading_) call_->Read(&received_, this);
    reading_ = true;
    Pointer tag = nullptr;
    bool ok = false;
    const auto until = std::chrono::system_clock::now() + milliseconds(wait_ms);
    if (queue_.AsyncNext(&tag, &ok, until) == grpc::CompletionQueue::TIMEOUT) return Next::kNothingYet;
    reading_ = false;
    if (!ok) return End();
    if (status_ = BytesOf(received_, bytes); !status_.ok()) return End();
    return Next::kMessage;
  }
  absl::Status status() const override { return status_; }
  // Reads while it writes: a service that answers each row would else wait for us, and we for it.
  absl::Status Exchange(const std::vector<std::string>& requests,
                        const std::function<absl::Status(const std::string& bytes)>& on_response) {
    size_t next = 0;
    WriteNext(requests, next);
    call_->Read(&received_, this);
    Pointer tag = nullptr;
    bool ok = false;
    std::string bytes;
    while (queue_.Next(&tag, &ok)) {
      if (tag == &writes_) {
        writing_ = false;
        if (ok) WriteNext(requests, next);
        continue;
      }
      if (!ok) break;
      PHAROS_RETURN_IF_ERROR(BytesOf(received_, bytes));
      PHAROS_RETURN_IF_ERROR(on_response(bytes));
      call_->Read(&received_, this);
    }
    if (writing_) queue_.Next(&tag, &ok);
    return Failed();
  }
  // Why a step failed.
  absl::Status Failed() {
    End();
    return status_;
  }

 private:
  void WriteNext(const std::vector<std::string>& requests, size_t& next) {
    if (next > requests.size()) return;
    writing_ = true;
    if (next == requests.size()) {
      call_->WritesDone(&writes_);
    } else {
      call_->Write(BufferOf(requests[next]), &writes_);
    }
    ++next;
  }
  template <typename Begin>
  bool Step(const Begin& begin) {
    begin(this);
    Pointer tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }
  Next End() {
    if (ended_) return Next::kEnd;
    ended_ = true;
    grpc::Status status;
    Step([&](Pointer tag) { call_->Finish(&status, tag); });
    if (status_.ok()) status_ = WithoutAddresses(rpc::FromGrpc(status));
    return Next::kEnd;
  }

  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  grpc::ByteBuffer received_;
  bool reading_ = false, writing_ = false, ended_ = false;
  char writes_ = 0;  // its address is the tag of writes
  absl::Status status_;
};

}  // namespace

Backend::Backend(std::map<std::string, std::shared_ptr<grpc::Channel>> channels)
    : channels_(std::move(channels)) {}
Backend::~Backend() = default;

absl::StatusOr<grpc::Channel*> Backend::ChannelOf(const std::string& method) const {
  const auto at = channels_.find(rpc::ServiceOf(method));
  if (at != channels_.end() && at->second != nullptr) return at->second.get();
  return base::MakeError(absl::StatusCode::kUnavailable, "SERVICE_AWAY",
                         "The service that answers this is not part of this deployment.");
}

absl::StatusOr<std::string> Backend::CallBytes(const Credential& who, const std::string& method,
                                               const std::string& request, int64_t timeout_ms) const {
  PHAROS_RETURN_IF_ERROR(CheckCredential(who));
  PHAROS_ASSIGN_OR_RETURN(grpc::Channel * channel, ChannelOf(method));
  grpc::ClientContext context;
  Prepare(context, who, timeout_ms);
  grpc::CompletionQueue queue;
  grpc::GenericStub stub(std::shared_ptr<grpc::Channel>(std::shared_ptr<void>(), channel));
  auto reader = stub.PrepareUnaryCall(&context, method, BufferOf(request), &queue);
  grpc::ByteBuffer received;
  grpc::Status status;
  reader->StartCall();
  reader->Finish(&received, &status, nullptr);
  Pointer tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  PHAROS_RETURN_IF_ERROR(WithoutAddresses(rpc::FromGrpc(status)));
  std::string bytes;
  PHAROS_RETURN_IF_ERROR(BytesOf(received, bytes));
  return bytes;
}

absl::Status Backend::Call(const Credential& who, const Message& given, Message* response,
                           int64_t timeout_ms) const {
  const auto* method = rpc::MethodOf(given);
  if (method == nullptr) return absl::InternalError("this message is no RPC's request");
  std::unique_ptr<Message> request(given.New());
  request->CopyFrom(given);
  rpc::FillRequestId(*request, base::NewId(base::Clock::System().WallMicros()));
  const std::string path = rpc::PathOf(*method), bytes = request->SerializeAsString();
  auto answer = CallBytes(who, path, bytes, timeout_ms);
  if (absl::IsUnavailable(answer.status()) && rpc::IsRepeatable(*method))
    answer = CallBytes(who, path, bytes, timeout_ms);
  PHAROS_RETURN_IF_ERROR(answer.status());
  if (response->ParseFromString(*answer)) return absl::OkStatus();
  return base::MakeError(absl::StatusCode::kInternal, "ANSWER_UNREADABLE",
                         "The service's answer could not be read. Try again.");
}

absl::StatusOr<std::unique_ptr<BackendStream>> Backend::Stream(const Credential& who,
                                                               const std::string& method,
                                                               const std::string& request,
                                                               int64_t timeout_ms) const {
  PHAROS_RETURN_IF_ERROR(CheckCredential(who));
  PHAROS_ASSIGN_OR_RETURN(grpc::Channel * channel, ChannelOf(method));
  auto steps = std::make_unique<Steps>(channel, method, who, timeout_ms);
  if (!steps->Start() || !steps->Write(request) || !steps->WritesDone()) return steps->Failed();
  return std::unique_ptr<BackendStream>(std::move(steps));
}

absl::Status Backend::Exchange(const Credential& who, const std::string& method,
                               const std::vector<std::string>& requests,
                               const std::function<absl::Status(const std::string& bytes)>& on_response,
                               int64_t timeout_ms) const {
  PHAROS_RETURN_IF_ERROR(CheckCredential(who));
  PHAROS_ASSIGN_OR_RETURN(grpc::Channel * channel, ChannelOf(method));
  Steps steps(channel, method, who, timeout_ms);
  if (!steps.Start()) return steps.Failed();
  return steps.Exchange(requests, on_response);
}

}  // namespace pharos::edge
