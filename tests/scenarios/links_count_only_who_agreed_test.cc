// Promise 11 for links: looking at a link's page counts nobody, pressing its button counts once, and only who
// agreed to be measured gets such a link at all (PECR, regulation 6). Made true by
// services/customer/permit_service.cc (who agreed), services/dispatch/desk_link.cc (where a link leads,
// counted once), services/dispatch/link_token.cc, services/edge/public/link_site.cc (a GET does nothing) and
// services/audience/engagement_book.cc (who that was).
#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <regex>

#include "gmock/gmock.h"
#include "pharos/audience/v1/audience_service.pb.h"
#include "pharos/campaign/v1/template_service.pb.h"
#include "pharos/customer/v1/purpose_service.pb.h"
#include "pharos/engagement/v1/engagement_service.pb.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kEdge[] = "https://links.example.org";
constexpr char kAgrees[] = "ann@example.org", kDoesNot[] = "ben@example.org";
constexpr char kFirst[] = "https://www.nhs.uk/quit?step=1", kSecond[] = "https://quit.example/app";
constexpr size_t kTokenLength = 40;

struct Answer {
  int status = 0;
  std::string location, body;
};

// One HTTP request to the edge.
Answer Http(int port, const std::string& head, const std::string& body = "") {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string got;
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    const std::string ask = fmt::format(
        "{} HTTP/1.1\r\nHost: links.example.org\r\nConnection: close\r\nContent-Length: {}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n\r\n{}",
        head, body.size(), body);
    if (write(fd, ask.data(), ask.size()) > 0) {
      char buffer[4096];
      for (ssize_t n = 0; (n = read(fd, buffer, sizeof buffer)) > 0;)
        got.append(buffer, static_cast<size_t>(n));
    }
  }
  close(fd);
  Answer answer;
  std::smatch found;
  if (std::regex_search(got, found, std::regex("^HTTP/1.1 (\\d+)"))) answer.status = std::stoi(found[1]);
  const std::string headers = got.substr(0, got.find("\r\n\r\n"));
  if (std::regex_search(headers, found, std::regex("\nLocation: ([^\r]*)", std::regex::icase)))
    answer.location = found[1];
  if (const size_t at = got.find("\r\n\r\n"); at != std::string::npos) answer.body = got.substr(at + 4);
  return answer;
}

class Links : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(system_.ok());
    story_.ImportAll(kQuit,
                     FileOf({{.id = "ann", .given = "Ann", .email = kAgrees, .consent_email = "granted"},
                             {.id = "ben", .given = "Ben", .email = kDoesNot, .consent_email = "granted"}}));
    ann_ = story_.PersonOf("sources/quit/records/ann").name();
    RegisterMeasurement();
    StartEdge();
  }
  void RegisterMeasurement() {
    customer::v1::CreatePurposeRequest purpose;
    purpose.set_purpose_id("measurement");
    purpose.mutable_purpose()->set_purpose_class(type::v1::PURPOSE_CLASS_MARKETING);
    purpose.mutable_purpose()->set_lawful_basis(type::v1::LAWFUL_BASIS_CONSENT);
    purpose.mutable_purpose()->set_controller("A public health body");
    Must(story_.operator_.Call<customer::v1::Purpose>("customer.v1.PurposeService/CreatePurpose", purpose));
    customer::v1::GrantConsentRequest grant;
    grant.set_person(ann_);
    grant.set_purpose("purposes/measurement");
    grant.set_channel(type::v1::CHANNEL_EMAIL);
    grant.set_how("preference page");
    grant.set_wording("Yes, you may count which links I follow.");
    Must(
        story_.governance.Call<customer::v1::ConsentEntry>("customer.v1.ConsentService/GrantConsent", grant));
  }
  void Withdraw() {
    customer::v1::WithdrawConsentRequest request;
    request.set_person(ann_);
    request.set_scope(type::v1::SCOPE_PURPOSE);
    request.set_purpose("purposes/measurement");
    request.set_how("preference page");
    Must(story_.governance.Call<customer::v1::ConsentEntry>("customer.v1.ConsentService/WithdrawConsent",
                                                            request));
  }
  void StartEdge() {
    const std::string& folder = system_.folder();
    std::ofstream(folder + "/edge.toml") << fmt::format(R"(data = "data"
listen = "127.0.0.1:{}"
service_token = "service.token"
[edge]
listen = "127.0.0.1:0"
console = false
)",
                                                        system_.port());
    const char* bin = std::getenv("PHAROS_BIN");
    edge_ = std::make_unique<Process>(
        std::vector<std::string>{std::string(bin == nullptr ? "" : bin) + "/pharos-edge",
                                 "--config=" + folder + "/edge.toml"},
        folder + "/edge.log");
    edge_->Start();
    std::smatch found;
    std::string log;
    ASSERT_TRUE(Eventually([&] {
      log = edge_->Log();
      return std::regex_search(log, found, std::regex("listens on port (\\d+)"));
    })) << log;
    edge_port_ = std::stoi(found[1]);
  }
  void Send(bool measure) {
    campaign::v1::CreateTemplateRequest text;
    text.set_template_id("links");
    text.mutable_template_()->set_email_subject("Help, ((first name))");
    text.mutable_template_()->set_email_body(
        fmt::format("Hello ((first name)),\n\n[how]({}) and [the app]({})", kFirst, kSecond));
    Must(story_.marketing.Call<campaign::v1::Template>("campaign.v1.TemplateService/CreateTemplate", text));
    campaign::v1::CreateCampaignRequest request;
    request.set_campaign_id("links");
    auto& draft = *request.mutable_campaign();
    draft.set_audience(kEverybody);
    draft.set_template_("templates/links");
    draft.set_purpose(kPurpose);
    draft.add_channels(type::v1::CHANNEL_EMAIL);
    draft.set_email_from("quit@health.example.org");
    draft.set_measure_links(measure);
    Must(
        story_.marketing.Call<campaign::v1::Campaign>("campaign.v1.CampaignService/CreateCampaign", request));
    story_.Approve(story_.Submit("links"));
    story_.Launch("links");
    ASSERT_TRUE(story_.Finished("links"));
  }
  // The line of the sandbox's inbox that holds the plain text of what came to an address.
  std::string MailTo(const std::string& address) {
    std::string mail;
    EXPECT_TRUE(Eventually([&] {
      std::ifstream inbox(system_.inbox());
      for (std::string line; std::getline(inbox, line);) {
        if (line.find("\"to\":\"" + address) == std::string::npos) continue;
        mail = line.substr(0, line.find(",\"raw\""));
      }
      return !mail.empty();
    })) << "no mail to "
        << address;
    return mail;
  }
  static std::vector<std::string> TokensIn(const std::string& mail) {
    std::vector<std::string> tokens;
    const std::string before = std::string(kEdge) + "/l/";
    for (size_t at = mail.find(before); at != std::string::npos; at = mail.find(before, at + 1))
      tokens.push_back(mail.substr(at + before.size(), kTokenLength));
    return tokens;
  }
  Answer Ask(const std::string& method, const std::string& token, const std::string& body = "") {
    return Http(edge_port_, fmt::format("{} /l/{}", method, token), body);
  }
  Answer Press(const std::string& token) { return Ask("POST", token, "follow=yes"); }
  int64_t Clicked(const std::string& more = "") {
    audience::v1::CountAudienceRequest request;
    request.set_filter("engaged(links, clicked)" + more);
    return Must(story_.marketing.Call<audience::v1::CountAudienceResponse>(
                    "audience.v1.AudienceService/CountAudience", request))
        .matched();
  }
  engagement::v1::Counters Counters() {
    engagement::v1::GetCountersRequest request;
    request.set_campaign("campaigns/links");
    return Must(story_.marketing.Call<engagement::v1::Counters>("engagement.v1.EngagementService/GetCounters",
                                                                request));
  }

  System system_{{.mail = true, .edge_url = kEdge}};
  Story story_{system_};
  std::unique_ptr<Process> edge_;
  std::string ann_;
  int edge_port_ = 0;
};

