// pharos-bench-load: calls one RPC from many callers and says how fast it was, as one JSON object. ops/bench
// runs it.
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "ops/benchmarks/load_client.h"
#include "services/base/ids.h"

ABSL_FLAG(std::string, target, "", "host:port");
ABSL_FLAG(std::string, method, "", "/package.Service/Method");
ABSL_FLAG(std::string, token_file, "", "file with the bearer token");
ABSL_FLAG(std::string, requests, "", "file of serialised requests, one in hex a line");
ABSL_FLAG(int, callers, 64, "calls in the air");
ABSL_FLAG(double, seconds, 10, "how long to measure, after a second to warm up");

namespace pharos::bench {
namespace {

int Main() {
  Load load;
  load.target = absl::GetFlag(FLAGS_target);
  load.method = absl::GetFlag(FLAGS_method);
  load.callers = absl::GetFlag(FLAGS_callers);
  load.seconds = absl::GetFlag(FLAGS_seconds);
  if (const std::string file = absl::GetFlag(FLAGS_token_file); !file.empty())
    std::ifstream(file) >> load.token;
  std::ifstream requests(absl::GetFlag(FLAGS_requests));
  for (std::string line; std::getline(requests, line);) load.requests.push_back(base::FromHex(line));
  if (load.target.empty() || load.method.empty() || load.requests.empty()) {
    std::fprintf(stderr, "pharos-bench-load: --target, --method and --requests are needed\n");
    return 2;
  }
  const LoadResult result = Run(load);
  if (!result.first_error.empty())
    std::fprintf(stderr, "pharos-bench-load: %s\n", result.first_error.c_str());
  fmt::print(
      "{{\"calls\": {}, \"errors\": {}, \"per_second\": {:.1f}, \"p50_ms\": {:.3f}, \"p99_ms\": {:.3f}, "
      "\"request_bytes\": {:.0f}, \"response_bytes\": {:.0f}}}\n",
      result.calls, result.errors, static_cast<double>(result.calls) / result.seconds, result.Percentile(0.5),
      result.Percentile(0.99), result.request_bytes, result.response_bytes);
  return result.errors == 0 ? 0 : 1;
}

}  // namespace
}  // namespace pharos::bench

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return pharos::bench::Main();
}
