// Promises 7 and 8 for partners that hold no stream: what their feeds say is posted to them, signed, in
// order, none passed over, whatever dies in between; nothing outside their agreement, and nothing once it has
// ended. Made true by services/customer/feed_out.cc (what a partner may learn), services/edge/hooks/worker.cc
// (nothing is passed over), services/edge/hooks/place_file.cc (how far it came is on disk),
// services/edge/hooks/sender.cc and services/edge/hooks/address_guard.cc (where to, and where not).
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "gmock/gmock.h"
#include "services/edge/hooks/receiver_test.h"
#include "services/edge/webhook_signature.h"
#include "tests/support/partner.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

using customer::v1::SyncItem;
using edge::hooks::Received;
using edge::hooks::Receiver;
using edge::hooks::Say;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kSecret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr char kAgreement[] = "agreements/news";
constexpr int kContacts = 40;

std::string Program(const std::string& name) {
  const char* bin = std::getenv("PHAROS_BIN");
  return std::string(bin == nullptr ? "bin" : bin) + "/" + name;
}

// A body's data, by its record; nullptr for events of another type.
json DataOf(const Received& received, const std::string& type) {
  const json body = json::parse(received.body);
  return body["type"] == type ? body["data"] : json();
}

class Webhooks : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(system_.ok());
    MakeAgreement(system_, "news");
    WritePrivate("news.whsec", kSecret);
  }
  void TearDown() override { edge_.reset(); }

  void WritePrivate(const std::string& name, const std::string& text) const {
    const std::string path = system_.folder() + "/" + name;
    std::ofstream(path) << text << "\n";
    chmod(path.c_str(), 0600);
  }
  std::string Pem(const std::string& name) const { return system_.folder() + "/" + name + ".pem"; }
  std::string Hook(const std::string& name, const std::string& url, const std::string& feed,
                   const std::string& more = "allow_private = [\"127.0.0.1/32\"]") const {
    return fmt::format(R"([edge.webhooks.{0}]
url = "{1}"
feed = "{2}"
agreement = "{3}"
key_file = "partner.token"
secret_file = "news.whsec"
payload = "full"
ca_file = "{0}.pem"
{4}
)",
                       name, url, feed, kAgreement, more);
  }
  void StartEdge(const std::string& hooks) {
    std::ofstream(system_.folder() + "/edge.toml") << fmt::format(R"(data = "edge-data"
listen = "127.0.0.1:{}"
service_token = "service.token"
[edge]
listen = "127.0.0.1:0"
console = false
{})",
                                                                  system_.port(), hooks);
    edge_ = std::make_unique<Process>(
        std::vector<std::string>{Program("pharos-edge"), "--config=" + system_.folder() + "/edge.toml"},
        system_.folder() + "/edge.log");
    edge_->Start();
  }
  bool EdgeSays(const std::string& words) {
    return Eventually([&] { return edge_->Log().find(words) != std::string::npos; });
  }
  // Contacts with a number and a consent each, at this version of their names.
  void Bring(const std::string& given) {
    customer::v1::SyncHeader header;
    header.set_source(kNews);
    header.set_agreement(kAgreement);
    std::vector<SyncItem> items;
    for (int i = 0; i < kContacts; ++i) {
      SyncItem item =
          Upsert(fmt::format("r{}", i),
                 {{"given_name", given}, {"family_name", fmt::format("Canary{}", i)}, {"phone", Phone(i)}});
      Said(item, type::v1::GRANTED, 1'000'000);
      items.push_back(std::move(item));
    }
    const SyncAnswer sent = Sync(system_, "partner", header, items);
    ASSERT_TRUE(sent.status.ok()) << sent.status;
  }
  static std::set<std::string> RecordsNamed(const std::vector<Received>& received, const std::string& given) {
    std::set<std::string> records;
    for (const Received& one : received) {
      const json data = DataOf(one, "person.changed");
      if (!data.is_null() && data["fields"].value("given_name", "") == given)
        records.insert(data["records"].at(0).get<std::string>());
    }
    return records;
  }
  static auto AllNamed(const std::string& given) {
    return [given](const std::vector<Received>& received) {
      return RecordsNamed(received, given).size() == static_cast<size_t>(kContacts);
    };
  }
  // What a receiver that follows the specification keeps: each id once.
  static std::vector<Received> OnceEach(const std::vector<Received>& received) {
    std::vector<Received> kept;
    std::set<std::string> ids;
    for (const Received& one : received) {
      if (ids.insert(one.id).second) kept.push_back(one);
    }
    return kept;
  }
  static void ExpectInOrder(const std::vector<Received>& received) {
    std::map<std::string, uint64_t> versions;
    for (const Received& one : received) {
      const json data = DataOf(one, "person.changed");
      if (data.is_null()) continue;
      const uint64_t version = std::stoull(data["version"].get<std::string>());
      uint64_t& last = versions[data["person"]];
      EXPECT_GE(version, last) << data["person"];
      last = version;
    }
  }
  static void ExpectSigned(const std::vector<Received>& received) {
    const std::vector<std::string> keys = {*edge::ReadWebhookKey(kSecret)};
    for (const Received& one : received)
      EXPECT_TRUE(edge::CheckWebhook({one.id, one.timestamp, one.signature}, one.body, keys,
                                     WallNanos() / 1'000'000'000)
                      .ok());
  }

  System system_{{.start_connector = false}};
  Story story_{system_};
  std::unique_ptr<Process> edge_;
};

