// The console shows nothing to whom it is not for, takes no form from elsewhere, and repeats nothing
// unescaped. Made true by services/edge/console/console.cc (sessions, forms, headers),
// services/edge/console/page.cc (the template engine escapes), services/rpc/serve.cc (each call carries the
// visitor's own credential).
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>
#include <regex>

#include "pharos/campaign/v1/campaign_service.pb.h"
#include "services/base/fake_clock.h"
#include "services/edge/backend_client.h"
#include "services/edge/console/console.h"
#include "services/edge/console/session_store.h"
#include "services/rpc/channel.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

using edge::Request;
using edge::Response;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kHost[] = "console.test";

SystemOptions WithoutConnector() {
  SystemOptions options;
  options.start_connector = false;
  return options;
}

class Console : public ::testing::Test {
 protected:
  Console()
      : system_(WithoutConnector()),
        story_(system_),
        backend_(Channels()),
        site_(edge::console::MakeConsole({}, backend_, clock_)) {}

  std::map<std::string, std::shared_ptr<grpc::Channel>> Channels() const {
    std::map<std::string, std::shared_ptr<grpc::Channel>> channels;
    for (const char* service : {"access", "customer", "audience", "campaign", "dispatch", "engagement"})
      channels[service] = rpc::Connect(fmt::format("127.0.0.1:{}", system_.port()));
    return channels;
  }

  Request Ask(const std::string& path, const std::string& cookie = "") const {
    Request request;
    request.method = "GET";
    request.target = edge::ReadTarget(path);
    request.path = path;
    request.tls = true;
    request.asker = "192.0.2.1";
    request.headers["host"] = kHost;
    if (!cookie.empty()) request.headers["cookie"] = "other=1; " + cookie;
    return request;
  }
  Request Send(const std::string& path, const std::string& body, const std::string& cookie = "") const {
    Request request = Ask(path, cookie);
    request.method = "POST";
    request.content_type = "application/x-www-form-urlencoded";
    request.body = body;
    request.headers["origin"] = std::string("https://") + kHost;
    return request;
  }
  Response Get(const std::string& path, const std::string& cookie = "") {
    return site_->Handle(Ask(path, cookie));
  }
  Response Post(const std::string& path, const std::string& body, const std::string& cookie = "") {
    return site_->Handle(Send(path, body, cookie));
  }

  static std::string HeaderOf(const Response& response, const std::string& name) {
    for (const auto& [key, value] : response.headers) {
      if (key == name) return value;
    }
    return "";
  }
  std::string KeyOf(const std::string& principal) const {
    std::ifstream file(system_.token_file(principal));
    std::string key;
    file >> key;
    return key;
  }
  // "__Host-pharos=…".
  std::string SignIn(const std::string& principal) {
    const Response response = Post("/console/sign-in", "key=" + KeyOf(principal));
    EXPECT_EQ(response.status, 303) << response.body;
    const std::string cookie = HeaderOf(response, "Set-Cookie");
    return cookie.substr(0, cookie.find(';'));
  }
  static std::string CsrfOf(const Response& page) {
    std::smatch found;
    return std::regex_search(page.body, found, std::regex("name=\"csrf\" value=\"([0-9a-f]+)\""))
               ? found[1].str()
               : "";
  }

  System system_;
  Story story_;
  base::FakeClock clock_;
  edge::Backend backend_;
  std::unique_ptr<edge::Site> site_;
};

TEST_F(Console, NobodySeesAPageWithoutSigningIn) {
  for (const char* path : {"/console", "/console/campaigns", "/console/people", "/console/nowhere"}) {
    const Response response = Get(path);
    EXPECT_EQ(response.status, 303) << path;
    EXPECT_THAT(HeaderOf(response, "Location"), HasSubstr("/console/sign-in")) << path;
    EXPECT_EQ(response.body, "") << path;
  }
  EXPECT_EQ(Get("/console", "__Host-pharos=" + std::string(64, 'a')).status, 303);
  EXPECT_EQ(Get("/console/stream").status, 401);
}

TEST_F(Console, AWrongKeyIsRefusedInWordsAndNotRepeated) {
  const Response response =
      Post("/console/sign-in", "key=" + std::string(64, 'e') + "&next=%22%3E%3Cscript%3E");
  EXPECT_EQ(response.status, 422);
  EXPECT_THAT(response.body, AllOf(HasSubstr("This access key is not known"),
                                   Not(HasSubstr(std::string(64, 'e'))), Not(HasSubstr("<script>"))));
  EXPECT_EQ(HeaderOf(response, "Set-Cookie"), "");
}

TEST_F(Console, TriesAreCounted) {
  int refused = 0;
  for (int i = 0; i < 15; ++i)
    refused += Post("/console/sign-in", "key=wrong").body.find("too many tries") != std::string::npos ? 1 : 0;
  EXPECT_EQ(refused, 5);
  EXPECT_THAT(Post("/console/sign-in", "key=" + KeyOf("marketing")).body, HasSubstr("too many tries"));
  clock_.Advance(60ll * 1'000'000);
  EXPECT_EQ(Post("/console/sign-in", "key=" + KeyOf("marketing")).status, 303);
}

