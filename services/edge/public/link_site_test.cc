// Tracked links over real HTTP: what a GET, a HEAD and a press of the button do.
#include "services/edge/public/link_site.h"

#include "services/edge/edge_world_test.h"

namespace pharos::edge {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kLead[] = "/l/AZLxwqOkTF2Ob3CBkqO0xUdPb2Q";

class LinkSiteTest : public EdgeTest {
 protected:
  LinkSiteTest() {
    server_->Stop();
    Sites sites;
    sites.links = &site_;
    handler_ = std::make_unique<EdgeHandler>(*client_, CallbackSecrets(), clock_, sites);
    server_ = *HttpServer::Start(HttpOptions(), *handler_);
  }
  http::response<http::string_body> Continue(const std::string& target,
                                             const std::string& body = "follow=yes",
                                             const std::string& type = kForm) {
    return Ask({http::verb::post, target, type, body, {}});
  }
  int Followed() {
    base::MutexLock lock(dispatch_.mutex);
    return dispatch_.followed;
  }

  LinkSite site_{*client_};
};

TEST_F(LinkSiteTest, ScannersCountNothingAndAreSentNowhere) {
  for (int i = 0; i < 50; ++i) {
    const auto got = Get(kLead);
    EXPECT_EQ(got.result_int(), 200u);
    EXPECT_EQ(got.count(http::field::location), 0u);
    const auto head = Ask({.method = http::verb::head, .target = kLead});
    EXPECT_EQ(head.result_int(), 200u);
    EXPECT_EQ(head.count(http::field::location), 0u);
  }
  for (const auto& [body, type] : {std::pair("", kForm), std::pair("follow=no", kForm), std::pair("x", kForm),
                                   std::pair("follow=yes", "text/plain")}) {
    const auto posted = Continue(kLead, body, type);
    EXPECT_EQ(posted.result_int(), 400u) << body;
    EXPECT_EQ(posted.count(http::field::location), 0u);
  }
  EXPECT_EQ(Followed(), 0);
}

TEST_F(LinkSiteTest, ThePageSaysWhereItLeads) {
  const auto page = Get(kLead);
  EXPECT_THAT(page.body(), HasSubstr("Continue to www.nhs.uk"));
  EXPECT_THAT(page.body(), HasSubstr("href=\"https://www.nhs.uk/quit?step=1\""));
  EXPECT_EQ(page["Referrer-Policy"], "no-referrer");
  EXPECT_THAT(std::string(page["Content-Security-Policy"]), HasSubstr("form-action 'self' https:;"));
  EXPECT_EQ(page.count(http::field::set_cookie), 0u);
  EXPECT_THAT(Get(std::string(kLead) + "?lang=cy").body(), HasSubstr("Parhau i www.nhs.uk"));
}

TEST_F(LinkSiteTest, TheButtonGoesOnToTheStoredTarget) {
  for (const std::string& target :
       {std::string(kLead), std::string(kLead) + "?lang=cy&url=https://evil.example"}) {
    const auto answer = Continue(target);
    EXPECT_EQ(answer.result_int(), 303u);
    EXPECT_EQ(answer[http::field::location], "https://www.nhs.uk/quit?step=1");
    EXPECT_EQ(answer[http::field::cache_control], "no-store");
  }
  EXPECT_EQ(Followed(), 2) << "dispatch counts each link of a message once";
}

TEST_F(LinkSiteTest, AnUnknownLinkIsAPlainPage) {
  for (const auto& answer : {Get("/l/someone-elses"), Continue("/l/someone-elses")}) {
    EXPECT_EQ(answer.result_int(), 404u);
    EXPECT_EQ(answer.count(http::field::location), 0u);
    EXPECT_THAT(answer.body(), HasSubstr("This link does not work"));
    EXPECT_THAT(answer.body(), Not(HasSubstr("someone-elses")));
  }
  EXPECT_EQ(Get("/l/" + std::string(300, 'a')).result_int(), 404u);
  EXPECT_EQ(Get("/l/a%2Fb").result_int(), 404u);
}

TEST_F(LinkSiteTest, ATargetThatCouldBeReadInTwoWaysIsNotFollowed) {
  {
    base::MutexLock lock(dispatch_.mutex);
    dispatch_.leads_to = "https://www.nhs.uk@evil.example/";
  }
  EXPECT_EQ(Get(kLead).result_int(), 404u);
  EXPECT_EQ(Continue(kLead).result_int(), 404u);
}

TEST_F(LinkSiteTest, WhileDispatchIsAwayItSaysSo) {
  SetAway(true);
  const auto away = Continue(kLead);
  EXPECT_EQ(away.result_int(), 503u);
  EXPECT_EQ(away[http::field::retry_after], "30");
  EXPECT_EQ(away.count(http::field::location), 0u);
}

}  // namespace
}  // namespace pharos::edge
