#include "ops/benchmarks/audience_client.h"

#include <google/protobuf/util/json_util.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/codegen/rpc_method.h>
#include <grpcpp/support/sync_stream.h>

#include <chrono>

#include "absl/strings/escaping.h"
#include "pharos/audience/v1/audience_service.pb.h"

namespace pharos::bench {
namespace {

using Clock = std::chrono::steady_clock;
using grpc::internal::RpcMethod;

constexpr int kMostBytes = 64 << 20;    // a table of 100,000 cells
constexpr int kDeadlineS = 25;          // the server's own bound is 30
constexpr size_t kPseudonymBytes = 16;  // as StreamAudienceResponse says
constexpr char kService[] = "/pharos.audience.v1.AudienceService/";

absl::Status StatusOf(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

template <typename Message>
absl::Status Read(const Question& question, Message& request) {
  const auto read = google::protobuf::util::JsonStringToMessage(question.request, &request);
  if (read.ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(question.name + ": " + std::string(read.message()));
}

void Append(const audience::v1::StreamAudienceResponse& part, std::string& ids) {
  for (const std::string& person : part.people()) ids += person + "\n";
  for (size_t at = 0; at < part.pseudonyms().size(); at += kPseudonymBytes)
    ids += absl::BytesToHexString(part.pseudonyms().substr(at, kPseudonymBytes)) + "\n";
}

}  // namespace

struct Asker::Line {
  std::shared_ptr<grpc::Channel> channel;
  std::string token;

  void Prepare(grpc::ClientContext& context) const {
    context.AddMetadata("authorization", "Bearer " + token);
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(kDeadlineS));
  }

  template <typename Request, typename Response>
  absl::Status Unary(const Question& question, Asked& asked) const {
    Request request;
    if (absl::Status status = Read(question, request); !status.ok()) return status;
    Response response;
    grpc::ClientContext context;
    Prepare(context);
    const std::string name = kService + question.method;
    const RpcMethod method(name.c_str(), RpcMethod::NORMAL_RPC, channel);
    const Clock::time_point begin = Clock::now();
    const grpc::Status status =
        grpc::internal::BlockingUnaryCall(channel.get(), method, &context, request, &response);
    Keep(begin, asked);
    if (!status.ok()) return StatusOf(status);
    asked.answer.clear();
    (void)google::protobuf::util::MessageToJsonString(response, &asked.answer);
    return absl::OkStatus();
  }

  absl::Status Stream(const Question& question, Asked& asked) const {
    audience::v1::StreamAudienceRequest request;
    if (absl::Status status = Read(question, request); !status.ok()) return status;
    grpc::ClientContext context;
    Prepare(context);
    const std::string name = kService + question.method;
    const RpcMethod method(name.c_str(), RpcMethod::SERVER_STREAMING, channel);
    std::vector<audience::v1::StreamAudienceResponse> parts(1);
    const Clock::time_point begin = Clock::now();
    const std::unique_ptr<grpc::ClientReader<audience::v1::StreamAudienceResponse>> reader(
        grpc::internal::ClientReaderFactory<audience::v1::StreamAudienceResponse>::Create(
            channel.get(), method, &context, request));
    while (reader->Read(&parts.back())) parts.emplace_back();
    const grpc::Status status = reader->Finish();
    Keep(begin, asked);
    asked.answer.clear();
    asked.ids = 0;
    for (const auto& part : parts) {
      asked.ids += static_cast<uint64_t>(part.people_size()) + part.pseudonyms().size() / kPseudonymBytes;
      Append(part, asked.answer);
    }
    return StatusOf(status);
  }

  static void Keep(Clock::time_point begin, Asked& asked) {
    asked.times_ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
  }
};

Asker::Asker(const std::string& target, std::string token) : line_(std::make_unique<Line>()) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMostBytes);
  line_->channel = grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
  line_->token = std::move(token);
}

Asker::~Asker() = default;

absl::Status Asker::Ask(const Question& question, Asked& asked) {
  using namespace audience::v1;
  if (question.method == "CountAudience")
    return line_->Unary<CountAudienceRequest, CountAudienceResponse>(question, asked);
  if (question.method == "BreakDownAudience")
    return line_->Unary<BreakDownAudienceRequest, BreakDownAudienceResponse>(question, asked);
  if (question.method == "StreamAudience") return line_->Stream(question, asked);
  return absl::InvalidArgumentError(question.method + " is no method that is measured");
}

}  // namespace pharos::bench
