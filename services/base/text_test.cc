#include "services/base/text.h"

#include "gmock/gmock.h"

namespace pharos::base {
namespace {

using ::testing::ElementsAre;

TEST(Utf8, AcceptsWellFormedText) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("plain"));
  EXPECT_TRUE(IsUtf8("é € 😀"));
  EXPECT_TRUE(IsUtf8("\xF4\x8F\xBF\xBF"));
}

TEST(Utf8, RefusesWhatIsNot) {
  EXPECT_FALSE(IsUtf8("\x80"));              // a continuation alone
  EXPECT_FALSE(IsUtf8("\xC0\x80"));          // overlong NUL
  EXPECT_FALSE(IsUtf8("\xE0\x80\x80"));      // overlong
  EXPECT_FALSE(IsUtf8("\xED\xA0\x80"));      // surrogate
  EXPECT_FALSE(IsUtf8("\xF4\x90\x80\x80"));  // past U+10FFFF
  EXPECT_FALSE(IsUtf8("a\xE2\x82"));         // cut short
  EXPECT_FALSE(IsUtf8("\xFF"));
}

TEST(EditDistance, CountsSmallMistakes) {
  EXPECT_EQ(EditDistance("", "abc"), 3);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3);
  EXPECT_EQ(EditDistance("consent", "cosnent"), 1);  // a swap is one mistake
  EXPECT_EQ(EditDistance("same", "same"), 0);
}

TEST(Nearest, SuggestsOnlyWhatIsNear) {
  EXPECT_EQ(Nearest("postcod", {"birth_year", "postcode", "phone"}), "postcode");
  EXPECT_EQ(Nearest("zebra", {"birth_year", "postcode"}), "");
}

TEST(Split, KeepsEmptyParts) {
  EXPECT_THAT(Split("a,b,,c", ','), ElementsAre("a", "b", "", "c"));
  EXPECT_THAT(Split("", ','), ElementsAre(""));
}

TEST(Ascii, TrimsAndLowers) {
  EXPECT_EQ(TrimAscii(" \t a b\r\n"), "a b");
  EXPECT_EQ(TrimAscii("  "), "");
  EXPECT_EQ(LowerAscii("STOP Ü"), "stop Ü");
}

}  // namespace
}  // namespace pharos::base
