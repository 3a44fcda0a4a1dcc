#include "services/edge/public/link_page.h"

#include <gmock/gmock.h>

namespace pharos::edge {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

int CountOf(const std::string& text, const std::string& part) {
  int count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(LinkPage, EveryPageHasWhatAReaderOfScreensNeeds) {
  for (const Language language : {Language::kEnglish, Language::kWelsh}) {
    for (const LinkPage page : {LinkPage::kAsk, LinkPage::kUnknown, LinkPage::kAway}) {
      const std::string html = MakeLinkPage(page, language, "https://www.nhs.uk/quit");
      EXPECT_THAT(html,
                  HasSubstr(language == Language::kWelsh ? "<html lang=\"cy\">" : "<html lang=\"en\">"));
      EXPECT_EQ(CountOf(html, "<h1>"), 1);
      EXPECT_EQ(CountOf(html, "<title>"), 1);
      EXPECT_EQ(CountOf(html, "<main>"), 1);
      EXPECT_THAT(html, HasSubstr("<meta name=\"robots\" content=\"noindex\">"));
      EXPECT_THAT(html, Not(HasSubstr("<script")));
      EXPECT_THAT(html, Not(HasSubstr("http-equiv")));
      EXPECT_THAT(html, Not(HasSubstr("{}")));
      EXPECT_EQ(CountOf(html, "<button"), page == LinkPage::kAsk ? 1 : 0);
    }
  }
}

TEST(LinkPage, SaysWhereItLeadsAndOffersToGoUncounted) {
  const std::string html =
      MakeLinkPage(LinkPage::kAsk, Language::kEnglish, "https://www.nhs.uk/quit?a=1&b=%22x%22");
  EXPECT_THAT(html, HasSubstr("<h1>Continue to www.nhs.uk</h1>"));
  EXPECT_THAT(html, HasSubstr("<a href=\"https://www.nhs.uk/quit?a=1&amp;b=%22x%22\" rel=\"noreferrer\">"
                              "Continue without being counted</a>"));
  std::string shown = html;
  for (size_t at; (at = shown.find("<wbr>")) != std::string::npos;) shown.erase(at, 5);
  EXPECT_THAT(shown, HasSubstr("<strong>https://www.nhs.uk/quit?a=1&amp;b=%22x%22</strong>"));
}

TEST(LinkPage, TheHostIsTheOneThatBrowsersGoTo) {
  EXPECT_EQ(HostOfLink("https://www.nhs.uk/quit"), "www.nhs.uk");
  EXPECT_EQ(HostOfLink("HTTPS://www.nhs.uk:8443?x"), "www.nhs.uk:8443");
  for (const char* wrong : {"http://www.nhs.uk/", "https://www.nhs.uk@evil.example/", "javascript:alert(1)",
                            "https://", "https://evil.example%2F.nhs.uk/", "/l/x", ""})
    EXPECT_EQ(HostOfLink(wrong), "") << wrong;
}

}  // namespace
}  // namespace pharos::edge
