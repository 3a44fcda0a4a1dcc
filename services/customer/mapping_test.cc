#include "services/customer/mapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pharos::customer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::vector<std::string> kKnown = {"record_id",     "given_name",  "family_name",
                                         "date_of_birth", "consent_sms", "area"};

struct Mapped {
  MappedColumns columns;
  std::vector<std::string> problems;
  std::vector<std::string> Row(const std::vector<std::string>& cells) const {
    std::vector<std::string> made;
    for (const auto& maker : columns.makers) made.push_back(maker.Make(cells));
    return made;
  }
};
Mapped Map(const std::vector<std::string>& header, const v1::ImportMapping& mapping) {
  Mapped mapped;
  mapped.columns = MapColumns(header, mapping, kKnown, mapped.problems);
  return mapped;
}
v1::ImportMapping::Column From(std::initializer_list<const char*> names) {
  v1::ImportMapping::Column column;
  for (const char* name : names) column.add_from(name);
  return column;
}

TEST(Mapping, WithoutOneTheFilesColumnsAreOurs) {
  const Mapped mapped = Map({" Record_ID ", "given_name"}, {});
  EXPECT_THAT(mapped.problems, IsEmpty());
  EXPECT_THAT(mapped.columns.names, ElementsAre("record_id", "given_name"));
  EXPECT_THAT(mapped.Row({"1", "Ann"}), ElementsAre("1", "Ann"));
}

TEST(Mapping, RenamesJoinsAndKeepsWhatCarriesOurNames) {
  v1::ImportMapping mapping;
  (*mapping.mutable_columns())["record_id"] = From({"Client No"});
  (*mapping.mutable_columns())["given_name"] = From({"First", "Middle"});
  (*mapping.mutable_columns())["area"].set_constant("E08000035");
  mapping.add_ignore("Notes");
  const Mapped mapped = Map({"client no", "First", "Middle", "notes", "family_name"}, mapping);
  EXPECT_THAT(mapped.problems, IsEmpty());
  EXPECT_THAT(mapped.columns.names, ElementsAre("area", "given_name", "record_id", "family_name"));
  EXPECT_THAT(mapped.Row({"7", "Ann", "Lee", "x", "Archer"}),
              ElementsAre("E08000035", "Ann Lee", "7", "Archer"));
  EXPECT_THAT(mapped.Row({"7", "Ann", " ", "x", "Archer"}), ElementsAre("E08000035", "Ann", "7", "Archer"));
}

TEST(Mapping, TranslatesValues) {
  v1::ImportMapping mapping;
  auto& consent = (*mapping.mutable_columns())["consent_sms"];
  consent = From({"ok"});
  (*consent.mutable_values())["Y"] = "granted";
  const Mapped mapped = Map({"record_id", "ok"}, mapping);
  EXPECT_THAT(mapped.Row({"1", " Y "}), ElementsAre("granted", "1"));
  EXPECT_THAT(mapped.Row({"1", "maybe"}), ElementsAre("maybe", "1"));  // refused where the row is read
}

TEST(Mapping, ReadsDateLayouts) {
  EXPECT_EQ(IsoOfLayout("dd/mm/yyyy", "3/9/2001"), "2001-09-03");
  EXPECT_EQ(IsoOfLayout("dd/mm/yyyy", "03.09.2001"), "2001-09-03");
  EXPECT_EQ(IsoOfLayout("mm/dd/yyyy", "09/03/2001"), "2001-09-03");
  EXPECT_EQ(IsoOfLayout("yyyymmdd", "20010903"), "2001-09-03");
  EXPECT_EQ(IsoOfLayout("dd-mmm-yy", "3-Sep-01"), "2001-09-03");
  EXPECT_EQ(IsoOfLayout("dd-mmm-yy", "03-SEP-54"), "1954-09-03");
  EXPECT_EQ(IsoOfLayout("dd-mmm-yyyy", "03-sep-1954"), "1954-09-03");
  for (const char* wrong : {"", "3/9", "3/9/01", "x/9/2001", "3/9/2001/1"}) {
    EXPECT_EQ(IsoOfLayout("dd/mm/yyyy", wrong), "") << wrong;
  }
  EXPECT_EQ(IsoOfLayout("dd-mmm-yy", "3-anf-01"), "");
}

TEST(Mapping, ADateOfAnotherLayoutStaysAsItCame) {
  v1::ImportMapping mapping;
  auto& born = (*mapping.mutable_columns())["date_of_birth"];
  born = From({"dob"});
  born.set_date("mm/dd/yyyy");
  const Mapped mapped = Map({"record_id", "dob"}, mapping);
  EXPECT_THAT(mapped.Row({"1", "09/03/2001"}), ElementsAre("2001-09-03", "1"));
  EXPECT_THAT(mapped.Row({"1", "about 1950"}), ElementsAre("about 1950", "1"));
  EXPECT_THAT(mapped.Row({"1", ""}), ElementsAre("", "1"));
}

TEST(Mapping, NamesWhatIsWrong) {
  v1::ImportMapping mapping;
  (*mapping.mutable_columns())["given_nam"] = From({"record_id"});
  (*mapping.mutable_columns())["family_name"] = From({"surname"});
  (*mapping.mutable_columns())["area"];
  (*mapping.mutable_columns())["date_of_birth"] = From({"dob"});
  (*mapping.mutable_columns())["date_of_birth"].set_date("yy");
  mapping.add_ignore("nothing");
  const Mapped mapped = Map({"record_id", "dob", "0044 7700"}, mapping);
  EXPECT_THAT(mapped.problems,
              ElementsAre(HasSubstr("needs either"), HasSubstr("date layout"), HasSubstr("does not have"),
                          HasSubstr("did you mean \"given_name\"?"), HasSubstr("leaves out a column"),
                          "column 3 is unknown"));
}

TEST(Mapping, RefusesAColumnTwice) {
  EXPECT_THAT(Map({"record_id", "area", "Area"}, {}).problems, ElementsAre("\"area\" is there twice"));
  v1::ImportMapping mapping;
  (*mapping.mutable_columns())["area"] = From({"gss"});
  EXPECT_THAT(Map({"record_id", "area", "gss"}, mapping).problems, ElementsAre("\"area\" is there twice"));
}

TEST(Mapping, AMendedListOfRejectedRowsIsAFileLikeAnother) {
  const Mapped mapped = Map(
      {"rejected_line", "rejected_column", "rejected_reason", "rejected_message", "record_id", "area"}, {});
  EXPECT_THAT(mapped.problems, IsEmpty());
  EXPECT_THAT(mapped.Row({"7", "x", "y", "z", "1", "E1"}), ElementsAre("1", "E1"));
}

}  // namespace
}  // namespace pharos::customer
