#include "services/edge/hooks/sender.h"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <chrono>
#include <limits>
#include <optional>
#include <vector>

#include "services/base/errors.h"
#include "services/edge/errors.h"
#include "services/edge/hooks/retry.h"

namespace pharos::edge::hooks {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace ssl = asio::ssl;
using tcp = asio::ip::tcp;
using Failure = boost::system::error_code;
using Steady = std::chrono::steady_clock;
using std::chrono::microseconds;

constexpr size_t kMostAddresses = 4;         // of a name that are tried for one post
constexpr uint32_t kHeaderBytes = 16 << 10;  // of an answer
constexpr size_t kReadBytes = 4 << 10;       // of its body at a time
constexpr size_t kMostBodyBytes = 64 << 10;  // thrown away; past it the connection is
constexpr int kMostInterim = 4;              // answers 1xx before the real one
constexpr int64_t kMicros = 1'000'000;

Address AddressOf(const asio::ip::address& from) {
  Address address;
  address.v6 = from.is_v6();
  if (address.v6) {
    const auto bytes = from.to_v6().to_bytes();
    std::copy(bytes.begin(), bytes.end(), address.bytes.begin());
  } else {
    const auto bytes = from.to_v4().to_bytes();
    std::copy(bytes.begin(), bytes.end(), address.bytes.begin());
  }
  return address;
}

// Belongs to one thread, but for Cancel.
class HttpsSender final : public Sender {
 public:
  HttpsSender(const Hook& hook, ssl::context context, base::Clock& clock, const SendLimits& limits)
      : url_(hook.url),
        allowed_(hook.allowed),
        keys_(hook.keys),
        clock_(clock),
        limits_(limits),
        context_(std::move(context)) {}

  Answer Send(const Event& event) override {
    const bool kept = Connected() && Steady::now() - used_ < microseconds(limits_.idle_us);
    if (!kept) Close();
    Answer answer = Post(event);
    // The receiver may have given up the kept connection just then.
    const bool stale = kept && answer.status == 0 && answer.problem == kCutOff && !cancelled_;
    return stale ? Post(event) : answer;
  }

  void Cancel() override {
    cancelled_ = true;
    asio::post(io_, [] {});  // wakes a step
  }

 private:
  using Tls = ssl::stream<tcp::socket>;

  bool Connected() const { return tls_ || plain_; }
  tcp::socket& Socket() { return tls_ ? tls_->next_layer() : *plain_; }
  void Close() {
    Failure ignored;
    if (Connected()) Socket().close(ignored);
    tls_.reset();
    plain_.reset();
    buffer_.clear();
  }

  // Runs one asynchronous step to its end, or ends it at `until` or when cancelled: then the connection is of
  // no use any more, and the failure is timed_out.
  template <typename Begin>
  Failure Step(Steady::time_point until, const Begin& begin) {
    std::optional<Failure> done;
    io_.restart();
    begin([&done](Failure failure, auto&&...) { done = failure; });
    while (!done && !cancelled_ && Steady::now() < until) io_.run_one_until(until);
    if (done) return *done;
    Failure ignored;
    resolver_.cancel();
    if (Connected()) Socket().close(ignored);
    while (!done) io_.run_one();
    return asio::error::timed_out;
  }
  template <typename Begin>
  Failure Step(const Begin& begin) {
    return Step(deadline_, begin);
  }
  // The same on whatever stream there is.
  template <typename Begin>
  Failure OnStream(const Begin& begin) {
    return Step([&](auto then) { tls_ ? begin(*tls_, then) : begin(*plain_, then); });
  }

  Answer Lost(Failure failure) {
    Close();
    return {0, 0, failure == asio::error::timed_out ? kTimedOut : kCutOff};
  }

  Answer Post(const Event& event) {
    deadline_ = Steady::now() + microseconds(limits_.whole_us);
    if (!Connected()) {
      if (const std::string_view problem = Connect(); !problem.empty()) {
        Close();
        return {0, 0, problem};
      }
    }
    auto request = RequestOf(event);
    const Failure failure =
        OnStream([&](auto& stream, auto then) { http::async_write(stream, request, then); });
    return failure ? Lost(failure) : ReadAnswer();
  }

  http::request<http::string_body> RequestOf(const Event& event) const {
    const std::string now = fmt::format("{}", clock_.WallMicros() / kMicros);
    http::request<http::string_body> request(http::verb::post, url_.target, 11);
    request.set(http::field::host, url_.header);
    request.set(http::field::user_agent, "pharos-edge");
    request.set(http::field::content_type, "application/json");
    request.set("webhook-id", event.id);
    request.set("webhook-timestamp", now);
    request.set("webhook-signature", Signatures(keys_, event.id, now, event.body));
    request.body() = event.body;
    request.prepare_payload();
    return request;
  }

  // --- to the receiver

  std::vector<tcp::endpoint> LookUp() {
    const auto port = static_cast<uint16_t>(std::stoi(url_.port));
    if (url_.literal) return {{asio::ip::make_address(url_.host), port}};
    tcp::resolver::results_type found;
    const Failure failure = Step([&](auto then) {
      resolver_.async_resolve(url_.host, url_.port, tcp::resolver::numeric_service,
                              [&found, then](Failure failed, tcp::resolver::results_type results) mutable {
                                found = std::move(results);
                                then(failed);
                              });
    });
    std::vector<tcp::endpoint> endpoints;
    if (failure) return endpoints;
    for (const auto& entry : found) endpoints.push_back(entry.endpoint());
    return endpoints;
  }

