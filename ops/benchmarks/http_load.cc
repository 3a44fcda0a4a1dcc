// pharos-bench-http: asks one address over TLS from many kept-alive connections and says how fast it was, as
// one JSON object. ops/bench runs it.
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"

ABSL_FLAG(int, port, 0, "of 127.0.0.1");
ABSL_FLAG(std::string, path, "/", "what is asked");
ABSL_FLAG(std::string, body, "", "POSTed as JSON; empty: GET");
ABSL_FLAG(std::string, token, "", "bearer token");
ABSL_FLAG(int, connections, 64, "at a time, one request each");
ABSL_FLAG(double, seconds, 10, "how long to measure, after a second to warm up");
ABSL_FLAG(double, pause_ms, 0, "between an answer and the next request of a connection");

namespace pharos::bench {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Failure = boost::system::error_code;
using Clock = std::chrono::steady_clock;

struct Shared {
  asio::io_context loop{1};
  asio::ssl::context tls{asio::ssl::context::tls_client};
  asio::ip::tcp::endpoint where;
  http::request<http::string_body> request;
  Clock::time_point begin, end;
  std::chrono::microseconds pause{0};
  std::vector<float> ms;
  int64_t errors = 0;
  size_t answer_bytes = 0;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  explicit Connection(Shared& shared)
      : shared_(shared), stream_(shared.loop, shared.tls), pause_(shared.loop) {}

  void Run() {
    beast::get_lowest_layer(stream_).async_connect(
        shared_.where, [self = shared_from_this()](Failure failure) {
          if (failure) return self->Failed();
          self->stream_.async_handshake(asio::ssl::stream_base::client,
                                        [self](Failure wrong) { wrong ? self->Failed() : self->Ask(); });
        });
  }

 private:
  void Failed() {
    ++shared_.errors;
    if (Clock::now() < shared_.end) std::make_shared<Connection>(shared_)->Run();
  }
  void Ask() {
    if (Clock::now() >= shared_.end) return;
    asked_ = Clock::now();
    http::async_write(stream_, shared_.request, [self = shared_from_this()](Failure failure, size_t) {
      failure ? self->Failed() : self->Listen();
    });
  }
  void Listen() {
    response_ = {};
    http::async_read(stream_, buffer_, response_, [self = shared_from_this()](Failure failure, size_t) {
      failure ? self->Failed() : self->Heard();
    });
  }
  void Heard() {
    if (response_.result_int() >= 300) ++shared_.errors;
    if (asked_ >= shared_.begin)
      shared_.ms.push_back(std::chrono::duration<float, std::milli>(Clock::now() - asked_).count());
    shared_.answer_bytes = response_.body().size();
    if (!response_.keep_alive()) return std::make_shared<Connection>(shared_)->Run();
    if (shared_.pause.count() == 0) return Ask();
    pause_.expires_after(shared_.pause);
    pause_.async_wait([self = shared_from_this()](Failure) { self->Ask(); });
  }

  Shared& shared_;
  beast::ssl_stream<beast::tcp_stream> stream_;
  asio::steady_timer pause_;
  beast::flat_buffer buffer_;
  http::response<http::string_body> response_;
  Clock::time_point asked_;
};

double Percentile(std::vector<float>& sorted, double p) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1, static_cast<size_t>(p * static_cast<double>(sorted.size())))];
}

int Main() {
  Shared shared;
  const std::string body = absl::GetFlag(FLAGS_body), token = absl::GetFlag(FLAGS_token);
  shared.where = {asio::ip::make_address("127.0.0.1"), static_cast<uint16_t>(absl::GetFlag(FLAGS_port))};
  shared.request.version(11);
  shared.request.method(body.empty() ? http::verb::get : http::verb::post);
  shared.request.target(absl::GetFlag(FLAGS_path));
  shared.request.set(http::field::host, "localhost");
  if (!token.empty()) shared.request.set(http::field::authorization, "Bearer " + token);
  if (!body.empty()) shared.request.set(http::field::content_type, "application/json");
  shared.request.body() = body;
  shared.request.prepare_payload();
  const double seconds = absl::GetFlag(FLAGS_seconds);
  shared.pause = std::chrono::microseconds(static_cast<int64_t>(absl::GetFlag(FLAGS_pause_ms) * 1000));
  shared.begin = Clock::now() + std::chrono::seconds(1);
  shared.end = shared.begin + std::chrono::microseconds(static_cast<int64_t>(seconds * 1e6));
  for (int i = 0; i < absl::GetFlag(FLAGS_connections); ++i) std::make_shared<Connection>(shared)->Run();
  shared.loop.run();
  std::sort(shared.ms.begin(), shared.ms.end());
  fmt::print(
      "{{\"calls\": {}, \"errors\": {}, \"per_second\": {:.1f}, \"p50_ms\": {:.3f}, \"p99_ms\": {:.3f}, "
      "\"response_bytes\": {}}}\n",
      shared.ms.size(), shared.errors, static_cast<double>(shared.ms.size()) / seconds,
      Percentile(shared.ms, 0.5), Percentile(shared.ms, 0.99), shared.answer_bytes);
  return shared.errors == 0 ? 0 : 1;
}

}  // namespace
}  // namespace pharos::bench

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return pharos::bench::Main();
}
