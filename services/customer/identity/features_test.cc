#include "services/customer/identity/features.h"

#include <gtest/gtest.h>

#include "services/customer/identity/compare.h"
#include "services/customer/identity/identity_fixture.h"
#include "services/customer/identity/text.h"

namespace pharos::customer::identity {
namespace {

Levels Between(const Fields& a, const Fields& b) {
  const Features left = FeaturesOf(a), right = FeaturesOf(b);
  return Compare(View(left.data()), View(right.data()), Frequencies());
}

TEST(TextTest, FoldsAccentsCaseAndMarks) {
  EXPECT_EQ(Fold("O'Brien-Smith"), "obriensmith");
  EXPECT_EQ(Fold("Zoë"), "zoe");
}

TEST(TextTest, MeasuresLikeness) {
  EXPECT_NEAR(JaroWinkler("martha", "marhta"), 0.9611, 1e-4);
  EXPECT_NEAR(JaroWinkler("dixon", "dicksonx"), 0.8133, 1e-4);
  EXPECT_EQ(JaroWinkler("abc", "xyz"), 0);
  EXPECT_TRUE(OneSlip("smith", "simth"));
  EXPECT_TRUE(OneSlip("smith", "smiith"));
  EXPECT_FALSE(OneSlip("smith", "smythe"));
}

TEST(TextTest, HashesAsTheStandardSays) {
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(FeaturesTest, ReadsItsOwnBytes) {
  const Features made =
      FeaturesOf({{"given_name", "Anna"}, {"family_name", "Jones"}, {"email", "Anna+x@gmail.com"}});
  EXPECT_EQ(Features::From(made.Bytes()).Bytes(), made.Bytes());
}

TEST(FeaturesTest, EarlierVersionsCountInAnyOrder) {
  const Fields now{{"given_name", "Anna"}, {"family_name", "Jones"}};
  const Fields one{{"family_name", "Smith"}, {"postcode", "M1 1AA"}},
      two{{"family_name", "Brown"}, {"postcode", "M1 1AB"}};
  EXPECT_EQ(FeaturesOf(now, {one, two}).Bytes(), FeaturesOf(now, {two, one}).Bytes());
  EXPECT_NE(FeaturesOf(now, {one}).Bytes(), FeaturesOf(now).Bytes());
}

TEST(CompareTest, IsSymmetric) {
  const Fields a{{"given_name", "William"},
                 {"family_name", "Ward"},
                 {"date_of_birth", "1980-03-04"},
                 {"email", "w@x.org"}};
  const Fields b{
      {"given_name", "Ward"}, {"family_name", "Bill"}, {"date_of_birth", "1980-04-03"}, {"email", "w@x.org"}};
  EXPECT_EQ(Between(a, b).of, Between(b, a).of);
}

TEST(CompareTest, SeesShortFormsSwapsAndPlaceholders) {
  EXPECT_EQ(Between({{"given_name", "William"}, {"family_name", "Ward"}},
                    {{"given_name", "Bill"}, {"family_name", "Ward"}})
                .of[kFieldName],
            kGivenNickname * kFamilies + kFamilyExact);
  EXPECT_EQ(Between({{"given_name", "Ward"}, {"family_name", "Noah"}},
                    {{"given_name", "Noah"}, {"family_name", "Ward"}})
                .of[kFieldName],
            kNameSwapped);
  EXPECT_EQ(Between({{"date_of_birth", "1980-03-04"}}, {{"date_of_birth", "1980-04-03"}}).of[kFieldBirth], 2);
  EXPECT_EQ(Between({{"date_of_birth", "1900-01-01"}}, {{"date_of_birth", "1980-04-03"}}).of[kFieldBirth], 0);
  EXPECT_EQ(Between({{"date_of_birth", "1980-01-01"}}, {{"date_of_birth", "1980-04-03"}}).of[kFieldBirth], 7);
}

TEST(CompareTest, ConditionsContactsOnNames) {
  const Fields anna{{"given_name", "Anna"}, {"phone", "447700900123"}},
      tom{{"given_name", "Tom"}, {"phone", "447700900123"}}, none{{"phone", "447700900123"}};
  EXPECT_EQ(Between(anna, anna).of[kFieldPhone], 1);
  EXPECT_EQ(Between(anna, none).of[kFieldPhone], 5);
  EXPECT_EQ(Between(anna, tom).of[kFieldPhone], 9);
}

}  // namespace
}  // namespace pharos::customer::identity
