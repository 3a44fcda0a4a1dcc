// Whoever writes or approves a text can send it to themselves, through a campaign that was approved for it;
// nobody else sees the message, and nobody can make a sender of the console. Made true by
// services/edge/console/try_out.cc and by all that holds for single messages.
#include <gmock/gmock.h>

#include "pharos/campaign/v1/template_service.pb.h"
#include "tests/support/console_test.h"
#include "tests/support/standing.h"

namespace pharos::tests {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kForm[] = "/console/templates/quit-both/try";

class TryOut : public ConsoleTest {
 protected:
  TryOut() : ConsoleTest({.mail = true}), standing_(story_) {
    Create("try-sms", "((message))", "", "");
    Create("try-email", "", "((subject))", "((message))");
    RunStanding(story_, "try-out", {"templates/try-sms", "templates/try-email"});
    edge::console::ConsoleOptions options;
    options.try_out = {KeyOf("sender"), "campaigns/try-out", "templates/try-sms", "templates/try-email"};
    site_ = edge::console::MakeConsole(options, backend_, clock_);
  }
  void Create(const char* id, const char* sms, const char* subject, const char* email) const {
    campaign::v1::CreateTemplateRequest request;
    request.set_template_id(id);
    campaign::v1::Template& text = *request.mutable_template_();
    text.set_single_messages(true);
    text.set_sms_body(sms);
    text.set_email_subject(subject);
    text.set_email_body(email);
    Must(
        story_.marketing.Call<campaign::v1::Template>("campaign.v1.TemplateService/CreateTemplate", request));
  }
  edge::Response TryIt(const std::string& cookie, const std::string& address) {
    return Post(kForm, "csrf=" + CsrfOf(Get(kForm, cookie)) + "&address=" + address, cookie);
  }
  // Where its message is shown, once the campaign runs.
  std::string Sent(const std::string& cookie, const std::string& address) {
    std::string page;
    EXPECT_TRUE(Eventually([&] {
      page = HeaderOf(TryIt(cookie, address), "Location");
      return !page.empty();
    }));
    return page;
  }
  bool Says(const std::string& cookie, const std::string& page, const std::string& words) {
    return Eventually([&] { return Get(page, cookie).body.find(words) != std::string::npos; }, 20);
  }

  Standing standing_;
};

TEST_F(TryOut, ATextArrivesWithMadeUpValuesAndIsShownToWhoAskedOnly) {
  const std::string marketing = SignIn("marketing");
  EXPECT_THAT(Get("/console/templates/quit-both", marketing).body, HasSubstr("Send it to yourself"));
  const std::string page = Sent(marketing, "07700%20900123");
  ASSERT_THAT(page, AllOf(HasSubstr("/console/try/"), Not(HasSubstr("900123"))));
  EXPECT_TRUE(Says(marketing, page, "Delivered"));
  EXPECT_THAT(Get(page, marketing).body, AllOf(HasSubstr("447700900123"), HasSubstr("Sam")));
  EXPECT_EQ(Get(page, SignIn("approver")).status, 404);
  EXPECT_EQ(Get(page, SignIn("analyst")).status, 403);
}

TEST_F(TryOut, AnEmailArrivesAsItsPlainText) {
  const std::string approver = SignIn("approver");
  const std::string page = Sent(approver, "sam.tester%40health.example");
  EXPECT_TRUE(Says(approver, page, "Accepted by the network"));
  EXPECT_THAT(Get(page, approver).body, AllOf(HasSubstr("sam.tester@health.example"), HasSubstr("Sam")));
}

TEST_F(TryOut, AnAddressThatIsNoneIsRefusedInWords) {
  const std::string marketing = SignIn("marketing");
  for (const char* address : {"", "12", "nobody%40"}) {
    const edge::Response page = TryIt(marketing, address);
    EXPECT_EQ(page.status, 422) << address;
    EXPECT_THAT(page.body, HasSubstr("There is a problem")) << address;
  }
}

TEST_F(TryOut, NobodySendsManyInAnHour) {
  const std::string marketing = SignIn("marketing");
  Sent(marketing, "07700900123");
  int refused = 0;
  for (int i = 0; i < 10; ++i)
    refused += TryIt(marketing, "07700900123").body.find("within an hour") != std::string::npos ? 1 : 0;
  EXPECT_GE(refused, 1);
  EXPECT_THAT(TryIt(SignIn("approver"), "07700900124").body, Not(HasSubstr("within an hour")));
  clock_.Advance(3600ll * 1'000'000 - 1);
  EXPECT_THAT(TryIt(marketing, "07700900123").body, Not(HasSubstr("within an hour")));
}

TEST_F(TryOut, AKeyThatIsRefusedSignsNobodyOut) {
  edge::console::ConsoleOptions options;
  options.try_out = {std::string(64, 'e'), "campaigns/try-out", "templates/try-sms", ""};
  site_ = edge::console::MakeConsole(options, backend_, clock_);
  const std::string marketing = SignIn("marketing");
  EXPECT_THAT(TryIt(marketing, "07700900123").body, HasSubstr("Tell whoever keeps Pharos running"));
  EXPECT_EQ(Get("/console/try/0196f3a0-0000-7000-8000-000000000000", marketing).status, 409);
  EXPECT_EQ(Get("/console", marketing).status, 200);
}

TEST_F(TryOut, WithoutSettingsItIsNotOffered) {
  site_ = edge::console::MakeConsole({}, backend_, clock_);
  const std::string marketing = SignIn("marketing");
  EXPECT_THAT(Get("/console/templates/quit-both", marketing).body, Not(HasSubstr("Send it to yourself")));
  EXPECT_THAT(Get(kForm, marketing).body, HasSubstr("not set up"));
}

}  // namespace
}  // namespace pharos::tests
