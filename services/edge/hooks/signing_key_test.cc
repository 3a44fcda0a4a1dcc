#include "services/edge/hooks/signing_key.h"

#include <gtest/gtest.h>

#include "services/edge/webhook_signature.h"

namespace pharos::edge::hooks {
namespace {

// The first key pair of RFC 8032, 7.1, in the serialization of Standard Webhooks; the secret is made up.
constexpr char kSecret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr char kPrivate[] = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
constexpr char kPublic[] = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
constexpr char kId[] = "msg_p5jXN8AQM9LWM0D4loKWxJek", kTime[] = "1614265330",
               kBody[] = R"({"test": 2432232314})";

TEST(SigningKey, SignsWithASharedSecretAsTheSpecificationSays) {
  const auto key = SigningKey::Read(kSecret);
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(key->Sign(kId, kTime, kBody), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  EXPECT_EQ(key->PublicKey(), "");
}

TEST(SigningKey, SignsWithAPrivateKeyThatOnlyThePublicOneIsNeededFor) {
  const auto key = SigningKey::Read(kPrivate);
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(key->PublicKey(), kPublic);
  const std::string signature = key->Sign(kId, kTime, kBody);
  EXPECT_TRUE(IsSignedBy(kPublic, signature, kId, kTime, kBody));
  EXPECT_FALSE(IsSignedBy(kPublic, signature, kId, kTime, "{}"));
  EXPECT_FALSE(IsSignedBy(kPublic, signature, kId, "1614265331", kBody));
  EXPECT_FALSE(IsSignedBy(kPublic, signature, "msg_other", kTime, kBody));
}

TEST(SigningKey, WhileKeysChangeThereIsASignatureByEach) {
  const std::vector<SigningKey> keys = {*SigningKey::Read(kPrivate), *SigningKey::Read(kSecret)};
  const std::string header = Signatures(keys, kId, kTime, kBody);
  const size_t space = header.find(' ');
  ASSERT_NE(space, std::string::npos);
  EXPECT_TRUE(IsSignedBy(kPublic, header.substr(0, space), kId, kTime, kBody));
  EXPECT_TRUE(CheckWebhook({kId, kTime, header}, kBody, {*ReadWebhookKey(kSecret)}, 1'614'265'330).ok());
}

TEST(SigningKey, RefusesWhatIsNoKeyAndDoesNotRepeatIt) {
  for (const char* text :
       {"", "whsec_", "whsec_c2hvcnQ=", "whsk_", "whsk_c2hvcnQ=", "whsk_!!!!", kPublic,
        // a pair whose halves do not belong together
        "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGw=="}) {
    const auto key = SigningKey::Read(text);
    ASSERT_FALSE(key.ok()) << text;
    EXPECT_EQ(std::string(key.status().message()).find("c2hvcnQ"), std::string::npos);
  }
}

TEST(SigningKey, TakesAPrivateKeyWithItsPublicHalfBehindIt) {
  const auto key = SigningKey::Read(
      "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg==");
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(key->PublicKey(), kPublic);
}

}  // namespace
}  // namespace pharos::edge::hooks
