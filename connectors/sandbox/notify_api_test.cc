// The simulated API against its documentation.
#include "connectors/sandbox/notify_api.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace pharos::sandbox {
namespace {

using nlohmann::json;
constexpr int64_t kNow = 1'700'000'000'000'000;  // 1,700,000,000 s, the moment of the token below
// By Python's hmac module, of the key below.
constexpr char kToken[] =
    "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
    "eyJpc3MiOiIyNjc4NWEwOS1hYjE2LTRlYjAtODQwNy1hMzc0OTdhNTc1MDYiLCJpYXQiOjE3MDAwMDAwMDB9."
    "Kn-G9XSJxdSMk5GxZAwIpUFB7KL-ZpWDLUGVQeIZ4Ec";
constexpr char kKey[] = "live-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf-8d35-48ac-975b-e847b4f122b0";

class NotifyApiTest : public testing::Test {
 protected:
  NotifyApiTest() {
    options_.key = kKey;
    options_.rules.receipt_delay_us = 1'000'000;
    Restart();
  }
  void Restart() { api_ = std::make_unique<NotifyApi>(options_); }
  NotifyReply Ask(const std::string& method, const std::string& target, const std::string& body = "") {
    HttpRequest request;
    request.method = method;
    size_t mark = target.find('?');
    request.path = target.substr(0, mark);
    if (mark != std::string::npos) request.query = target.substr(mark + 1);
    request.authorization = token_;
    request.body = body;
    return api_->Answer(request, boot_us_, now_);
  }
  NotifyReply Sms(const std::string& number, const std::string& reference = "r") {
    return Ask("POST", "/v2/notifications/sms",
               json{{"phone_number", number},
                    {"template_id", kNotifySmsTemplate},
                    {"reference", reference},
                    {"personalisation", {{"body", "Hello"}}}}
                   .dump());
  }
  static std::string ErrorOf(const NotifyReply& reply) {
    return json::parse(reply.json)["errors"][0]["error"];
  }

  NotifyApiOptions options_;
  std::string token_ = kToken;
  int64_t now_ = kNow, boot_us_ = 1;
  std::unique_ptr<NotifyApi> api_;
};

TEST_F(NotifyApiTest, TokensAreTakenForThirtySeconds) {
  for (int64_t off : {0, 30, -30}) EXPECT_EQ(WrongWithToken(kToken, kKey, kNow / 1'000'000 + off), "") << off;
  for (int64_t off : {31, -31})
    EXPECT_EQ(WrongWithToken(kToken, kKey, kNow / 1'000'000 + off),
              "Error: Your system clock must be accurate to within 30 seconds");
  std::string forged = kToken;
  forged.back() = forged.back() == 'A' ? 'B' : 'A';
  for (const std::string& wrong :
       {forged, std::string(), std::string("Bearer a.b"), std::string("Bearer ..."), std::string("Basic x")})
    EXPECT_NE(WrongWithToken(wrong, kKey, kNow / 1'000'000), "") << wrong;
  token_ = "";
  EXPECT_EQ(Sms("07700900123").status, 403);
  EXPECT_EQ(Ask("GET", "/_status").status, 200) << "needs none";
}

TEST_F(NotifyApiTest, AMessageIsKeptUnderItsReferenceAndChangesItsStatus) {
  auto reply = Sms("07700 900123", "ref-1");
  ASSERT_EQ(reply.status, 201) << reply.json;
  std::string id = json::parse(reply.json)["id"];
  auto listed = json::parse(Ask("GET", "/v2/notifications?reference=ref-1").json);
  ASSERT_EQ(listed["notifications"].size(), 1u);
  EXPECT_EQ(listed["notifications"][0]["status"], "sending");
  now_ += 1'000'000;
  EXPECT_EQ(json::parse(Ask("GET", "/v2/notifications/" + id).json)["status"], "delivered");
  EXPECT_EQ(json::parse(Ask("GET", "/v2/notifications?reference=other").json)["notifications"].size(), 0u);
  EXPECT_EQ(Ask("GET", "/v2/notifications/nothing").status, 404);
}

TEST_F(NotifyApiTest, MagicRecipientsHaveTheirStatuses) {
  Sms("07700900003", "temp");
  Sms("+447700900002", "perm");
  Sms("07700900000", "smoke");
  now_ += 1'000'000;
  auto status = [&](const std::string& reference) {
    auto list = json::parse(Ask("GET", "/v2/notifications?reference=" + reference).json)["notifications"];
    return list.empty() ? "none" : list[0]["status"].get<std::string>();
  };
  EXPECT_EQ(status("temp"), "temporary-failure");
  EXPECT_EQ(status("perm"), "permanent-failure");
  EXPECT_EQ(status("smoke"), "none") << "a fake id";
}

TEST_F(NotifyApiTest, PagesOf250GoBackInTime) {
  for (int i = 0; i < 260; ++i) Sms("07800000" + std::to_string(100 + i), "r" + std::to_string(i));
  auto first = json::parse(Ask("GET", "/v2/notifications?template_type=sms").json);
  ASSERT_EQ(first["notifications"].size(), 250u);
  EXPECT_EQ(first["notifications"][0]["reference"], "r259");
  EXPECT_TRUE(first["links"].contains("next"));
  std::string last = first["notifications"][249]["id"];
  auto second = json::parse(Ask("GET", "/v2/notifications?template_type=sms&older_than=" + last).json);
  EXPECT_EQ(second["notifications"].size(), 10u);
  EXPECT_FALSE(second["links"].contains("next"));
  EXPECT_EQ(json::parse(Ask("GET", "/v2/notifications?template_type=email").json)["notifications"].size(),
            0u);
}

TEST_F(NotifyApiTest, TheBucketFillsUpAtItsRate) {
  options_.per_second = 50;
  options_.burst = 10;
  Restart();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Sms("07800000100").status, 201);
  auto refused = Sms("07800000100");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(ErrorOf(refused), "RateLimitError");
  boot_us_ += 20'000;
  EXPECT_EQ(Sms("07800000100").status, 201);
}

