// pharos-bench-index: the audience index alone, with many people: what it takes in memory, how long its
// sealed checkpoint takes to write, and to bring back from a disk that has to be read anew. Prints one JSON
// object. ops/bench runs it.
//
// The people are made up here, in the shape that customer's feed has (a third of them with both channels, one
// in five opted out, five interests, 320 areas), because five million generated contact files take longer to
// link than to index.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "services/audience/checkpoint.h"
#include "services/audience/checkpoint_fixture.h"
#include "services/audience/filter_check.h"
#include "services/audience/people_index.h"
#include "services/base/ids.h"

ABSL_FLAG(int64_t, people, 100000, "how many");
ABSL_FLAG(int64_t, seed, 1, "of the dice");
ABSL_FLAG(std::string, folder, "", "an empty folder for the checkpoint");

namespace pharos::bench {
namespace {

using audience::PeopleIndex;
using customer::internal::v1::PersonState;
using Clock = std::chrono::steady_clock;

constexpr int64_t kNow = 1'790'000'000'000'000;
constexpr int kAMessage = 1000, kAreas = 320, kRegions = 9, kTimes = 200;
constexpr const char* kInterests[] = {"smoking", "diet", "walking", "flu", "alcohol"};
constexpr const char* kLanguages[] = {"en", "en", "en", "en", "en", "en", "cy", "pl", "ur", "pa"};
constexpr const char* kSources[] = {"sources/gp", "sources/news", "sources/quit", "sources/staff",
                                    "sources/partners"};
constexpr const char* kQuestions[] = {
    "age >= 35 AND age < 60",
    "area = \"E07000017\" AND interests:\"smoking\"",
    "consent(SMS, \"purposes/quit\") AND language = \"pl\"",
    "reachable(SMS) AND sex = \"F\" AND NOT interests:\"flu\"",
    "date_of_birth >= \"1960-03-01\" AND date_of_birth <= \"1966-02-28\"",
    "update_time >= \"2026-08-01T00:00:00Z\" AND audience_kinds:PUBLIC",
    "(interests:diet OR interests:walking) AND NOT consent(EMAIL, \"purposes/quit\") AND reachable(SMS)",
    "(area = \"E07000001\" OR area = \"E07000002\") AND date_of_birth >= \"1951-11-02\" AND "
    "interests:smoking"};

// A tenth of the areas lie in each decile, a ninth in each region.
class Places : public audience::Reference {
 public:
  Places() {
    for (int number = 0; number < kAreas; ++number) names_.push_back(fmt::format("Area {}", number));
    for (int number = 0; number < kRegions; ++number) regions_.push_back(fmt::format("E12{:06}", number));
  }
  audience::Place PlaceOf(std::string_view, std::string_view area) const override {
    const auto number = static_cast<size_t>(std::atoi(std::string(area.substr(3)).c_str()));
    audience::Place place;
    place.area = area;
    place.area_name = names_[number % kAreas];
    place.region = place.region_name = regions_[number % kRegions];
    place.deprivation = static_cast<uint8_t>(1 + number % 10);
    return place;
  }
  uint64_t generation() const override { return 1; }

 private:
  std::vector<std::string> names_, regions_;
};

class Dice {
 public:
  explicit Dice(int64_t seed) : random_(static_cast<uint64_t>(seed)) {}
  int Below(int end) { return static_cast<int>(random_() % static_cast<uint64_t>(end)); }
  bool OneIn(int n) { return Below(n) == 0; }
  std::string Bytes(size_t count) {
    std::string bytes;
    while (bytes.size() < count) bytes.push_back(static_cast<char>(random_()));
    return bytes;
  }

