#include "ops/cli/words.h"

#include "gmock/gmock.h"
#include "pharos/type/v1/types.pb.h"

namespace pharos::cli {
namespace {

using testing::HasSubstr;

TEST(Words, ShortAndFullNamesAreTheSame) {
  EXPECT_EQ(Name("purposes", "stop-smoking"), "purposes/stop-smoking");
  EXPECT_EQ(Name("purposes", "purposes/stop-smoking"), "purposes/stop-smoking");
  EXPECT_EQ(Name("purposes", ""), "");
  EXPECT_EQ(Short("campaigns/quit-1"), "quit-1");
}

TEST(Words, EnumsAreWordsOfTheUser) {
  EXPECT_EQ(*Enum(type::v1::Channel_descriptor(), "CHANNEL_", "SMS"), type::v1::CHANNEL_SMS);
  EXPECT_EQ(*Enum(type::v1::PurposeClass_descriptor(), "PURPOSE_CLASS_", "public_task"),
            type::v1::PURPOSE_CLASS_PUBLIC_TASK);
  EXPECT_EQ(EnumWord(type::v1::PurposeClass_descriptor(), "PURPOSE_CLASS_", 3), "public-task");
  auto wrong = Enum(type::v1::Channel_descriptor(), "CHANNEL_", "emial");
  EXPECT_THAT(std::string(wrong.status().message().data(), wrong.status().message().size()),
              HasSubstr("Did you mean email?"));
}

TEST(Words, ReasonsReadAsSentences) {
  EXPECT_EQ(ReasonInWords("NO_CONSENT"), "no consent is in force for this purpose");
  EXPECT_EQ(ReasonInWords("SOMETHING_NEW"), "something new");
}

TEST(Words, TimesAreReadWithTheirZone) {
  EXPECT_EQ(*ParseTime("2017-03-20T08:53:20Z"), 1'490'000'000'000'000);
  EXPECT_EQ(*ParseTime("2017-03-20T09:53:20+01:00"), 1'490'000'000'000'000);
  EXPECT_EQ(*ParseTime("2017-03-20T04:53-0400"), 1'489'999'980'000'000);
  EXPECT_EQ(*ParseTime("1970-01-02"), 86'400'000'000);
  for (const char* wrong : {"2017-03-20T08:53:20", "tomorrow", "", "2017-02-30", "2017-03-20T08:53:20+99:00",
                            "2017-03-20 08:53Z"})
    EXPECT_FALSE(ParseTime(wrong).ok()) << wrong;
}

TEST(Words, MoneyIsInPounds) {
  EXPECT_EQ(Pounds(0), "£0.00");
  EXPECT_EQ(Pounds(22'700), "£0.02");
  EXPECT_EQ(Pounds(1'234'560'000), "£1,234.56");
}

TEST(Words, CommasDivide) {
  EXPECT_THAT(CommaWords("sms, email,"), testing::ElementsAre("sms", "email"));
}

TEST(Words, TimesNameTheirZone) {
  EXPECT_EQ(Time(1'490'000'000'000'000), "2017-03-20 08:53:20 UTC");
  EXPECT_EQ(Time(0), "at an unknown time");
}

}  // namespace
}  // namespace pharos::cli
