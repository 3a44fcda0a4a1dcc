// A connector's settings from pharos.toml and its command line.
#include "connectors/sdk/settings.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "services/base/ids.h"

namespace pharos::sdk {
namespace {

class SettingsTest : public testing::Test {
 protected:
  SettingsTest() : folder_(testing::TempDir() + "/settings-" + base::ToHex(base::RandomBytes16())) {
    std::filesystem::create_directories(folder_);
    std::ofstream(folder_ + "/pharos.toml") << "listen = \"127.0.0.1:7411\"\n"
                                               "[connectors.smtp-main]\n"
                                               "protocol = \"smtp\"\n"
                                               "host = \"relay.example.test\"\n"
                                               "port = 2525\n"
                                               "sandbox = true\n"
                                               "token-file = \"smtp.token\"\n";
  }
  ~SettingsTest() override { std::filesystem::remove_all(folder_); }
  absl::StatusOr<Flags> Read(std::vector<std::string> words) {
    words.insert(words.begin(), {"program", "--config=" + folder_ + "/pharos.toml"});
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    return ReadSettings(static_cast<int>(argv.size()), argv.data(), {"host", "port", "sandbox"}, "smtp-main");
  }
  const std::string folder_;
};

TEST_F(SettingsTest, TheFileSaysWhatTheCommandLineDoesNot) {
  auto flags = Read({"--host=other.example.test"});
  ASSERT_TRUE(flags.ok()) << flags.status();
  EXPECT_EQ(flags->Text("host", ""), "other.example.test");
  EXPECT_EQ(*flags->Number("port", 0, 1, 65535), 2525);
  EXPECT_TRUE(flags->On("sandbox"));
  EXPECT_EQ(flags->Text("token-file", ""), folder_ + "/smtp.token");
  EXPECT_EQ(flags->Text("dispatch", ""), "127.0.0.1:7411");
}

TEST_F(SettingsTest, AConnectorThatTheFileDoesNotHaveIsNamedWithTheNearest) {
  auto flags = Read({"--name=smtp-mian"});
  ASSERT_FALSE(flags.ok());
  EXPECT_NE(std::string(flags.status().message()).find("did you mean --name=smtp-main?"), std::string::npos)
      << flags.status();
}

}  // namespace
}  // namespace pharos::sdk