 private:
  std::mt19937_64 random_;
};

void GiveChannel(type::v1::Channel channel, Dice& dice, PersonState& state) {
  auto& endpoint = *state.mutable_gate()->add_endpoints();
  endpoint.set_channel(channel);
  endpoint.set_endpoint(dice.Bytes(16));
  auto& entry = *state.mutable_gate()->add_entries();
  entry.set_name("consentEntries/" + base::NewId(kNow));
  entry.set_record(state.sources(0) + "/records/" + base::ToHex(dice.Bytes(5)));
  entry.set_kind(dice.OneIn(5) ? type::v1::WITHDRAWN : type::v1::GRANTED);
  entry.set_scope(type::v1::SCOPE_PURPOSE);
  entry.set_channel(channel);
  entry.set_purpose("purposes/quit");
  entry.set_event_time_us(kNow - int64_t{1'000'000} * dice.Below(100'000'000));
}

void FillPerson(Dice& dice, PersonState& state) {
  state.set_person("people/" + base::NewId(kNow));
  auto& fields = *state.mutable_fields();
  fields["date_of_birth"] =
      fmt::format("{}-{:02}-{:02}", 1930 + dice.Below(85), 1 + dice.Below(12), 1 + dice.Below(28));
  fields["sex"] = dice.OneIn(2) ? "F" : "M";
  fields["area"] = fmt::format("E07{:06}", dice.Below(kAreas));
  fields["postcode"] = fmt::format("LS{} {}AP", 1 + dice.Below(29), dice.Below(10));
  fields["language"] = kLanguages[dice.Below(10)];
  fields["interests"] = fmt::format("{};{}", kInterests[dice.Below(5)], kInterests[dice.Below(5)]);
  state.add_audience_kinds(dice.OneIn(20) ? type::v1::AUDIENCE_KIND_INTERNAL
                                          : type::v1::AUDIENCE_KIND_PUBLIC);
  for (int records = 1 + dice.Below(3); records > 0; --records) state.add_sources(kSources[dice.Below(5)]);
  state.set_updated_time_us(kNow - int64_t{1'000'000} * dice.Below(100'000'000));
  if (!dice.OneIn(3)) GiveChannel(type::v1::CHANNEL_SMS, dice, state);
  if (!dice.OneIn(2)) GiveChannel(type::v1::CHANNEL_EMAIL, dice, state);
}

void FillIndex(int64_t people, Dice& dice, PeopleIndex& index) {
  for (int64_t made = 0; made < people;) {
    customer::internal::v1::FollowPeopleResponse message;
    for (int i = 0; i < kAMessage && made < people; ++i, ++made) FillPerson(dice, *message.add_people());
    if (made == people) message.set_cursor(static_cast<uint64_t>(people));
    index.Apply(message);
  }
}

double Seconds(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// The counts of kQuestions, and the median time of one.
std::vector<int64_t> Ask(const PeopleIndex& index, double& median_ms) {
  std::vector<int64_t> counts;
  std::vector<double> times;
  for (const char* question : kQuestions) {
    const auto predicate = audience::CompileFilter(question);
    if (!predicate.ok()) std::fprintf(stderr, "%s\n", predicate.status().ToString().c_str());
    if (!predicate.ok()) continue;
    const size_t first = times.size();
    for (int i = 0; i < kTimes; ++i) {
      const auto begin = Clock::now();
      const auto status = index.Read(kNow, [&](const PeopleIndex::Reader& reader) {
        if (i == 0) counts.push_back(0);
        counts.back() = reader.Count(*predicate);
        return absl::OkStatus();
      });
      times.push_back(Seconds(begin) * 1e3);
      if (!status.ok()) counts.back() = -1;
    }
    std::nth_element(times.begin() + static_cast<std::ptrdiff_t>(first),
                     times.begin() + static_cast<std::ptrdiff_t>(first) + kTimes / 2, times.end());
    std::fprintf(stderr, "%8.3f ms %9lld  %s\n", times[first + kTimes / 2],
                 static_cast<long long>(counts.back()), question);
  }
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  median_ms = times.empty() ? 0 : times[times.size() / 2];
  return counts;
}

// Its pages leave the memory, so that what reads it next reads the disk.
void Forget(const std::string& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  ::close(fd);
}

int Main() {
  const int64_t people = absl::GetFlag(FLAGS_people);
  Dice dice(absl::GetFlag(FLAGS_seed));
  storage::KeyRing keys(std::make_unique<audience::GuessableKeys>());
  const audience::Checkpoint checkpoint(absl::GetFlag(FLAGS_folder), keys);
  auto index = PeopleIndex::New();
  index->SetReference(std::make_shared<Places>());
  auto begin = Clock::now();
  FillIndex(people, dice, *index);
  const double fill_s = Seconds(begin);
  const PeopleIndex::Stats stats = index->stats();
  double ask_ms = 0, ask_again_ms = 0;
  const std::vector<int64_t> counts = Ask(*index, ask_ms);
  begin = Clock::now();
  absl::Status status = checkpoint.Save(*index);
  const double save_s = Seconds(begin);
  index.reset();
  Forget(checkpoint.file());
  index = PeopleIndex::New();
  index->SetReference(std::make_shared<Places>());
  begin = Clock::now();
  if (status.ok()) status = checkpoint.Load(*index);
  const double load_s = Seconds(begin);
  const bool same = status.ok() && Ask(*index, ask_again_ms) == counts;
  if (!status.ok()) std::fprintf(stderr, "pharos-bench-index: %s\n", status.ToString().c_str());
  if (!same) std::fprintf(stderr, "pharos-bench-index: the checkpoint does not answer as the index did\n");
  fmt::print(
      "{{\"people\": {}, \"fill_s\": {:.2f}, \"save_s\": {:.2f}, \"load_s\": {:.3f}, \"file_bytes\": {}, "
      "\"index_bytes\": {}, \"gate_bytes\": {}, \"count_ms\": {:.4f}, \"count_ms_after\": {:.4f}}}\n",
      stats.people, fill_s, save_s, load_s, std::filesystem::file_size(checkpoint.file()), stats.index_bytes,
      stats.gate_bytes, ask_ms, ask_again_ms);
  return same ? 0 : 1;
}

}  // namespace
}  // namespace pharos::bench

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return pharos::bench::Main();
}
