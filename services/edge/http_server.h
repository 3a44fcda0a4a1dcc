// HTTP/1.1 for the outside, by Boost.Beast: bounded in connections, sizes, times and rates; hands whole
// requests to an EdgeHandler.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/edge/edge_handler.h"

namespace pharos::edge {

struct HttpOptions {
  std::string listen = "127.0.0.1:0";  // address:port; port 0 = any
  std::string certificate, key;        // PEM files; empty = plaintext, only on loopback
  std::vector<std::string> trusted_proxies;
};

class HttpServer {
 public:
  static constexpr size_t kMostConnections = 1024;
  static constexpr size_t kMostOfOneAddress = 128;  // proxies that are trusted excepted
  static constexpr size_t kWorkers = 16;            // calls to dispatch at a time; an opt-out may wait 2.5 s
  static constexpr size_t kMostWaiting = 128;       // requests at work or waiting for a worker; past it 503
  static constexpr size_t kMostReading =
      32;  // of them pages to look at: scanners must not crowd out opt-outs

  // INVALID_ARGUMENT (CONFIG_WRONG): address or certificate, or plaintext on an address that others reach;
  // UNAVAILABLE (PORT_IN_USE).
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const HttpOptions& options, EdgeHandler& handler);
  virtual ~HttpServer() = default;
  virtual int port() const = 0;
  // Takes no more; what is being done finishes.
  virtual void Stop() = 0;
};

}  // namespace pharos::edge
