#include "ops/cli/addresses.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>

#include "ops/cli/command.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

class AddressesTest : public testing::Test {
 protected:
  AddressesTest() {
    folder_ = testing::TempDir() + "/addresses_XXXXXX";
    EXPECT_TRUE(mkdtemp(folder_.data()));
    unsetenv("PHAROS_SERVER");
    unsetenv("PHAROS_CONFIG");
    std::ofstream(file()) << "listen = \"127.0.0.1:7401\"\n[services]\ndispatch = \"127.0.0.1:7402\"\n";
  }
  std::string file() const { return folder_ + "/pharos.toml"; }
  ClientOptions Of(const std::vector<std::string>& words) {
    ClientOptions options;
    auto args = Args::Parse(words, CommonOptions());
    EXPECT_TRUE(args.ok());
    EXPECT_TRUE(SetAddresses(*args, options).ok());
    return options;
  }
  std::string folder_;
};

TEST_F(AddressesTest, TheConfigKnowsWhereEachServiceListens) {
  Client client(Of({"--config", file()}));
  EXPECT_EQ(client.AddressOf("dispatch"), "127.0.0.1:7402");
  EXPECT_EQ(client.AddressOf("customer"), "127.0.0.1:7401");
}

TEST_F(AddressesTest, OneServerIsForEverything) {
  Client client(Of({"--server", "127.0.0.1:7409", "--config", file()}));
  EXPECT_EQ(client.AddressOf("dispatch"), "127.0.0.1:7409");
  EXPECT_EQ(client.AddressOf("customer"), "127.0.0.1:7409");
}

TEST_F(AddressesTest, TheCommandLineGoesBeforeTheShell) {
  setenv("PHAROS_SERVER", "127.0.0.1:7410", 1);
  EXPECT_EQ(Client(Of({})).AddressOf("dispatch"), "127.0.0.1:7410");
  EXPECT_EQ(Client(Of({"--config", file()})).AddressOf("dispatch"), "127.0.0.1:7402");
}

TEST_F(AddressesTest, AWrongConfigIsRefused) {
  std::ofstream(file()) << "lisen = \"127.0.0.1:7401\"\n";
  ClientOptions options;
  auto args = Args::Parse({"--config", file()}, CommonOptions());
  EXPECT_EQ(base::ReasonOf(SetAddresses(*args, options)), "CONFIG_WRONG");
}

TEST(Services, AreNamedByTheMethod) {
  EXPECT_EQ(ServiceOf("/pharos.dispatch.v1.IntentService/GetIntent"), "dispatch");
  EXPECT_EQ(ServiceOf(""), "");
}

TEST(CommonOptions, ACommandsOwnOptionGoesBeforeTheGlobalOne) {
  for (const Command& command : AllCommands()) {
    int purposes = 0;
    for (const Option& option : CommonOptionsOf(command)) purposes += option.name == "purpose";
    for (const Option& option : command.options) purposes += option.name == "purpose";
    EXPECT_EQ(purposes, 1) << command.noun << " " << command.verb;
  }
}

}  // namespace
}  // namespace pharos::cli
