#include "services/policy/snapshot.h"

#include <openssl/evp.h>

#include "gmock/gmock.h"
#include "services/base/errors.h"

namespace pharos::policy {
namespace {

using ::testing::ElementsAre;

Snapshot Version(uint64_t version) {
  Snapshot snapshot;
  snapshot.version = version;
  return snapshot;
}

TEST(SnapshotHolder, StartsWithNobodyInTrial) {
  const SnapshotHolder holder;
  EXPECT_EQ(holder.Get()->version, 0u);
  EXPECT_TRUE(holder.Get()->callers.empty());
  EXPECT_FALSE(holder.Get()->live);
  ASSERT_NE(holder.Get()->policy, nullptr);
}

TEST(SnapshotHolder, NeverGoesBack) {
  SnapshotHolder holder;
  std::vector<uint64_t> seen;
  holder.Watch([&](const Snapshot& snapshot) { seen.push_back(snapshot.version); });
  holder.Set(Version(2));
  holder.Set(Version(1));
  holder.Set(Version(3));
  EXPECT_EQ(holder.Get()->version, 3u);
  EXPECT_NE(holder.Get()->policy, nullptr);
  EXPECT_THAT(seen, ElementsAre(2u, 3u));
}

// A key pair of the test's own.
class ApprovalTest : public ::testing::Test {
 protected:
  ApprovalTest() : key_(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")) {
    size_t length = 32;
    EVP_PKEY_get_raw_public_key(key_, reinterpret_cast<uint8_t*>(public_.data()), &length);
  }
  ~ApprovalTest() override { EVP_PKEY_free(key_); }

  std::string Sign(const std::string& bytes) const {
    std::string signature(64, '\0');
    size_t length = signature.size();
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_DigestSignInit(context, nullptr, nullptr, nullptr, key_);
    EVP_DigestSign(context, reinterpret_cast<uint8_t*>(signature.data()), &length,
                   reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    EVP_MD_CTX_free(context);
    return signature;
  }

  EVP_PKEY* key_;
  std::string public_ = std::string(32, '\0');
};

TEST_F(ApprovalTest, VerifiesWhatWasSignedAndNothingElse) {
  const std::string signature = Sign(ApprovalBytes("manifest", "principals/ada", 7));
  const std::vector<std::string> keys = {std::string(32, 'x'), public_};
  EXPECT_TRUE(CheckApprovalSignature("manifest", "principals/ada", 7, signature, keys).ok());
  for (const absl::Status& status :
       {CheckApprovalSignature("Manifest", "principals/ada", 7, signature, keys),
        CheckApprovalSignature("manifest", "principals/bob", 7, signature, keys),
        CheckApprovalSignature("manifest", "principals/ada", 8, signature, keys),
        CheckApprovalSignature("manifest", "principals/ada", 7, signature.substr(1), keys),
        CheckApprovalSignature("manifest", "principals/ada", 7, "", keys),
        CheckApprovalSignature("manifest", "principals/ada", 7, std::string(64, '\0'), keys),
        CheckApprovalSignature("manifest", "principals/ada", 7, signature, {}),
        CheckApprovalSignature("manifest", "principals/ada", 7, signature, {std::string(32, 'x')})}) {
    EXPECT_EQ(base::ReasonOf(status), "APPROVAL_FORGED");
  }
}

TEST_F(ApprovalTest, AnySingleBitOfTheSignatureMatters) {
  const std::string signature = Sign(ApprovalBytes("manifest", "principals/ada", 7));
  for (size_t bit = 0; bit < signature.size() * 8; ++bit) {
    std::string forged = signature;
    forged[bit / 8] = static_cast<char>(forged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(CheckApprovalSignature("manifest", "principals/ada", 7, forged, {public_}).ok()) << bit;
  }
}

}  // namespace
}  // namespace pharos::policy
