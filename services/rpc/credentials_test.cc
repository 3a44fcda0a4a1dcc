#include "services/rpc/credentials.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "services/base/errors.h"
#include "services/base/ids.h"

namespace pharos::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CredentialsTest : public ::testing::Test {
 protected:
  CredentialsTest() { folder_ = mkdtemp(template_); }
  ~CredentialsTest() override { std::filesystem::remove_all(folder_); }

  absl::StatusOr<std::unique_ptr<Credentials>> Load(const std::string& text, mode_t mode = 0600) {
    const std::string file = folder_ + "/tokens";
    std::ofstream(file) << text;
    chmod(file.c_str(), mode);
    return Credentials::FromFile(file);
  }
  static std::string DigestOf(std::string_view token) { return base::ToHex(base::Sha256(token)); }

  char template_[32] = "/tmp/pharos-tokens-XXXXXX";
  std::string folder_;
};

TEST_F(CredentialsTest, KnowCallersByTheirTokens) {
  const auto loaded = Load("# staff\n\n" + DigestOf("secret") + " ada marketing,analyst  # until June\n");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  const auto caller = (*loaded)->Authenticate("secret");
  ASSERT_TRUE(caller.has_value());
  EXPECT_EQ(caller->principal, "principals/ada");
  EXPECT_THAT(caller->roles, ElementsAre("marketing", "analyst"));
  EXPECT_FALSE(caller->internal);
  EXPECT_FALSE((*loaded)->Authenticate("Secret").has_value());
  EXPECT_FALSE((*loaded)->Authenticate("").has_value());
  EXPECT_FALSE((*loaded)->Authenticate(DigestOf("secret")).has_value());
}

TEST_F(CredentialsTest, TheRoleServiceIsInternal) {
  const auto loaded = Load(DigestOf("secret") + " smpp service\n");
  ASSERT_TRUE(loaded.ok());
  EXPECT_TRUE((*loaded)->Authenticate("secret")->internal);
}

TEST_F(CredentialsTest, AWrongLineIsNamed) {
  const std::string good = DigestOf("secret") + " ada marketing\n";
  for (const std::string& wrong :
       {std::string("abc ada marketing"), DigestOf("x") + " ada", DigestOf("x") + " Ada! marketing",
        DigestOf("x") + " ada marketing extra", DigestOf("x") + " ada markting"}) {
    const auto loaded = Load(good + wrong + "\n");
    EXPECT_EQ(base::ReasonOf(loaded.status()), "TOKEN_FILE_WRONG") << wrong;
    EXPECT_THAT(std::string(loaded.status().message()), HasSubstr(":2:")) << wrong;
  }
  EXPECT_THAT(std::string(Load(DigestOf("x") + " ada markting").status().message()),
              HasSubstr("did you mean \"marketing\""));
}

TEST_F(CredentialsTest, AFileThatOthersCanReadIsRefused) {
  EXPECT_THAT(std::string(Load("", 0644).status().message()), HasSubstr("chmod 600"));
  EXPECT_FALSE(Credentials::FromFile(folder_ + "/missing").ok());
}

}  // namespace
}  // namespace pharos::rpc
