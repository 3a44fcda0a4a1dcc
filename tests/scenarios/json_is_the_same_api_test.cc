// What a program gets over HTTP with JSON is what it gets over gRPC: the same rights, the same refusals,
// nothing that is internal. Made true by services/edge/api/api_site.cc (the caller's own credential on every
// call) and services/rpc/serve.cc (who may what).
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "pharos/engagement/v1/engagement_service.pb.h"
#include "services/edge/api/api_site.h"
#include "services/edge/api/connect_form.h"
#include "services/rpc/channel.h"
#include "services/rpc/method.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

using edge::Request;
using edge::Response;
using nlohmann::json;
using ::testing::HasSubstr;

constexpr int kPeople = 5;

class JsonApi : public ::testing::Test {
 protected:
  JsonApi() : story_(system_), backend_(Channels()), site_(backend_) {
    story_.ImportAll(kQuit, FileOf(kPeople));
  }

  std::map<std::string, std::shared_ptr<grpc::Channel>> Channels() const {
    std::map<std::string, std::shared_ptr<grpc::Channel>> channels;
    for (const char* service : {"access", "customer", "audience", "campaign", "dispatch", "engagement"})
      channels[service] = rpc::Connect(fmt::format("127.0.0.1:{}", system_.port()));
    return channels;
  }
  Response Post(const std::string& path, const std::string& body, const std::string& principal,
                const std::string& type = "application/json") {
    Request request;
    request.method = "POST";
    request.target = edge::ReadTarget(path);
    request.path = path;
    request.content_type = type;
    request.body = body;
    if (!principal.empty()) {
      std::string token;
      std::ifstream(system_.token_file(principal)) >> token;
      request.authorization = "Bearer " + token;
    }
    return site_.Handle(request);
  }
  static std::string ReasonOf(const Response& response) {
    const json body = json::parse(response.body, nullptr, false);
    return body.is_discarded() ? "" : body["details"][0]["debug"]["reason"].get<std::string>();
  }

  System system_;
  Story story_;
  edge::Backend backend_;
  edge::api::ApiSite site_;
};

TEST_F(JsonApi, AnswersAsGrpcDoes) {
  const Response response = Post("/pharos.customer.v1.PersonService/GetCounts", "{}", "operator");
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(json::parse(response.body)["people"], std::to_string(kPeople));
}

TEST_F(JsonApi, RefusesAsGrpcDoes) {
  const std::string path = "/pharos.customer.v1.PersonService/GetPerson";
  EXPECT_EQ(Post(path, "{}", "").status, 401);
  const Response denied = Post(path, R"({"name": "people/x"})", "marketing");
  EXPECT_EQ(denied.status, 403) << denied.body;
  const Response unknown = Post(path, R"({"name": "people/01jd3v7m8q0000000000000000"})", "governance");
  EXPECT_EQ(unknown.status, 404) << unknown.body;
  EXPECT_EQ(ReasonOf(unknown), "PERSON_NOT_FOUND");
  const Response bounds =
      Post("/pharos.customer.v1.SourceService/ListSources", R"({"pageSize": 99999})", "operator");
  EXPECT_EQ(bounds.status, 400);
  EXPECT_THAT(bounds.body, HasSubstr("fieldViolations"));
}

TEST_F(JsonApi, WhatIsInternalOrNotThereIsNotThere) {
  for (const char* path :
       {"/pharos.customer.internal.v1.FeedService/GetPosition",
        "/pharos.dispatch.internal.v1.PlanService/PlanIntents", "/pharos.customer.v1.PersonService/Nothing",
        "/pharos.customer.v1.Nothing/GetPerson", "/pharos.customer.v1.SyncService/Sync"}) {
    const Response response = Post(path, "{}", "governance");
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_EQ(ReasonOf(response), "METHOD_NOT_FOUND") << path;
  }
}

TEST_F(JsonApi, ContentTypesMustFit) {
  EXPECT_EQ(Post("/pharos.customer.v1.PersonService/GetCounts", "{}", "operator", "text/plain").status, 415);
  EXPECT_EQ(Post("/pharos.customer.v1.PersonService/GetCounts", "{}", "operator", "application/connect+json")
                .status,
            415);
  EXPECT_EQ(Post("/pharos.engagement.v1.EngagementService/WatchCampaign", "{}", "operator").status, 415);
}

TEST_F(JsonApi, AWatchIsAStreamOfEnvelopes) {
  story_.Run("watched");
  Response response = Post("/pharos.engagement.v1.EngagementService/WatchCampaign",
                           edge::api::Envelope(R"({"campaign": "campaigns/watched"})"), "marketing",
                           "application/connect+json");
  ASSERT_TRUE(response.next) << response.body;
  int64_t members = -1;
  EXPECT_TRUE(Eventually([&] {
    std::string text;
    if (!response.next(text) || text.size() < 5) return false;
    const json counters = json::parse(text.substr(5));
    members = std::stoll(counters["tally"].value("intents", "0"));
    return members == kPeople;
  })) << members;
}

TEST_F(JsonApi, AStreamThatIsRefusedEndsWithTheReason) {
  const Response response = Post("/pharos.engagement.v1.EngagementService/WatchCampaign",
                                 edge::api::Envelope("{}"), "", "application/connect+json");
  std::string text = response.body;
  while (response.next && text.size() < 5 && response.next(text)) {
  }
  ASSERT_GE(text.size(), 5u);
  EXPECT_EQ(text[0], 2) << "the envelope that ends a stream";
  EXPECT_THAT(text, HasSubstr("unauthenticated"));
}

TEST_F(JsonApi, TheDocumentListsWhatIsPublic) {
  edge::api::ApiDocument document;
  const json openapi = json::parse(document.Handle(Request()).body);
  EXPECT_TRUE(openapi["paths"].contains("/pharos.customer.v1.PersonService/GetPerson"));
  for (const auto& [path, item] : openapi["paths"].items()) {
    EXPECT_EQ(path.find(".internal."), std::string::npos) << path;
    EXPECT_NE(item["post"]["description"], "") << path;
  }
  EXPECT_TRUE(openapi["components"]["schemas"].contains("pharos.customer.v1.Person"));
}

}  // namespace
}  // namespace pharos::tests
