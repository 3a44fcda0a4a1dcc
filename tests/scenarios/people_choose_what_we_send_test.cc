// Promises 1 and 11 for the pages of people without a sign-in: what somebody chooses there holds from the
// moment that the page says so, in the middle of a campaign too; what they take back is theirs alone; and
// nothing that scanners and link previews do changes anything. Made true by services/customer/opt_out.cc
// (commit, then wait, then acknowledge), services/customer/opt_out_choice.cc (what may be taken back),
// services/dispatch/desk_choice.cc and services/edge/public/preference_site.cc (only the page's own form
// acts).
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <regex>

#include "gmock/gmock.h"
#include "pharos/campaign/v1/template_service.pb.h"
#include "pharos/customer/v1/purpose_service.pb.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kEdge[] = "https://pages.example.org";
constexpr int kPeople = 60;
constexpr size_t kTokenLength = 64, kLinkTokenLength = 40;

struct Answer {
  int status = 0;
  std::string body;
};

// Requests to the edge one after the other, over a connection that is made again when it ends. It stands for
// a proxy of ours, behind which many ask: an address each for a hundred requests, as the edge admits 200 of
// one at once.
class Browser {
 public:
  explicit Browser(int port) : port_(port) {}
  ~Browser() { Close(); }

  Answer Ask(const std::string& head, const std::string& headers = "", const std::string& body = "") {
    const std::string ask = fmt::format(
        "{} HTTP/1.1\r\nHost: pages.example.org\r\nX-Forwarded-For: 198.18.{}.{}\r\n{}"
        "Content-Length: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n{}",
        head, asked_ / 25'600 % 256, asked_ / 100 % 256, headers, body.size(), body);
    ++asked_;
    for (int attempt = 0; attempt < 2; ++attempt) {
      Answer answer = Once(ask, head.starts_with("HEAD"));
      if (answer.status != 0) return answer;
      Close();  // the edge had ended the connection
    }
    return {};
  }

 private:
  Answer Once(const std::string& ask, bool no_body) {
    if (fd_ < 0 && !Connect()) return {};
    if (write(fd_, ask.data(), ask.size()) != static_cast<ssize_t>(ask.size())) return {};
    std::string got;
    size_t end = std::string::npos, length = 0;
    char buffer[8192];
    while (end == std::string::npos || got.size() < end + 4 + length) {
      const ssize_t n = read(fd_, buffer, sizeof buffer);
      if (n <= 0) return {};
      got.append(buffer, static_cast<size_t>(n));
      if (end == std::string::npos && (end = got.find("\r\n\r\n")) != std::string::npos && !no_body) {
        const size_t at = got.find("Content-Length: ");
        if (at < end) length = std::stoul(got.substr(at + 16, 10));
      }
    }
    Answer answer{got.starts_with("HTTP/1.1 ") ? std::atoi(got.c_str() + 9) : 0, got.substr(end + 4)};
    if (got.substr(0, end).find("Connection: close") != std::string::npos) Close();
    return answer;
  }
  bool Connect() {
    fd_ = socket(AF_INET, SOCK_STREAM, 0);
    const int yes = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port_));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

  const int port_;
  int fd_ = -1, asked_ = 0;
};

std::string Email(int i) {
  return fmt::format("reader{}@example.org", i);
}
std::string Record(int i) {
  return fmt::format("sources/quit/records/r{}", i);
}

