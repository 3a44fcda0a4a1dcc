// Callers of one unary RPC: each sends its next request when its last one is answered. Bytes in, bytes out;
// the same engine measures Pharos and the bare echo that it is compared with.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pharos::bench {

struct Load {
  std::string target;                 // host:port
  std::string method;                 // "/package.Service/Method"
  std::string token;                  // bearer token; empty = none
  std::vector<std::string> requests;  // serialised; taken in turn
  int callers = 64;
  double warm_s = 1;
  double seconds = 10;
};

struct LoadResult {
  int64_t calls = 0;
  int64_t errors = 0;       // answers that were not OK
  std::string first_error;  // its message
  double seconds = 0;
  std::vector<float> latencies_ms;               // sorted
  double request_bytes = 0, response_bytes = 0;  // mean

  double Percentile(double share) const;
};

LoadResult Run(const Load& load);

}  // namespace pharos::bench
