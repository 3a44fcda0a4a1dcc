#include "services/edge/unsubscribe_page.h"

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

TEST(UnsubscribePage, EveryPageHasWhatAReaderOfScreensNeeds) {
  for (const Language language : {Language::kEnglish, Language::kWelsh}) {
    for (const Page page : {Page::kAsk, Page::kDone, Page::kUnknown, Page::kAway}) {
      const std::string html = MakePage(page, language, "Stop smoking");
      EXPECT_THAT(html,
                  HasSubstr(language == Language::kWelsh ? "<html lang=\"cy\">" : "<html lang=\"en\">"));
      EXPECT_EQ(CountOf(html, "<h1>"), 1);
      EXPECT_EQ(CountOf(html, "<title>"), 1);
      EXPECT_EQ(CountOf(html, "<main>"), 1);
      EXPECT_THAT(html, Not(HasSubstr("<script")));
      EXPECT_THAT(html, Not(HasSubstr("{}")));
      EXPECT_EQ(CountOf(html, "<button"), page == Page::kAsk || page == Page::kAway ? 1 : 0);
    }
  }
}

TEST(UnsubscribePage, NamesThePurposeAndEscapesIt) {
  EXPECT_THAT(MakePage(Page::kAsk, Language::kEnglish, "Quit & <b>\"win\""),
              HasSubstr("Stop messages about Quit &amp; &lt;b&gt;&quot;win&quot;"));
  EXPECT_EQ(PurposeInWords("purposes/stop-smoking"), "stop smoking");
}

TEST(UnsubscribePage, ItsButtonSaysWhatMailProvidersSay) {
  EXPECT_THAT(MakePage(Page::kAsk, Language::kWelsh, "x"),
              HasSubstr("name=\"List-Unsubscribe\" value=\"One-Click\""));
}

TEST(UnsubscribePage, WelshForThoseWhoPreferIt) {
  EXPECT_EQ(PreferredLanguage("cy-GB,cy;q=0.9,en;q=0.8"), Language::kWelsh);
  EXPECT_EQ(PreferredLanguage("cy,en"), Language::kWelsh);
  EXPECT_EQ(PreferredLanguage("en-GB,en;q=0.9,cy;q=0.5"), Language::kEnglish);
  EXPECT_EQ(PreferredLanguage("en,cy"), Language::kEnglish);
  EXPECT_EQ(PreferredLanguage("fr"), Language::kEnglish);
  EXPECT_EQ(PreferredLanguage("cyx"), Language::kEnglish);
  EXPECT_EQ(PreferredLanguage(""), Language::kEnglish);
}

}  // namespace
}  // namespace pharos::edge
