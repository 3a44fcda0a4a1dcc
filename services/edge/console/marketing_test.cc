// What pages of campaigns, audiences and templates say, without a page.
#include <gtest/gtest.h>

#include "services/edge/console/audience_pages.h"
#include "services/edge/console/campaign_words.h"
#include "services/edge/console/marketing_page.h"
#include "services/edge/console/template_checks.h"
#include "services/edge/console/template_pages.h"

namespace pharos::edge::console {
namespace {

namespace v1 = campaign::v1;

TEST(ReadingAge, ShortWordsAreEasierThanLongOnes) {
  // 6 words, 1 sentence, 6 syllables: 0.39 * 6 + 11.8 * 1 - 15.59 = -1.45.
  EXPECT_EQ(ReadingGrade("The cat sat on the mat."), 0);
  // 5 words, 1 sentence, 26 syllables: 0.39 * 5 + 11.8 * 26 / 5 - 15.59 = 47.72.
  EXPECT_NEAR(ReadingGrade("International organisations facilitate interdisciplinary collaboration."), 47.72,
              0.01);
  // 14 words, 2 sentences, 17 syllables: 0.39 * 7 + 11.8 * 17 / 14 - 15.59 = 1.47.
  EXPECT_NEAR(ReadingGrade("You can get help for nothing. Our teams will see you on any Monday."), 1.47,
              0.01);
  EXPECT_LT(ReadingAge("Come and see us. We can help you to stop."), 9);
  EXPECT_GT(ReadingAge("Our multidisciplinary professionals facilitate sustainable cessation."), 18);
}

TEST(ReadingAge, PlaceholdersAndAddressesAreOneWord) {
  EXPECT_EQ(ReadingGrade("Hello ((first name)), come in."), ReadingGrade("Hello x, come in."));
  EXPECT_LT(ReadingGrade("See https://www.example.org/an/extraordinarily/complicated/address today."), 6);
  EXPECT_EQ(ReadingGrade(""), 0);
}

TEST(WordHints, NameAPlainerWordOnce) {
  const auto hints = WordHints("Utilise our service in order to quit. Utilise it now.");
  ASSERT_EQ(hints.size(), 2u);
  EXPECT_EQ(hints[0], "in order to: say \"to\"");
  EXPECT_EQ(hints[1], "utilise: say \"use\"");
  EXPECT_TRUE(WordHints("Information for you about quitting.").empty());
}

TEST(AccessHints, FindBlindLinksCapitalsImagesAndHeadings) {
  EXPECT_EQ(AccessHints("See [click here](https://example.org)").size(), 1u);
  EXPECT_TRUE(AccessHints("See [how to quit](https://example.org)").empty());
  EXPECT_EQ(AccessHints("![](https://example.org/a.png)").size(), 1u);
  EXPECT_EQ(AccessHints("CALL US NOW please").size(), 1u);
  EXPECT_TRUE(AccessHints("Reply STOP to end. NHS").empty());
  EXPECT_EQ(AccessHints("# One\n### Three").size(), 1u);
  EXPECT_TRUE(AccessHints("# One\n## Two\n# One").empty());
}

TEST(MailForPage, HasNoStylesAndLowerHeadings) {
  EXPECT_EQ(MailForPage("<body style=\"a\"><table><tr><td style=\"b\"><h1 "
                        "style=\"c\">Hi</h1><p>x</p></td></tr></table></body>"),
            "<h3>Hi</h3><p>x</p>");
}

TEST(Funnel, TakesEachReasonInTheGatesOrder) {
  const auto steps = FunnelOf(100, {{"NO_CONSENT", 30}, {"OPTED_OUT", 5}, {"DECEASED", 1}});
  ASSERT_EQ(steps.size(), 5u);
  EXPECT_EQ(steps[1].words, "They have died");
  EXPECT_EQ(steps[2].left, 94);
  EXPECT_EQ(steps[4].number, 64);
  EXPECT_EQ(steps[4].words, "May be written to");
}

TEST(Words, SayWhatWasStopped) {
  v1::StopCampaignResponse stopped;
  stopped.set_left(312);
  stopped.set_not_sent(8'328);
  stopped.set_in_flight(4);
  EXPECT_EQ(StoppedInWords(stopped), "Stopped: 312 had left, 8,328 will not go, 4 in flight.");
}

TEST(Words, CountMessages) {
  v1::Campaign campaign;
  campaign.add_channels(type::v1::CHANNEL_SMS);
  EXPECT_EQ(MessagesInWords(1'234, campaign), "1,234 text messages");
  EXPECT_EQ(MessagesInWords(1, campaign), "1 text message");
  campaign.add_channels(type::v1::CHANNEL_EMAIL);
  EXPECT_EQ(MessagesInWords(2, campaign), "2 messages");
}

TEST(Words, SayMoneyAndTimes) {
  EXPECT_EQ(MoneyInWords(198'720'000), "£198.72");
  EXPECT_EQ(MoneyInWords(24'000), "2.4p");
  EXPECT_EQ(MinuteOfDay("20:00"), 1200);
  EXPECT_EQ(MinuteOfDay("8:05"), 485);
  EXPECT_EQ(MinuteOfDay("24:00"), -1);
  EXPECT_EQ(MinuteOfDay("8pm"), -1);
  EXPECT_EQ(MinuteInWords(1200), "8pm");
  EXPECT_EQ(MinuteInWords(510), "8:30am");
  EXPECT_EQ(ReasonForPeople("SOMETHING_NEW"), "something new");
}

TEST(Words, SayBands) {
  EXPECT_EQ(BandInWords("18", {"0", "18", "30"}), "18 to 29");
  EXPECT_EQ(BandInWords("30", {"0", "18", "30"}), "30 and over");
  EXPECT_EQ(BandInWords("", {}), "Not known");
  EXPECT_TRUE(KeyComesFirst("2", "10"));
  EXPECT_TRUE(KeyComesFirst("10", ""));
  EXPECT_FALSE(KeyComesFirst("", ""));
}

TEST(Builder, WritesFilters) {
  EXPECT_EQ(RowFilter("age", "int", "least", "18"), "age >= 18");
  EXPECT_EQ(RowFilter("area", "string", "is", "Leeds \"north\""), "area = \"Leeds \\\"north\\\"\"");
  EXPECT_EQ(RowFilter("interests", "set", "not", "walking"), "NOT interests:\"walking\"");
  EXPECT_EQ(RowFilter("age", "int", "is", " "), "");
  EXPECT_EQ(AllOf({"", "age >= 18", "a = 1 OR b = 2"}), "age >= 18 AND (a = 1 OR b = 2)");
  EXPECT_EQ(AllOf({" a = 1 OR b = 2 "}), "a = 1 OR b = 2");
}

TEST(Csv, IsNoFormula) {
  EXPECT_EQ(CsvCell("=1+1"), "\"'=1+1\"");
  EXPECT_EQ(CsvCell("a \"b\""), "\"a \"\"b\"\"\"");
}

TEST(Preview, CountsWithTheCodeThatSends) {
  v1::Template text;
  text.set_sms_body("Hello ((first name)), it’s time.");
  const Model preview = PreviewOf(text, 24'000);
  ASSERT_EQ(preview["variants"].size(), 1u);
  const Model& sms = preview["variants"][0]["sms"];
  EXPECT_EQ(sms["text"], "Hello Sam, it’s time.");
  EXPECT_EQ(
      sms["count"],
      "21 characters, charged as 1 text message, 2.4p for each person at the price of the last campaign.");
  EXPECT_EQ(sms["hints"].size(), 1u);
}

TEST(Preview, ShowsBothWaysOfACondition) {
  v1::Template text;
  text.set_sms_body("Hello((language?? you)).");
  const Model preview = PreviewOf(text, 0);
  ASSERT_EQ(preview["variants"].size(), 2u);
  EXPECT_EQ(preview["variants"][0]["sms"]["text"], "Hello you.");
  EXPECT_EQ(preview["variants"][1]["sms"]["text"], "Hello.");
}

TEST(Preview, SaysWhatIsWrong) {
  v1::Template text;
  text.set_sms_body("Hello ((fist name))");
  EXPECT_EQ(PreviewOf(text, 0)["problems"].size(), 1u);
}

}  // namespace
}  // namespace pharos::edge::console
