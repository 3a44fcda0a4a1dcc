// Flags of a command line over those of a connector's table.
#include "connectors/sdk/flags.h"

#include <gtest/gtest.h>

#include <vector>

namespace pharos::sdk {
namespace {

const std::vector<std::string> kKnown = {"host", "port", "sandbox", "password-file", "name"};

absl::StatusOr<Flags> Parse(std::vector<std::string> words) {
  words.insert(words.begin(), "program");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  return Flags::Parse(static_cast<int>(argv.size()), argv.data(), kKnown);
}

TEST(Flags, AValueStandsBehindAnEqualsSignOrASpaceAndASwitchStandsAlone) {
  auto flags = Parse({"--host=one", "--name", "smtp-main", "--sandbox", "--port=25"});
  ASSERT_TRUE(flags.ok()) << flags.status();
  EXPECT_EQ(flags->Text("host", ""), "one");
  EXPECT_EQ(flags->Text("name", ""), "smtp-main");
  EXPECT_TRUE(flags->On("sandbox"));
  EXPECT_EQ(*flags->Number("port", 0, 1, 65535), 25);
}

TEST(Flags, AnUnknownOneNamesTheNearest) {
  auto flags = Parse({"--hots=one"});
  ASSERT_FALSE(flags.ok());
  EXPECT_NE(std::string(flags.status().message()).find("did you mean --host?"), std::string::npos);
  EXPECT_FALSE(Parse({"loose"}).ok());
}

TEST(Flags, TheCommandLineWinsOverTheTableAndFilesAreRelativeToItsFolder) {
  auto flags = Parse({"--host=given"});
  ASSERT_TRUE(flags.ok());
  ASSERT_TRUE(
      flags
          ->Beneath({{"host", "table"}, {"port", "2525"}, {"password-file", "p.txt"}, {"protocol", "smtp"}},
                    "[connectors.x] of pharos.toml", kKnown, {"password-file"}, "/etc/pharos")
          .ok());
  EXPECT_EQ(flags->Text("host", ""), "given");
  EXPECT_EQ(flags->Text("port", ""), "2525");
  EXPECT_EQ(flags->Text("password-file", ""), "/etc/pharos/p.txt");
  EXPECT_FALSE(flags->Has("protocol"));
}

TEST(Flags, AWrongSettingOfTheTableIsNamedWithItsPlace) {
  auto flags = Parse({});
  ASSERT_TRUE(flags.ok());
  auto status = flags->Beneath({{"prot", "1"}}, "[connectors.x] of pharos.toml", kKnown, {}, "/");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(std::string(status.message()),
            "[connectors.x] of pharos.toml: there is no setting 'prot'; did you mean 'port'?");
}

}  // namespace
}  // namespace pharos::sdk
