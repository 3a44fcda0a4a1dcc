// What a client meets round every RPC, over a real server: once over TCP, once in process.
#include "services/rpc/serve.h"

#include <thread>

#include "gmock/gmock.h"
#include "services/rpc/test_server.h"

namespace pharos::rpc {
namespace {

using ::testing::HasSubstr;

class ServeTest : public ::testing::TestWithParam<bool> {
 protected:
  ServeTest()
      : channel_(GetParam() ? setup_.server->InProcess() : setup_.Tcp()),
        stub_(v1::SourceService::NewStub(channel_)) {}

  static CallOptions As(const std::string& role) {
    CallOptions options;
    options.token = role.empty() ? "" : "token-of-" + role;
    return options;
  }
  absl::Status Create(const CallOptions& options, const v1::CreateSourceRequest& request,
                      v1::Source* response = nullptr) {
    grpc::ClientContext context;
    Prepare(context, options);
    v1::Source unused;
    const grpc::Status status = stub_->CreateSource(&context, request, response ? response : &unused);
    const auto& metadata = context.GetServerInitialMetadata();
    const auto found = metadata.find("x-request-id");
    request_id_ = found == metadata.end() ? "" : std::string(found->second.data(), found->second.size());
    return FromGrpc(status);
  }
  absl::Status Get(const CallOptions& options, const std::string& name) {
    grpc::ClientContext context;
    Prepare(context, options);
    v1::GetSourceRequest request;
    request.set_name(name);
    v1::Source response;
    return FromGrpc(stub_->GetSource(&context, request, &response));
  }
  static v1::CreateSourceRequest Good() {
    v1::CreateSourceRequest request;
    request.set_source_id("staff");
    request.mutable_source()->set_audience_kind(pharos::type::v1::AUDIENCE_KIND_INTERNAL);
    return request;
  }
  // The only violation's field, or "".
  static std::string WrongField(const absl::Status& status) {
    const auto facts = base::FactsOf(status);
    return facts && facts->violations.size() == 1 ? facts->violations[0].field : "";
  }

