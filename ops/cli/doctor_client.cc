#include "ops/cli/doctor_client.h"

#include <chrono>

#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/generic_stub.h"
#include "services/rpc/channel.h"

namespace pharos::cli {
namespace {

constexpr int64_t kPatienceMs = 2'000;

// grpc.health.v1.HealthCheckResponse {status: SERVING}: field 1, varint 1.
bool IsServing(grpc::ByteBuffer& answer) {
  grpc::Slice slice;
  if (!answer.DumpToSingleSlice(&slice).ok() || slice.size() != 2) return false;
  return slice.begin()[0] == 0x08 && slice.begin()[1] == 0x01;
}

}  // namespace

Answer AskHealth(const std::string& address) {
  auto channel = rpc::Connect(address);
  const auto end = std::chrono::system_clock::now() + std::chrono::milliseconds(kPatienceMs);
  const bool connected = channel->WaitForConnected(end);
  grpc::ClientContext context;
  rpc::CallOptions call;
  call.timeout_ms = kPatienceMs;
  rpc::Prepare(context, call);
  grpc::CompletionQueue queue;
  grpc::GenericStub stub(channel);
  grpc::Slice nothing;
  auto reader =
      stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", grpc::ByteBuffer(&nothing, 1), &queue);
  grpc::ByteBuffer answer;
  grpc::Status status;
  reader->StartCall();
  reader->Finish(&answer, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  if (status.ok()) return IsServing(answer) ? Answer::kServing : Answer::kNotServing;
  return connected ? Answer::kSomethingElse : Answer::kNobody;
}

}  // namespace pharos::cli
