// HTTP/1.1 for the outside, by Boost.Beast: bounded in connections, sizes, times and rates; hands whole
// requests to an EdgeHandler. Opt-outs, pages and callbacks have workers and queues of their own, and
// callbacks a share of the connections and a rate of their own, so that a flood of callbacks delays no
// opt-out.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/edge/edge_handler.h"

namespace pharos::edge {

struct HttpLimits {
  size_t connections = 1024;    // when all are taken, whoever makes us wait for longest goes; callbacks first
  size_t of_one_address = 128;  // likewise; proxies that are trusted excepted
  size_t callback_connections = 512;     // of them; past it 503
  size_t callbacks_of_one_address = 64;  // likewise
  std::chrono::milliseconds least_stay{
      1'000};  // nobody goes who made us wait for less: then the newcomer does
  std::chrono::milliseconds handshake{10'000};  // these are totals: octets that trickle in lengthen none
  std::chrono::milliseconds header{10'000};     // of the first request
  std::chrono::milliseconds idle{30'000};       // to the end of the next request's header
  std::chrono::milliseconds body{10'000};
  std::chrono::milliseconds write{10'000};
};

struct HttpOptions {
  std::string listen = "127.0.0.1:0";  // address:port; port 0 = any
  std::string certificate, key;        // PEM files; empty = plaintext, only on loopback
  std::vector<std::string> trusted_proxies;
  HttpLimits limits;
};

class HttpServer {
 public:
  // Calls to dispatch at a time, and requests at work or waiting for one; past it 503. Nobody takes
  // another's: neither scanners that look at pages nor callbacks crowd out opt-outs. An opt-out may wait 2.5
  // s.
  static constexpr size_t kOptOutWorkers = 16, kMostOptOuts = 128;
  static constexpr size_t kPageWorkers = 4, kMostPages = 32;
  static constexpr size_t kCallbackWorkers = 16, kMostCallbacks = 128;
  static constexpr size_t kApiWorkers = 16, kMostApi = 256;  // of our API, and of GOV.UK Notify's
  static constexpr size_t kConsoleWorkers = 8, kMostConsole = 128;
  static constexpr size_t kMostStreams = 64;  // each has a worker; past it 503, and the page asks anew
  // Octets of bodies at a time, for each of console, API and callbacks; past it 503. Small ones are not
  // counted: an opt-out is never refused for them.
  static constexpr size_t kMostBodyBytes = 128u << 20, kSmallBody = 8u << 10;

  // INVALID_ARGUMENT (CONFIG_WRONG): address or certificate, or plaintext on an address that others reach;
  // UNAVAILABLE (PORT_IN_USE).
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const HttpOptions& options, EdgeHandler& handler);
  virtual ~HttpServer() = default;
  virtual int port() const = 0;
  // Takes no more; what is being done finishes.
  virtual void Stop() = 0;
};

}  // namespace pharos::edge
