#include "services/config/config.h"

#include <gmock/gmock.h>

#include "services/base/errors.h"

namespace pharos::config {
namespace {

using ::testing::HasSubstr;

std::string WordsOf(std::string_view text) {
  return std::string(Parse(text, "/etc/pharos/pharos.toml").status().message());
}

TEST(Config, NothingIsNeededForATrialInOneProcess) {
  const auto config = Parse("", "/etc/pharos/pharos.toml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->data, "/etc/pharos/data");
  EXPECT_EQ(config->engine, "rocksdb");
  EXPECT_TRUE(config->seal);
  EXPECT_EQ(config->AddressOf("dispatch"), config->listen);
}

TEST(Config, SaysWhereEachServiceIs) {
  const auto config = Parse(R"(
data = "/var/lib/pharos"
service_token = "service.token"
[services]
customer = "127.0.0.1:7401"
dispatch = "10.0.0.7:7404"
[store]
cache_mib = 64
seal = false
[access]
tokens = "tokens"
[connectors.smpp-main]
protocol = "smpp"
port = 2775
sandbox = true
)",
                            "/etc/pharos/pharos.toml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->data, "/var/lib/pharos");
  EXPECT_EQ(config->service_token, "/etc/pharos/service.token");
  EXPECT_EQ(config->tokens, "/etc/pharos/tokens");
  EXPECT_EQ(config->AddressOf("customer"), "127.0.0.1:7401");
  EXPECT_EQ(config->AddressOf("dispatch"), "10.0.0.7:7404");
  EXPECT_EQ(config->AddressOf("audience"), config->listen);
  EXPECT_EQ(config->cache_bytes, 64 << 20);
  EXPECT_FALSE(config->seal);
  EXPECT_EQ(config->connectors.at("smpp-main").at("port"), "2775");
  EXPECT_EQ(config->connectors.at("smpp-main").at("sandbox"), "true");
}

TEST(Config, NamesTheLineAndTheNearestSetting) {
  EXPECT_THAT(WordsOf("data = \"x\"\nlisten_ = \"127.0.0.1:1\"\n"), HasSubstr("pharos.toml:2"));
  EXPECT_THAT(WordsOf("data = \"x\"\nlisten_ = \"127.0.0.1:1\"\n"), HasSubstr("did you mean \"listen\"?"));
  EXPECT_THAT(WordsOf("[services]\ncustomers = \"127.0.0.1:1\"\n"), HasSubstr("did you mean \"customer\"?"));
}

TEST(Config, RefusesWhatCannotBeMeant) {
  EXPECT_THAT(WordsOf("data = 7\n"), HasSubstr("text in quotes"));
  EXPECT_THAT(WordsOf("listen = \"7400\"\n"), HasSubstr("host:port"));
  EXPECT_THAT(WordsOf("[store]\nengine = \"mysql\"\n"), HasSubstr("rocksdb"));
  EXPECT_THAT(WordsOf("[store]\nengine = \"postgres\"\n"), HasSubstr("store.postgres is missing"));
  EXPECT_THAT(WordsOf("[store]\ncache_mib = 1\n"), HasSubstr("whole number"));
  EXPECT_THAT(WordsOf("data = \n"), HasSubstr("pharos.toml:1"));
  EXPECT_EQ(base::ReasonOf(Load("/nowhere/pharos.toml").status()), "CONFIG_WRONG");
}

}  // namespace
}  // namespace pharos::config
