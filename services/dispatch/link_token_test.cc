// Nothing but what we wrote is a tracked link's token: each character changed, cut, grown, of another
// deployment, and changed at random.
#include "services/dispatch/link_token.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "services/base/ids.h"

namespace pharos::dispatch {
namespace {

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

class LinkTokenTest : public testing::Test {
 protected:
  bool IsOurs(const std::string& token) const { return ReadLinkToken(key_, token).has_value(); }

  const storage::BlindIndex key_{std::string(32, 'k')}, other_{std::string(32, 'o')};
  const std::string attempt_ = base::Sha256("attempt").substr(0, 16);
  const std::string token_ = WriteLinkToken(key_, {attempt_, 3});
};

TEST_F(LinkTokenTest, NamesAnAttemptAndALink) {
  EXPECT_EQ(token_.size(), kLinkTokenCharacters);
  EXPECT_EQ(token_.find_first_not_of(kDigits), std::string::npos);
  for (int link = 1; link <= 255; ++link) {
    const auto name = ReadLinkToken(key_, WriteLinkToken(key_, {attempt_, static_cast<uint8_t>(link)}));
    ASSERT_TRUE(name);
    EXPECT_EQ(name->attempt, attempt_);
    EXPECT_EQ(name->link, link);
  }
  EXPECT_FALSE(IsOurs(WriteLinkToken(key_, {attempt_, 0})));
}

TEST_F(LinkTokenTest, OfAnotherDeploymentItIsNothing) {
  EXPECT_FALSE(IsOurs(WriteLinkToken(other_, {attempt_, 3})));
  EXPECT_FALSE(ReadLinkToken(other_, token_));
}

TEST_F(LinkTokenTest, WithAnyCharacterChangedItIsNothing) {
  for (size_t at = 0; at < token_.size(); ++at) {
    for (int c = 0; c < 256; ++c) {
      std::string changed = token_;
      changed[at] = static_cast<char>(c);
      EXPECT_EQ(IsOurs(changed), changed == token_) << at << " " << c;
    }
  }
}

TEST_F(LinkTokenTest, CutOrGrownItIsNothing) {
  for (size_t length = 0; length < token_.size(); ++length) {
    EXPECT_FALSE(IsOurs(token_.substr(0, length)));
    EXPECT_FALSE(IsOurs(token_.substr(token_.size() - length)));
  }
  for (const char c : std::string("A=_ /.\0", 7)) {
    EXPECT_FALSE(IsOurs(token_ + c));
    EXPECT_FALSE(IsOurs(c + token_));
  }
  EXPECT_FALSE(IsOurs(token_ + token_));
}

// PHAROS_LINK_MUTATIONS says how many; a million take some seconds.
TEST_F(LinkTokenTest, ChangedAtRandomItIsNothing) {
  const char* wanted = std::getenv("PHAROS_LINK_MUTATIONS");
  const long mutations = wanted == nullptr ? 20'000 : std::atol(wanted);
  std::mt19937_64 random(20261123);
  const auto upto = [&](size_t n) { return static_cast<size_t>(random() % n); };
  long taken = 0;
  for (long i = 0; i < mutations; ++i) {
    std::string token = token_;
    const size_t changes = 1 + upto(4);
    for (size_t c = 0; c < changes; ++c) {
      switch (upto(5)) {
        case 0:
          token[upto(token.size())] = kDigits[upto(kDigits.size())];
          break;
        case 1:
          token[upto(token.size())] ^= static_cast<char>(1 << upto(8));
          break;
        case 2:
          std::swap(token[upto(token.size())], token[upto(token.size())]);
          break;
        case 3:  // the MAC of another link of the same message, under this one's name
          token.replace(24, 16,
                        WriteLinkToken(key_, {attempt_, static_cast<uint8_t>(4 + upto(250))}).substr(24));
          break;
        default:
          token.replace(0, 20, WriteLinkToken(key_, {base::Sha256(token).substr(0, 16), 3}).substr(0, 20));
      }
    }
    if (token != token_ && IsOurs(token)) ++taken;
  }
  EXPECT_EQ(taken, 0) << "of " << mutations;
}

}  // namespace
}  // namespace pharos::dispatch
