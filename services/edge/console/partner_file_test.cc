#include "services/edge/console/partner_file.h"

#include <gmock/gmock.h>

namespace pharos::edge::console {
namespace {

namespace v1 = customer::v1;

using ::testing::ElementsAre;

v1::RowError Error(int64_t line, const char* column, const char* reason, const char* message) {
  v1::RowError error;
  error.set_line(line);
  error.set_column(column);
  error.set_reason(reason);
  error.set_message(message);
  return error;
}

TEST(PartnerFile, SeparatorIsWhatTheFirstLineSpeaksOfMost) {
  EXPECT_EQ(SeparatorOf("id,email\n"), ',');
  EXPECT_EQ(SeparatorOf("id;name, first;email\n"), ';');
  EXPECT_EQ(SeparatorOf("id\temail\n;;;;"), '\t');
  EXPECT_EQ(SeparatorOf("id"), ',');
}

TEST(PartnerFile, ColumnsComeWithoutMarkSpacesAndQuotes) {
  EXPECT_THAT(ColumnsOf("\xEF\xBB\xBF\"Client No\", Date of birth ,\"says \"\"hi\"\"\"\r\n1,2,3\r\n", ','),
              ElementsAre("Client No", "Date of birth", "says \"hi\""));
}

TEST(PartnerFile, RowMaySpanLines) {
  size_t at = 0;
  int64_t line = 1;
  const std::string file = "1,\"two\nlines\"\r\n2,x";
  EXPECT_THAT(NextRow(file, ',', at, &line), ElementsAre("1", "two\nlines"));
  EXPECT_EQ(line, 3);
  EXPECT_THAT(NextRow(file, ',', at, &line), ElementsAre("2", "x"));
  EXPECT_EQ(at, file.size());
}

TEST(PartnerFile, UsualNamesOfColumnsAreGuessed) {
  EXPECT_EQ(GuessColumn("DOB"), "date_of_birth");
  EXPECT_EQ(GuessColumn("E-mail address"), "email");
  EXPECT_EQ(GuessColumn("Client No."), "record_id");
  EXPECT_EQ(GuessColumn("record_id"), "record_id");
  EXPECT_EQ(GuessColumn("favourite colour"), "");
}

TEST(PartnerFile, MappingFollowsWhatWasSaid) {
  const auto mapping =
      MappingOf({"Client No", "First", "Middle", "DOB", "Text OK", "Notes", "rejected_line"}, ';',
                {{"column-0", "record_id"},
                 {"column-1", "given_name"},
                 {"column-2", "given_name"},
                 {"column-3", "date_of_birth"},
                 {"column-4", "consent_sms"},
                 {"column-5", ""},
                 {"date_layout", "dd/mm/yyyy"},
                 {"consent_words", "yes"}});
  EXPECT_EQ(mapping.separator(), ";");
  EXPECT_THAT(mapping.columns().at("given_name").from(), ElementsAre("First", "Middle"));
  EXPECT_EQ(mapping.columns().at("date_of_birth").date(), "dd/mm/yyyy");
  EXPECT_EQ(mapping.columns().at("consent_sms").values().at("Y"), "granted");
  EXPECT_EQ(mapping.columns().at("consent_sms").values().at("no"), "withdrawn");
  EXPECT_THAT(mapping.ignore(), ElementsAre("Notes"))
      << "columns of our own list of refused rows need no word";
  EXPECT_EQ(MappingProblem(mapping), "");
}

TEST(PartnerFile, WithoutAnIdNothingIsSent) {
  EXPECT_NE(MappingProblem(MappingOf({"a", "b"}, ',', {{"column-0", "email"}, {"column-1", "phone"}})), "");
  EXPECT_NE(MappingProblem(MappingOf({"a"}, ',', {{"column-0", "record_id"}})), "");
}

TEST(PartnerFile, RefusedRowsComeAsTheyWereWithTheReasonInFront) {
  const std::string file = "\xEF\xBB\xBFid,born\n1,1980-01-01\n2,\"around\n1980\"\n3,nonsense";
  EXPECT_EQ(RefusedRows(file, ',',
                        {Error(3, "born", "DATE_WRONG", "write \"1980-01-01\""),
                         Error(5, "", "ROW_TRUNCATED", "send it again")}),
            "rejected_line,rejected_column,rejected_reason,rejected_message,id,born\n"
            "3,\"born\",DATE_WRONG,\"write \"\"1980-01-01\"\"\",2,\"around\n1980\"\n"
            "5,\"\",ROW_TRUNCATED,\"send it again\",3,nonsense\n");
}

TEST(PartnerFile, MessagesAreSentences) {
  EXPECT_EQ(Sentence("write yes or no, or leave it empty"), "Write yes or no, or leave it empty.");
  EXPECT_EQ(Sentence(""), "");
}

}  // namespace
}  // namespace pharos::edge::console