class Choosing : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(system_.ok());
    std::vector<Contact> contacts;
    for (int i = 0; i < kPeople; ++i)
      contacts.push_back(
          {.id = fmt::format("r{}", i), .email = Email(i), .phone = Phone(i), .consent_email = "granted"});
    story_.ImportAll(kQuit, FileOf(contacts));
    StartEdge();
  }
  void StartEdge() {
    const std::string& folder = system_.folder();
    std::ofstream(folder + "/edge.toml") << fmt::format(R"(data = "data"
listen = "127.0.0.1:{}"
service_token = "service.token"
[edge]
listen = "127.0.0.1:0"
console = false
trusted_proxies = ["127.0.0.1"]
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
    browser_ = std::make_unique<Browser>(std::stoi(found[1]));
  }
  // Everybody gets an email, and with it a page of their own.
  void WriteToAll() {
    story_.Run("first", {.channels = {type::v1::CHANNEL_EMAIL}});
    ASSERT_TRUE(story_.Finished("first"));
    ASSERT_TRUE(Eventually([&] {
      ReadTokens();
      return tokens_.size() == kPeople;
    })) << tokens_.size();
  }
  void ReadTokens() {
    std::ifstream inbox(system_.inbox());
    for (std::string line; std::getline(inbox, line);) {
      const std::string text = line.substr(0, line.find(",\"raw\""));
      std::smatch to;
      const std::string token = TokenIn(text, "/p/", kTokenLength);
      if (!token.empty() && std::regex_search(text, to, std::regex("\"to\":\"([^\"]*)\"")))
        tokens_[to[1]] = token;
    }
  }
  static std::string TokenIn(const std::string& text, const std::string& path, size_t length) {
    const std::string before = kEdge + path;
    const size_t at = text.find(before);
    return at == std::string::npos ? "" : text.substr(at + before.size(), length);
  }
  std::string PageOf(int i) { return "/p/" + tokens_[Email(i)]; }
  Answer Choose(int i, const std::string& choice) {
    return browser_->Ask("POST " + PageOf(i), "", "preferences=save&choice=" + choice);
  }
  type::v1::GateReason Reason(int i) { return story_.Judge(story_.PersonOf(Record(i)).name()).reason(); }
  // What the ledger says of a person.
  std::vector<std::string> Ledger(int i) {
    customer::v1::ListConsentEntriesRequest request;
    request.set_person(story_.PersonOf(Record(i)).name());
    const auto listed = Must(story_.governance.Call<customer::v1::ListConsentEntriesResponse>(
        "customer.v1.ConsentService/ListConsentEntries", request));
    std::vector<std::string> entries;
    for (const auto& entry : listed.entries()) entries.push_back(entry.ShortDebugString());
    return entries;
  }

  // Slow enough that people choose in the middle of it.
  System system_{{.window = 4, .per_second = 12, .mail = true, .edge_url = kEdge}};
  Story story_{system_};
  std::unique_ptr<Process> edge_;
  std::unique_ptr<Browser> browser_;
  std::map<std::string, std::string> tokens_;  // by address
};

TEST_F(Choosing, WhatThePageAcknowledgesHoldsInTheMiddleOfACampaign) {
  WriteToAll();
  const std::vector<std::string> choices = {"stop_purpose", "stop_all", "pause"};
  // Who takes it back before anything is sent gets it like everybody else.
  for (int i = 57; i < kPeople; ++i) {
    EXPECT_EQ(Choose(i, choices[static_cast<size_t>(i) % 3]).status, 200);
    EXPECT_NE(Reason(i), type::v1::ALLOW);
    EXPECT_THAT(Choose(i, "resume").body, HasSubstr("You have taken back what you chose here"));
    EXPECT_EQ(Reason(i), type::v1::ALLOW);
  }
  const int before = CountSubmissions(system_.journal());
  story_.Run("second");
  ASSERT_TRUE(Eventually([&] { return CountSubmissions(system_.journal()) > before + 3; }));
  std::map<int, int64_t> acknowledged;
  for (int i = 0; i < 30; ++i) {
    const Answer answer = Choose(i, choices[static_cast<size_t>(i) % 3]);
    acknowledged[i] = WallNanos();
    EXPECT_EQ(answer.status, 200) << answer.body;
  }
  ASSERT_TRUE(story_.Finished("second", 40));

  const campaign::v1::Report report = story_.Report("second");
  ExpectItAddsUp(report);
  EXPECT_GT(report.withheld().count("OPTED_OUT"), 0u) << report.ShortDebugString();
  EXPECT_GT(report.withheld().count("PAUSED"), 0u);
  const Network network = ReadNetwork(system_.journal());
  for (const Submission& message : network.accepted) {
    for (const auto& [i, at] : acknowledged) {
      if (message.number != Number(i)) continue;
      EXPECT_LE(message.t_ns, at) << choices[static_cast<size_t>(i) % 3];
    }
  }
  for (int i = 30; i < kPeople; ++i) EXPECT_EQ(network.MessagesTo(Number(i)), 1) << i;
  EXPECT_EQ(network.Duplicates(), 0);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(Reason(i), choices[static_cast<size_t>(i)] == "pause" ? type::v1::PAUSED : type::v1::OPTED_OUT);

  // Counted once for each message that led to it, however often its reader changed their mind; a pause is
  // none.
  EXPECT_EQ(story_.Report("first").opted_out(), 20 + 2);
  const std::vector<std::string> ledger = Ledger(0);
  EXPECT_THAT(ledger, ::testing::Contains(HasSubstr("message: \"campaigns/first/steps/1\"")));

  // Nothing of it is forgotten over a death.
  system_.KillAndRestartPharosd();
  EXPECT_EQ(Reason(1), type::v1::OPTED_OUT);
  EXPECT_EQ(Reason(2), type::v1::PAUSED);
  EXPECT_TRUE(Eventually([&] { return Choose(2, "resume").status == 200; }));
  EXPECT_EQ(Reason(2), type::v1::ALLOW);
}

