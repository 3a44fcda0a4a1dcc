#include "tests/support/client.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <thread>

#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "pharos/customer/v1/import_service.grpc.pb.h"
#include "pharos/engagement/v1/engagement_service.grpc.pb.h"
#include "services/base/clock.h"
#include "services/base/ids.h"
#include "services/rpc/channel.h"
#include "tests/support/system.h"

namespace pharos::tests {
namespace {

namespace pb = google::protobuf;
namespace reflection = grpc::reflection::v1alpha;

constexpr int64_t kCallMs = 25'000;
constexpr int64_t kWatchMs = 60'000;
constexpr size_t kChunkBytes = 64 << 10;

void CheckTypes(std::string_view method, const pb::Message& request, const pb::Message& response) {
  std::string name = "pharos." + std::string(method);
  name[name.find('/')] = '.';
  const auto* found = pb::DescriptorPool::generated_pool()->FindMethodByName(name);
  ASSERT_NE(found, nullptr) << "there is no " << name;
  ASSERT_EQ(found->input_type(), request.GetDescriptor()) << name;
  ASSERT_EQ(found->output_type(), response.GetDescriptor()) << name;
}

std::string WithRequestId(const pb::Message& request) {
  std::unique_ptr<pb::Message> copy(request.New());
  copy->CopyFrom(request);
  const auto* field = copy->GetDescriptor()->FindFieldByName("request_id");
  if (field != nullptr && copy->GetReflection()->GetString(*copy, field).empty()) {
    copy->GetReflection()->SetString(copy.get(), field, base::NewId(WallNanos() / 1000));
  }
  return copy->SerializeAsString();
}

std::string BytesOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Valid() || !buffer.Dump(&slices).ok()) return bytes;
  for (const auto& slice : slices) bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

// A connection of its own. A channel whose server went away waits before it tries again; whoever needs to
// know at once that the server is back takes a fresh one.
std::shared_ptr<grpc::Channel> ConnectTo(int port) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(fmt::format("127.0.0.1:{}", port), grpc::InsecureChannelCredentials(),
                                   arguments);
}

}  // namespace

Client::Client(int port, std::string token)
    : port_(port), token_(std::move(token)), channel_(ConnectTo(port)) {}

absl::Status Client::Once(grpc::Channel& channel, std::string_view method, const std::string& bytes,
                          std::string& answer) const {
  grpc::ClientContext context;
  rpc::Prepare(context, {.token = token_,
                         .timeout_ms = kCallMs,
                         .request_id = request_id,
                         .on_behalf_of = on_behalf_of,
                         .purpose = purpose});
  grpc::CompletionQueue queue;
  grpc::GenericStub stub(std::shared_ptr<grpc::Channel>(std::shared_ptr<void>(), &channel));
  const grpc::Slice slice(bytes);
  const auto call =
      stub.PrepareUnaryCall(&context, "/pharos." + std::string(method), grpc::ByteBuffer(&slice, 1), &queue);
  call->StartCall();
  grpc::ByteBuffer buffer;
  grpc::Status status;
  call->Finish(&buffer, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  if (status.ok()) answer = BytesOf(buffer);
  return rpc::FromGrpc(status);
}

absl::Status Client::CallInto(std::string_view method, const pb::Message& request,
                              pb::Message& response) const {
  CheckTypes(method, request, response);
  const std::string bytes = WithRequestId(request);
  std::string answer;
  absl::Status status;
  auto channel = channel_;
  const auto answered = [&] {
    status = Once(*channel, method, bytes, answer);
    if (status.code() != absl::StatusCode::kUnavailable) return true;
    channel = ConnectTo(port_);
    return false;
  };
  Eventually(answered, patience_s);
  PHAROS_RETURN_IF_ERROR(status);
  return response.ParseFromString(answer) ? absl::OkStatus()
                                          : absl::DataLossError("the answer cannot be read");
}

absl::Status Client::CallRaw(std::string_view method, const std::string& bytes) const {
  std::string answer;
  return Once(*channel_, method, bytes, answer);
}

ImportResult Client::Import(const customer::v1::ImportHeader& header, const std::string& file,
                            const OnProgress& on_progress) const {
  namespace v1 = customer::v1;
  grpc::ClientContext context;
  rpc::Prepare(context, {.token = token_, .timeout_ms = kCallMs});
  const auto stub = v1::ImportService::NewStub(ConnectTo(port_));
  const auto stream = stub->ImportContacts(&context);
  std::thread writer([&] {
    v1::ImportContactsRequest request;
    *request.mutable_header() = header;
    bool open = stream->Write(request);
    for (size_t at = 0; open && at < file.size(); at += kChunkBytes) {
      request.set_data(file.substr(at, kChunkBytes));
      open = stream->Write(request);
    }
    stream->WritesDone();
  });
  ImportResult result;
  v1::ImportContactsResponse response;
  while (stream->Read(&response)) {
    if (response.has_row_error()) result.errors.push_back(response.row_error());
    if (response.has_progress()) result.summary = response.progress();
    if (response.has_progress() && on_progress) on_progress(response.progress());
    if (response.has_summary()) result.summary = response.summary(), result.complete = true;
  }
  writer.join();
  result.status = rpc::FromGrpc(stream->Finish());
  return result;
}

absl::Status Client::Watch(const std::string& campaign, const OnCounters& seen) const {
  grpc::ClientContext context;
  rpc::Prepare(context, {.token = token_, .timeout_ms = kWatchMs});
  const auto stub = engagement::v1::EngagementService::NewStub(ConnectTo(port_));
  engagement::v1::WatchCampaignRequest request;
  request.set_campaign(campaign);
  const auto stream = stub->WatchCampaign(&context, request);
  engagement::v1::Counters counters;
  bool enough = false;
  while (!enough && stream->Read(&counters)) enough = !seen(counters);
  context.TryCancel();
  const absl::Status status = rpc::FromGrpc(stream->Finish());
  return enough ? absl::OkStatus() : status;
}

absl::StatusOr<std::vector<std::string>> Client::ListServices() const {
  grpc::ClientContext context;
  rpc::Prepare(context, {.token = token_});
  const auto stub = reflection::ServerReflection::NewStub(channel_);
  const auto stream = stub->ServerReflectionInfo(&context);
  reflection::ServerReflectionRequest request;
  request.set_list_services("");
  reflection::ServerReflectionResponse response;
  const bool answered = stream->Write(request) && stream->Read(&response);
  stream->WritesDone();
  const absl::Status status = rpc::FromGrpc(stream->Finish());
  if (!answered) return status.ok() ? absl::InternalError("reflection did not answer") : status;
  std::vector<std::string> names;
  for (const auto& service : response.list_services_response().service()) names.push_back(service.name());
  return names;
}

absl::Status Client::DescribeSymbol(const std::string& symbol) const {
  grpc::ClientContext context;
  rpc::Prepare(context, {.token = token_});
  const auto stub = reflection::ServerReflection::NewStub(channel_);
  const auto stream = stub->ServerReflectionInfo(&context);
  reflection::ServerReflectionRequest request;
  request.set_file_containing_symbol(symbol);
  reflection::ServerReflectionResponse response;
  const bool answered = stream->Write(request) && stream->Read(&response);
  stream->WritesDone();
  PHAROS_RETURN_IF_ERROR(rpc::FromGrpc(stream->Finish()));
  if (!answered) return absl::InternalError("reflection did not answer");
  return response.has_error_response() ? absl::NotFoundError(symbol) : absl::OkStatus();
}

}  // namespace pharos::tests