TEST_F(NotifyApiTest, TheDailyLimitEndsAtMidnight) {
  options_.daily = 1;
  Restart();
  EXPECT_EQ(Sms("07800000100").status, 201);
  EXPECT_EQ(ErrorOf(Sms("07800000100")), "TooManyRequestsError");
  EXPECT_EQ(Sms("07700900000").status, 201) << "a smoke number costs nothing";
  int64_t to_midnight = 86'400'000'000 - now_ % 86'400'000'000;
  EXPECT_EQ(to_midnight % 1'000'000, 0);
  api_->SetKey("x");
  EXPECT_EQ(Sms("07800000100").status, 403);
}

TEST_F(NotifyApiTest, FormsThatAreWrongAreRefusedAsDocumented) {
  auto post = [&](const std::string& channel, const json& body) {
    return Ask("POST", "/v2/notifications/" + channel, body.dump());
  };
  json good = {{"template_id", kNotifySmsTemplate},
               {"phone_number", "07800000100"},
               {"personalisation", {{"body", "x"}}}};
  EXPECT_EQ(post("sms", good).status, 201);
  for (const auto& [change, error] : std::vector<std::pair<json, std::string>>{
           {{{"phone_number", "12"}}, "ValidationError"},
           {{{"phone_number", "seven"}}, "ValidationError"},
           {{{"template_id", "unknown"}}, "BadRequestError"},
           {{{"template_id", kNotifyEmailTemplate}}, "BadRequestError"},
           {{{"personalisation", json::object()}}, "BadRequestError"},
           {{{"personalisation", {{"body", std::string(919, 'x')}}}}, "BadRequestError"},
           {{{"reference", std::string(1'001, 'x')}}, "ValidationError"}}) {
    json body = good;
    body.update(change);
    auto reply = post("sms", body);
    EXPECT_EQ(reply.status, 400) << change;
    EXPECT_EQ(ErrorOf(reply), error) << change;
  }
  EXPECT_EQ(Ask("POST", "/v2/notifications/sms", "{").status, 400);
  EXPECT_EQ(Ask("POST", "/v2/notifications/fax", "{}").status, 404);
}

TEST_F(NotifyApiTest, FaultsComeOnceForEachRecipient) {
  EXPECT_EQ(Sms("07700900041", "a").fault, NotifyFault::kCutAfter);
  EXPECT_EQ(api_->Kept("a"), 1);
  EXPECT_EQ(Sms("07700900042", "b").fault, NotifyFault::kCutBefore);
  EXPECT_EQ(api_->Kept("b"), 0);
  EXPECT_EQ(Sms("07700900040", "c").status, 500);
  EXPECT_EQ(api_->Kept("c"), 1);
  EXPECT_EQ(Sms("07700900043", "d").status, 500);
  EXPECT_EQ(api_->Kept("d"), 0);
  EXPECT_EQ(Sms("07700900042", "e").status, 201);
}

TEST_F(NotifyApiTest, TemplatesHandThrough) {
  EXPECT_EQ(json::parse(Ask("GET", "/v2/templates").json)["templates"].size(), 3u);
  std::string path = std::string("/v2/template/") + kNotifyEmailTemplate;
  EXPECT_EQ(json::parse(Ask("GET", path).json)["subject"], "((subject))");
  EXPECT_EQ(Ask("GET", path + "/version/1").status, 200);
  EXPECT_EQ(Ask("GET", path + "/version/2").status, 404);
  auto preview = Ask("POST", path + "/preview", R"({"personalisation":{"subject":"S","body":"B"}})");
  EXPECT_EQ(json::parse(preview.json)["body"], "B");
}

}  // namespace
}  // namespace pharos::sandbox
