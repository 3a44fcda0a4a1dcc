// Promise 1 for what others tell us of a person: once it has been acknowledged that somebody has died, is to
// be left in peace, or is erased, no message is handed over to them, in the middle of a campaign too; and
// what a source says in a contact file counts like what a steward says. Made true by
// services/customer/facts.cc and erasure.cc (stated on every record of the person), linker.cc (from sources),
// opt_out.cc (commit, then wait), services/gate/gate.cc (DECEASED, PAUSED, ENDPOINT_SUPPRESSED before all
// else) and services/dispatch/desk_handover.cc (a permit before every message).
//
// Measured as for opt-outs: kernel stamps of the completing byte against the time when the answer was read.
// Tolerance: none.
#include <set>
#include <thread>

#include "gmock/gmock.h"
#include "services/base/mutex.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

using customer::v1::SetPersonFactRequest;

constexpr int kPeople = 900;
constexpr char kCampaign[] = "quit";

enum Way { kDeceased, kPaused, kErased, kWays };

struct Told {
  std::string number;
  Way way = kDeceased;
  int64_t acknowledged_ns = 0;
};

class DoNotContactFacts : public ::testing::Test {
 protected:
  absl::Status State(const std::string& person, SetPersonFactRequest::Fact fact, bool holds = true) {
    SetPersonFactRequest request;
    request.set_person(person);
    request.set_fact(fact);
    request.set_holds(holds);
    request.set_how("registrar");
    return story_.governance
        .Call<customer::v1::SetPersonFactResponse>("customer.v1.ConsentService/SetPersonFact", request)
        .status();
  }
  absl::Status Erase(const std::string& person) {
    customer::v1::ErasePersonRequest request;
    request.set_person(person);
    request.set_reason("letter of 1 March");
    return story_.governance
        .Call<customer::v1::ErasePersonResponse>("customer.v1.PersonService/ErasePerson", request)
        .status();
  }
  absl::Status Tell(const std::string& person, Way way) {
    if (way == kErased) return Erase(person);
    return State(person,
                 way == kDeceased ? SetPersonFactRequest::FACT_DECEASED : SetPersonFactRequest::FACT_PAUSED);
  }
  // Everybody whose message is on its way, and some whose turn is next; all at once.
  void TellOfThoseWhoAreNext() {
    auto next = story_.Intents(kCampaign, dispatch::v1::IN_FLIGHT);
    const auto pending = story_.Intents(kCampaign, dispatch::v1::PENDING);
    for (size_t i = 0; i < std::min<size_t>(pending.size(), 40); i += 4) next.push_back(pending[i]);
    for (const auto& intent : next) {
      if (!asked_.insert(intent.person()).second) continue;
      callers_.emplace_back([this, intent, way = static_cast<Way>(asked_.size() % kWays)] {
        const absl::Status status = Tell(intent.person(), way);
        EXPECT_TRUE(status.ok()) << status;
        const int64_t now = WallNanos();
        base::MutexLock lock(mutex_);
        told_.push_back({number_of_.at(intent.endpoint()), way, now});
      });
    }
  }
  void Join() {
    for (auto& caller : callers_) caller.join();
    callers_.clear();
  }
  void TearDown() override { Join(); }

  System system_{{.window = 8, .per_second = 150}};
  Story story_{system_};
  std::map<std::string, std::string> number_of_;
  std::set<std::string> asked_;
  std::vector<std::thread> callers_;
  base::Mutex mutex_;
  std::vector<Told> told_;
};

TEST_F(DoNotContactFacts, AlsoInTheMiddleOfACampaign) {
  ASSERT_TRUE(system_.ok());
  story_.ImportAll(kQuit, FileOf(kPeople));
  number_of_ = story_.NumbersOf(kPeople);
  ASSERT_EQ(story_.Run(kCampaign).members(), kPeople);
  for (int round = 0; round < 5; ++round) {
    const int enough = CountSubmissions(system_.journal()) + 80;
    ASSERT_TRUE(Eventually([&] { return CountSubmissions(system_.journal()) >= enough; }));
    TellOfThoseWhoAreNext();
  }
  Join();
  ASSERT_TRUE(story_.Finished(kCampaign));
  const Network network = ReadNetwork(system_.journal());
  int spared = 0;
  std::set<Way> ways;
  for (const Told& told : told_) {
    for (const Submission& message : network.accepted) {
      if (message.number != told.number) continue;
      EXPECT_LE(message.t_ns, told.acknowledged_ns) << told.number << " got a message after way " << told.way;
    }
    if (network.MessagesTo(told.number) > 0) continue;
    ++spared;
    ways.insert(told.way);
  }
  EXPECT_EQ(ways.size(), size_t{kWays})
      << "of " << told_.size() << " told only " << spared << " were spared a message";
  EXPECT_EQ(network.Duplicates(), 0);
  const auto report = story_.Report(kCampaign);
  ExpectItAddsUp(report);
  EXPECT_GT(Plain(report.withheld())["DECEASED"], 0);
  EXPECT_GT(Plain(report.withheld())["PAUSED"], 0);
}

TEST_F(DoNotContactFacts, HoldForEveryRecordAndThroughARestart) {
  ASSERT_TRUE(system_.ok());
  story_.ImportAll(kQuit, FileOf(3));
  const std::string dead = story_.PersonWithPhone(Phone(0)).name(),
                    paused = story_.PersonWithPhone(Phone(1)).name();
  ASSERT_TRUE(State(dead, SetPersonFactRequest::FACT_DECEASED).ok());
  ASSERT_TRUE(State(paused, SetPersonFactRequest::FACT_PAUSED).ok());
  EXPECT_EQ(story_.Judge(dead).reason(), type::v1::DECEASED);
  EXPECT_EQ(story_.Judge(paused).reason(), type::v1::PAUSED);
  system_.KillAndRestartPharosd();
  EXPECT_EQ(story_.Judge(dead).reason(), type::v1::DECEASED);
  // The source that knows nothing of it sends the person again, with a newer date: it still holds.
  auto contacts = FileOf(3);
  story_.Import(kQuit, contacts);
  EXPECT_EQ(story_.Judge(dead).reason(), type::v1::DECEASED);
  EXPECT_EQ(story_.Judge(paused).reason(), type::v1::PAUSED);
  ASSERT_TRUE(State(paused, SetPersonFactRequest::FACT_PAUSED, false).ok());
  EXPECT_EQ(story_.Judge(paused).reason(), type::v1::ALLOW);
  EXPECT_EQ(story_.Run(kCampaign).members(), 2);
}

}  // namespace
}  // namespace pharos::tests
