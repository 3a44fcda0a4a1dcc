#include "services/config/config.h"

#include <gmock/gmock.h>

#include "services/base/errors.h"

namespace pharos::config {
namespace {

using ::testing::HasSubstr;

std::string WordsOf(std::string_view text) {
  return std::string(Parse(text, "/etc/pharos/pharos.toml").status().message());
}

TEST(Config, NothingIsNeededForATrialInOneProcess) {
  const auto config = Parse("", "/etc/pharos/pharos.toml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->data, "/etc/pharos/data");
  EXPECT_EQ(config->engine, "rocksdb");
  EXPECT_TRUE(config->seal);
  EXPECT_EQ(config->AddressOf("dispatch"), config->listen);
}

TEST(Config, SaysWhereEachServiceIs) {
  const auto config = Parse(R"(
data = "/var/lib/pharos"
service_token = "service.token"
[services]
customer = "127.0.0.1:7401"
dispatch = "10.0.0.7:7404"
[store]
cache_mib = 64
seal = false
[access]
tokens = "tokens"
[connectors.smpp-main]
protocol = "smpp"
port = 2775
sandbox = true
)",
                            "/etc/pharos/pharos.toml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->data, "/var/lib/pharos");
  EXPECT_EQ(config->service_token, "/etc/pharos/service.token");
  EXPECT_EQ(config->tokens, "/etc/pharos/tokens");
  EXPECT_EQ(config->AddressOf("customer"), "127.0.0.1:7401");
  EXPECT_EQ(config->AddressOf("dispatch"), "10.0.0.7:7404");
  EXPECT_EQ(config->AddressOf("audience"), config->listen);
  EXPECT_EQ(config->cache_bytes, 64 << 20);
  EXPECT_FALSE(config->seal);
  EXPECT_EQ(config->connectors.at("smpp-main").at("port"), "2775");
  EXPECT_EQ(config->connectors.at("smpp-main").at("sandbox"), "true");
}

TEST(Config, SaysHowEachRouteIsUsed) {
  const auto config = Parse(R"(
[routes.smpp-main]
priority = 1
per_second = 80
per_sender_second = 12.5
price_pence = 2.27
failover_after_s = 60
[routes.smtp-main]
per_domain_second = 5
[caps]
person_most = 4
endpoint_days = 30
)",
                            "/etc/pharos/pharos.toml");
  ASSERT_TRUE(config.ok()) << config.status();
  const Route& sms = config->routes.at("smpp-main");
  EXPECT_EQ(sms.priority, 1);
  EXPECT_DOUBLE_EQ(sms.per_second, 80);
  EXPECT_DOUBLE_EQ(sms.per_sender_second, 12.5);
  EXPECT_DOUBLE_EQ(sms.price_pence, 2.27);
  EXPECT_EQ(sms.failover_after_s, 60);
  EXPECT_DOUBLE_EQ(config->routes.at("smtp-main").per_domain_second, 5);
  EXPECT_EQ(config->routes.at("smtp-main").failover_after_s, 30);
  EXPECT_EQ(config->caps.person_most, 4);
  EXPECT_EQ(config->caps.person_days, 7);
  EXPECT_EQ(config->caps.endpoint_days, 30);
}

TEST(Config, SaysWhatTheEdgeIs) {
  const auto config = Parse(R"(
[edge]
listen = "0.0.0.0:8443"
url = "https://msg.example.org"
certificate = "edge.pem"
key = "edge.key"
trusted_proxies = ["10.0.0.2"]
[edge.callbacks]
notify-main = "notify.token"
[edge.signed]
other = ["new.key", "/keys/old.key"]
[edge.notify_keys."26785A09-ab16-4eb0-8407-a37497a57506"]
secret = "notify.secret"
token = "sender.token"
campaign = ["booking-2", "booking"]
[edge.try_out]
token = "try.token"
campaign = "try-it"
sms = "try-sms"
[messages]
keep_days = 30
keep_replies_days = 14
)",
                            "/etc/pharos/pharos.toml");
  ASSERT_TRUE(config.ok()) << config.status();
  const NotifyKey& key = config->edge.notify_keys.at("26785a09-ab16-4eb0-8407-a37497a57506");
  EXPECT_EQ(key.secrets, std::vector<std::string>{"/etc/pharos/notify.secret"});
  EXPECT_EQ(key.token, "/etc/pharos/sender.token");
  EXPECT_EQ(key.campaigns, (std::vector<std::string>{"booking-2", "booking"}));
  EXPECT_EQ(config->edge.try_out.token, "/etc/pharos/try.token");
  EXPECT_EQ(config->edge.try_out.campaign, "try-it");
  EXPECT_EQ(config->edge.try_out.sms, "try-sms");
  EXPECT_EQ(config->edge.try_out.email, "");
  EXPECT_EQ(config->message_days, 30);
  EXPECT_EQ(config->reply_days, 14);
  EXPECT_EQ(config->edge.listen, "0.0.0.0:8443");
  EXPECT_EQ(config->edge.url, "https://msg.example.org");
  EXPECT_EQ(config->edge.certificate, "/etc/pharos/edge.pem");
  EXPECT_EQ(config->edge.trusted_proxies, std::vector<std::string>{"10.0.0.2"});
  EXPECT_EQ(config->edge.callback_tokens.at("notify-main"), "/etc/pharos/notify.token");
  EXPECT_EQ(config->edge.signing_keys.at("other"),
            (std::vector<std::string>{"/etc/pharos/new.key", "/keys/old.key"}));
}

TEST(Config, SaysWhereFeedsArePosted) {
  const auto config = Parse(R"(
[edge.webhooks.leeds]
url = "https://crm.leeds.example/pharos"
feed = "consent"
agreement = "leeds"
key_file = "leeds.key"
secret_file = ["new.whsec", "/keys/old.whsec"]
payload = "full"
ca_file = "leeds.pem"
allow_private = ["10.20.0.0/16"]
)",
                            "/etc/pharos/pharos.toml");
  ASSERT_TRUE(config.ok()) << config.status();
  const Webhook& webhook = config->edge.webhooks.at("leeds");
  EXPECT_EQ(webhook.url, "https://crm.leeds.example/pharos");
  EXPECT_EQ(webhook.feed, "consent");
  EXPECT_EQ(webhook.agreement, "leeds");
  EXPECT_EQ(webhook.key_file, "/etc/pharos/leeds.key");
  EXPECT_EQ(webhook.secret_files, (std::vector<std::string>{"/etc/pharos/new.whsec", "/keys/old.whsec"}));
  EXPECT_EQ(webhook.payload, "full");
  EXPECT_EQ(webhook.ca_file, "/etc/pharos/leeds.pem");
  EXPECT_EQ(webhook.allow_private, std::vector<std::string>{"10.20.0.0/16"});
  EXPECT_THAT(WordsOf("[edge.webhooks.leeds]\nurl = \"https://a.example\"\n"),
              HasSubstr("edge.webhooks.leeds needs"));
  EXPECT_THAT(WordsOf("[edge.webhooks]\nleeds = \"https://a.example\"\n"),
              HasSubstr("[edge.webhooks.leeds]"));
  EXPECT_THAT(WordsOf("[edge.webhooks.leeds]\nsecret_fil = \"a\"\n"),
              HasSubstr("did you mean \"secret_file\"?"));
  EXPECT_THAT(WordsOf("[edge.webhooks.leeds]\nallow_private = 7\n"), HasSubstr("allow_private"));
}

