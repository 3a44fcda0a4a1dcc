#include "services/edge/webhook_signature.h"

#include <gtest/gtest.h>

#include <random>

#include "services/base/errors.h"

namespace pharos::edge {
namespace {

// The specification's own example.
constexpr char kSecret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr char kId[] = "msg_p5jXN8AQM9LWM0D4loKWxJek";
constexpr char kTime[] = "1614265330";
constexpr char kBody[] = R"({"test": 2432232314})";
constexpr char kSignature[] = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
constexpr int64_t kNow = 1'614'265'330;

const std::string& Key() {
  static const std::string key = *ReadWebhookKey(kSecret);
  return key;
}
bool Passes(const WebhookHeaders& headers, std::string_view body, int64_t now_s = kNow,
            const std::vector<std::string>& keys = {Key()}) {
  const absl::Status status = CheckWebhook(headers, body, keys, now_s);
  EXPECT_TRUE(status.ok() || base::ReasonOf(status) == "SIGNATURE_WRONG");
  return status.ok();
}

TEST(WebhookSignature, TheSpecificationsExample) {
  EXPECT_EQ(SignWebhook(Key(), kId, kTime, kBody), kSignature);
  EXPECT_TRUE(Passes({kId, kTime, kSignature}, kBody));
}

TEST(WebhookSignature, TheWindowIsFiveMinutesEitherWay) {
  EXPECT_TRUE(Passes({kId, kTime, kSignature}, kBody, kNow + kWindowSeconds));
  EXPECT_FALSE(Passes({kId, kTime, kSignature}, kBody, kNow + kWindowSeconds + 1));
  EXPECT_TRUE(Passes({kId, kTime, kSignature}, kBody, kNow - kWindowSeconds));
  EXPECT_FALSE(Passes({kId, kTime, kSignature}, kBody, kNow - kWindowSeconds - 1));
}

TEST(WebhookSignature, TwoKeysWhileTheKeyChanges) {
  const std::string other(32, 'k');
  EXPECT_TRUE(Passes({kId, kTime, kSignature}, kBody, kNow, {other, Key()}));
  EXPECT_TRUE(Passes({kId, kTime, std::string("v1,AAAA v2,x ") + kSignature}, kBody));
  EXPECT_FALSE(Passes({kId, kTime, kSignature}, kBody, kNow, {other}));
  EXPECT_FALSE(Passes({kId, kTime, kSignature}, kBody, kNow, {}));
}

TEST(WebhookSignature, NoChangeOfOneByteGetsThrough) {
  std::mt19937 random(7);
  int refused = 0;
  constexpr int kMutations = 100'000;
  for (int i = 0; i < kMutations; ++i) {
    WebhookHeaders headers{kId, kTime, kSignature};
    std::string body = kBody, key = Key();
    std::string* const parts[] = {&headers.id, &headers.timestamp, &headers.signature, &body, &key};
    std::string& part = *parts[random() % std::size(parts)];
    const std::string before = part;
    const size_t at = random() % part.size();
    switch (random() % 3) {
      case 0:
        part[at] = static_cast<char>(part[at] ^ (1 + random() % 255));
        break;
      case 1:
        part.erase(at, 1);
        break;
      default:
        part.insert(at, 1, static_cast<char>(random()));
    }
    // A space before or after a signature makes another empty one: the signature itself is as it was.
    const bool same =
        part == before || (&part == &headers.signature && part.find(kSignature) != std::string::npos &&
                           (part.front() == ' ' || part.back() == ' '));
    if (same) {
      ++refused;
      continue;
    }
    const bool passed = Passes(headers, body, kNow, {key});
    refused += !passed;
    EXPECT_FALSE(passed) << i << ": " << headers.id << " " << headers.timestamp << " " << headers.signature;
  }
  EXPECT_EQ(refused, kMutations);
}

TEST(WebhookSignature, KeysAreLongEnough) {
  EXPECT_FALSE(ReadWebhookKey("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").ok());
  EXPECT_FALSE(ReadWebhookKey("whsec_AAAA").ok());
  EXPECT_FALSE(ReadWebhookKey("whsec_!!!!").ok());
  EXPECT_FALSE(ReadWebhookKey("").ok());
}

TEST(WebhookIds, AreKeptForADay) {
  WebhookIds ids;
  ids.Add("a", kNow);
  EXPECT_TRUE(ids.Has("a", kNow + 24 * 3600));
  EXPECT_FALSE(ids.Has("b", kNow));
  EXPECT_FALSE(ids.Has("a", kNow + WebhookIds::kKeptSeconds + 1));
}

}  // namespace
}  // namespace pharos::edge
