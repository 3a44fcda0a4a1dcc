// Promise 2, while one looks: every value of WatchCampaign adds up, none goes back, over the death of the
// services too, and the last is what dispatch says. Made true by services/dispatch/tally_change.cc (what a
// commit added), services/dispatch/feed_service.cc (every commit, in order),
// services/engagement/counters_store.cc (position and numbers in one commit), services/engagement/tally.cc
// (adding up) and services/engagement/engagement_service.cc (what is shown).
#include <fmt/format.h>

#include <atomic>
#include <thread>

#include "gmock/gmock.h"
#include "services/base/mutex.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

using engagement::v1::Counters;

constexpr int kPeople = 1200;
constexpr char kCampaign[] = "quit";
constexpr int64_t kSecondUs = 1'000'000;

template <typename Map>
int64_t Sum(const Map& by_reason) {
  int64_t sum = 0;
  for (const auto& [reason, number] : by_reason) sum += number;
  return sum;
}

// Watches from a thread of its own, and again whenever the stream ends.
class Watcher {
 public:
  Watcher(const Client& client, std::string campaign) : client_(client), campaign_(std::move(campaign)) {
    thread_ = std::thread([this] {
      while (!stop_) {
        ++streams_;
        (void)client_.Watch(campaign_, [this](const Counters& counters) {
          base::MutexLock lock(mutex_);
          seen_.push_back(counters);
          return !stop_;
        });
        usleep(20'000);  // the server is away
      }
    });
  }
  ~Watcher() { Stop(); }
  void Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  std::vector<Counters> Seen() const {
    base::MutexLock lock(mutex_);
    return seen_;
  }
  Counters Last() const {
    base::MutexLock lock(mutex_);
    return seen_.empty() ? Counters() : seen_.back();
  }
  int streams() const { return streams_; }

 private:
  const Client client_;
  const std::string campaign_;
  std::atomic<bool> stop_ = false;
  std::atomic<int> streams_ = 0;
  mutable base::Mutex mutex_;
  std::vector<Counters> seen_;
  std::thread thread_;
};

class LiveNumbers : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(system_.ok());
    story_.ImportAll(kQuit, FileOf(kPeople));
  }
  void TearDown() override {
    if (watcher_) watcher_->Stop();
  }
  void Watch() {
    watcher_ = std::make_unique<Watcher>(system_.As("analyst"), fmt::format("campaigns/{}", kCampaign));
  }
  void Flow(int messages) {
    const int enough = CountSubmissions(system_.journal()) + messages;
    EXPECT_TRUE(Eventually([&] { return CountSubmissions(system_.journal()) >= enough; }, 8))
        << "the campaign was over too soon";
  }

  static void ExpectAddsUp(const Counters& counters) {
    const auto& tally = counters.tally();
    EXPECT_EQ(tally.intents(), tally.pending() + tally.in_flight() + tally.sent() + tally.delivered() +
                                   Sum(tally.failed()) + tally.unconfirmed() + Sum(tally.withheld()))
        << counters.ShortDebugString();
    EXPECT_LE(tally.intents(), tally.declared()) << counters.ShortDebugString();
    for (const int64_t term : {tally.pending(), tally.in_flight(), tally.sent(), tally.delivered(),
                               tally.unconfirmed(), tally.bounced(), tally.opted_out()})
      EXPECT_GE(term, 0) << counters.ShortDebugString();
  }
  // Each value by itself, and each after the one before.
  void ExpectAllAddUp(const std::vector<Counters>& seen) {
    for (size_t i = 0; i < seen.size(); ++i) {
      ExpectAddsUp(seen[i]);
      if (i == 0) continue;
      EXPECT_GE(seen[i].position(), seen[i - 1].position()) << "a number that was shown is taken back";
      EXPECT_GE(seen[i].tally().intents(), seen[i - 1].tally().intents());
      EXPECT_GE(seen[i].tally().delivered(), seen[i - 1].tally().delivered());
    }
  }
  static bool Agree(const Counters& counters, const campaign::v1::Report& report) {
    const auto& tally = counters.tally();
    const auto plain = [](const auto& map) { return std::map<std::string, int64_t>(map.begin(), map.end()); };
    return tally.intents() == report.intents() && tally.pending() == report.pending() &&
           tally.in_flight() == report.in_flight() && tally.sent() == report.sent() &&
           tally.delivered() == report.delivered() && tally.unconfirmed() == report.unconfirmed() &&
           tally.bounced() == report.bounced() && tally.opted_out() == report.opted_out() &&
           plain(tally.failed()) == Plain(report.failed()) &&
           plain(tally.withheld()) == Plain(report.withheld()) &&
           plain(tally.accepted_by_channel()) == Plain(report.accepted_by_channel());
  }
  void ExpectLastIsTheReport() {
    campaign::v1::Report report;
    EXPECT_TRUE(Eventually([&] { return Agree(watcher_->Last(), report = story_.Report(kCampaign)); }, 5))
        << "shown: " << watcher_->Last().ShortDebugString() << "\nreport: " << report.ShortDebugString();
    EXPECT_EQ(report.intents(), kPeople);
  }

  // Paced, so that it is not over while a busy machine looks elsewhere.
  System system_{{.window = 16, .per_second = 250, .stop_percent = 2, .fail_percent = 2}};
  Story story_{system_};
  std::unique_ptr<Watcher> watcher_;
};

TEST_F(LiveNumbers, OverTheDeathOfTheServices) {
  EXPECT_EQ(story_.Run(kCampaign).members(), kPeople);
  Watch();
  Flow(300);
  system_.KillAndRestartPharosd();
  Flow(100);
  ASSERT_TRUE(story_.Finished(kCampaign));
  ExpectLastIsTheReport();
  watcher_->Stop();
  const auto seen = watcher_->Seen();
  ExpectAllAddUp(seen);
  EXPECT_GE(watcher_->streams(), 2) << "the stream ended with the services";
  EXPECT_GT(seen.size(), 5u);
  fmt::print("{} values over {} streams\n", seen.size(), watcher_->streams());
}

TEST_F(LiveNumbers, AreNoMoreThanASecondOld) {
  EXPECT_EQ(story_.Run(kCampaign).members(), kPeople);
  Watch();
  ASSERT_TRUE(story_.Finished(kCampaign));
  ExpectLastIsTheReport();
  watcher_->Stop();
  const auto seen = watcher_->Seen();
  ExpectAllAddUp(seen);
  int64_t worst_us = 0;
  int between = 0;
  for (const Counters& counters : seen) {
    worst_us = std::max(worst_us, counters.behind_us());
    const auto& tally = counters.tally();
    between += tally.pending() > 0 && tally.delivered() > 0;
  }
  EXPECT_LE(worst_us, kSecondUs);
  EXPECT_GT(between, 2) << "nothing was shown while the campaign ran";
  fmt::print("{} values, {} of them half way, at most {} ms behind\n", seen.size(), between, worst_us / 1000);
}

}  // namespace
}  // namespace pharos::tests
