#include "ops/cli/reference_file.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace pharos::cli {
namespace {

using Request = audience::v1::LoadReferenceRequest;
using ::testing::HasSubstr;

TEST(ReferenceFile, ReadsTheColumnsOfCommonExtracts) {
  const auto file =
      ReadReferenceFile(Request::AREAS,
                        "la_code,la_name,la_type,region_code,region_name,imd2025_decile_of_rank\n"
                        "E08000035,Leeds,district,E12000003,\"Yorkshire, and The Humber\",3\n",
                        {}, "OGL");
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_EQ(file->requests.size(), 1u);
  EXPECT_EQ(file->requests[0].kind(), Request::AREAS);
  EXPECT_EQ(file->requests[0].attribution(), "OGL");
  const auto& area = file->requests[0].areas(0);
  EXPECT_EQ(area.display_name(), "Leeds");
  EXPECT_EQ(area.region_name(), "Yorkshire, and The Humber");
  EXPECT_EQ(area.deprivation_decile(), 3u);
}

TEST(ReferenceFile, ColumnsCanBeNamed) {
  const auto file = ReadReferenceFile(Request::POSTCODES, "pc,la\nLS1 4AP,E08000035\n,E08000035\n",
                                      {{"postcode", "pc"}, {"area", "la"}}, "");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->requests[0].postcodes(0).area(), "E08000035");
  EXPECT_EQ(file->left_out, 1) << "a row without a postcode";
}

TEST(ReferenceFile, AMissingColumnIsNamed) {
  const auto file = ReadReferenceFile(Request::AREA_CODE_CHANGES, "code,other\nE1,E2\n", {}, "");
  EXPECT_THAT(std::string(file.status().message()), HasSubstr("\"code-now\""));
  EXPECT_FALSE(ReadReferenceFile(Request::AREAS, "", {}, "").ok());
}

TEST(ReferenceFile, ADecileThatIsNoNumberIsSentAsWrong) {
  const auto file = ReadReferenceFile(Request::POSTCODES,
                                      "postcode,area,deprivation-decile\nLS1 4AP,E08000035,ten\n", {}, "");
  EXPECT_GT(file->requests[0].postcodes(0).deprivation_decile(), 10u);
}

TEST(ReferenceFile, WhatShipsCanBeRead) {
  const std::string folder = std::string(std::getenv("PHAROS_SOURCE")) + "/ops/reference/";
  for (const auto& [name, kind, least] : {std::tuple("areas.csv", Request::AREAS, 290),
                                          std::tuple("changes.csv", Request::AREA_CODE_CHANGES, 50)}) {
    std::ifstream in(folder + name);
    std::stringstream text;
    text << in.rdbuf();
    const auto file = ReadReferenceFile(kind, text.str(), {}, "");
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_EQ(file->left_out, 0);
    EXPECT_GE(file->requests[0].areas_size() + file->requests[0].changes_size(), least);
  }
}

}  // namespace
}  // namespace pharos::cli
