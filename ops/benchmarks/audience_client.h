// Asks audience questions one after the other and says how long each took and what was answered.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace pharos::bench {

struct Question {
  std::string name;
  std::string method;   // of AudienceService: CountAudience, BreakDownAudience or StreamAudience
  std::string request;  // JSON
  int repeat = 0;
};

struct Asked {
  std::vector<double> times_ms;  // until the answer was whole and read, sorted
  std::string answer;            // JSON; of a stream: the last one's ids, a line each (pseudonyms in hex)
  uint64_t ids = 0;              // of a stream
};

// One connection; not for several threads.
class Asker {
 public:
  Asker(const std::string& target, std::string token);
  ~Asker();
  // Asks once. INVALID_ARGUMENT: an unknown method, or a request that is not its message.
  absl::Status Ask(const Question& question, Asked& asked);

 private:
  struct Line;
  std::unique_ptr<Line> line_;
};

}  // namespace pharos::bench