  bool MayPostTo(const tcp::endpoint& endpoint) const {
    const Address address = AddressOf(endpoint.address());
    return RefusalOf(address, allowed_).empty() && (url_.tls || IsLoopback(address));
  }

  // "" once there is a connection.
  std::string_view Connect() {
    const std::vector<tcp::endpoint> endpoints = LookUp();
    if (endpoints.empty()) return Steady::now() < deadline_ ? kNameUnknown : kTimedOut;
    std::string_view problem = kAddressRefused;
    size_t tried = 0;
    for (const tcp::endpoint& endpoint : endpoints) {
      if (!MayPostTo(endpoint)) continue;
      if (tried++ == kMostAddresses || cancelled_ || Steady::now() >= deadline_) break;
      problem = ConnectTo(endpoint);
      if (problem.empty()) return "";
      Close();
    }
    return problem;
  }

  std::string_view ConnectTo(const tcp::endpoint& endpoint) {
    if (url_.tls) {
      tls_.emplace(io_, context_);
    } else {
      plain_.emplace(io_);
    }
    const auto until = std::min(deadline_, Steady::now() + microseconds(limits_.connect_us));
    const Failure failure = Step(until, [&](auto then) { Socket().async_connect(endpoint, then); });
    if (failure) return failure == asio::error::timed_out ? kTimedOut : kUnreachable;
    Failure unknown;
    Socket().set_option(tcp::no_delay(true), unknown);
    const tcp::endpoint reached = Socket().remote_endpoint(unknown);
    if (unknown || !MayPostTo(reached)) return kAddressRefused;
    return url_.tls ? Shake() : "";
  }

  std::string_view Shake() {
    SSL* handle = tls_->native_handle();
    SSL_set_hostflags(handle, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    bool named = false;
    if (url_.literal) {
      named = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(handle), url_.host.c_str()) == 1;
    } else {
      named = SSL_set1_host(handle, url_.host.c_str()) == 1 &&
              SSL_set_tlsext_host_name(handle, url_.host.c_str()) == 1;
    }
    if (!named) return kTlsFailed;
    const Failure failure = Step([&](auto then) { tls_->async_handshake(ssl::stream_base::client, then); });
    if (!failure) return "";
    if (failure == asio::error::timed_out) return kTimedOut;
    return SSL_get_verify_result(handle) == X509_V_OK ? kTlsFailed : kCertificateWrong;
  }

  // --- and back

  Answer ReadAnswer() {
    for (int interim = 0; interim <= kMostInterim; ++interim) {
      http::response_parser<http::buffer_body> parser;
      parser.header_limit(kHeaderBytes);
      parser.body_limit(std::numeric_limits<uint64_t>::max());  // counted here
      const Failure failure =
          OnStream([&](auto& stream, auto then) { http::async_read_header(stream, buffer_, parser, then); });
      if (failure) return Lost(failure);
      const auto& head = parser.get();
      if (head.result_int() < 200) continue;
      const auto after = head[http::field::retry_after];
      const Answer answer{static_cast<int>(head.result_int()),
                          RetryAfterMicros({after.data(), after.size()}, clock_.WallMicros()),
                          {}};
      // The status stands whatever becomes of the rest.
      if (ThrowAwayBody(parser)) {
        used_ = Steady::now();
      } else {
        Close();
      }
      return answer;
    }
    return Lost(http::error::bad_status);
  }

  // True: the connection can be used again.
  bool ThrowAwayBody(http::response_parser<http::buffer_body>& parser) {
    char bytes[kReadBytes];
    size_t total = 0;
    while (!parser.is_done()) {
      auto& body = parser.get().body();
      body.data = bytes;
      body.size = sizeof bytes;
      Failure failure =
          OnStream([&](auto& stream, auto then) { http::async_read(stream, buffer_, parser, then); });
      if (failure && failure != http::error::need_buffer) return false;
      total += sizeof bytes - parser.get().body().size;
      if (total > kMostBodyBytes) return false;
    }
    return parser.keep_alive() && buffer_.size() == 0;
  }

  const ReceiverUrl url_;
  const std::vector<Network> allowed_;
  const std::vector<SigningKey> keys_;
  base::Clock& clock_;
  const SendLimits limits_;
  asio::io_context io_{1};
  ssl::context context_;
  tcp::resolver resolver_{io_};
  std::optional<Tls> tls_;
  std::optional<tcp::socket> plain_;
  beast::flat_buffer buffer_{kHeaderBytes + 2 * kReadBytes};
  Steady::time_point deadline_, used_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace

absl::StatusOr<std::unique_ptr<Sender>> Sender::Make(const Hook& hook, base::Clock& clock,
                                                     const SendLimits& limits) {
  ssl::context context(ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  Failure failure;
  context.set_verify_mode(ssl::verify_peer, failure);
  if (hook.ca_file.empty()) {
    context.set_default_verify_paths(failure);
  } else {
    context.load_verify_file(hook.ca_file, failure);
  }
  if (failure)
    return errors::SettingWrong(fmt::format("edge.webhooks.{}.ca_file: {} holds no certificate in PEM form.",
                                            hook.name, hook.ca_file));
  return std::make_unique<HttpsSender>(hook, std::move(context), clock, limits);
}

}  // namespace pharos::edge::hooks
