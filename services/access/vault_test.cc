#include "services/access/vault.h"

#include "gmock/gmock.h"

namespace pharos::access {
namespace {

TEST(Vault, OpensWhatItWrappedInItsPlaceOnly) {
  const Vault vault(std::string(32, 'k'));
  const std::string wrapped = vault.Wrap("secret", "data key 1");
  EXPECT_EQ(vault.Unwrap(wrapped, "data key 1"), "secret");
  EXPECT_EQ(vault.Unwrap(wrapped, "data key 2"), std::nullopt);
  EXPECT_EQ(Vault(std::string(32, 'x')).Unwrap(wrapped, "data key 1"), std::nullopt);
  EXPECT_EQ(vault.Unwrap("", "data key 1"), std::nullopt);
}

TEST(Vault, NoticesEveryChangedByte) {
  const Vault vault(std::string(32, 'k'));
  const std::string wrapped = vault.Wrap("secret", "label");
  for (size_t i = 0; i < wrapped.size(); ++i) {
    std::string damaged = wrapped;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_EQ(vault.Unwrap(damaged, "label"), std::nullopt) << i;
  }
}

TEST(Vault, NeverWrapsTheSameTwice) {
  const Vault vault(std::string(32, 'k'));
  EXPECT_NE(vault.Wrap("secret", "label"), vault.Wrap("secret", "label"));
}

}  // namespace
}  // namespace pharos::access
