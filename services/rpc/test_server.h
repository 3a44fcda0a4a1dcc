// For tests of this folder: a real server with two small services, and callers with every role.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "pharos/customer/internal/v1/feed_service.grpc.pb.h"
#include "pharos/customer/internal/v1/feed_service.serve.h"
#include "pharos/customer/v1/import_service.grpc.pb.h"
#include "pharos/customer/v1/import_service.serve.h"
#include "pharos/customer/v1/source_service.grpc.pb.h"
#include "pharos/customer/v1/source_service.serve.h"
#include "services/base/errors.h"
#include "services/base/queue.h"
#include "services/rpc/channel.h"
#include "services/rpc/credentials.h"
#include "services/rpc/server.h"

namespace pharos::rpc {

namespace v1 = pharos::customer::v1;
namespace internal_v1 = pharos::customer::internal::v1;

// Answers with what it got; remembers what it saw of the call.
class Sources : public v1::SourceServiceHandler {
 public:
  absl::Status CreateSource(Call& call, const v1::CreateSourceRequest& request,
                            v1::Source& response) override {
    response = request.source();
    response.set_name("sources/" + request.source_id());
    principal = call.caller().principal;
    remaining_us = call.RemainingMicros();
    purpose = call.purpose();
    return absl::OkStatus();
  }
  absl::Status GetSource(Call& call, const v1::GetSourceRequest& request, v1::Source& response) override {
    if (request.name() == "sources/slow") return Wait(call);
    if (request.name() == "sources/plain") return absl::InternalError("no facts");
    base::ErrorFacts facts;
    facts.reason = "SOURCE_NOT_FOUND";
    facts.metadata = {{"source", request.name()}};
    facts.violations = {{"name", "names nothing"}};
    facts.retry_after_ms = 1500;
    return base::MakeError(absl::StatusCode::kNotFound, "There is no such source; list them.", facts);
  }
  absl::Status ListSources(Call& call, const v1::ListSourcesRequest&,
                           v1::ListSourcesResponse& response) override {
    response.add_sources()->set_name("sources/" +
                                     std::string(call.Has("people.read_personal") ? "personal" : "basic"));
    return absl::OkStatus();
  }

  base::BoundedQueue<int> entered{16};  // one item a slow call that has begun
  base::BoundedQueue<int> leave{16};    // one item lets one slow call go
  std::string principal, purpose;
  int64_t remaining_us = 0;

 private:
  absl::Status Wait(Call&) {
    entered.Push(1);
    while (leave.PopAll(1, 1'000'000).empty()) {
    }
    return absl::OkStatus();
  }
};

// Counts bytes.
class Imports : public v1::ImportServiceHandler {
 public:
  absl::Status ImportContacts(
      Call&, Stream<v1::ImportContactsRequest, v1::ImportContactsResponse>& stream) override {
    v1::ImportContactsRequest request;
    v1::ImportContactsResponse response;
    int64_t bytes = 0;
    while (stream.Read(request)) {
      entered.TryPush(1);
      bytes += static_cast<int64_t>(request.data().size());
    }
    response.mutable_summary()->set_rows(bytes);
    stream.Write(response);
    return absl::OkStatus();
  }
  base::BoundedQueue<int> entered{1};  // filled once a message was read
};

// Follows for ever.
class Feeds : public internal_v1::FeedServiceHandler {
 public:
  absl::Status FollowPeople(Call& call, const internal_v1::FollowPeopleRequest&,
                            Writer<internal_v1::FollowPeopleResponse>& writer) override {
    internal_v1::FollowPeopleResponse response;
    response.set_cursor(7);
    writer.Write(response);
    base::BoundedQueue<int> nothing(1);
    while (!call.cancelled()) nothing.PopAll(1, 5'000);
    return absl::OkStatus();
  }
  absl::Status FollowPurposes(Call&, const internal_v1::FollowPurposesRequest&,
                              Writer<internal_v1::FollowPurposesResponse>&) override {
    return absl::OkStatus();
  }
  absl::Status GetPosition(Call&, const internal_v1::GetPositionRequest&,
                           internal_v1::GetPositionResponse&) override {
    return absl::OkStatus();
  }
};

struct TestServer {
  TestServer() {
    Know("", {});
    for (const char* role :
         {"marketing", "approver", "analyst", "partner", "governance", "operator", "service"}) {
      Caller caller;
      caller.principal = std::string("principals/") + role;
      caller.roles = {role};
      caller.internal = caller.roles[0] == "service";
      credentials.Add(std::string("token-of-") + role, caller);
    }
    std::vector<std::unique_ptr<Service>> services;
    services.push_back(v1::MakeSourceService(sources));
    services.push_back(v1::MakeImportService(imports));
    services.push_back(internal_v1::MakeFeedService(feeds));
    ServerOptions options;
    options.credentials = &credentials;
    auto started = StartServer(options, std::move(services));
    if (started.ok()) server = *std::move(started);
  }
  std::shared_ptr<grpc::Channel> Tcp() const {
    return Connect("127.0.0.1:" + std::to_string(server->port()));
  }

  // What access says from now on: one caller with this token.
  void Know(const std::string& token, const std::vector<std::string>& roles) {
    policy::Snapshot snapshot;
    snapshot.version = access.Get()->version + 1;
    if (!token.empty()) snapshot.callers[Credentials::DigestOf(token)] = {"principals/ada", roles, 0};
    access.Set(std::move(snapshot));
  }

  policy::SnapshotHolder access;
  Credentials credentials{&access};
  Sources sources;
  Imports imports;
  Feeds feeds;
  std::unique_ptr<Server> server;
};

}  // namespace pharos::rpc
