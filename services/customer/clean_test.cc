// Cleaning, by example and against the shared vectors where they are at hand (PHAROS_SHARED, or ../shared
// beside the sources).
#include "services/customer/clean.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "gtest/gtest.h"
#include "services/customer/csv.h"

namespace pharos::customer {
namespace {

std::string Shared(const std::string& file) {
  if (const char* folder = std::getenv("PHAROS_SHARED")) return std::string(folder) + "/" + file;
  const char* source = std::getenv("PHAROS_SOURCE");
  return std::string(source == nullptr ? "." : source) + "/../shared/" + file;
}

std::string ReadAll(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST(Clean, NamesAreShownAsNamesAre) {
  EXPECT_EQ(CleanName("NOAH"), "Noah");
  EXPECT_EQ(CleanName("  noah   james "), "Noah James");
  EXPECT_EQ(CleanName("o'brien"), "O'Brien");
  EXPECT_EQ(CleanName("MacDonald"), "MacDonald");
  EXPECT_EQ(CleanName("Dr. Mary Ann"), "Mary Ann");
  EXPECT_EQ(CleanName("ÉLODIE"), "Élodie");
  EXPECT_EQ(CleanName("smith-jones"), "Smith-Jones");
}

TEST(Clean, WordsThatStandForNoNameAreNone) {
  for (const char* none : {"unknown", "TEST", "Baby", "n/a", "", "  ", "-", "123"})
    EXPECT_EQ(CleanName(none), "") << none;
}

TEST(Clean, EmailMustLookLikeAnAddress) {
  EXPECT_EQ(CleanEmail(" Ivy9187427@Mail.Example "), "ivy9187427@mail.example");
  EXPECT_EQ(CleanEmail("o'brien+news@example.org"), "o'brien+news@example.org");
  for (const char* wrong : {"", "ivy", "ivy@", "@example.org", "ivy@example", "i vy@example.org",
                            "ivy@@example.org", "ivy@exa mple.org", "ivy@-example.org", "ivy..x@example.org",
                            "ivy@example..org", ".ivy@example.org", "<ivy@example.org>"}) {
    EXPECT_EQ(CleanEmail(wrong), "") << wrong;
  }
}

TEST(Clean, PhonesOfTrialsAndUnallocatedMobilesCanBeUsed) {
  for (const char* typed :
       {"07700900123", "07700 900123", "+44 7700 900123", "00447700900123", "07700 900 123",
        "+44 (0)7700900123", "(07700) 900123", "tel:+447700900123", "447700900123"}) {
    EXPECT_EQ(CleanPhone(typed), "447700900123") << typed;
    EXPECT_TRUE(IsMobile(CleanPhone(typed))) << typed;
  }
  EXPECT_EQ(CleanPhone("07431000000"), "447431000000");
}

TEST(Clean, PhonesThatCannotBeRead) {
  for (const char* typed : {"", "abc", "0770090012", "111", "+4477009001234", "077o0900000"}) {
    EXPECT_EQ(CleanPhone(typed), "") << typed;
  }
}

TEST(Clean, OnlyBritishMobilesAreMobiles) {
  EXPECT_FALSE(IsMobile(CleanPhone("020 7946 0000")));
  EXPECT_FALSE(IsMobile(CleanPhone("07012 345678")));  // personal number
  EXPECT_FALSE(IsMobile(CleanPhone("07640 123456")));  // pager
  EXPECT_TRUE(IsMobile(CleanPhone("07624 123456")));   // Isle of Man
  EXPECT_EQ(CleanPhone("+1 201 555 0123"), "12015550123");
  EXPECT_FALSE(IsMobile("12015550123"));
}

TEST(Clean, QuickPathAnswersAsTheLibraryDoes) {
  std::mt19937 random(7);
  const auto digits = [&](int count) {
    std::string made;
    for (int i = 0; i < count; ++i) made.push_back(static_cast<char>('0' + random() % 10));
    return made;
  };
  const char* const openings[] = {"07", "01", "02",   "+447", "+441", "00447", "00441",
                                  "03", "08", "+442", "0",    "+44",  "44",    "7"};
  for (int round = 0; round < 20'000; ++round) {
    std::string typed =
        std::string(openings[random() % std::size(openings)]) + digits(6 + static_cast<int>(random() % 6));
    if (random() % 2) typed.insert(typed.size() - 6, " ");
    ASSERT_EQ(CleanPhone(typed), CleanPhoneByLibrary(typed)) << typed;
  }
}

TEST(Clean, SharedPhoneVectors) {
  const std::string text = ReadAll(Shared("data/wire/phone/gb-numbers.json"));
  if (text.empty()) GTEST_SKIP() << "no shared vectors here";
  for (const auto& vector : nlohmann::json::parse(text)) {
    const std::string input = vector["input"];
    if (vector["possible"].get<bool>()) {
      const std::string e164 = vector["e164"].get<std::string>().substr(1);
      const bool short_mobile = e164.rfind("447", 0) == 0 && e164.size() != 12;
      EXPECT_EQ(CleanPhone(input), short_mobile ? "" : e164) << input;
    } else {
      EXPECT_EQ(CleanPhone(input), "") << input;
    }
  }
}

TEST(Clean, NhsNumbersNeedTheirCheckDigit) {
  EXPECT_EQ(CleanNhsNumber(" 932 067 5082 "), "9320675082");
  EXPECT_EQ(CleanNhsNumber("9320675028"), "");
  EXPECT_EQ(CleanNhsNumber("1111111111"), "");
  EXPECT_EQ(CleanNhsNumber("932067508"), "");
}

TEST(Clean, SharedNhsNumberVectors) {
  const std::string text = ReadAll(Shared("data/wire/nhs-number/vectors.csv"));
  if (text.empty()) GTEST_SKIP() << "no shared vectors here";
  int checked = -1;  // the header
  CsvReader reader([&](CsvRow row) {
    if (++checked == 0) return true;
    EXPECT_EQ(CleanNhsNumber(row.fields[0]), row.fields[1] == "valid" ? row.fields[2] : "")
        << row.fields[0] << ": " << row.fields[3];
    return true;
  });
  reader.Feed(text);
  reader.Finish();
  EXPECT_GT(checked, 40);
}

TEST(Clean, DatesInFourForms) {
  for (const char* typed : {"2001-02-03", "03/02/2001", "3/2/2001", "03.02.2001", "03-02-2001", "20010203"}) {
    EXPECT_EQ(CleanDate(typed), "2001-02-03") << typed;
  }
  for (const char* wrong : {"", "2001-02-30", "2001-13-01", "31/04/2001", "2001", "01-02-03", "1700-01-01",
                            "yesterday", "2001-2-3x"}) {
    EXPECT_EQ(CleanDate(wrong), "") << wrong;
  }
  EXPECT_EQ(CleanDate("2000-02-29"), "2000-02-29");
  EXPECT_EQ(CleanDate("1900-02-29"), "");
}

TEST(Clean, PostcodesGetTheirSpace) {
  EXPECT_EQ(CleanPostcode("sw1a1aa"), "SW1A 1AA");
  EXPECT_EQ(CleanPostcode(" M1 7XA"), "M1 7XA");
  for (const char* wrong : {"", "SW1A", "12345", "SW1A 11A", "SW1A-1AA"})
    EXPECT_EQ(CleanPostcode(wrong), "") << wrong;
}

TEST(Clean, InterestsAreASet) {
  EXPECT_EQ(CleanInterests("Sleep; diet;sleep;;"), "diet;sleep");
}

TEST(Clean, Times) {
  EXPECT_EQ(ReadTime("1970-01-01T00:00:01Z"), 1'000'000);
  EXPECT_EQ(ReadTime("2026-11-01T00:00:00Z"), 1'793'491'200'000'000);
  EXPECT_EQ(ReadTime("2026-11-01"), 1'793'491'200'000'000);
  EXPECT_EQ(ReadTime("2026-11-01T01:00:00.5+01:00"), 1'793'491'200'500'000);
  for (const char* wrong : {"", "2026-11-0", "2026-11-01T", "2026-11-01T24:00:00Z", "2026-11-01T10:00:00Zx",
                            "01/11/2026", "2026-02-30"}) {
    EXPECT_EQ(ReadTime(wrong), -1) << wrong;
  }
}

}  // namespace
}  // namespace pharos::customer