  TestServer setup_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::SourceService::Stub> stub_;
  std::string request_id_;
};

INSTANTIATE_TEST_SUITE_P(Channels, ServeTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "InProcess" : "Tcp"; });

TEST_P(ServeTest, ServesACallerWithTheRight) {
  v1::Source response;
  EXPECT_TRUE(Create(As("operator"), Good(), &response).ok());
  EXPECT_EQ(response.name(), "sources/staff");
  EXPECT_EQ(setup_.sources.principal, "principals/operator");
}

TEST_P(ServeTest, RefusesWithoutCredential) {
  const absl::Status status = Create(As(""), Good());
  EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(base::ReasonOf(status), "CREDENTIAL_MISSING");
}

TEST_P(ServeTest, RefusesAnUnknownCredentialWithTheSameWords) {
  const absl::Status unknown = Create(As("nobody"), Good());
  EXPECT_EQ(unknown.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(base::ReasonOf(unknown), "CREDENTIAL_UNKNOWN");
  EXPECT_EQ(unknown.message(), Create(As(""), Good()).message());
}

TEST_P(ServeTest, DeniesTheWrongRoleAndNamesThePermission) {
  const absl::Status status = Create(As("analyst"), Good());
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(status.message()), HasSubstr("sources.write"));
}

TEST_P(ServeTest, AuthorisesBeforeItValidates) {
  EXPECT_EQ(Create(As("analyst"), v1::CreateSourceRequest()).code(), absl::StatusCode::kPermissionDenied);
}

TEST_P(ServeTest, WantsADeadline) {
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer token-of-operator");
  v1::Source response;
  const absl::Status status = FromGrpc(stub_->CreateSource(&context, Good(), &response));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(base::ReasonOf(status), "DEADLINE_MISSING");
}

TEST_P(ServeTest, CapsTheDeadlineAtThirtySeconds) {
  CallOptions options = As("operator");
  options.timeout_ms = 3'600'000;
  EXPECT_TRUE(Create(options, Good()).ok());
  EXPECT_LE(setup_.sources.remaining_us, 30'000'000);
  EXPECT_GT(setup_.sources.remaining_us, 20'000'000);
  options.timeout_ms = 5'000;
  EXPECT_TRUE(Create(options, Good()).ok());
  EXPECT_LE(setup_.sources.remaining_us, 5'500'000);  // gRPC rounds up what it sends
}

TEST_P(ServeTest, NamesEveryWrongFieldAtOnce) {
  v1::CreateSourceRequest request;
  request.mutable_source()->set_owner(std::string(201, 'x'));
  request.mutable_source()->set_trust(101);
  const absl::Status status = Create(As("operator"), request);
  EXPECT_EQ(base::ReasonOf(status), "FIELD_WRONG");
  const base::ErrorFacts facts = base::FactsOf(status).value_or(base::ErrorFacts{});
  std::vector<std::string> fields;
  for (const auto& violation : facts.violations) fields.push_back(violation.field);
  EXPECT_THAT(fields, ::testing::UnorderedElementsAre("source_id", "source.audience_kind", "source.owner",
                                                      "source.trust"));
  EXPECT_THAT(std::string(status.message()), ::testing::Not(HasSubstr("xxx")));  // never the value
}

TEST_P(ServeTest, RefusesATextThatIsTooLong) {
  v1::CreateSourceRequest request = Good();
  request.set_source_id(std::string(64, 'a'));
  EXPECT_EQ(WrongField(Create(As("operator"), request)), "source_id");
}

TEST_P(ServeTest, RefusesANameOfAnotherShape) {
  for (const char* name : {"people/x", "sources/", "sources/x/y", "sources/a b", "sources/\xC3\xA9"}) {
    EXPECT_EQ(WrongField(Get(As("operator"), name)), "name") << name;
  }
}

TEST_P(ServeTest, ClearsWhatOnlyTheServerSets) {
  v1::CreateSourceRequest request = Good();
  request.mutable_source()->set_create_time_us(5);
  v1::Source response;
  EXPECT_TRUE(Create(As("operator"), request, &response).ok());
  EXPECT_EQ(response.create_time_us(), 0);
}

TEST_P(ServeTest, CarriesTheFactsOfAnError) {
  const absl::Status status = Get(As("operator"), "sources/none");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "There is no such source; list them.");
  const auto facts = base::FactsOf(status);
  ASSERT_TRUE(facts.has_value());
  EXPECT_EQ(facts->reason, "SOURCE_NOT_FOUND");
  EXPECT_EQ(facts->metadata.at("source"), "sources/none");
  EXPECT_EQ(facts->violations.at(0).field, "name");
  EXPECT_EQ(facts->retry_after_ms, 1500);
}

TEST_P(ServeTest, GivesAReasonToEveryError) {
  EXPECT_EQ(base::ReasonOf(Get(As("operator"), "sources/plain")), "INTERNAL");
}

TEST_P(ServeTest, ReturnsTheRequestId) {
  v1::CreateSourceRequest request = Good();
  request.set_request_id("mine-1");
  EXPECT_TRUE(Create(As("operator"), request).ok());
  EXPECT_EQ(request_id_, "mine-1");

  CallOptions options = As("operator");
  options.request_id = "header-1";
  EXPECT_TRUE(Create(options, Good()).ok());
  EXPECT_EQ(request_id_, "header-1");

  EXPECT_TRUE(Create(As("operator"), Good()).ok());
  EXPECT_EQ(request_id_.size(), 26u);
}

TEST_P(ServeTest, BelievesOnlyServicesOnBehalfOf) {
  CallOptions options = As("service");
  options.on_behalf_of = "principals/ada";
  EXPECT_TRUE(Create(options, Good()).ok());
  EXPECT_EQ(setup_.sources.principal, "principals/ada");

  options.token = "token-of-operator";
  EXPECT_TRUE(Create(options, Good()).ok());
  EXPECT_EQ(setup_.sources.principal, "principals/operator");
}

TEST_P(ServeTest, TellsAHandlerOfFurtherRights) {
  for (const auto& [role, name] :
       {std::pair{"governance", "sources/personal"}, {"marketing", "sources/basic"}}) {
    grpc::ClientContext context;
    Prepare(context, As(role));
    v1::ListSourcesResponse response;
    ASSERT_TRUE(stub_->ListSources(&context, {}, &response).ok());
    EXPECT_EQ(response.sources(0).name(), name);
  }
}

