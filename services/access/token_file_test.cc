#include "services/access/token_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/policy/policy.h"

namespace pharos::access {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TokenFileTest : public ::testing::Test {
 protected:
  TokenFileTest() { folder_ = mkdtemp(template_); }
  ~TokenFileTest() override { std::filesystem::remove_all(folder_); }

  absl::StatusOr<std::vector<FileCaller>> Load(const std::string& text, mode_t mode = 0600) {
    const std::string file = folder_ + "/tokens";
    std::ofstream(file) << text;
    chmod(file.c_str(), mode);
    return ReadTokenFile(file, policy::Policy::Shipped()->roles());
  }
  static std::string DigestOf(std::string_view token) { return base::ToHex(base::Sha256(token)); }

  char template_[32] = "/tmp/pharos-tokens-XXXXXX";
  std::string folder_;
};

TEST_F(TokenFileTest, HoldsCallersByTheDigestsOfTheirTokens) {
  const auto loaded = Load("# staff\n\n" + DigestOf("secret") + " ada marketing,analyst  # until June\n");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  ASSERT_EQ(loaded->size(), 1u);
  EXPECT_EQ((*loaded)[0].digest, base::Sha256("secret"));
  EXPECT_EQ((*loaded)[0].principal, "principals/ada");
  EXPECT_THAT((*loaded)[0].roles, ElementsAre("marketing", "analyst"));
}

TEST_F(TokenFileTest, AWrongLineIsNamed) {
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

TEST_F(TokenFileTest, AFileThatOthersCanReadIsRefused) {
  EXPECT_THAT(std::string(Load("", 0644).status().message()), HasSubstr("chmod 600"));
  EXPECT_FALSE(ReadTokenFile(folder_ + "/missing", {}).ok());
}

}  // namespace
}  // namespace pharos::access