TEST_F(Console, TheCookieIsForThisServerAndNoScriptAndHoldsNoKey) {
  const Response response = Post("/console/sign-in", "key=" + KeyOf("marketing"));
  EXPECT_THAT(HeaderOf(response, "Set-Cookie"),
              AllOf(HasSubstr("__Host-pharos="), HasSubstr("; HttpOnly"), HasSubstr("; SameSite=Strict"),
                    HasSubstr("; Secure"), HasSubstr("; Path=/"), Not(HasSubstr(KeyOf("marketing")))));
  EXPECT_THAT(Get("/console", SignIn("marketing")).body, Not(HasSubstr(KeyOf("marketing"))));
}

TEST_F(Console, EveryPageForbidsForeignScriptsAndFrames) {
  const Response page = Get("/console", SignIn("marketing"));
  EXPECT_EQ(page.status, 200) << page.body;
  const std::string policy = HeaderOf(page, "Content-Security-Policy");
  EXPECT_THAT(policy, AllOf(HasSubstr("default-src 'none'"), HasSubstr("script-src 'self'"),
                            HasSubstr("frame-ancestors 'none'"), Not(HasSubstr("unsafe"))));
  EXPECT_THAT(page.body,
              AllOf(Not(HasSubstr(" style=")), Not(HasSubstr("onclick")), Not(HasSubstr("<script>"))));
}

TEST_F(Console, AFormWithoutItsTokenOrFromElsewhereChangesNothing) {
  const std::string cookie = SignIn("marketing");
  const std::string csrf = CsrfOf(Get("/console", cookie));
  ASSERT_EQ(csrf.size(), 64u);
  EXPECT_EQ(Post("/console/sign-out", "", cookie).status, 403);
  EXPECT_EQ(Post("/console/sign-out", "csrf=" + std::string(64, '0'), cookie).status, 403);
  const std::string other = CsrfOf(Get("/console", SignIn("approver")));
  EXPECT_EQ(Post("/console/sign-out", "csrf=" + other, cookie).status, 403);
  for (const char* origin : {"https://evil.test", "null", "https://console.test.evil.test"}) {
    Request foreign = Send("/console/sign-out", "csrf=" + csrf, cookie);
    foreign.headers["origin"] = origin;
    EXPECT_EQ(site_->Handle(foreign).status, 403) << origin;
  }
  EXPECT_EQ(Get("/console", cookie).status, 200);
  EXPECT_EQ(Post("/console/sign-out", "csrf=" + csrf, cookie).status, 303);
  EXPECT_EQ(Get("/console", cookie).status, 303);
}

TEST_F(Console, SigningInLeadsToNoOtherSite) {
  for (const char* next :
       {"https%3A%2F%2Fevil.test", "%2F%2Fevil.test", "%2Fconsole.evil.test", "javascript%3Aalert(1)"}) {
    const Response response = Post("/console/sign-in", "key=" + KeyOf("marketing") + "&next=" + next);
    EXPECT_EQ(HeaderOf(response, "Location"), "/console") << next;
  }
}

TEST_F(Console, RolesSeeTheirOwnRoomsOnly) {
  const std::string marketing = SignIn("marketing");
  EXPECT_THAT(Get("/console", marketing).body,
              AllOf(HasSubstr("/console/campaigns"), Not(HasSubstr("/console/people"))));
  EXPECT_EQ(Get("/console/people", marketing).status, 403);
  EXPECT_EQ(Get("/console/questions", marketing).status, 403);
  EXPECT_THAT(Get("/console", SignIn("governance")).body, HasSubstr("/console/people"));
}

TEST_F(Console, WhatPeopleTypeIsEscaped) {
  campaign::v1::CreateCampaignRequest request;
  request.set_campaign_id("evil");
  request.mutable_campaign()->set_display_name("<script>alert(1)</script>\"'&");
  request.mutable_campaign()->set_audience(kEverybody);
  request.mutable_campaign()->set_template_(kText);
  request.mutable_campaign()->set_purpose(kPurpose);
  request.mutable_campaign()->add_channels(type::v1::CHANNEL_SMS);
  request.mutable_campaign()->set_sms_sender("60777");
  const auto made =
      story_.marketing.Call<campaign::v1::Campaign>("campaign.v1.CampaignService/CreateCampaign", request);
  ASSERT_TRUE(made.ok()) << made.status();
  const Response page = Get("/console", SignIn("marketing"));
  EXPECT_THAT(page.body, AllOf(HasSubstr("&lt;script&gt;alert(1)"), Not(HasSubstr("<script>alert"))));
}

TEST_F(Console, ASessionEndsByItself) {
  const std::string cookie = SignIn("marketing");
  clock_.Advance(edge::console::SessionStore::kIdleUs - 1);
  EXPECT_EQ(Get("/console", cookie).status, 200);
  clock_.Advance(edge::console::SessionStore::kIdleUs + 1);
  EXPECT_EQ(Get("/console", cookie).status, 303);
}

}  // namespace
}  // namespace pharos::tests
