// pharos.toml: the one file that says where everything is. Relative paths are relative to the file's folder.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace pharos::config {

// The services, in the order in which they are opened.
inline constexpr std::string_view kServices[] = {"access",   "customer", "audience",
                                                 "campaign", "dispatch", "engagement"};

struct Config {
  std::string file;                             // where it was read from; empty = none
  std::string data = "data";                    // folder of stores and keys
  std::string listen = "127.0.0.1:7400";        // one process for everything
  std::map<std::string, std::string> services;  // [services] name → host:port of a process of its own
  std::string metrics;                          // host:port for Prometheus; empty = off
  std::string service_token;          // file with the token between our own processes; empty = one process
  std::string tokens;                 // [access] bootstrap file of callers
  std::string engine = "rocksdb";     // [store] or "postgres"
  std::string postgres;               // [store] libpq connection string
  std::string witness;                // [store] folder of commit witnesses; empty = <data>/witness
  int64_t cache_bytes = 512ll << 20;  // [store] cache_mib
  bool seal = true;                   // [store] personal values are sealed
  // [connectors.<name>]: flags of that connector, "protocol" among them.
  std::map<std::string, std::map<std::string, std::string>> connectors;

  // host:port of a service: its own process, or the one process.
  std::string AddressOf(std::string_view service) const;
};

// INVALID_ARGUMENT (CONFIG_WRONG) with line and cause; an unknown key names the nearest.
absl::StatusOr<Config> Load(const std::string& file);
absl::StatusOr<Config> Parse(std::string_view text, const std::string& file);

}  // namespace pharos::config
