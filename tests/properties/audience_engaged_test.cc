// What people did, asked of the index and of a plain list of it, while events come, people are linked and
// taken apart again, days pass, and the index is saved and read. PHAROS_FILTERS: how many filters.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include "services/audience/filter_eval.h"
#include "services/audience/people_index.h"

namespace pharos::audience {
namespace {

using customer::internal::v1::FollowPeopleResponse;
using engagement::internal::v1::EngagedPeople;
using engagement::internal::v1::FollowEngagementResponse;

constexpr int kPeople = 60, kFiltersARound = 20, kFiltersAPopulation = 1000;
constexpr int64_t kDayUs = 24ll * 3600 * 1'000'000;

// Everything that was said, as it was said.
struct Said {
  std::string id, campaign;
  int event = 0;
  int32_t day = 0;
};

class AudienceEngaged : public testing::Test {
 protected:
  int Below(int end) { return static_cast<int>(random_() % static_cast<uint64_t>(end)); }
  static std::string Id(int number) { return "p" + std::to_string(number); }

  // Everybody is there, and nothing has happened.
  void Begin() {
    index_ = PeopleIndex::New();
    position_ = events_ = 0;
    said_.clear();
    into_.clear();
    for (int number = 0; number < kPeople; ++number) into_.push_back(number);
    for (int number = 0; number < kPeople; ++number) Tell(number);
  }
  // Everybody bears their own name, or is linked into somebody who does.
  int Bearer(int number) const { return into_[number]; }
  void Tell(int number) {
    FollowPeopleResponse response;
    auto& state = *response.add_people();
    state.set_person("people/" + Id(number));
    state.set_gone(into_[number] != number);
    for (int other = 0; other < kPeople && !state.gone(); ++other) {
      if (other != number && into_[other] == number) state.add_former_names("people/" + Id(other));
    }
    response.set_cursor(++position_);
    index_->Apply(response);
  }
  // The feed tells of the changed ones in any order.
  void TellAll(std::set<int> changed) {
    std::vector<int> order(changed.begin(), changed.end());
    std::shuffle(order.begin(), order.end(), random_);
    for (const int number : order) Tell(number);
  }
  void Link() {
    const int from = into_[Below(kPeople)], to = into_[Below(kPeople)];
    if (from == to) return;
    std::set<int> changed = {to};
    for (int number = 0; number < kPeople; ++number) {
      if (into_[number] != from) continue;
      into_[number] = to;
      changed.insert(number);
    }
    TellAll(changed);
  }
  void Unlink() {
    const int number = Below(kPeople), before = into_[number];
    if (before == number) return;
    into_[number] = number;
    TellAll({number, before});
  }
  void Happen() {
    FollowEngagementResponse response;
    for (int entries = 1 + Below(3); entries > 0; --entries) {
      auto& engaged = *response.add_engaged();
      engaged.set_campaign("campaigns/c" + std::to_string(Below(4)));
      engaged.set_event(static_cast<EngagedPeople::Event>(1 + Below(8)));
      engaged.set_time_us(now_us_ - Below(12) * kDayUs);
      for (int people = 1 + Below(8); people > 0; --people) {
        const std::string id = Id(Below(kPeople));
        engaged.add_people("people/" + id);
        said_.push_back({id, engaged.campaign(), engaged.event(), DayNumber(LondonDate(engaged.time_us()))});
      }
    }
    response.set_position(events_ + 1);
    ASSERT_TRUE(index_->ApplyEngagement(response, events_++));
  }
  void SaveAndLoad() {
    const std::string path = testing::TempDir() + "/audience-engaged-" + std::to_string(getpid());
    ASSERT_TRUE(index_->Save(path).ok());
    index_ = PeopleIndex::New();
    const absl::Status loaded = index_->Load(path);
    std::remove(path.c_str());
    ASSERT_TRUE(loaded.ok()) << loaded;
  }

  std::string Term() {
    static const char* const kEvents[] = {"sent",     "delivered", "failed",    "unconfirmed",
                                          "withheld", "replied",   "opted_out", "complained"};
    const std::string campaign = Below(4) == 0 ? "*" : "campaigns/c" + std::to_string(Below(5));
    std::string term = "engaged(\"" + campaign + "\", " + kEvents[Below(8)];
    if (Below(3) != 0) term += ", " + std::to_string(Below(4) == 0 ? 0 : 1 + Below(40));
    return (Below(4) == 0 ? "NOT " : "") + term + ")";
  }
  std::string Filter() {
    std::string filter = Term();
    const char* join = Below(2) == 0 ? " AND " : " OR ";
    for (int more = Below(3); more > 0; --more) filter += join + Term();
    return filter;
  }
  bool HadPlainly(std::string_view id, const Predicate& asked) const {
    const int32_t today = DayNumber(LondonDate(now_us_));
    return std::any_of(said_.begin(), said_.end(), [&](const Said& said) {
      const bool in_time = asked.high == 0 || said.day > today - asked.high;
      const bool there = asked.text == "*" || asked.text == said.campaign;
      return there && in_time && said.event == static_cast<int>(asked.event) &&
             Id(Bearer(std::stoi(said.id.substr(1)))) == id;
    });
  }
  void Compare(const std::string& filter) {
    const auto predicate = CompileFilter(filter);
    ASSERT_TRUE(predicate.ok()) << filter << ": " << predicate.status();
    const StringPool pool;
    const BoundFilter plain(
        *predicate, pool, LondonDate(now_us_),
        [this](std::string_view id, const Predicate& part) { return HadPlainly(id, part); });
    std::set<std::string> wanted, found;
    FactsReader facts;
    const CompactPerson nothing_else;
    for (int number = 0; number < kPeople; ++number) {
      if (into_[number] == number && plain.Matches(Id(number), nothing_else, facts))
        wanted.insert(Id(number));
    }
    const auto status = index_->Read(now_us_, [&](const PeopleIndex::Reader& reader) {
      reader.ForEachId(reader.Match(*predicate),
                       [&](PersonNo, std::string_view id) { return found.emplace(id).second; });
      EXPECT_EQ(reader.Count(*predicate), static_cast<int64_t>(wanted.size())) << filter;
      return absl::OkStatus();
    });
    ASSERT_TRUE(status.ok());
    EXPECT_EQ(found, wanted) << filter;
  }

  std::mt19937_64 random_{20261123};
  std::unique_ptr<PeopleIndex> index_ = PeopleIndex::New();
  std::vector<int> into_;
  std::vector<Said> said_;
  int64_t now_us_ = 1'790'000'000'000'000;
  uint64_t position_ = 0, events_ = 0;
};

TEST_F(AudienceEngaged, TheIndexAnswersAsThePlainListDoes) {
  const char* asked = std::getenv("PHAROS_FILTERS");
  const int filters = asked == nullptr ? 2000 : std::atoi(asked);
  for (int filter = 0; filter < filters && !HasFailure(); ++filter) {
    if (filter % kFiltersAPopulation == 0) Begin();
    Compare(Filter());
    if (filter % kFiltersARound != 0) continue;
    for (int change = 0; change < 5; ++change) {
      Happen();
      Link();
      Unlink();
    }
    if (Below(3) == 0) now_us_ += kDayUs;
    if (Below(5) == 0) SaveAndLoad();
  }
  EXPECT_TRUE(std::any_of(said_.begin(), said_.end(), [&](const Said& said) {
    return Id(Bearer(std::stoi(said.id.substr(1)))) != said.id;
  })) << "nobody was linked: this test tells little";
}

}  // namespace
}  // namespace pharos::audience
