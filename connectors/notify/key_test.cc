#include "connectors/notify/key.h"

#include <gtest/gtest.h>

#include "services/base/errors.h"

namespace pharos::notify {
namespace {

constexpr char kIssuer[] = "26785a09-ab16-4eb0-8407-a37497a57506";
constexpr char kSecret[] = "3d844edf-8d35-48ac-975b-e847b4f122b0";

TEST(NotifyKey, TheLast73CharactersCount) {
  for (std::string name : {"live", "my-key-with-hyphens", "11111111-1111-4111-8111-111111111111", ""}) {
    auto key = ParseApiKey(name + "-" + kIssuer + "-" + kSecret + "\n");
    ASSERT_TRUE(key.ok()) << name;
    EXPECT_EQ(key->issuer, kIssuer);
    EXPECT_EQ(key->secret, kSecret);
  }
}

TEST(NotifyKey, WhatIsNoneIsRefusedWithoutShowingIt) {
  for (std::string text :
       {"", "short", "live-26785a09-ab16-4eb0-8407-a37497a5750-3d844edf-8d35-48ac-975b-e847b4f122b0",
        "live-26785a09-ab16-4eb0-8407-a37497a57506_3d844edf-8d35-48ac-975b-e847b4f122b0"}) {
    auto key = ParseApiKey(text);
    EXPECT_EQ(base::ReasonOf(key.status()), "KEY_WRONG") << text;
    EXPECT_EQ(std::string(key.status().message()).find("3d844edf"), std::string::npos);
  }
}

// Made with the hmac, hashlib and base64 modules of Python 3.11.
TEST(NotifyKey, TokensAreThoseOfAnotherImplementation) {
  EXPECT_EQ(MakeToken({kIssuer, kSecret}, 1'700'000'000),
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
            "eyJpc3MiOiIyNjc4NWEwOS1hYjE2LTRlYjAtODQwNy1hMzc0OTdhNTc1MDYiLCJpYXQiOjE3MDAwMDAwMDB9."
            "Kn-G9XSJxdSMk5GxZAwIpUFB7KL-ZpWDLUGVQeIZ4Ec");
  EXPECT_EQ(MakeToken({"11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"},
                      1'568'818'578),
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
            "eyJpc3MiOiIxMTExMTExMS0xMTExLTQxMTEtODExMS0xMTExMTExMTExMTEiLCJpYXQiOjE1Njg4MTg1Nzh9."
            "x9clGcCkK2IaZu-eWwfrZeuA903AX-e9JCgEmi1kgkY");
}

TEST(NotifyKey, ATokenIsKeptForLessThanTheProviderTakesIt) {
  TokenMaker maker({kIssuer, kSecret});
  constexpr int64_t kSecond = 1'000'000;
  std::string first = maker.At(1'000 * kSecond);
  EXPECT_EQ(maker.At(1'019 * kSecond), first);
  EXPECT_NE(maker.At(1'020 * kSecond), first);
  EXPECT_EQ(maker.At(900 * kSecond), MakeToken({kIssuer, kSecret}, 900)) << "a clock that was set back";
}

TEST(NotifyKey, UuidsThereAndBack) {
  EXPECT_EQ(UuidOf(BytesOfUuid(kIssuer)), kIssuer);
  EXPECT_EQ(BytesOfUuid("26785a09ab164eb08407a37497a57506"), "");
}

}  // namespace
}  // namespace pharos::notify
