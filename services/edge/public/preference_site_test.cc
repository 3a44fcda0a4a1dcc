// The page "what we send you" over real HTTP: only its own form acts, and it says what was done.
#include "services/edge/public/preference_site.h"

#include <openssl/evp.h>

#include "services/base/ids.h"
#include "services/edge/edge_world_test.h"
#include "services/edge/public/preference_page.h"

namespace pharos::edge {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kPage[] = "/p/AZLxwqOkTF2Ob3CBkqO0xUdPb2Q";

int CountOf(const std::string& text, const std::string& part) {
  int count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

class PreferenceSiteTest : public EdgeTest {
 protected:
  PreferenceSiteTest() {
    server_->Stop();
    Sites sites;
    sites.preferences = &site_;
    handler_ = std::make_unique<EdgeHandler>(*client_, CallbackSecrets(), clock_, sites);
    server_ = *HttpServer::Start(HttpOptions(), *handler_);
  }
  http::response<http::string_body> Post(const std::string& body, const std::string& target = kPage,
                                         const std::string& type = kForm) {
    return Ask({http::verb::post, target, type, body, {}});
  }
  std::vector<v1::Choice> Chosen() {
    base::MutexLock lock(dispatch_.mutex);
    return dispatch_.chosen;
  }

  PreferenceSite site_{*client_};
};

TEST_F(PreferenceSiteTest, ScannersChangeNothing) {
  for (const char* agent :
       {"SafeLinks", "Mimecast", "Slackbot-LinkExpanding 1.0", "facebookexternalhit/1.1"}) {
    for (int i = 0; i < 20; ++i) {
      for (const auto method : {http::verb::get, http::verb::head}) {
        const auto page = Ask({.method = method,
                               .target = std::string(kPage) + "?choice=stop_all&preferences=save",
                               .headers = {{"User-Agent", agent}, {"Purpose", "prefetch"}}});
        EXPECT_EQ(page.result_int(), 200u);
        EXPECT_EQ(page.count(http::field::set_cookie), 0u);
      }
    }
  }
  for (const auto& [body, type] :
       {std::pair("", kForm), std::pair("choice=stop_all", kForm), std::pair(kOneClick, kForm),
        std::pair("preferences=save&choice=stop_all", "text/plain"), std::pair("preferences=save", "")}) {
    EXPECT_EQ(Post(body, kPage, type).result_int(), 400u) << body;
  }
  EXPECT_THAT(Chosen(), IsEmpty());
  EXPECT_EQ(Unsubscribed(), 0);
}

TEST_F(PreferenceSiteTest, EachChoiceIsTakenAndSaid) {
  EXPECT_THAT(Post("preferences=save&choice=stop_purpose").body(),
              HasSubstr("We will not send you any more messages about Stop-smoking support"));
  EXPECT_THAT(Post("preferences=save&choice=stop_all").body(),
              HasSubstr("<h1>We will not send you any more messages</h1>"));
  const auto paused = Post("choice=pause&preferences=save");
  EXPECT_EQ(paused.result_int(), 200u);
  EXPECT_THAT(paused.body(), HasSubstr("We have paused messages until 15 January 2027"));
  EXPECT_THAT(paused.body(), HasSubstr("name=\"choice\" value=\"resume\""));
  EXPECT_THAT(Post("preferences=save&choice=resume").body(),
              HasSubstr("You have taken back what you chose here"));
  EXPECT_THAT(Chosen(), ElementsAre(v1::STOP_PURPOSE, v1::STOP_ALL, v1::PAUSE, v1::RESUME));
}

TEST_F(PreferenceSiteTest, WhereNothingWasToBeTakenBackItSaysSo) {
  dispatch_.changes = false;
  const auto page = Post("preferences=save&choice=resume", std::string(kPage) + "?lang=cy");
  EXPECT_THAT(page.body(), HasSubstr("Doedd dim byd i’w dynnu’n ôl"));
  EXPECT_THAT(page.body(), Not(HasSubstr("<form")));
}

TEST_F(PreferenceSiteTest, AMissingChoiceIsSaidInTheTitleTheSummaryAndBesideTheField) {
  const auto english = Post("preferences=save");
  EXPECT_EQ(english.result_int(), 400u);
  EXPECT_THAT(english.body(), HasSubstr("<title>Error: Choose what we send you</title>"));
  EXPECT_THAT(english.body(), HasSubstr("<a href=\"#stop_purpose\">Select what you want to do</a>"));
  EXPECT_THAT(english.body(), HasSubstr("aria-describedby=\"choice-error\""));
  const auto welsh = Post("preferences=save&choice=nonsense", std::string(kPage) + "?lang=cy");
  EXPECT_THAT(welsh.body(), HasSubstr("<title>Gwall: Dewiswch beth rydym yn ei anfon atoch</title>"));
  EXPECT_THAT(Chosen(), IsEmpty());
}

TEST_F(PreferenceSiteTest, ItsStylesheetIsAllThatMayLoad) {
  const auto page = Get(kPage);
  EXPECT_THAT(std::string(page["Content-Security-Policy"]), HasSubstr("style-src 'sha256-"));
  const size_t begin = page.body().find("<style>") + 7, end = page.body().find("</style>");
  const std::string digest = base::Sha256(page.body().substr(begin, end - begin));
  unsigned char text[64] = {};
  EVP_EncodeBlock(text, reinterpret_cast<const unsigned char*>(digest.data()),
                  static_cast<int>(digest.size()));
  EXPECT_THAT(std::string(page["Content-Security-Policy"]),
              HasSubstr("'sha256-" + std::string(reinterpret_cast<char*>(text)) + "'"));
  EXPECT_EQ(page["Referrer-Policy"], "no-referrer");
  EXPECT_EQ(page[http::field::cache_control], "no-store");
  EXPECT_THAT(page.body(), Not(HasSubstr("<script")));
  EXPECT_THAT(page.body(), Not(HasSubstr("style=\"")));
}

TEST_F(PreferenceSiteTest, AnUnknownLinkAndAnAbsentServiceArePlainPages) {
  for (const auto& answer :
       {Get("/p/someone-elses"), Post("preferences=save&choice=pause", "/p/someone-elses")}) {
    EXPECT_EQ(answer.result_int(), 404u);
    EXPECT_THAT(answer.body(), HasSubstr("This link does not work"));
    EXPECT_THAT(answer.body(), Not(HasSubstr("someone-elses")));
  }
  SetAway(true);
  const auto away = Post("preferences=save&choice=pause");
  EXPECT_EQ(away.result_int(), 503u);
  EXPECT_EQ(away[http::field::retry_after], "30");
  EXPECT_THAT(away.body(), HasSubstr("may not be saved yet"));
}

TEST(PreferencePages, HaveWhatAReaderOfScreensNeedsInBothLanguages) {
  for (const Language language : {Language::kEnglish, Language::kWelsh}) {
    std::vector<std::string> pages;
    for (const auto page :
         {PreferencePage::kAsk, PreferencePage::kMissing, PreferencePage::kUnknown, PreferencePage::kAway})
      pages.push_back(MakePreferencePage(page, language, "Quit & <b>\"win\""));
    for (const auto choice : {Choice::kStopPurpose, Choice::kStopAll, Choice::kPause, Choice::kResume}) {
      for (const bool changed : {true, false})
        pages.push_back(MakeChosenPage(choice, {"purposes/x", 1, changed}, language, "Quit & <b>\"win\""));
    }
    for (const std::string& html : pages) {
      EXPECT_THAT(html,
                  HasSubstr(language == Language::kWelsh ? "<html lang=\"cy\">" : "<html lang=\"en\">"));
      for (const char* once : {"<h1>", "<title>", "<main>", "name=\"viewport\""})
        EXPECT_EQ(CountOf(html, once), 1);
      EXPECT_EQ(CountOf(html, "type=\"radio\""), CountOf(html, "<label for=\""));
      EXPECT_EQ(CountOf(html, "<fieldset"), CountOf(html, "<legend>"));
      EXPECT_THAT(html, Not(HasSubstr("{}")));
      EXPECT_THAT(html, Not(HasSubstr("<b>")));
    }
    EXPECT_EQ(CountOf(pages[0], "type=\"radio\""), 4);
    EXPECT_EQ(CountOf(pages[0], " checked"), 0) << "nothing is chosen for anybody";
  }
  EXPECT_EQ(DayInWords(1'800'000'000'000'000, Language::kWelsh), "15 Ionawr 2027");
}

}  // namespace
}  // namespace pharos::edge
