// One partner stream a source: items that lie ready as bytes, sent in batches as fast as they are answered or
// at a rate; what came back and how long each batch took.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace pharos::bench {

struct Feed {
  std::string source;              // "sources/…"
  std::vector<std::string> items;  // serialised pharos.customer.v1.SyncItem
};

struct SyncLoad {
  std::string target;  // host:port
  std::string token;
  bool bulk = false;
  size_t batch = 256;
  double rate = 0;           // items a second, all streams together; 0: as fast as they are answered
  size_t unanswered = 4096;  // items a stream, as the API allows
  bool keep_people = false;  // SyncResult.people
};

struct SyncResult {
  int64_t items = 0;
  std::map<std::string, int64_t> outcomes;
  double seconds = 0;
  std::vector<float> latencies_ms;  // of batches, sorted
  std::string first_error;
  std::vector<std::pair<std::string, std::string>> people;  // "sources/…/records/…" and whose it is

  double Percentile(double share) const;
};

// All feeds at once, until everything is answered.
SyncResult Run(const SyncLoad& load, const std::vector<Feed>& feeds);

}  // namespace pharos::bench