TEST_F(Webhooks, PassNothingOverWhateverFailsOrDies) {
  Receiver receiver(Pem("changes"));
  receiver.OnPost([](const Received&, size_t number) {
    if (number % 29 == 7) return Say{.status = 500};
    if (number % 29 == 15) return Say{.cut = true};
    return Say();
  });
  StartEdge(Hook("changes", receiver.url(), "changes"));
  Bring("Ann");
  receiver.Await(Receiver::AtLeast(20));
  edge_->Kill();
  edge_->Start();
  receiver.Await(AllNamed("Ann"));
  system_.KillAndRestartPharosd();
  Bring("Anna");
  receiver.Await([](const auto& received) { return RecordsNamed(received, "Anna").size() >= 20; });
  edge_->Kill();
  Bring("Annie");  // nobody is told for now
  edge_->Start();
  const auto received = receiver.Await(AllNamed("Annie"));
  ExpectSigned(received);
  ExpectInOrder(OnceEach(received));
  const auto once = OnceEach(received);
  EXPECT_EQ(std::count_if(once.begin(), once.end(),
                          [](const Received& one) { return !DataOf(one, "feed.started").is_null(); }),
            1)
      << "it never forgot where it was";
  // In the clear nothing of anybody is written down.
  for (const char* secret : {"Annie", "Canary", "whsec_"}) EXPECT_THAT(edge_->Log(), Not(HasSubstr(secret)));
}