TEST(Config, RoutesCapsAndEdgeHaveBounds) {
  EXPECT_THAT(WordsOf("[routes.a]\nprioritty = 1\n"), HasSubstr("did you mean \"priority\"?"));
  EXPECT_THAT(WordsOf("[routes.a]\npriority = -1\n"), HasSubstr("routes.a.priority must be a whole number"));
  EXPECT_THAT(WordsOf("[routes.a]\nper_second = -0.5\n"), HasSubstr("routes.a.per_second must be a number"));
  EXPECT_THAT(WordsOf("[routes.a]\nper_second = nan\n"), HasSubstr("routes.a.per_second must be a number"));
  EXPECT_THAT(WordsOf("[routes.a]\nprice_pence = \"2p\"\n"), HasSubstr("price_pence must be a number"));
  EXPECT_THAT(WordsOf("[routes.a]\nfailover_after_s = 0\n"), HasSubstr("pharos.toml:2"));
  EXPECT_THAT(WordsOf("[routes]\na = 1\n"), HasSubstr("[routes.a]"));
  EXPECT_THAT(WordsOf("[caps]\nperson_most = 61\n"), HasSubstr("caps.person_most must be a whole number"));
  EXPECT_THAT(WordsOf("[caps]\nendpoint_days = 0\n"), HasSubstr("caps.endpoint_days"));
  EXPECT_THAT(WordsOf("[edge]\nurl = \"http://msg.example.org\"\n"), HasSubstr("https://host"));
  EXPECT_THAT(WordsOf("[edge]\nurl = \"https://msg.example.org/\"\n"), HasSubstr("without a path"));
  EXPECT_TRUE(Parse("[edge]\nurl = \"http://127.0.0.1:8080\"\n", "p.toml").ok());
  EXPECT_THAT(WordsOf("[edge]\ncertificate = \"x\"\n"), HasSubstr("go together"));
  EXPECT_THAT(WordsOf("[edge]\ncallbacks = 7\n"), HasSubstr("[edge.callbacks]"));
  EXPECT_THAT(WordsOf("[edge.callbacks]\nnotify = 7\n"), HasSubstr("text in quotes"));
  EXPECT_THAT(WordsOf("[edge.signed]\nother = [\"a\", \"b\", \"c\"]\n"), HasSubstr("one key file, or two"));
  EXPECT_THAT(WordsOf("[edge.notify_keys.a]\nsecret = \"s\"\ntoken = \"t\"\n"), HasSubstr("needs secret"));
  EXPECT_THAT(WordsOf("[edge.notify_keys.a]\nsecrets = \"s\"\n"), HasSubstr("did you mean \"secret\"?"));
  EXPECT_THAT(WordsOf("[edge.try_out]\ntoken = \"t\"\ncampaign = \"c\"\n"), HasSubstr("sms or email"));
  EXPECT_THAT(WordsOf("[edge.try_out]\nsmss = \"s\"\n"), HasSubstr("did you mean \"sms\"?"));
  EXPECT_THAT(WordsOf("[messages]\nkeep_days = 0\n"), HasSubstr("messages.keep_days"));
}

