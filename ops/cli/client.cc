#include "ops/cli/client.h"

#include <chrono>
#include <fstream>
#include <thread>

#include "fmt/format.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "pharos/api/v1/options.pb.h"
#include "services/base/clock.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/text.h"
#include "services/rpc/channel.h"

namespace pharos::cli {
namespace {

using google::protobuf::Message;
using SteadyClock = std::chrono::steady_clock;

constexpr int64_t kCallTimeoutMs = 30'000;  // the server caps deadlines there
constexpr auto kFirstPause = std::chrono::milliseconds(50);
constexpr auto kLongestPause = std::chrono::milliseconds(800);

const google::protobuf::MethodDescriptor* FindMethod(const Message& request) {
  const auto* type = request.GetDescriptor();
  for (int s = 0; s < type->file()->service_count(); ++s) {
    const auto* service = type->file()->service(s);
    for (int m = 0; m < service->method_count(); ++m) {
      if (service->method(m)->input_type() == type) return service->method(m);
    }
  }
  return nullptr;
}

const google::protobuf::FieldDescriptor* TextField(const Message& message, const char* name) {
  const auto* field = message.GetDescriptor()->FindFieldByName(name);
  return field != nullptr && field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_STRING ? field
                                                                                                    : nullptr;
}

absl::StatusOr<std::string> ReadToken(const std::string& file) {
  std::ifstream stream(file);
  std::string line;
  if (!std::getline(stream, line)) {
    return base::MakeError(absl::StatusCode::kUnauthenticated, "TOKEN_FILE_UNREADABLE",
                           fmt::format("The token file {} cannot be read, or is empty.", file));
  }
  return std::string(base::TrimAscii(line));
}

}  // namespace

std::string MethodOf(const Message& request) {
  const auto* method = FindMethod(request);
  return method == nullptr ? "" : fmt::format("/{}/{}", method->service()->full_name(), method->name());
}

std::string ServiceOf(const std::string& method) {
  auto words = base::Split(method, '.');
  return words.size() > 1 ? words[1] : "";
}

std::string Client::AddressOf(const std::string& service) const {
  auto it = options_.addresses.find(service);
  return it == options_.addresses.end() ? options_.server : it->second;
}

std::shared_ptr<grpc::Channel> Client::channel(const std::string& service) {
  std::string address = AddressOf(service);
  auto& channel = channels_[address];
  if (channel == nullptr) channel = rpc::Connect(address);
  return channel;
}

absl::Status Client::Ready() {
  if (ready_) return absl::OkStatus();
  if (!options_.token_file.empty()) {
    PHAROS_ASSIGN_OR_RETURN(token_, ReadToken(options_.token_file));
  }
  ready_ = true;
  return absl::OkStatus();
}

absl::Status Client::CallOnce(const std::string& method, const Message& request, Message* response) {
  grpc::ClientContext context;
  rpc::CallOptions call;
  call.token = token_;
  call.timeout_ms = kCallTimeoutMs;
  call.purpose = options_.purpose;
  rpc::Prepare(context, call);
  grpc::ByteBuffer sent, received;
  bool own = false;
  grpc::Status status = grpc::GenericSerialize<grpc::ProtoBufferWriter, Message>(request, &sent, &own);
  if (!status.ok()) return rpc::FromGrpc(status);
  grpc::CompletionQueue queue;
  grpc::GenericStub stub(channel(ServiceOf(method)));
  auto reader = stub.PrepareUnaryCall(&context, method, sent, &queue);
  reader->StartCall();
  reader->Finish(&received, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  if (status.ok()) status = grpc::GenericDeserialize<grpc::ProtoBufferReader, Message>(&received, response);
  return rpc::FromGrpc(status);
}

absl::Status Client::Call(const Message& given, Message* response) {
  PHAROS_RETURN_IF_ERROR(Ready());
  const auto* method = FindMethod(given);
  std::unique_ptr<Message> request(given.New());
  request->CopyFrom(given);
  const auto* id = TextField(*request, "request_id");
  if (id != nullptr && request->GetReflection()->GetString(*request, id).empty()) {
    if (options_.request_id.empty()) options_.request_id = base::NewId(base::Clock::System().WallMicros());
    request->GetReflection()->SetString(request.get(), id, options_.request_id);
  }
  bool repeatable = id != nullptr || method->options().GetExtension(api::v1::policy).read_only();
  auto give_up = SteadyClock::now() + std::chrono::duration<double>(options_.patience_s);
  auto pause = kFirstPause;
  while (true) {
    absl::Status status = CallOnce(MethodOf(*request), *request, response);
    if (!absl::IsUnavailable(status) || !repeatable || SteadyClock::now() + pause > give_up) return status;
    if (pause == kFirstPause)
      on_wait(fmt::format("{} cannot be reached; trying again …", AddressOf(ServiceOf(MethodOf(*request)))));
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
}

absl::Status Client::EachPage(Message& request, Message* response,
                              const std::function<absl::Status()>& on_page) {
  const auto* token = TextField(request, "page_token");
  const auto* next = TextField(*response, "next_page_token");
  while (true) {
    response->Clear();
    PHAROS_RETURN_IF_ERROR(Call(request, response));
    PHAROS_RETURN_IF_ERROR(on_page());
    std::string page = response->GetReflection()->GetString(*response, next);
    if (page.empty()) return absl::OkStatus();
    request.GetReflection()->SetString(&request, token, page);
  }
}

}  // namespace pharos::cli
