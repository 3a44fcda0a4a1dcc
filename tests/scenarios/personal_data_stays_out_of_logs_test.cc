// Promise 12: contact data is data: never logged, never in an error or a metric. Made true by
// services/base/log.h (ids and counts only), services/base/sensitive.h (does not print),
// services/customer/errors.cc (errors by name, without values), services/rpc/serve.cc (one log line a call,
// no fields) and services/rpc/metrics.cc (labels from our own words).
//
// The files of the stores: personal_data_is_sealed_on_disk_test.cc.
#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>

#include "gmock/gmock.h"
#include "pharos/campaign/v1/template_service.pb.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Found nowhere else. The number replies STOP (a magic number of the sandbox).
constexpr char kGiven[] = "Quillabrix", kFamily[] = "Zanthorpe", kEmail[] = "quillabrix.z@canary.example",
               kPhone[] = "07700900005", kWords[] = "platypus-voucher";
// As any process might write it.
constexpr const char* kCanaries[] = {kGiven,        kFamily,      "quillabrix", "canary.example",
                                     "07700900005", "7700900005", kWords,       "9434765919"};

class StaysOutOfLogs : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(system_.ok()); }

  void ExpectClean(const std::string& text, const std::string& what) {
    EXPECT_FALSE(text.empty()) << what << " is empty: nothing was shown";
    for (const char* canary : kCanaries) EXPECT_THAT(text, Not(HasSubstr(canary))) << "in " << what;
  }

  void SayWhatIsWrong() {
    const std::string header = "record_id,given_name,family_name,email,phone,nhs_number,consent_sms\n";
    const auto row = [](const char* rest) {
      return fmt::format("{},{},{},{},{}", kGiven, kFamily, kEmail, kPhone, rest);
    };
    const ImportResult bad =
        story_.Import(kNews, header + "x1," + row("9434765919,perhaps\n") + "x 2," + row("9434765919,\n") +
                                 "x3," + row("\n") + "x4,\"" + row("9434765919,granted\n"));
    EXPECT_EQ(bad.summary.rejected(), 4);
    for (const auto& error : bad.errors) errors_ += error.ShortDebugString();
    Keep(story_.Import(kNews, "x1," + row("\n")).status);
    customer::v1::LookupPeopleRequest lookup;
    lookup.set_phone(fmt::format("{} or {}", kPhone, kGiven));
    Keep(story_.governance
             .Call<customer::v1::LookupPeopleResponse>("customer.v1.PersonService/LookupPeople", lookup)
             .status());
    lookup.set_email(fmt::format("{}@{}", kEmail, kFamily));
    Keep(story_.governance
             .Call<customer::v1::LookupPeopleResponse>("customer.v1.PersonService/LookupPeople", lookup)
             .status());
    customer::v1::GetPersonRequest get;
    get.set_name(fmt::format("people/{}", kEmail));
    Keep(story_.governance.Call<customer::v1::Person>("customer.v1.PersonService/GetPerson", get).status());
  }
  void Keep(const absl::Status& status) { errors_ += status.ToString() + "\n"; }

  void MakeText() {
    campaign::v1::GetTemplateRequest get;
    get.set_name(kText);
    campaign::v1::UpdateTemplateRequest update;
    *update.mutable_template_() =
        Must(story_.marketing.Call<campaign::v1::Template>("campaign.v1.TemplateService/GetTemplate", get));
    update.mutable_template_()->set_sms_body(
        fmt::format("((given_name)) ((family_name)), your {} waits.", kWords));
    Must(story_.marketing.Call<campaign::v1::Template>("campaign.v1.TemplateService/UpdateTemplate", update));
  }

  System system_;
  Story story_{system_};
  std::string errors_;
};

TEST_F(StaysOutOfLogs, MetricsAndErrors) {
  story_.ImportAll(
      kQuit, FileOf({{.id = "a", .given = kGiven, .family = kFamily, .email = kEmail, .phone = kPhone},
                     {.id = "b", .given = kGiven, .family = "Other", .phone = "07700900001"},     // refused
                     {.id = "c", .given = kGiven, .family = "Other", .phone = "07700900002"}}));  // fails
  MakeText();
  story_.Run("quit");
  ASSERT_TRUE(story_.Finished("quit"));
  ASSERT_TRUE(Eventually([&] {
    const auto replies = story_.Replies();
    return !replies.empty() && replies[0].acknowledged_time_ns() > 0;
  }));
  SayWhatIsWrong();
  system_.smpp().Kill();  // a link that breaks has much to say
  system_.smpp().Start();
  system_.KillAndRestartPharosd();
  EXPECT_EQ(story_.Report("quit").intents(), 3);

  // The canaries really went through: the network saw them.
  const Network network = ReadNetwork(system_.journal());
  ASSERT_FALSE(network.accepted.empty());
  EXPECT_THAT(network.accepted[0].text, HasSubstr(kGiven));
  EXPECT_THAT(network.accepted[0].text, HasSubstr(kWords));
  EXPECT_EQ(network.stop_replies.size(), 1u);

  ExpectClean(system_.Metrics(), "/metrics");
  EXPECT_THAT(system_.Metrics(), HasSubstr("pharos_rpc_total"));
  EXPECT_EQ(system_.pharosd().Stop(), 0);
  system_.smpp().Stop();
  ExpectClean(system_.pharosd().Log(), "pharosd's log");
  EXPECT_THAT(system_.pharosd().Log(), HasSubstr("LookupPeople"));
  ExpectClean(system_.smpp().Log(), "the connector's log");
  ExpectClean(errors_, "an error");
}

// Sealed or not, what is on disk is nobody else's to read.
TEST_F(StaysOutOfLogs, StoresAndKeysAreReadableByTheirOwnerOnly) {
  story_.ImportAll(kQuit, FileOf({{.id = "a", .given = kGiven, .phone = kPhone}}));
  struct stat info {};
  ASSERT_EQ(stat(system_.data().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 077, 0u);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(system_.data())) {
    EXPECT_THAT(entry.path().string(), Not(HasSubstr("7700900005")));
    ASSERT_EQ(stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 077, 0u) << entry.path();
  }
}

}  // namespace
}  // namespace pharos::tests