TEST_F(Webhooks, TellAnOptOutWithinSeconds) {
  Receiver receiver(Pem("consent"));
  StartEdge(Hook("consent", receiver.url(), "consent"));
  Bring("Ann");
  const auto says = [](const std::string& record, const std::string& reason) {
    return [record, reason](const std::vector<Received>& received) {
      return std::any_of(received.begin(), received.end(), [&](const Received& one) {
        const json data = DataOf(one, "consent.changed");
        if (data.is_null() || data["records"].at(0) != "sources/news/records/" + record) return false;
        return std::any_of(data["states"].begin(), data["states"].end(), [&](const json& state) {
          return state["channel"] == "CHANNEL_SMS" && state["purpose"] == kPurpose &&
                 state["reason"] == reason;
        });
      });
    };
  };
  receiver.Await(says("r1", "ALLOW"));
  ASSERT_TRUE(
      story_.Withdraw(story_.PersonOf("sources/news/records/r1").name(), type::v1::SCOPE_EVERYTHING).ok());
  const int64_t began = WallNanos();
  receiver.Await(says("r1", "OPTED_OUT"));
  EXPECT_LT(WallNanos() - began, int64_t{5} * 1'000'000'000);
}

TEST_F(Webhooks, HoldNothingOutsideTheAgreement) {
  // Somebody else's people, one of whom is the partner's too.
  story_.ImportAll(
      kQuit, FileOf({{.id = "other", .given = "Secret", .phone = Phone(900)},
                     {.id = "both", .given = "Ann", .email = "secret@example.org", .phone = Phone(1)}}));
  Receiver changes(Pem("changes")), consent(Pem("consent"));
  StartEdge(Hook("changes", changes.url(), "changes") + Hook("consent", consent.url(), "consent"));
  Bring("Ann");
  consent.Await(Receiver::AtLeast(kContacts));
  std::vector<Received> all = changes.Await(AllNamed("Ann"));
  for (const Received& one : consent.Accepted()) all.push_back(one);
  for (const Received& one : all) {
    for (const std::string& others :
         {std::string("ecret"), std::string("sources/quit"), std::string("Canary"), Number(1), Number(900)})
      EXPECT_THAT(one.body, Not(HasSubstr(others)));
    const json data = json::parse(one.body)["data"];
    if (data.contains("fields")) {
      for (const auto& [field, value] : data["fields"].items()) EXPECT_EQ(field, "given_name");
    }
  }
}

TEST_F(Webhooks, SayNothingOnceTheAgreementHasEnded) {
  Receiver receiver(Pem("changes"));
  StartEdge(Hook("changes", receiver.url(), "changes"));
  Bring("Ann");
  receiver.Await(AllNamed("Ann"));
  customer::v1::EndAgreementRequest request;
  request.set_name(kAgreement);
  Must(system_.As("governance")
           .Call<customer::v1::Agreement>("customer.v1.AgreementService/EndAgreement", request));
  ASSERT_TRUE(EdgeSays("AGREEMENT_ENDED")) << edge_->Log();
  EXPECT_THAT(edge_->Log(), HasSubstr("edge.webhook_stands_still"));
  const size_t before = receiver.All().size();
  story_.ImportAll(kQuit, FileOf({{.id = "r1", .given = "Later", .phone = Phone(1)}}));
  edge_->Kill();
  edge_->Start();
  ASSERT_TRUE(Eventually([&] {
    const std::string log = edge_->Log();
    return log.find("AGREEMENT_ENDED", log.rfind("edge.webhook_started")) != std::string::npos;
  }));
  EXPECT_EQ(receiver.All().size(), before);
}

TEST_F(Webhooks, GoNowhereInside) {
  Receiver receiver(Pem("changes"), "DNS:localhost");
  StartEdge(Hook("changes", receiver.url("/in", "localhost"), "changes", ""));
  Bring("Ann");
  EXPECT_TRUE(EdgeSays("ADDRESS_REFUSED")) << edge_->Log();
  edge_->Stop();
  StartEdge(Hook("changes", receiver.url("/in"), "changes", ""));
  EXPECT_EQ(edge_->Wait(10), 1);
  EXPECT_THAT(edge_->Log(), HasSubstr("edge.webhooks.changes.url leads to an address"));
  EXPECT_EQ(receiver.connections(), 0);
}

TEST_F(Webhooks, AreNotLedElsewhere) {
  Receiver receiver(Pem("changes")), elsewhere(Pem("elsewhere"));
  std::atomic<int> left = 3;
  receiver.OnPost([&](const Received&, size_t) {
    if (left-- > 0) return Say{.status = 308, .headers = {{"Location", elsewhere.url()}}};
    return Say();
  });
  StartEdge(Hook("changes", receiver.url(), "changes"));
  Bring("Ann");
  receiver.Await(AllNamed("Ann"));
  EXPECT_EQ(elsewhere.connections(), 0);
}

}  // namespace
}  // namespace pharos::tests
