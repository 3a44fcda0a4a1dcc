#include "ops/cli/rejected_rows.h"

#include <gtest/gtest.h>

#include <sstream>

namespace pharos::cli {
namespace {

std::string Rejected(const std::string& file, const std::map<int64_t, Rejection>& rejected,
                     char separator = ',') {
  std::istringstream in(file);
  std::ostringstream out;
  WriteRejectedRows(in, rejected, separator, out);
  return out.str();
}
const Rejection kDate = {"updated_at", "DATE_WRONG", "write \"2026\""};
constexpr char kFront[] = "rejected_line,rejected_column,rejected_reason,rejected_message,";

TEST(RejectedRows, AreThoseRowsAsTheyCame) {
  const std::string file = "record_id,note\r\n1,a\r\n2,\"b, \"\"c\"\"\nd\"\r\n3,e\r\n4,f";
  EXPECT_EQ(Rejected(file, {{3, kDate}, {6, {"", "ROW_TRUNCATED", "send it whole"}}}),
            std::string(kFront) + "record_id,note\r\n" +
                "3,\"updated_at\",DATE_WRONG,\"write \"\"2026\"\"\",2,\"b, \"\"c\"\"\nd\"\r\n" +
                "6,\"\",ROW_TRUNCATED,\"send it whole\",4,f\n");
}

TEST(RejectedRows, WhereAQuoteWasNeverClosedOnlyTheFirstLineIsGivenUp) {
  const std::string file = "record_id,note\n1,\"open\n2,b\n3,c\n";
  EXPECT_EQ(Rejected(file, {{2, {"", "QUOTE_WRONG", "close it"}}, {4, kDate}}),
            std::string(kFront) + "record_id,note\n2,\"\",QUOTE_WRONG,\"close it\",1,\"open\n" +
                "4,\"updated_at\",DATE_WRONG,\"write \"\"2026\"\"\",3,c\n");
}

TEST(RejectedRows, AMendedFileThatIsRejectedAgainHasItsReasonsReplaced) {
  const std::string once = Rejected("record_id,note\n1,a\n2,b\n", {{2, kDate}, {3, kDate}});
  EXPECT_EQ(Rejected(once, {{3, {"", "RECORD_ID_WRONG", "mend it"}}}),
            std::string(kFront) + "record_id,note\n3,\"\",RECORD_ID_WRONG,\"mend it\",2,b\n");
}

TEST(RejectedRows, KeepsTheFilesSeparator) {
  EXPECT_EQ(Rejected("record_id;note\n1;\"a;b\"\n", {{2, {"note", "X", "y"}}}, ';'),
            "rejected_line;rejected_column;rejected_reason;rejected_message;record_id;note\n2;\"note\";X;"
            "\"y\";1;\"a;b\"\n");
}

}  // namespace
}  // namespace pharos::cli