TEST_F(Choosing, TakingBackLiftsOnlyWhatCameByThePage) {
  WriteToAll();
  const customer::v1::Person person = story_.PersonOf(Record(0));
  Must(story_.Withdraw(person.name(), type::v1::SCOPE_ENDPOINT, story_.EndpointOf(Phone(0))));
  Must(story_.Withdraw(story_.PersonOf(Record(1)).name(), type::v1::SCOPE_PURPOSE));
  for (int i = 0; i < 2; ++i) {
    for (const char* choice : {"stop_purpose", "stop_all", "pause"}) EXPECT_EQ(Choose(i, choice).status, 200);
    EXPECT_THAT(Choose(i, "resume").body, HasSubstr("You have taken back what you chose here"));
    EXPECT_THAT(Choose(i, "resume").body, HasSubstr("There was nothing to take back"));
  }
  EXPECT_EQ(Reason(1), type::v1::OPTED_OUT) << "somebody of ours wrote down what they said on the telephone";
  story_.Run("second");
  ASSERT_TRUE(story_.Finished("second", 40));
  const Network network = ReadNetwork(system_.journal());
  EXPECT_EQ(network.MessagesTo(Number(0)), 0);
  EXPECT_EQ(network.MessagesTo(Number(1)), 0);
  EXPECT_EQ(network.MessagesTo(Number(2)), 1);

  // Another's page takes back nothing of mine, and a token that we did not make is nobody's.
  EXPECT_EQ(Choose(3, "stop_all").status, 200);
  EXPECT_THAT(Choose(4, "resume").body, HasSubstr("There was nothing to take back"));
  EXPECT_EQ(Reason(3), type::v1::OPTED_OUT);
  std::string forged = tokens_[Email(3)];
  forged.back() = forged.back() == '0' ? '1' : '0';
  EXPECT_EQ(browser_->Ask("POST /p/" + forged, "", "preferences=save&choice=resume").status, 404);
}

TEST_F(Choosing, ThePageIsInBothLanguagesAndSaysWhatIsMissing) {
  WriteToAll();
  const Answer english = browser_->Ask("GET " + PageOf(0)),
               welsh = browser_->Ask("GET " + PageOf(0) + "?lang=cy"),
               preferred = browser_->Ask("GET " + PageOf(0), "Accept-Language: cy-GB,cy;q=0.9,en;q=0.5\r\n");
  EXPECT_EQ(english.status, 200);
  EXPECT_THAT(english.body, HasSubstr("<title>Choose what we send you</title>"));
  EXPECT_THAT(english.body, HasSubstr("<html lang=\"en\">"));
  for (const Answer& page : {welsh, preferred}) {
    EXPECT_EQ(page.status, 200);
    EXPECT_THAT(page.body, HasSubstr("<title>Dewiswch beth rydym yn ei anfon atoch</title>"));
    EXPECT_THAT(page.body, HasSubstr("<html lang=\"cy\">"));
  }
  for (const Answer& page : {english, welsh, preferred}) {
    for (const char* personal : {"reader0", "Ann", "Archer", "people/"})
      EXPECT_THAT(page.body, Not(HasSubstr(personal)));
    EXPECT_THAT(page.body, Not(HasSubstr(tokens_[Email(0)])));
  }
  const std::vector<std::string> before = Ledger(0);
  const Answer missing = browser_->Ask("POST " + PageOf(0), "", "preferences=save");
  EXPECT_EQ(missing.status, 400);
  EXPECT_THAT(missing.body, HasSubstr("<title>Error: Choose what we send you</title>"));
  EXPECT_THAT(browser_->Ask("POST " + PageOf(0) + "?lang=cy", "", "preferences=save").body,
              HasSubstr("<title>Gwall: "));
  EXPECT_EQ(Ledger(0), before);
  const Answer paused = browser_->Ask("POST " + PageOf(0) + "?lang=cy", "", "preferences=save&choice=pause");
  EXPECT_THAT(paused.body, HasSubstr("Rydym wedi oedi negeseuon tan "));
}

