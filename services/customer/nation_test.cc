#include "services/customer/nation.h"

#include <cstdlib>
#include <fstream>
#include <string>

#include "gtest/gtest.h"

namespace pharos::customer {
namespace {

using type::v1::ENGLAND;
using type::v1::Nation;
using type::v1::NATION_UNSPECIFIED;
using type::v1::NORTHERN_IRELAND;
using type::v1::SCOTLAND;
using type::v1::WALES;

TEST(NationOf, KnowsMostByTheArea) {
  EXPECT_EQ(NationOf("SW1A 1AA"), ENGLAND);
  EXPECT_EQ(NationOf("M1 7XA"), ENGLAND);
  EXPECT_EQ(NationOf("CF10 3AT"), WALES);
  EXPECT_EQ(NationOf("LL57 2PW"), WALES);
  EXPECT_EQ(NationOf("EH1 1YZ"), SCOTLAND);
  EXPECT_EQ(NationOf("G2 1DY"), SCOTLAND);
  EXPECT_EQ(NationOf("BT1 5GS"), NORTHERN_IRELAND);
}

TEST(NationOf, LooksCloserAtTheBorders) {
  EXPECT_EQ(NationOf("CH1 2HQ"), ENGLAND);
  EXPECT_EQ(NationOf("CH4 0DR"), WALES);
  EXPECT_EQ(NationOf("CH7 1AP"), WALES);
  EXPECT_EQ(NationOf("CH65 9HQ"), ENGLAND);
  EXPECT_EQ(NationOf("SY1 1AA"), ENGLAND);
  EXPECT_EQ(NationOf("SY23 1AA"), WALES);
  EXPECT_EQ(NationOf("NP16 5AA"), WALES);
  EXPECT_EQ(NationOf("NP16 7AA"), ENGLAND);
  EXPECT_EQ(NationOf("HR3 5AA"), WALES);
  EXPECT_EQ(NationOf("HR3 6AA"), ENGLAND);
  EXPECT_EQ(NationOf("LD7 1AA"), WALES);
  EXPECT_EQ(NationOf("TD1 1AA"), SCOTLAND);
  EXPECT_EQ(NationOf("TD15 2AA"), ENGLAND);
  EXPECT_EQ(NationOf("TD15 1AA"), NATION_UNSPECIFIED);
  EXPECT_EQ(NationOf("DG16 5AA"), SCOTLAND);
  EXPECT_EQ(NationOf("CA3 8AA"), ENGLAND);
}

TEST(NationOf, SaysNothingOfWhatItDoesNotKnow) {
  for (const char* code :
       {"",         " ",        "SW1A1AA", "SW1A",      "JE2 3AB", "GY1 1AA", "IM1 1AA",
        "BF1 0AA",  "XX1 1AA",  "QQ1 1AA", "NPT 1AA",   "1A 1AA",  "A 1AA",   "SW 1AA",
        "sw1a 1aa", "SW1A AAA", "SW1A 1A", "SW1A 1AAA", "ÄÖ1 1AA", "  1AA",   "ABC1 1AA"}) {
    EXPECT_EQ(NationOf(code), NATION_UNSPECIFIED) << code;
  }
}

TEST(NationOf, AgreesWithTheDirectory) {
  const char* source = std::getenv("PHAROS_SOURCE");
  const std::string file =
      std::string(source == nullptr ? "." : source) + "/../shared/data/reference/postcodes.csv";
  std::ifstream in(file);
  if (!in) GTEST_SKIP() << "no " << file;
  std::string line;
  std::getline(in, line);
  ASSERT_TRUE(line.starts_with("postcode,la_code")) << line;
  int all = 0, unknown = 0, across_scotland = 0, other = 0;
  while (std::getline(in, line)) {
    const size_t comma = line.find(',');
    const char country = line[comma + 1];
    const Nation expected = country == 'E' ? ENGLAND : country == 'W' ? WALES : SCOTLAND;
    const Nation found = NationOf(std::string_view(line).substr(0, comma));
    ++all;
    if (found == NATION_UNSPECIFIED) {
      ++unknown;
    } else if (found != expected) {
      ++other;
      if (found == SCOTLAND || expected == SCOTLAND) ++across_scotland;
    }
  }
  EXPECT_GT(all, 100'000);
  EXPECT_EQ(across_scotland, 0);
  EXPECT_LT(unknown, all / 2000);
  EXPECT_LT(other, all / 1000);  // England and Wales, which keep the same bank holidays
}

}  // namespace
}  // namespace pharos::customer
