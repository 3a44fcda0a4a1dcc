#include "ops/cli/known_links.h"

#include <sstream>

#include "gmock/gmock.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

using ::testing::ElementsAre;

TEST(KnownLinks, RowsOfOnePersonAreOnePersonWhereverTheyStand) {
  std::istringstream file(
      "source,record_id,person_id\n"
      "quit,q1,P1\n"
      "news,n1,P2\n"
      "\n"
      "screening,s1,P1\n"
      "news,n2,P3\r\n"
      "sources/news,n3,P2\n");
  const auto links = ReadKnownLinks(file);
  ASSERT_TRUE(links.ok()) << links.status();
  EXPECT_EQ(links->rows, 5);
  EXPECT_EQ(links->alone, 1);
  ASSERT_EQ(links->people.size(), 2u);
  EXPECT_EQ(links->people[0].id, "P1");
  EXPECT_EQ(links->people[0].line, 2);
  EXPECT_THAT(links->people[0].records,
              ElementsAre("sources/quit/records/q1", "sources/screening/records/s1"));
  EXPECT_THAT(links->people[1].records, ElementsAre("sources/news/records/n1", "sources/news/records/n3"));
}

TEST(KnownLinks, ColumnsMayStandAnywhereAndBadRowsAreNamed) {
  std::istringstream file(
      "\xEF\xBB\xBFperson_id,note,record_id,source\nP1,\"a, \"\"b\"\"\",r1,quit\nP1,,,quit\nP1,x\n");
  const auto links = ReadKnownLinks(file);
  ASSERT_TRUE(links.ok()) << links.status();
  EXPECT_EQ(links->rows, 3);
  ASSERT_EQ(links->problems.size(), 2u);
  EXPECT_EQ(links->problems[0].line, 3);
  EXPECT_EQ(links->problems[1].line, 4);
  EXPECT_EQ(links->alone, 1);
}

TEST(KnownLinks, AFileWithoutTheColumnsIsRefused) {
  std::istringstream wrong("source,record\nquit,q1\n"), empty("");
  EXPECT_EQ(base::ReasonOf(ReadKnownLinks(wrong).status()), "USAGE");
  EXPECT_EQ(base::ReasonOf(ReadKnownLinks(empty).status()), "USAGE");
}

TEST(KnownLinks, CellsAreUnquoted) {
  EXPECT_THAT(CsvCells("a,\"b,c\", d ,\"say \"\"x\"\"\"\r"), ElementsAre("a", "b,c", "d", "say \"x\""));
}

}  // namespace
}  // namespace pharos::cli
