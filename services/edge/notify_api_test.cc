// The pure parts of the API of GOV.UK Notify: tokens, the limit, what clients send and are answered.
#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "services/base/errors.h"
#include "services/edge/notify_api_form.h"
#include "services/edge/notify_api_limit.h"
#include "services/edge/notify_api_token.h"

namespace pharos::edge {
namespace {

using dispatch::v1::Message;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kNow = 1'790'000'000;
constexpr char kService[] = "26785a09-ab16-4eb0-8407-a37497a57506";
const std::string kSecret = "3d844edf-8d35-48ac-975b-e847b4f122b0";

std::string Base64Url(const std::string& bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  uint32_t held = 0;
  int bits = 0;
  for (const char c : bytes) {
    held = (held << 8) | static_cast<uint8_t>(c);
    for (bits += 8; bits >= 6;) text += kDigits[(held >> (bits -= 6)) & 63];
  }
  if (bits > 0) text += kDigits[(held << (6 - bits)) & 63];
  return text;
}

std::string Signed(const json& payload, const json& header = {{"typ", "JWT"}, {"alg", "HS256"}},
                   const std::string& secret = kSecret) {
  const std::string text = Base64Url(header.dump()) + "." + Base64Url(payload.dump());
  std::string mac(32, '\0');
  unsigned length = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const uint8_t*>(text.data()), text.size(), reinterpret_cast<uint8_t*>(mac.data()),
       &length);
  return "Bearer " + text + "." + Base64Url(mac);
}

TokenVerdict Verdict(const std::string& authorization, int64_t now_s = kNow,
                     const std::vector<std::string>& secrets = {kSecret}) {
  NotifyToken token;
  const TokenVerdict read = ReadToken(authorization, token);
  return read.ok() ? CheckToken(token, secrets, now_s) : read;
}

TEST(NotifyToken, IsTakenIfTheServicesSecretSignedItJustNow) {
  const std::string token = Signed({{"iss", kService}, {"iat", kNow}});
  EXPECT_TRUE(Verdict(token).ok()) << Verdict(token).message;
  EXPECT_TRUE(Verdict(token, kNow + kTokenSeconds).ok());
  EXPECT_TRUE(Verdict(token, kNow - kTokenSeconds).ok());
  EXPECT_THAT(Verdict(token, kNow + kTokenSeconds + 1).message, HasSubstr("system clock"));
  EXPECT_TRUE(Verdict(token, kNow, {"the new one", kSecret}).ok());  // while it changes
  EXPECT_EQ(Verdict(token, kNow, {"another"}).message, "Invalid token: API key not found");
  EXPECT_EQ(Verdict(token, kNow, {}).status, 403);
}

// RFC 7515, appendix A.1: the example of HS256, whose issuer is joe and which has no iat.
TEST(NotifyToken, ReadsTheExampleOfTheStandard) {
  NotifyToken token;
  const TokenVerdict verdict = ReadToken(
      "Bearer eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
      "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
      token);
  EXPECT_EQ(verdict.message, "Invalid token: iat field not provided");
  EXPECT_EQ(token.signature.size(), 32u);
}

TEST(NotifyToken, IsRefusedInNotifysWords) {
  const auto message = [](const std::string& authorization) { return Verdict(authorization).message; };
  EXPECT_EQ(message(""), "Unauthorized, authentication token must be provided");
  EXPECT_EQ(message("Basic abc"), "Unauthorized, authentication bearer scheme must be used");
  EXPECT_EQ(Verdict("").status, 401);
  EXPECT_EQ(message(Signed({{"iat", kNow}})), "Invalid token: iss field not provided");
  EXPECT_EQ(message(Signed({{"iss", 7}, {"iat", kNow}})),
            "Invalid token: service id is not the right data type");
  for (const json& algorithm : {json("none"), json("HS512"), json("RS256"), json(), json(256)})
    EXPECT_EQ(message(Signed({{"iss", kService}, {"iat", kNow}}, {{"alg", algorithm}})),
              "Invalid token: algorithm used is not HS256");
  for (const char* wrong : {"Bearer ", "Bearer a.b", "Bearer a.b.c", "Bearer ....", "Bearer e30.e30.!!!!"})
    EXPECT_EQ(Verdict(wrong).status, 403) << wrong;
}

TEST(NotifyToken, AnyChangedCharacterIsNoticed) {
  const std::string token = Signed({{"iss", kService}, {"iat", kNow}});
  for (size_t i = 7; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    // The last digit of each part carries bits that its bytes do not have.
    const bool last = i + 1 == token.size() || token[i + 1] == '.';
    if (last) continue;
    EXPECT_FALSE(Verdict(changed).ok()) << i;
  }
}

TEST(MinuteLimit, TakesSoManyInAnyMinute) {
  MinuteLimit limit(3);
  EXPECT_TRUE(limit.Take("a", 0));
  EXPECT_TRUE(limit.Take("a", 30'000'000));
  EXPECT_TRUE(limit.Take("a", 59'000'000));
  EXPECT_FALSE(limit.Take("a", 59'999'999));
  EXPECT_TRUE(limit.Take("b", 59'999'999));
  EXPECT_TRUE(limit.Take("a", 60'000'000));   // the first is a minute old
  EXPECT_FALSE(limit.Take("a", 60'000'001));  // what is refused does not count
  EXPECT_TRUE(limit.Take("a", 90'000'000));
}

TEST(NotifyForm, TemplateIdsAreNameBasedUuidsOnePerType) {
  const std::string sms = TemplateUuid("templates/booked", type::v1::CHANNEL_SMS);
  EXPECT_TRUE(IsUuid(sms));
  EXPECT_EQ(sms[14], '5');
  EXPECT_EQ(sms, TemplateUuid("templates/booked", type::v1::CHANNEL_SMS));
  EXPECT_NE(sms, TemplateUuid("templates/booked", type::v1::CHANNEL_EMAIL));
  EXPECT_NE(sms, TemplateUuid("templates/bookee", type::v1::CHANNEL_SMS));
  // What services have stored must never change.
  EXPECT_EQ(sms, "9a299d91-3161-50aa-8614-cd9fc342a354");
  for (const char* wrong :
       {"", "booked", "9a299d91-3161-50aa-8614-cd9fc342a35", "9a299d91x3161-50aa-8614-cd9fc342a354"})
    EXPECT_FALSE(IsUuid(wrong)) << wrong;
}

TEST(NotifyForm, StatesAreSaidInNotifysWords) {
  using namespace dispatch::v1;  // NOLINT: states
  const struct {
    IntentState state;
    const char* reason;
    const char* word;
  } cases[] = {
      {PENDING, "", "created"},
      {IN_FLIGHT, "", "sending"},
      {SENT, "", "sending"},
      {UNCONFIRMED, "NO_ANSWER", "pending"},
      {INTENT_DELIVERED, "", "delivered"},
      {FAILED, "UNDELIVERABLE", "permanent-failure"},
      {FAILED, "HARD_BOUNCE", "permanent-failure"},
      {FAILED, "INVALID_NUMBER", "permanent-failure"},
      {FAILED, "EXPIRED", "temporary-failure"},
      {FAILED, "PROVIDER_ERROR", "technical-failure"},
      {FAILED, "CONTENT_GONE", "technical-failure"},
      {WITHHELD, "OPTED_OUT", "permanent-failure"},
      {WITHHELD, "ENDPOINT_SUPPRESSED", "permanent-failure"},
      {WITHHELD, "FREQUENCY_CAP", "temporary-failure"},
      {WITHHELD, "STOPPED", "technical-failure"},
  };
  for (const auto& [state, reason, word] : cases) {
    EXPECT_EQ(StatusWord(state, reason), word) << reason;
    const auto states = StatesOf(word);
    ASSERT_TRUE(states) << word;
    EXPECT_THAT(*states, ::testing::Contains(state));  // the filter finds it
    Message message;
    message.set_state(state);
    message.set_reason(reason);
    EXPECT_TRUE(HasStatus(message, word));
    EXPECT_EQ(HasStatus(message, "failed"), state == FAILED || state == WITHHELD);
  }
  EXPECT_TRUE(StatesOf("returned-letter")->empty());
  EXPECT_FALSE(StatesOf("elephant"));
}

NotifyError ErrorIn(const json& body, type::v1::Channel channel = type::v1::CHANNEL_SMS) {
  NotifySend send;
  NotifyError error{200, "", {}};
  EXPECT_FALSE(ReadSend(body.dump(), channel, send, error)) << body;
  return error;
}

TEST(NotifyForm, ReadsWhatAClientSends) {
  NotifySend send;
  NotifyError error;
  const json body = {
      {"phone_number", "07700900123"},
      {"template_id", kService},
      {"reference", "r"},
      {"personalisation",
       {{"Name", "Ann"}, {"n", 7}, {"yes", true}, {"gone", nullptr}, {"days", {"Mon", "Tue", 3}}}}};
  ASSERT_TRUE(ReadSend(body.dump(), type::v1::CHANNEL_SMS, send, error)) << error.messages[0];
  EXPECT_EQ(send.address, "07700900123");
  EXPECT_EQ(send.reference, "r");
  EXPECT_EQ(send.personalisation,
            (std::map<std::string, std::string>{
                {"Name", "Ann"}, {"n", "7"}, {"yes", "true"}, {"days", "Mon, Tue and 3"}}));
}

TEST(NotifyForm, SaysEverythingThatIsWrongWithABody) {
  EXPECT_THAT(ErrorIn({{"template_id", "booked"}, {"colour", "red"}, {"reference", 7}}).messages,
              ElementsAre("phone_number is a required property", "template_id is not a valid UUID",
                          "reference is not of type string",
                          "Additional properties are not allowed (colour was unexpected)"));
  EXPECT_EQ(ErrorIn(json::array()).error, "BadRequestError");
  const json fine = {{"email_address", "a@example.org"}, {"template_id", kService}};
  json scheduled = fine;
  scheduled["scheduled_for"] = "2030-01-01T00:00:00";
  EXPECT_THAT(ErrorIn(scheduled, type::v1::CHANNEL_EMAIL).messages[0], HasSubstr("schedule"));
  json text = fine;
  text["personalisation"] = "Ann";
  EXPECT_THAT(ErrorIn(text, type::v1::CHANNEL_EMAIL).messages,
              ElementsAre("personalisation is not of type object"));
  json file = fine;
  file["personalisation"] = {{"doc", {{"file", "aGVsbG8="}}}};
  EXPECT_THAT(ErrorIn(file, type::v1::CHANNEL_EMAIL).messages[0], HasSubstr("files"));
  NotifySend send;
  NotifyError error;
  for (const std::string& broken :
       {std::string("{"), std::string("\xff"), std::string(10'000, '['), std::string()})
    EXPECT_FALSE(ReadSend(broken, type::v1::CHANNEL_SMS, send, error));
}

TEST(NotifyForm, NamesPlaceholdersAsTheirAuthorWroteThem) {
  EXPECT_THAT(PlaceholdersOf("((Ref No)): ((name)), ((ref_no)) ((late?"
                             "?(sorry) ))(((x))) (( open"),
              ElementsAre("Ref No", "name", "late", "x"));
  NotifyTemplate from;
  from.channel = type::v1::CHANNEL_EMAIL;
  from.text.set_email_subject("About ((ref no))");
  from.text.set_email_body("Dear ((name))");
  EXPECT_THAT(MissingOf(from, {{"REF-NO", "1"}}), ElementsAre("name"));
}

TEST(NotifyForm, ShowsANotification) {
  Message message;
  message.set_name("messages/0198c5f2-1111-7222-8333-444444444444");
  message.set_template_("templates/booked");
  message.set_template_version(2);
  message.set_channel(type::v1::CHANNEL_SMS);
  message.set_address("447700900123");
  message.set_sms_text("See you");
  message.set_state(dispatch::v1::INTENT_DELIVERED);
  message.set_create_time_us(1'772'355'600'123'456);
  const json shown = NotificationJson(message, "https://notify.trust.example");
  EXPECT_EQ(shown["id"], "0198c5f2-1111-7222-8333-444444444444");
  EXPECT_EQ(shown["phone_number"], "+447700900123");
  EXPECT_EQ(shown["created_at"], "2026-03-01T09:00:00.123456Z");
  EXPECT_EQ(shown["status"], "delivered");
  EXPECT_TRUE(shown["sent_at"].is_null());
  EXPECT_TRUE(shown["reference"].is_null());
  EXPECT_EQ(shown["template"]["uri"], "https://notify.trust.example/v2/template/" +
                                          TemplateUuid("templates/booked", type::v1::CHANNEL_SMS) +
                                          "/version/2");
}

TEST(NotifyForm, ShowsAReceivedText) {
  engagement::v1::ReceivedText text;
  text.set_name("replies/0198c5f2-1111-7222-8333-444444444444");
  text.set_campaign("campaigns/booking");
  text.set_address("447700900123");
  text.set_sender("60777");
  text.set_text("Could I come on Friday?");
  text.set_receive_time_us(1'772'355'600'123'456);
  EXPECT_EQ(ReceivedJson(text, kService), (json{{"id", "0198c5f2-1111-7222-8333-444444444444"},
                                                {"created_at", "2026-03-01T09:00:00.123456Z"},
                                                {"service_id", kService},
                                                {"notify_number", "60777"},
                                                {"user_number", "447700900123"},
                                                {"content", "Could I come on Friday?"}}));
}

TEST(NotifyError, OurErrorsAreSaidInNotifysClasses) {
  const auto of = [](absl::StatusCode code, std::string_view reason) {
    return ErrorOf(base::MakeError(code, reason, "words"), type::v1::CHANNEL_SMS);
  };
  EXPECT_EQ(of(absl::StatusCode::kInvalidArgument, "ADDRESS_WRONG").error, "ValidationError");
  EXPECT_EQ(of(absl::StatusCode::kFailedPrecondition, "TEMPLATE_NOT_APPROVED").messages[0],
            "Template not found");
  EXPECT_EQ(of(absl::StatusCode::kFailedPrecondition, "CAMPAIGN_HALTED").status, 403);
  EXPECT_EQ(of(absl::StatusCode::kNotFound, "MESSAGE_NOT_FOUND").error, "NoResultFound");
  EXPECT_EQ(of(absl::StatusCode::kResourceExhausted, "X").error, "TooManyRequestsError");
  EXPECT_EQ(of(absl::StatusCode::kUnavailable, "X").status, 503);
  EXPECT_EQ(of(absl::StatusCode::kPermissionDenied, "X").status,
            500);  // our key's principal, not the caller's fault
  const json body = json::parse(OfError(RateLimited()).body);
  EXPECT_EQ(
      body,
      (json{{"status_code", 429},
            {"errors",
             {{{"error", "RateLimitError"},
               {"message", "Exceeded rate limit for key type LIVE of 3000 requests per 60 seconds"}}}}}));
}

}  // namespace
}  // namespace pharos::edge
