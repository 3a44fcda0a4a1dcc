// What a server tells about itself: health to everybody, its public API to callers with a credential.
#include "services/rpc/reflection.h"

#include <grpcpp/generic/generic_stub.h>

#include "gmock/gmock.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "services/rpc/test_server.h"

namespace pharos::rpc {
namespace {

namespace api = grpc::reflection::v1alpha;
using ::testing::ElementsAre;

class ReflectionTest : public ::testing::Test {
 protected:
  // One question; the status of the call goes to status_.
  api::ServerReflectionResponse Ask(const api::ServerReflectionRequest& request, const std::string& token) {
    auto stub = api::ServerReflection::NewStub(setup_.Tcp());
    grpc::ClientContext context;
    CallOptions options;
    options.token = token;
    Prepare(context, options);
    auto stream = stub->ServerReflectionInfo(&context);
    stream->Write(request);
    stream->WritesDone();
    api::ServerReflectionResponse response;
    stream->Read(&response);
    status_ = stream->Finish();
    return response;
  }
  api::ServerReflectionResponse AskSymbol(const std::string& symbol) {
    api::ServerReflectionRequest request;
    request.set_file_containing_symbol(symbol);
    return Ask(request, "token-of-analyst");
  }

  TestServer setup_;
  grpc::Status status_;
};

TEST_F(ReflectionTest, ListsPublicServicesOnly) {
  api::ServerReflectionRequest request;
  request.set_list_services("*");
  const auto response = Ask(request, "token-of-analyst");
  std::vector<std::string> names;
  for (const auto& service : response.list_services_response().service()) names.push_back(service.name());
  EXPECT_THAT(names, ElementsAre("pharos.customer.v1.SourceService", "pharos.customer.v1.ImportService",
                                 "grpc.reflection.v1alpha.ServerReflection"));
}

TEST_F(ReflectionTest, DescribesAServiceWithItsImports) {
  const auto response = AskSymbol("pharos.customer.v1.SourceService");
  EXPECT_GT(response.file_descriptor_response().file_descriptor_proto_size(), 1);
}

TEST_F(ReflectionTest, HidesWhatIsInternal) {
  for (const char* symbol :
       {"pharos.customer.internal.v1.FeedService", "pharos.customer.internal.v1.PersonState",
        "pharos.record.v1.ChangeEntry", "no.such.Thing"}) {
    EXPECT_EQ(AskSymbol(symbol).error_response().error_code(), grpc::StatusCode::NOT_FOUND) << symbol;
  }
}

TEST_F(ReflectionTest, NeedsACredential) {
  api::ServerReflectionRequest request;
  request.set_list_services("*");
  Ask(request, "");
  EXPECT_EQ(status_.error_code(), grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(ReflectionTest, HealthNeedsNone) {
  // grpc.health.v1.HealthCheckResponse {status: SERVING} on the wire: field 1, varint 1.
  grpc::GenericStub stub(setup_.Tcp());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  grpc::CompletionQueue queue;
  grpc::ByteBuffer response;
  auto call =
      stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", grpc::ByteBuffer(nullptr, 0), &queue);
  call->StartCall();
  call->Finish(&response, &status_, nullptr);
  void* tag = nullptr;
  bool ok = false;
  ASSERT_TRUE(queue.Next(&tag, &ok));
  ASSERT_TRUE(status_.ok()) << status_.error_message();
  grpc::Slice slice;
  ASSERT_TRUE(response.DumpToSingleSlice(&slice).ok());
  EXPECT_EQ(std::string(slice.begin(), slice.end()), std::string("\x08\x01"));
}

}  // namespace
}  // namespace pharos::rpc
