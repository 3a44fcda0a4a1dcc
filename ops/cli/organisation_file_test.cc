#include "ops/cli/organisation_file.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "gmock/gmock.h"

namespace pharos::cli {
namespace {

using testing::HasSubstr;

std::string MessageOf(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

TEST(OrganisationFile, ReadsOurOwnColumns) {
  const auto read = ReadOrganisationFile(
      "code,name,kind,parent,closed,subscriber,area,mail-domains\r\n"
      "SITE1,\"Clinic, the \"\"old\"\" one\",site,E08000035,2024-03-31,,E08000035,\r\n"
      "\r\n"
      "E08000035,Leeds City Council,council,,,corporate,E08000035,leeds.example; leeds.test\r\n",
      {});
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->size(), 2u);
  const auto& leeds = (*read)[0];
  EXPECT_EQ(leeds.id, "e08000035") << "what others belong to comes first";
  EXPECT_EQ(leeds.line, 4);
  EXPECT_EQ(leeds.organisation.subscriber_kind(), customer::v1::CORPORATE);
  ASSERT_EQ(leeds.organisation.mail_domains_size(), 2);
  EXPECT_EQ(leeds.organisation.mail_domains(1), "leeds.test");
  const auto& clinic = (*read)[1];
  EXPECT_EQ(clinic.organisation.display_name(), "Clinic, the \"old\" one");
  EXPECT_EQ(clinic.organisation.parent(), "organisations/e08000035");
  EXPECT_EQ(clinic.organisation.close_time_us(), 1'711'843'200'000'000);
}

TEST(OrganisationFile, MapsForeignColumnsAndTakesTheRestAsConstant) {
  OrganisationColumns columns;
  columns.from = {{"code", "ods_code"}, {"parent", "icb_code"}};
  columns.constant = {{"kind", "nhs-trust"}, {"subscriber", "corporate"}};
  columns.id_prefix = columns.parent_prefix = "ods-";
  const auto read =
      ReadOrganisationFile("ods_code,name,icb_code,closed\nR0A,MANCHESTER,QOP,20220101\n", columns);
  ASSERT_TRUE(read.ok()) << read.status();
  const auto& trust = (*read)[0];
  EXPECT_EQ(trust.id, "ods-r0a");
  EXPECT_EQ(trust.organisation.code(), "R0A");
  EXPECT_EQ(trust.organisation.parent(), "organisations/ods-qop");
  EXPECT_EQ(trust.organisation.kind(), customer::v1::NHS_TRUST);
  EXPECT_EQ(trust.organisation.close_time_us(), 1'640'995'200'000'000);
}

TEST(OrganisationFile, SaysWhatIsWrongWithTheHeaderAndWithALine) {
  EXPECT_THAT(MessageOf(ReadOrganisationFile("ods_code,name\n", {}).status()),
              HasSubstr("--column code=COLUMN"));
  OrganisationColumns columns;
  columns.from = {{"code", "ods_cod"}};
  EXPECT_THAT(MessageOf(ReadOrganisationFile("ods_code,name\n", columns).status()),
              HasSubstr("Did you mean \"ods_code\"?"));
  columns.from = {{"colour", "red"}};
  EXPECT_THAT(MessageOf(ReadOrganisationFile("code,name\n", columns).status()),
              HasSubstr("no column \"colour\""));
  const auto read = ReadOrganisationFile(
      "code,name,kind,closed\n,No code,council,\nA,Some,council,soon\nB,Other,castle,\n", {});
  ASSERT_TRUE(read.ok()) << read.status();
  for (const auto& line : *read) EXPECT_NE(line.wrong, "") << line.line;
}

// The published extracts, where they are at hand.
TEST(OrganisationFile, ReadsRealRegisters) {
  const char* source = std::getenv("PHAROS_SOURCE");
  const std::string path =
      std::string(source == nullptr ? "." : source) + "/../shared/data/reference/ods-practices.csv";
  std::ifstream file(path);
  if (!file) GTEST_SKIP() << path << " is not there";
  std::stringstream text;
  text << file.rdbuf();
  OrganisationColumns columns;
  columns.from = {{"code", "ods_code"}, {"area", "la_code"}};
  columns.constant = {{"kind", "gp-practice"}};
  const auto read = ReadOrganisationFile(text.str(), columns);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_GT(read->size(), 11'000u);
  for (const auto& line : *read) ASSERT_EQ(line.wrong, "") << line.line;
}

}  // namespace
}  // namespace pharos::cli
