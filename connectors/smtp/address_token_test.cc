// Addresses that name an attempt, and who can make them.
#include "connectors/smtp/address_token.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "services/base/ids.h"

namespace pharos::smtp {
namespace {

const std::string kKey(32, 'k');
const std::string kAttempt("\x01\x02\x03\x04\x05\x06\x07\x08\xF9\xFA\xFB\xFC\xFD\xFE\xFF\x00", 16);

TEST(AddressToken, ComesBackAsItWasMade) {
  for (AddressKind kind : {AddressKind::kBounce, AddressKind::kUnsubscribe}) {
    std::string local = LocalPartFor({kind, kAttempt}, kKey);
    EXPECT_LE(local.size(), 64u);
    auto read = ReadLocalPart(local, kKey);
    ASSERT_TRUE(read) << local;
    EXPECT_EQ(read->kind, kind);
    EXPECT_EQ(read->attempt, kAttempt);
  }
}

TEST(AddressToken, IsReadInAnyCase) {
  std::string local = LocalPartFor({AddressKind::kBounce, kAttempt}, kKey);
  for (char& c : local) c = static_cast<char>(toupper(c));
  auto read = ReadLocalPart(local, kKey);
  ASSERT_TRUE(read) << local;
  EXPECT_EQ(read->attempt, kAttempt);
}

TEST(AddressToken, OfAnotherKeyOrKindIsForged) {
  std::string local = LocalPartFor({AddressKind::kBounce, kAttempt}, std::string(32, 'x'));
  EXPECT_FALSE(ReadLocalPart(local, kKey));
  // A bounce address says nothing about unsubscribing.
  std::string bounce = LocalPartFor({AddressKind::kBounce, kAttempt}, kKey);
  bounce[0] = 'u';
  EXPECT_FALSE(ReadLocalPart(bounce, kKey));
}

TEST(AddressToken, EveryChangedLetterIsNoticed) {
  const std::string local = LocalPartFor({AddressKind::kUnsubscribe, kAttempt}, kKey);
  for (size_t i = 0; i < local.size(); ++i) {
    std::string changed = local;
    changed[i] = changed[i] == 'a' ? 'b' : 'a';
    EXPECT_FALSE(ReadLocalPart(changed, kKey)) << changed;
  }
}

TEST(AddressToken, EveryCutIsNoticed) {
  const std::string local = LocalPartFor({AddressKind::kBounce, kAttempt}, kKey);
  for (size_t length = 0; length < local.size(); ++length)
    EXPECT_FALSE(ReadLocalPart(local.substr(0, length), kKey)) << length;
  EXPECT_FALSE(ReadLocalPart(local + "a", kKey));
  EXPECT_FALSE(ReadLocalPart(std::string("b+\0.\0", 5), kKey));
}

TEST(AddressToken, Base32AgreesWithRfc4648) {
  EXPECT_EQ(Base32("foobar"), "mzxw6ytboi");
  EXPECT_EQ(FromBase32("MZXW6YTBOI"), "foobar");
  EXPECT_FALSE(FromBase32("mzxw6ytbo1"));
}

class TokenKeyTest : public testing::Test {
 protected:
  TokenKeyTest() : file_(testing::TempDir() + "/token-key-" + base::ToHex(base::RandomBytes16())) {}
  ~TokenKeyTest() override { unlink(file_.c_str()); }
  const std::string file_;
};

TEST_F(TokenKeyTest, IsMadeOnceAndForItsOwnerAlone) {
  auto made = LoadOrMakeTokenKey(file_);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->size(), kTokenKeyBytes);
  auto again = LoadOrMakeTokenKey(file_);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*again, *made);
  struct stat found {};
  ASSERT_EQ(stat(file_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
}

TEST_F(TokenKeyTest, ThatOthersMayReadOrThatIsNoKeyIsRefused) {
  std::ofstream(file_) << std::string(64, 'a') << "\n";
  chmod(file_.c_str(), 0644);
  EXPECT_FALSE(LoadOrMakeTokenKey(file_).ok());
  chmod(file_.c_str(), 0600);
  EXPECT_TRUE(LoadOrMakeTokenKey(file_).ok());
  std::ofstream(file_) << "short\n";
  EXPECT_FALSE(LoadOrMakeTokenKey(file_).ok());
}

}  // namespace
}  // namespace pharos::smtp