// S12: GET and HEAD by scanners, previews and prefetching browsers, and posts of forms that are not ours.
TEST_F(Choosing, ScannersChangeNothing) {
  customer::v1::CreatePurposeRequest purpose;
  purpose.set_purpose_id("measurement");
  purpose.mutable_purpose()->set_purpose_class(type::v1::PURPOSE_CLASS_MARKETING);
  purpose.mutable_purpose()->set_lawful_basis(type::v1::LAWFUL_BASIS_CONSENT);
  purpose.mutable_purpose()->set_controller("A public health body");
  Must(story_.operator_.Call<customer::v1::Purpose>("customer.v1.PurposeService/CreatePurpose", purpose));
  customer::v1::GrantConsentRequest grant;
  grant.set_person(story_.PersonOf(Record(0)).name());
  grant.set_purpose("purposes/measurement");
  grant.set_channel(type::v1::CHANNEL_EMAIL);
  grant.set_how("form");
  grant.set_wording("Yes, you may count which links I follow.");
  Must(story_.governance.Call<customer::v1::ConsentEntry>("customer.v1.ConsentService/GrantConsent", grant));
  campaign::v1::CreateTemplateRequest text;
  text.set_template_id("scanned");
  text.mutable_template_()->set_email_subject("Help");
  text.mutable_template_()->set_email_body("Read [how](https://www.nhs.uk/quit)");
  Must(story_.marketing.Call<campaign::v1::Template>("campaign.v1.TemplateService/CreateTemplate", text));
  campaign::v1::CreateCampaignRequest request;
  request.set_campaign_id("scanned");
  auto& draft = *request.mutable_campaign();
  draft.set_audience(kEverybody);
  draft.set_template_("templates/scanned");
  draft.set_purpose(kPurpose);
  draft.add_channels(type::v1::CHANNEL_EMAIL);
  draft.set_email_from("quit@health.example.org");
  draft.set_measure_links(true);
  Must(story_.marketing.Call<campaign::v1::Campaign>("campaign.v1.CampaignService/CreateCampaign", request));
  story_.Approve(story_.Submit("scanned"));
  story_.Launch("scanned");
  ASSERT_TRUE(story_.Finished("scanned"));
  std::string tracked;
  ASSERT_TRUE(Eventually([&] {
    ReadTokens();
    tracked = TokenIn(ReadFile(system_.inbox()), "/l/", kLinkTokenLength);
    return tokens_.size() == kPeople && !tracked.empty();
  }));

  std::vector<std::vector<std::string>> before;
  for (int i = 0; i < kPeople; ++i) before.push_back(Ledger(i));
  const char* from = std::getenv("PHAROS_SCANNER_FETCHES");
  const int fetches = from == nullptr ? 2'000 : std::atoi(from);
  const std::vector<std::string> scanners = {
      "User-Agent: Mozilla/5.0 (Microsoft Safe Links)\r\n",
      "User-Agent: Mimecast-URL-Protect\r\n",
      "User-Agent: Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)\r\n",
      "User-Agent: WhatsApp/2.23\r\nRange: bytes=0-65535\r\n",
      "User-Agent: Mozilla/5.0\r\nPurpose: prefetch\r\nX-Purpose: preview\r\n",
      "User-Agent: Mozilla/5.0\r\nSec-Purpose: prefetch;prerender\r\nSec-Fetch-Dest: document\r\n",
      "User-Agent: Mozilla/5.0\r\nX-Moz: prefetch\r\n",
      "User-Agent: GoogleImageProxy\r\nAccept-Language: cy\r\n",
  };
  std::map<int, int> statuses;
  for (int n = 0; n < fetches; ++n) {
    const std::string token = tokens_[Email(n % kPeople)];
    const std::vector<std::string> pages = {"/u/" + token, "/p/" + token, "/l/" + tracked,
                                            "/p/" + token + "?preferences=save&choice=stop_all&lang=cy",
                                            "/u/" + token + "?List-Unsubscribe=One-Click"};
    const auto k = static_cast<size_t>(n);
    const std::string method = n % 3 == 2 ? "HEAD " : "GET ";
    ++statuses[browser_->Ask(method + pages[k % pages.size()], scanners[k % scanners.size()]).status];
  }
  for (const char* page : {"/u/", "/p/"}) {
    for (const char* body : {"", "choice=stop_all", "preferences=&choice=stop_all", "a=b"})
      EXPECT_EQ(browser_->Ask("POST " + (page + tokens_[Email(1)]), "", body).status, 400);
  }
  EXPECT_EQ(statuses[200], fetches) << "a page is there for whoever looks, as often as they look";

  for (int i = 0; i < kPeople; ++i) EXPECT_EQ(Ledger(i), before[static_cast<size_t>(i)]) << i;
  EXPECT_TRUE(story_.Replies().empty());
  EXPECT_EQ(story_.Report("scanned").opted_out(), 0);
  EXPECT_EQ(story_.Report("scanned").followed(), 0);

  // Then a mail provider's one-click, a person, and both again: at once, and never "not found".
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(browser_->Ask("POST /u/" + tokens_[Email(1)], "", "List-Unsubscribe=One-Click").status, 200);
    EXPECT_EQ(Choose(2, "stop_purpose").status, 200);
  }
  for (int i = 1; i < 3; ++i) EXPECT_EQ(Reason(i), type::v1::OPTED_OUT);
  EXPECT_EQ(story_.Report("scanned").opted_out(), 2);
}

}  // namespace
}  // namespace pharos::tests
