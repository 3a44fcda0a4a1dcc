#include "services/config/mapping_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/base/errors.h"

namespace pharos::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string Wrong(const char* text) {
  const auto mapping = ParseMapping(text, "m.toml");
  return mapping.ok() ? "" : mapping.status().ToString();
}

TEST(MappingFile, IsReadWhole) {
  const auto mapping = ParseMapping(R"(
separator = ";"
ignore = ["Notes"]
[columns]
record_id = "Client No"
given_name = ["First", "Middle"]
date_of_birth = { from = "DOB", date = "dd/mm/yyyy" }
consent_sms = { from = "OK?", values = { Y = "granted", "n/a" = "" } }
area = { constant = "E08000035" }
)",
                                    "m.toml");
  ASSERT_TRUE(mapping.ok()) << mapping.status();
  EXPECT_EQ(mapping->separator, ";");
  EXPECT_THAT(mapping->ignore, ElementsAre("Notes"));
  EXPECT_THAT(mapping->columns.at("record_id").from, ElementsAre("Client No"));
  EXPECT_THAT(mapping->columns.at("given_name").from, ElementsAre("First", "Middle"));
  EXPECT_EQ(mapping->columns.at("date_of_birth").date, "dd/mm/yyyy");
  EXPECT_EQ(mapping->columns.at("consent_sms").values.at("Y"), "granted");
  EXPECT_EQ(mapping->columns.at("area").constant, "E08000035");
}

TEST(MappingFile, SaysWhatIsWrongAndWhere) {
  EXPECT_THAT(Wrong("colums = 1"), HasSubstr("m.toml:1: \"colums\" is unknown; did you mean \"columns\"?"));
  EXPECT_THAT(Wrong("\n[columns]\narea = 7"), HasSubstr("m.toml:3: area needs a text"));
  EXPECT_THAT(Wrong("separator = \"||\""), HasSubstr("one character"));
  EXPECT_THAT(Wrong("[columns]\narea = { form = \"x\" }"), HasSubstr("did you mean \"from\"?"));
  EXPECT_THAT(Wrong("[columns"), HasSubstr("MAPPING_WRONG"));
  EXPECT_EQ(base::ReasonOf(LoadMapping("/nowhere").status()), "MAPPING_WRONG");
}

}  // namespace
}  // namespace pharos::config