TEST(Config, NamesTheLineAndTheNearestSetting) {
  EXPECT_THAT(WordsOf("data = \"x\"\nlisten_ = \"127.0.0.1:1\"\n"), HasSubstr("pharos.toml:2"));
  EXPECT_THAT(WordsOf("data = \"x\"\nlisten_ = \"127.0.0.1:1\"\n"), HasSubstr("did you mean \"listen\"?"));
  EXPECT_THAT(WordsOf("[services]\ncustomers = \"127.0.0.1:1\"\n"), HasSubstr("did you mean \"customer\"?"));
}

TEST(Config, RefusesWhatCannotBeMeant) {
  EXPECT_THAT(WordsOf("data = 7\n"), HasSubstr("text in quotes"));
  EXPECT_THAT(WordsOf("listen = \"7400\"\n"), HasSubstr("host:port"));
  EXPECT_THAT(WordsOf("[store]\nengine = \"mysql\"\n"), HasSubstr("rocksdb"));
  EXPECT_THAT(WordsOf("[store]\nengine = \"postgres\"\n"), HasSubstr("store.postgres is missing"));
  EXPECT_THAT(WordsOf("[store]\ncache_mib = 1\n"), HasSubstr("whole number"));
  EXPECT_THAT(WordsOf("data = \n"), HasSubstr("pharos.toml:1"));
  EXPECT_EQ(base::ReasonOf(Load("/nowhere/pharos.toml").status()), "CONFIG_WRONG");
}

}  // namespace
}  // namespace pharos::config