TEST_F(Links, CountOncePerLinkAndOnlyWhoAgreed) {
  Send(true);
  const std::string without = MailTo(kDoesNot);
  EXPECT_THAT(without, HasSubstr(kFirst));
  EXPECT_THAT(without, Not(HasSubstr("/l/")));
  const std::vector<std::string> tokens = TokensIn(MailTo(kAgrees));
  ASSERT_EQ(tokens.size(), 2u);

  for (int i = 0; i < 50; ++i) {
    for (const char* method : {"GET", "HEAD"}) {
      const Answer looked = Ask(method, tokens[0]);
      EXPECT_EQ(looked.status, 200);
      EXPECT_EQ(looked.location, "");
    }
  }
  EXPECT_THAT(Ask("GET", tokens[0]).body, HasSubstr("Continue to www.nhs.uk"));
  EXPECT_EQ(Ask("POST", tokens[0]).status, 400) << "a scanner's post";
  for (size_t i = 0; i < tokens[0].size(); ++i) {
    std::string tampered = tokens[0];
    tampered[i] = tampered[i] == 'A' ? 'B' : 'A';
    const Answer answer = Press(tampered);
    EXPECT_EQ(answer.status, 404) << i;
    EXPECT_EQ(answer.location, "");
  }
  EXPECT_EQ(story_.Report("links").followed(), 0);
  EXPECT_EQ(Clicked(), 0);

  for (int i = 0; i < 3; ++i) {
    const Answer pressed = Press(tokens[0]);
    EXPECT_EQ(pressed.status, 303);
    EXPECT_EQ(pressed.location, kFirst);
  }
  const auto counted_once = [&] {
    const campaign::v1::Report report = story_.Report("links");
    ExpectItAddsUp(report);
    EXPECT_EQ(report.followed(), 1);
    ASSERT_EQ(report.followed_links_size(), 2);
    EXPECT_EQ(report.followed_links(0).url(), kFirst);
    EXPECT_EQ(report.followed_links(0).followed(), 1);
    EXPECT_EQ(report.followed_links(1).followed(), 0);
    EXPECT_TRUE(Eventually([&] { return Counters().tally().followed() == 1; }));
    EXPECT_TRUE(Eventually([&] { return Clicked() == 1; }));
    EXPECT_EQ(Clicked(fmt::format(" AND person = \"{}\"", ann_)), 1);
  };
  counted_once();

  system_.KillAndRestartPharosd();
  EXPECT_TRUE(Eventually([&] { return Press(tokens[0]).status == 303; }));
  counted_once();

  // Who takes it back still gets there, and is not counted any more.
  Withdraw();
  const Answer after = Press(tokens[1]);
  EXPECT_EQ(after.status, 303);
  EXPECT_EQ(after.location, kSecond);
  counted_once();
}

TEST_F(Links, StayAsTheyAreWrittenUnlessTheCampaignSaysSo) {
  Send(false);
  for (const char* address : {kAgrees, kDoesNot}) {
    EXPECT_THAT(MailTo(address), HasSubstr(kSecond));
    EXPECT_THAT(MailTo(address), Not(HasSubstr("/l/")));
  }
}

}  // namespace
}  // namespace pharos::tests
