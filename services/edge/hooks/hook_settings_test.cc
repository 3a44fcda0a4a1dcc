#include "services/edge/hooks/hook_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "services/base/errors.h"
#include "services/base/ids.h"

namespace pharos::edge::hooks {
namespace {

using testing::HasSubstr;

class HookSettingsTest : public ::testing::Test {
 protected:
  HookSettingsTest() {
    std::filesystem::create_directories(folder_);
    webhook_.url = "https://crm.leeds.example/pharos";
    webhook_.feed = "consent";
    webhook_.agreement = "leeds";
    webhook_.key_file = Write("leeds.key", "0123456789abcdef");
    webhook_.secret_files = {Write("leeds.whsec", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")};
  }
  ~HookSettingsTest() override { std::filesystem::remove_all(folder_); }
  std::string Write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path) << text << "\n";
    chmod(path.c_str(), mode);
    return path;
  }
  absl::StatusOr<std::vector<Hook>> Read(const std::string& name = "leeds") const {
    config::Edge edge;
    edge.webhooks[name] = webhook_;
    return ReadHooks(edge);
  }
  std::string Words(const std::string& name = "leeds") const {
    const auto hooks = Read(name);
    EXPECT_EQ(base::ReasonOf(hooks.status()), "CONFIG_WRONG");
    return std::string(hooks.status().message());
  }

  const std::string folder_ = testing::TempDir() + "hooks-" + base::ToHex(base::RandomBytes16());
  config::Webhook webhook_;
};

TEST_F(HookSettingsTest, ReadsWhatItNames) {
  webhook_.payload = "full";
  webhook_.feed = "changes";
  webhook_.allow_private = {"10.20.0.0/16"};
  webhook_.secret_files.push_back(Write("old.whsec", "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="));
  const auto hooks = Read();
  ASSERT_TRUE(hooks.ok()) << hooks.status();
  const Hook& hook = hooks->at(0);
  EXPECT_EQ(hook.name, "leeds");
  EXPECT_EQ(hook.url.host, "crm.leeds.example");
  EXPECT_EQ(hook.form.feed, Feed::kChanges);
  EXPECT_EQ(hook.form.payload, Payload::kFull);
  EXPECT_EQ(hook.form.agreement, "agreements/leeds");
  EXPECT_EQ(hook.partner.token, "0123456789abcdef");
  EXPECT_EQ(hook.keys.size(), 2u);
  EXPECT_EQ(hook.allowed.size(), 1u);
}

TEST_F(HookSettingsTest, NamesTheSettingThatIsWrong) {
  const config::Webhook good = webhook_;
  const auto words = [&](const std::function<void(config::Webhook&)>& spoil) {
    webhook_ = good;
    spoil(webhook_);
    return Words();
  };
  EXPECT_THAT(words([](auto& w) { w.url = "https://user@crm.example/"; }),
              HasSubstr("edge.webhooks.leeds.url"));
  EXPECT_THAT(words([](auto& w) { w.feed = "consents"; }), HasSubstr("edge.webhooks.leeds.feed"));
  EXPECT_THAT(words([](auto& w) { w.payload = "fat"; }), HasSubstr("edge.webhooks.leeds.payload"));
  EXPECT_THAT(words([](auto& w) { w.agreement = "sources/leeds"; }),
              HasSubstr("edge.webhooks.leeds.agreement"));
  EXPECT_THAT(words([](auto& w) { w.key_file = "/nowhere"; }), HasSubstr("edge.webhooks.leeds.key_file"));
  EXPECT_THAT(words([&](auto& w) { w.secret_files = {Write("short", "whsec_c2hvcnQ=")}; }),
              HasSubstr("edge.webhooks.leeds.secret_file"));
  EXPECT_THAT(words([&](auto& w) { w.secret_files = {Write("open", "whsec_c2hvcnQ=", 0644)}; }),
              HasSubstr("chmod 600"));
  EXPECT_THAT(words([](auto& w) { w.allow_private = {"10.0.0.1/8"}; }), HasSubstr("is no network"));
  EXPECT_THAT(words([](auto& w) { w.allow_private = {"169.254.169.254/32"}; }),
              HasSubstr("cannot be allowed"));
  EXPECT_THAT(words([](auto& w) { w.allow_private.assign(17, "10.0.0.0/8"); }), HasSubstr("more than 16"));
  webhook_ = good;
  EXPECT_THAT(Words("Leeds_1"), HasSubstr("small letters"));
  EXPECT_THAT(Words("../leeds"), HasSubstr("small letters"));
}

TEST_F(HookSettingsTest, AnAddressInsideHasToBeAllowed) {
  webhook_.url = "https://10.20.0.7/in";
  EXPECT_THAT(Words(), HasSubstr("(private)"));
  webhook_.allow_private = {"10.20.0.0/16"};
  EXPECT_TRUE(Read().ok());
  webhook_.url = "https://[::ffff:10.20.0.7]/in";
  EXPECT_THAT(Words(), HasSubstr("(IPv4-mapped)"));
}

TEST_F(HookSettingsTest, InTheClearOnlyToThisMachineAndOnlyIfAllowed) {
  webhook_.url = "http://127.0.0.1:8080/in";
  EXPECT_THAT(Words(), HasSubstr("must begin with https://"));
  webhook_.allow_private = {"127.0.0.1/32"};
  EXPECT_TRUE(Read().ok());
  webhook_.allow_private = {"10.0.0.0/8"};
  for (const char* url : {"http://10.1.2.3/", "http://localhost/", "http://crm.example.org/"}) {
    webhook_.url = url;
    EXPECT_THAT(Words(), HasSubstr("must begin with https://")) << url;
  }
}

TEST_F(HookSettingsTest, ThereIsAMost) {
  config::Edge edge;
  for (size_t i = 0; i <= kMostHooks; ++i) edge.webhooks["leeds-" + std::to_string(i)] = webhook_;
  EXPECT_THAT(std::string(ReadHooks(edge).status().message()), HasSubstr("at most 32"));
  EXPECT_TRUE(ReadHooks(config::Edge()).ok());
}

}  // namespace
}  // namespace pharos::edge::hooks
