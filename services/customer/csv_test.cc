#include "services/customer/csv.h"

#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pharos::customer {
namespace {

using ::testing::ElementsAre;

std::vector<CsvRow> ReadIn(std::string_view text, size_t step) {
  std::vector<CsvRow> rows;
  CsvReader reader([&](CsvRow row) {
    rows.push_back(std::move(row));
    return true;
  });
  for (size_t at = 0; at < text.size(); at += step) reader.Feed(text.substr(at, step));
  reader.Finish();
  return rows;
}

// In one piece and byte by byte: the answer must be the same.
std::vector<CsvRow> Read(std::string_view text) {
  auto rows = ReadIn(text, text.size() + 1);
  const auto again = ReadIn(text, 1);
  EXPECT_EQ(rows.size(), again.size());
  for (size_t at = 0; at < std::min(rows.size(), again.size()); ++at) {
    EXPECT_EQ(rows[at].fields, again[at].fields);
    EXPECT_EQ(rows[at].line, again[at].line);
    EXPECT_EQ(rows[at].wrong, again[at].wrong);
  }
  return rows;
}

TEST(Csv, RowsFieldsAndLines) {
  const auto rows = Read("a,b\r\n1,\"x, \"\"y\"\"\nz\"\n\n2,\n");
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_THAT(rows[0].fields, ElementsAre("a", "b"));
  EXPECT_THAT(rows[1].fields, ElementsAre("1", "x, \"y\"\nz"));
  EXPECT_THAT(rows[2].fields, ElementsAre("2", ""));
  EXPECT_EQ(rows[1].line, 2);
  EXPECT_EQ(rows[2].line, 5);
}

TEST(Csv, ByteOrderMarkIsNoPartOfTheHeader) {
  EXPECT_THAT(Read("\xEF\xBB\xBF"
                   "a,b\n")[0]
                  .fields,
              ElementsAre("a", "b"));
  EXPECT_THAT(Read("\xEF\xBB\xBF"
                   "\"a\",b\n")[0]
                  .fields,
              ElementsAre("a", "b"));
}

TEST(Csv, LastLineMayLackItsEnd) {
  const auto rows = Read("a,b\n1,2");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_TRUE(rows[1].unterminated);
  EXPECT_FALSE(rows[0].unterminated);
}

TEST(Csv, AFileCutInsideAQuoteIsTruncated) {
  const auto rows = Read("a,b\n1,\"2");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1].wrong, "ROW_TRUNCATED");
}

TEST(Csv, AQuoteNeverClosedCostsItsOwnLineOnly) {
  const auto rows = Read("a,b\n1,\"x\n2,y\n3,z\n");
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[1].wrong, "QUOTE_WRONG");
  EXPECT_EQ(rows[1].line, 2);
  EXPECT_THAT(rows[2].fields, ElementsAre("2", "y"));
  EXPECT_THAT(rows[3].fields, ElementsAre("3", "z"));
  EXPECT_EQ(rows[3].line, 4);
}

TEST(Csv, TwoStrayQuotesDoNotSwallowTheLinesBetween) {
  const auto rows = Read("1,\"x\n2,y\n3,\"z\n4,w\n");
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0].wrong, "QUOTE_WRONG");
  EXPECT_THAT(rows[1].fields, ElementsAre("2", "y"));
  EXPECT_EQ(rows[2].wrong, "QUOTE_WRONG");
  EXPECT_THAT(rows[3].fields, ElementsAre("4", "w"));
}

TEST(Csv, BytesThatAreNoText) {
  const auto rows = Read(std::string_view("a,b\n1,\xFF\n2,\0\n3,ok\n", 17));
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[1].wrong, "NOT_UTF8");
  EXPECT_EQ(rows[2].wrong, "NUL_BYTE");
  EXPECT_THAT(rows[3].fields, ElementsAre("3", "ok"));
}

TEST(Csv, AnEndlessLineIsRefusedAndTheNextOneRead) {
  const auto rows = Read(std::string(200'000, 'x') + "\n1,2\n");
  ASSERT_GE(rows.size(), 2u);
  EXPECT_EQ(rows[0].wrong, "ROW_TOO_LONG");
  EXPECT_THAT(rows.back().fields, ElementsAre("1", "2"));
  EXPECT_EQ(rows.back().line, 2);
}

TEST(Csv, EndsWhenToldTo) {
  int seen = 0;
  CsvReader reader([&](CsvRow) { return ++seen < 2; });
  EXPECT_FALSE(reader.Feed("1\n2\n3\n4\n"));
  EXPECT_FALSE(reader.Finish());
  EXPECT_EQ(seen, 2);
}

TEST(Csv, AnyBytesEndAndEveryLineIsAccountedFor) {
  std::mt19937 random(11);
  constexpr char kBytes[] = {'a', ',', '"', '\n', '\r', '\xC3', '\xA9', '\0', 'b'};
  for (int round = 0; round < 2'000; ++round) {
    std::string text;
    for (size_t length = random() % 60; length > 0; --length)
      text.push_back(kBytes[random() % std::size(kBytes)]);
    int64_t line = 0;
    for (const auto& row : Read(text)) {
      EXPECT_GT(row.line, line) << "lines only go forward";
      line = row.line;
    }
  }
}

}  // namespace
}  // namespace pharos::customer