TEST_P(ServeTest, RefusesAMessageOfFiveMebibytes) {
  v1::CreateSourceRequest request = Good();
  request.mutable_source()->set_owner(std::string(5 << 20, 'x'));
  const absl::Status status = Create(As("operator"), request);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(base::ReasonOf(status), "MESSAGE_TOO_LARGE");
  EXPECT_THAT(std::string(status.message()), HasSubstr("4 MiB"));
}

TEST_P(ServeTest, KeepsInternalCallsToServices) {
  auto stub = internal_v1::FeedService::NewStub(channel_);
  internal_v1::GetPositionResponse response;
  grpc::ClientContext operator_context, service_context;
  Prepare(operator_context, As("operator"));
  EXPECT_EQ(stub->GetPosition(&operator_context, {}, &response).error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  Prepare(service_context, As("service"));
  EXPECT_TRUE(stub->GetPosition(&service_context, {}, &response).ok());
}

TEST_P(ServeTest, StreamsAMebibyteAtATime) {
  auto stub = v1::ImportService::NewStub(channel_);
  grpc::ClientContext context;
  Prepare(context, As("partner"));
  auto stream = stub->ImportContacts(&context);
  v1::ImportContactsRequest request;
  request.set_data(std::string(1 << 20, 'x'));
  EXPECT_TRUE(stream->Write(request));
  EXPECT_TRUE(stream->Write(request));
  stream->WritesDone();
  v1::ImportContactsResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.summary().rows(), 2 << 20);
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_P(ServeTest, ChecksEachMessageOfAStream) {
  auto stub = v1::ImportService::NewStub(channel_);
  grpc::ClientContext context;
  Prepare(context, As("partner"));
  auto stream = stub->ImportContacts(&context);
  v1::ImportContactsRequest request;
  request.set_data(std::string((1 << 20) + 1, 'x'));
  stream->Write(request);
  stream->WritesDone();
  v1::ImportContactsResponse response;
  while (stream->Read(&response)) {
  }
  EXPECT_EQ(WrongField(FromGrpc(stream->Finish())), "data");
}

// A handler that calls its own server must not wait for a thread that waits for it.
TEST_P(ServeTest, HasAThreadForEveryCall) {
  std::vector<std::thread> callers;
  constexpr int kCalls = 8;
  for (int i = 0; i < kCalls; ++i)
    callers.emplace_back([&] { EXPECT_TRUE(Get(As("operator"), "sources/slow").ok()); });
  int entered = 0;
  while (entered < kCalls)
    entered += static_cast<int>(setup_.sources.entered.PopAll(kCalls, 1'000'000).size());
  EXPECT_TRUE(Create(As("operator"), Good()).ok());
  for (int i = 0; i < kCalls; ++i) setup_.sources.leave.Push(1);
  for (auto& caller : callers) caller.join();
}

TEST_P(ServeTest, DrainsRunningCallsAndRefusesNewOnes) {
  std::thread slow([&] { EXPECT_TRUE(Get(As("operator"), "sources/slow").ok()); });
  while (setup_.sources.entered.PopAll(1, 1'000'000).empty()) {
  }
  std::thread drain([&] { setup_.server->Drain(60'000); });
  CallOptions quick = As("operator");
  quick.timeout_ms = 1'000;
  while (Create(quick, Good()).ok()) {  // until the drain has begun
  }
  EXPECT_EQ(base::ReasonOf(Create(quick, Good())), "SERVER_DRAINING");
  CallOptions nested = As("service");  // a running call may still need another of our services
  EXPECT_TRUE(Create(nested, Good()).ok());
  setup_.sources.leave.Push(1);
  slow.join();
  drain.join();
  EXPECT_EQ(base::ReasonOf(Create(nested, Good())), "SERVER_DRAINING");
}

TEST_P(ServeTest, CancelsWhatOutlivesTheGrace) {
  auto stub = v1::ImportService::NewStub(channel_);
  grpc::ClientContext context;
  Prepare(context, As("partner"));
  auto stream = stub->ImportContacts(&context);
  ASSERT_TRUE(stream->Write(v1::ImportContactsRequest()));
  while (setup_.imports.entered.PopAll(1, 1'000'000).empty()) {
  }
  setup_.server->Drain(1);
  EXPECT_FALSE(stream->Finish().ok());
}

TEST_P(ServeTest, DrainEndsStreamsBetweenServicesAtOnce) {
  auto stub = internal_v1::FeedService::NewStub(channel_);
  grpc::ClientContext context;
  Prepare(context, As("service"));
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(5));
  auto reader = stub->FollowPeople(&context, {});
  internal_v1::FollowPeopleResponse response;
  ASSERT_TRUE(reader->Read(&response));
  setup_.server->Drain(60'000);
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_FALSE(reader->Finish().ok());
}

TEST_P(ServeTest, TakesThePurposeFromTheMetadata) {
  CallOptions options = As("operator");
  EXPECT_TRUE(Create(options, Good()).ok());
  EXPECT_EQ(setup_.sources.purpose, "");
  options.purpose = "purposes/access-requests";
  EXPECT_TRUE(Create(options, Good()).ok());
  EXPECT_EQ(setup_.sources.purpose, "purposes/access-requests");
  options.purpose = "because";
  EXPECT_EQ(base::ReasonOf(Create(options, Good())), "PURPOSE_WRONG");
}

TEST_P(ServeTest, DecidesByThePolicyInForce) {
  const std::string text =
      "[roles.keeper]\nabout = \"all\"\n"
      "may = [\"acts.propose\", \"acts.confirm\", \"acts.read\", \"principals.write\", \"sources.write\"]\n"
      "[[tests]]\nroles = [\"keeper\"]\nallow = [\"sources.write\"]\n";
  setup_.Know("of-keeper", {"keeper"});
  CallOptions options;
  options.token = "of-keeper";
  EXPECT_EQ(base::ReasonOf(Create(options, Good())), "PERMISSION_MISSING");
  policy::Snapshot snapshot = *setup_.access.Get();
  ++snapshot.version;
  snapshot.policy = policy::Policy::Parse(text).value();
  setup_.access.Set(snapshot);
  EXPECT_TRUE(Create(options, Good()).ok());
  EXPECT_EQ(base::ReasonOf(Create(As("operator"), Good())), "PERMISSION_MISSING");
}

TEST_P(ServeTest, EndsTheStreamOfARevokedCallerThatTheHandlerPolls) {
  setup_.Know("of-follower", {"service"});
  auto stub = internal_v1::FeedService::NewStub(channel_);
  grpc::ClientContext context;
  CallOptions options;
  options.token = "of-follower";
  Prepare(context, options);
  auto reader = stub->FollowPeople(&context, {});
  internal_v1::FollowPeopleResponse response;
  ASSERT_TRUE(reader->Read(&response));
  setup_.Know("", {});
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_EQ(base::ReasonOf(FromGrpc(reader->Finish())), "CREDENTIAL_UNKNOWN");
}

TEST_P(ServeTest, EndsTheStreamOfACallerWhoLostTheRightWhileTheHandlerWaits) {
  setup_.Know("of-partner", {"partner"});
  auto stub = v1::ImportService::NewStub(channel_);
  grpc::ClientContext context;
  CallOptions options;
  options.token = "of-partner";
  Prepare(context, options);
  auto stream = stub->ImportContacts(&context);
  ASSERT_TRUE(stream->Write(v1::ImportContactsRequest()));
  while (setup_.imports.entered.PopAll(1, 1'000'000).empty()) {
  }
  const auto start = std::chrono::steady_clock::now();
  setup_.Know("of-partner", {"analyst"});  // the handler waits in Read and asks nothing
  EXPECT_FALSE(stream->Finish().ok());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

TEST(Server, RefusesAPortInUse) {
  TestServer first;
  ServerOptions options;
  options.address = "127.0.0.1:" + std::to_string(first.server->port());
  const auto second = StartServer(options, {});
  EXPECT_EQ(base::ReasonOf(second.status()), "PORT_IN_USE");
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(options.address));
}

}  // namespace
}  // namespace pharos::rpc
