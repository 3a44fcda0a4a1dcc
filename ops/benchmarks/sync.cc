// pharos-bench-sync: sends contact files as partners' feeds, one stream a source, and says how fast they were
// answered, as one JSON object. ops/bench runs it.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "ops/benchmarks/sync_client.h"
#include "ops/benchmarks/sync_feed.h"

ABSL_FLAG(std::string, target, "", "host:port");
ABSL_FLAG(std::string, token_file, "", "file with the bearer token");
ABSL_FLAG(std::string, from, "", "folder of contact files, each named after its source");
ABSL_FLAG(std::string, purpose, "", "purposes/… that the files' consent is for");
ABSL_FLAG(bool, bulk, false, "a first load");
ABSL_FLAG(int, batch, 256, "items in one message");
ABSL_FLAG(double, rate, 0, "items a second, 0: as fast as they are answered");
ABSL_FLAG(double, first_part, 0, "of each file: begin here (0 to 1)");
ABSL_FLAG(double, last_part, 1, "and end here");
ABSL_FLAG(std::string, people, "", "file to write whose each record is: record, person");

namespace pharos::bench {
namespace {

std::vector<Feed> FeedsOf(const std::string& folder) {
  std::vector<Feed> feeds;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().stem().string();
    if (entry.path().extension() != ".csv" || name == "truth") continue;
    Feed feed;
    feed.source = "sources/" + name;
    feed.items = ItemsOf(entry.path().string(), absl::GetFlag(FLAGS_purpose));
    const auto count = static_cast<double>(feed.items.size());
    const auto first = static_cast<int64_t>(count * absl::GetFlag(FLAGS_first_part));
    const auto last = static_cast<int64_t>(count * absl::GetFlag(FLAGS_last_part));
    feed.items = {std::make_move_iterator(feed.items.begin() + first),
                  std::make_move_iterator(feed.items.begin() + last)};
    if (!feed.items.empty()) feeds.push_back(std::move(feed));
  }
  return feeds;
}

int Main() {
  SyncLoad load;
  load.target = absl::GetFlag(FLAGS_target);
  load.bulk = absl::GetFlag(FLAGS_bulk);
  load.batch = static_cast<size_t>(absl::GetFlag(FLAGS_batch));
  load.rate = absl::GetFlag(FLAGS_rate);
  load.keep_people = !absl::GetFlag(FLAGS_people).empty();
  std::ifstream(absl::GetFlag(FLAGS_token_file)) >> load.token;
  const std::vector<Feed> feeds = FeedsOf(absl::GetFlag(FLAGS_from));
  const SyncResult result = Run(load, feeds);
  if (!result.first_error.empty())
    std::fprintf(stderr, "pharos-bench-sync: %s\n", result.first_error.c_str());
  if (load.keep_people) {
    std::ofstream file(absl::GetFlag(FLAGS_people));
    for (const auto& [record, person] : result.people) file << record << ',' << person << '\n';
  }
  std::string outcomes;
  for (const auto& [outcome, count] : result.outcomes)
    outcomes += fmt::format("{}\"{}\": {}", outcomes.empty() ? "" : ", ", outcome, count);
  fmt::print(
      "{{\"items\": {}, \"seconds\": {:.3f}, \"per_second\": {:.1f}, \"p50_ms\": {:.3f}, \"p99_ms\": {:.3f}, "
      "\"outcomes\": {{{}}}}}\n",
      result.items, result.seconds, static_cast<double>(result.items) / result.seconds,
      result.Percentile(0.5), result.Percentile(0.99), outcomes);
  return result.first_error.empty() ? 0 : 1;
}

}  // namespace
}  // namespace pharos::bench

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return pharos::bench::Main();
}
