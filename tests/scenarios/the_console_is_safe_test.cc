// The console shows nothing to whom it is not for, takes no form from elsewhere, and repeats nothing
// unescaped. Made true by services/edge/console/console.cc (sessions, forms, headers),
// services/edge/console/page.cc (the template engine escapes), services/rpc/serve.cc (each call carries the
// visitor's own credential).
#include <gmock/gmock.h>

#include "pharos/campaign/v1/campaign_service.pb.h"
#include "services/edge/console/session_store.h"
#include "tests/support/console_test.h"

namespace pharos::tests {
namespace {

using edge::Request;
using edge::Response;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

SystemOptions WithoutConnector() {
  SystemOptions options;
  options.start_connector = false;
  return options;
}

class Console : public ConsoleTest {
 protected:
  Console() : ConsoleTest(WithoutConnector()) {}
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
