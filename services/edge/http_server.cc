#include "services/edge/http_server.h"

#include <fmt/format.h>
#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <charconv>
#include <future>
#include <list>
#include <optional>
#include <thread>
#include <unordered_map>

#include "services/base/errors.h"
#include "services/base/log.h"
#include "services/base/text.h"
#include "services/edge/errors.h"
#include "services/edge/one_click.h"
#include "services/edge/request_rate.h"
#include "services/rpc/metrics.h"

namespace pharos::edge {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace ssl = asio::ssl;
using tcp = asio::ip::tcp;
using Failure = boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint32_t kHeaderBytes = 16 << 10;
constexpr size_t kLongestHeader = 8 << 10;  // of one that we send
constexpr seconds kGoodbye{2};
constexpr int kMostOnOneConnection = 1000;                     // then the client connects anew
constexpr auto kAcceptPause = std::chrono::milliseconds(100);  // when no file descriptor is left

std::string Text(beast::string_view text) {
  return std::string(text.data(), text.size());
}

// Nothing that would end the line, or the process.
bool IsHeaderValue(std::string_view value) {
  return value.size() <= kLongestHeader && std::all_of(value.begin(), value.end(), [](char c) {
           return static_cast<uint8_t>(c) >= 0x20 && c != 0x7f;
         });
}

void Count(Route route, int status) {
  static auto& family = prometheus::BuildCounter()
                            .Name("pharos_edge_requests_total")
                            .Help("Requests from outside, by route and answer.")
                            .Register(rpc::Metrics());
  family.Add({{"route", std::string(NameOf(route))}, {"status", fmt::format("{}", status)}}).Increment();
}

bool IsCallback(Route route) {
  return route == Route::kNotifyReceipt || route == Route::kNotifyMessage || route == Route::kSigned;
}

// Requests of one kind: those with its workers, and how many there may be.
struct Lane {
  Lane(size_t threads, size_t requests) : workers(threads), most(requests) {}
  asio::thread_pool workers;
  const size_t most;
  size_t waiting = 0;
};

// A connection that makes us wait for its octets.
struct Awaited {
  virtual void Evict() = 0;  // ends it; its place is free at once

 protected:
  ~Awaited() = default;
};
struct AwaitedEntry {
  Awaited* who;
  std::string peer;
  bool goes_first;  // brings callbacks, or has had its last answer
  int64_t since_us;
};

// What the sessions share. Used on the loop's thread, except where it says otherwise.
struct Shared {
  explicit Shared(EdgeHandler& to, std::vector<std::string> proxies, bool secure, const HttpLimits& bounds)
      : handler(to), trusted(std::move(proxies)), tls(secure), limits(bounds) {}

  // Who asks: the peer, or whom a proxy of ours says that it asks for.
  std::string Asker(const std::string& peer, const std::string& forwarded) const {
    if (!IsTrusted(peer) || forwarded.empty()) return peer;
    const std::string last = base::Split(forwarded, ',').back();  // what our own proxy has added
    Failure failure;
    const auto address = asio::ip::make_address(std::string(base::TrimAscii(last)), failure);
    return failure ? peer : address.to_string();
  }
  bool IsTrusted(const std::string& peer) const {
    return std::find(trusted.begin(), trusted.end(), peer) != trusted.end();
  }
  bool Enter(const std::string& peer) {
    if (connections >= limits.connections && !MakeRoom(nullptr)) return false;
    const auto at = by_peer.find(peer);
    const bool many = !IsTrusted(peer) && at != by_peer.end() && at->second >= limits.of_one_address;
    if (many && !MakeRoom(&peer)) return false;
    ++connections;
    ++by_peer[peer];
    return true;
  }
  void Leave(const std::string& peer) {
    --connections;
    if (--by_peer[peer] == 0) by_peer.erase(peer);
  }
  // A connection turns out to bring callbacks.
  bool EnterCallback(const std::string& peer) {
    if (callback_connections >= limits.callback_connections) return false;
    const auto at = callbacks_by_peer.find(peer);
    const size_t already = at == callbacks_by_peer.end() ? 0 : at->second;
    if (!IsTrusted(peer) && already >= limits.callbacks_of_one_address) return false;
    ++callback_connections;
    ++callbacks_by_peer[peer];
    return true;
  }
  void LeaveCallback(const std::string& peer) {
    --callback_connections;
    if (--callbacks_by_peer[peer] == 0) callbacks_by_peer.erase(peer);
  }
  // Ends the connection (of `peer`, unless null) that has made us wait for longest; those that go first,
  // first.
  bool MakeRoom(const std::string* peer) {
    auto longest = awaited.end();
    for (auto at = awaited.begin(); at != awaited.end(); ++at) {
      if (peer != nullptr && at->peer != *peer) continue;
      if (NowUs() - at->since_us < milliseconds(limits.least_stay).count() * 1000)
        break;  // the rest is younger
      if (longest == awaited.end()) longest = at;
      if (!at->goes_first) continue;
      longest = at;
      break;
    }
    if (longest == awaited.end()) return false;
    longest->who->Evict();
    return true;
  }
  static int64_t NowUs() { return base::Clock::System().BootMicros(); }
  Lane& LaneOf(const Request& request) {
    const Route route = request.target.route;
    if (IsCallback(route)) return callbacks;
    if (route == Route::kApi && base::LowerAscii(request.content_type).starts_with("application/connect+"))
      return streams;
    if (route == Route::kApi || route == Route::kApiDocument) return api;
    if (route == Route::kNotifyApi) return notify_api;
    if (route == Route::kConsole || route == Route::kAsset) return console;
    if (route == Route::kConsoleStream) return streams;
    if (route == Route::kLink) return links;
    if (route == Route::kPreferences) return request.method == "POST" ? opt_outs : pages;
    const bool acts = request.method == "POST" && IsOneClick(request.content_type, request.body);
    return acts ? opt_outs : pages;
  }
  RequestRate& RateOf(Route route) {
    if (IsCallback(route)) return callback_rate;
    const bool known = route == Route::kApi || route == Route::kNotifyApi || route == Route::kConsole ||
                       route == Route::kConsoleStream || route == Route::kAsset;
    return known ? api_rate : rate;
  }

  EdgeHandler& handler;
  const std::vector<std::string> trusted;
  const bool tls;
  const HttpLimits limits;
  RequestRate rate, callback_rate, api_rate{RequestRate::kApiPerSecond, RequestRate::kApiBurst};
  std::atomic<bool> stopping{false};  // streams end
  // Octets of large bodies that are being read or worked on, by kind: none takes another's room, and small
  // ones, like opt-outs, need none.
  size_t console_bytes = 0, api_bytes = 0, callback_bytes = 0;
  size_t& BytesOf(Route route) {
    if (IsCallback(route)) return callback_bytes;
    return route == Route::kConsole ? console_bytes : api_bytes;
  }
  size_t connections = 0, callback_connections = 0;
  std::unordered_map<std::string, size_t> by_peer, callbacks_by_peer;
  std::list<AwaitedEntry> awaited;  // longest first
  Lane opt_outs{HttpServer::kOptOutWorkers, HttpServer::kMostOptOuts};
  Lane pages{HttpServer::kPageWorkers, HttpServer::kMostPages};
  Lane callbacks{HttpServer::kCallbackWorkers, HttpServer::kMostCallbacks};
  Lane api{HttpServer::kApiWorkers, HttpServer::kMostApi};
  Lane notify_api{HttpServer::kApiWorkers, HttpServer::kMostApi};
  Lane console{HttpServer::kConsoleWorkers, HttpServer::kMostConsole};
  Lane links{HttpServer::kPageWorkers, HttpServer::kMostConsole};
  Lane streams{HttpServer::kMostStreams, HttpServer::kMostStreams};

  std::vector<Lane*> Lanes() {
    return {&opt_outs, &pages, &callbacks, &api, &notify_api, &console, &links, &streams};
  }
};

// One connection: one request after the other. `Stream` is a tcp_stream, in the clear or under TLS.
template <typename Stream>
class Session final : public Awaited, public std::enable_shared_from_this<Session<Stream>> {
 public:
  template <typename... Rest>
  Session(Shared& shared, std::string peer, tcp::socket socket, Rest&... rest)
      : shared_(shared), peer_(std::move(peer)), stream_(std::move(socket), rest...) {}
  ~Session() {
    NotAwaited();
    LeavePlace();
    LeaveBody();
  }

  void Run() {
    if constexpr (requires { stream_.async_handshake(ssl::stream_base::server, [](Failure) {}); }) {
      Until(shared_.limits.handshake);
      BeAwaited();
      stream_.async_handshake(ssl::stream_base::server, [self = this->shared_from_this()](Failure failure) {
        if (!failure) self->ReadHeader();
      });
    } else {
      ReadHeader();
    }
  }

 private:
  void BeAwaited() {
    NotAwaited();
    if (left_) return;
    awaited_ = shared_.awaited.insert(shared_.awaited.end(), {this, peer_, callback_, Shared::NowUs()});
  }
  // All is said; only the other end is waited for. Its place is anybody's.
  void BeLeft() {
    NotAwaited();
    if (left_) return;
    awaited_ = shared_.awaited.insert(shared_.awaited.begin(), {this, peer_, true, 0});
  }
  void NotAwaited() {
    if (awaited_) shared_.awaited.erase(*awaited_);
    awaited_.reset();
  }
  void LeavePlace() {
    if (left_) return;
    left_ = true;
    if (callback_) shared_.LeaveCallback(peer_);
    shared_.Leave(peer_);
  }
  void Evict() override {
    NotAwaited();
    LeavePlace();
    beast::get_lowest_layer(stream_).close();  // what waits for it ends, and the session with it
  }
  void Until(milliseconds time) { beast::get_lowest_layer(stream_).expires_after(time); }

  void ReadHeader() {
    parser_.emplace();
    parser_->header_limit(kHeaderBytes);
    parser_->body_limit(EdgeHandler::BodyLimit(Route::kConsole));  // until the route is known
    LeaveBody();
    request_ = Request();
    answer_ = {};
    Until(requests_ == 0 ? shared_.limits.header : shared_.limits.idle);
    BeAwaited();
    http::async_read_header(
        stream_, buffer_, *parser_,
        [self = this->shared_from_this()](Failure failure, size_t) { self->OnHeader(failure); });
  }

  bool EnterBody(uint64_t bytes) {
    if (bytes <= HttpServer::kSmallBody) return true;
    body_kind_ = &shared_.BytesOf(request_.target.route);
    if (*body_kind_ + bytes > HttpServer::kMostBodyBytes) return false;
    body_bytes_ = static_cast<size_t>(bytes);
    *body_kind_ += body_bytes_;
    return true;
  }
  void LeaveBody() {
    request_.body = std::string();
    if (body_bytes_ > 0) *body_kind_ -= body_bytes_;
    body_bytes_ = 0;
  }
  // Files come from those who are signed in; what else comes to the console is small.
  size_t MostBytes() const {
    const Route route = request_.target.route;
    const bool stranger =
        route == Route::kConsole && request_.Header("cookie").find("pharos=") == std::string_view::npos;
    return EdgeHandler::BodyLimit(stranger ? Route::kUnsubscribe : route);
  }

  template <typename Head>
  void ReadHead(const Head& head) {
    const std::string target = Text(head.target());
    request_.target = ReadTarget(target);
    const size_t question = target.find('?');
    request_.path = target.substr(0, question);
    if (question != std::string::npos) request_.query = target.substr(question + 1);
    for (const auto& field : head)
      request_.headers[base::LowerAscii(Text(field.name_string()))] = Text(field.value());
    request_.tls =
        shared_.tls || (shared_.IsTrusted(peer_) && request_.Header("x-forwarded-proto") == "https");
  }

  void OnHeader(Failure failure) {
    NotAwaited();
    if (left_) return;
    if (failure) return Refuse(failure);
    const auto& head = parser_->get();
    request_ = Request();
    request_.method = Text(head.method_string());
    ReadHead(head);
    request_.content_type = Text(head[http::field::content_type]);
    request_.accept_language = Text(head[http::field::accept_language]);
    request_.authorization = Text(head[http::field::authorization]);
    request_.webhook = {Text(head["webhook-id"]), Text(head["webhook-timestamp"]),
                        Text(head["webhook-signature"])};
    keep_ = head.keep_alive() && ++requests_ < kMostOnOneConnection;
    const bool callback = IsCallback(request_.target.route);
    if (callback && !callback_ && !(callback_ = shared_.EnterCallback(peer_))) return RefuseAs(503);
    // Another word than "chunked" would leave open where the body ends: proxies may read it otherwise.
    const std::string_view transfer = request_.Header("transfer-encoding");
    if (!transfer.empty() && base::LowerAscii(transfer) != "chunked") return RefuseAs(400);
    const size_t most = MostBytes();
    if (parser_->content_length() && *parser_->content_length() > most) return RefuseAs(413);
    parser_->body_limit(most);
    if (!EnterBody(parser_->chunked() ? most : parser_->content_length().value_or(0))) return RefuseAs(503);
    // The proxy's own line is the last: those before it are the caller's.
    std::string forwarded;
    for (auto [at, end] = head.equal_range("X-Forwarded-For"); at != end; ++at) forwarded = Text(at->value());
    const std::string asker = shared_.Asker(peer_, forwarded);
    request_.asker = asker;
    if (!shared_.RateOf(request_.target.route).Admit(asker, Shared::NowUs())) return RefuseAs(429);
    Until(shared_.limits.body);
    BeAwaited();
    http::async_read(stream_, buffer_, *parser_,
                     [self = this->shared_from_this()](Failure wrong, size_t) { self->OnRequest(wrong); });
  }

  // What could not be read whole is answered where that makes sense, and the connection closed.
  void Refuse(Failure failure) {
    if (failure == http::error::header_limit) return RefuseAs(431);
    if (failure == http::error::body_limit) return RefuseAs(413);
    const bool gone = failure == http::error::end_of_stream || failure == beast::error::timeout ||
                      failure.category() != http::make_error_code(http::error::bad_method).category();
    return gone ? Close() : RefuseAs(400);
  }
  void RefuseAs(int status) {
    keep_ = false;
    Response response = Busy(status);
    if (status != 429 && status != 503) {
      response.retry_after_s = 0;
      response.body = "This request cannot be read.\n";
    }
    Answer(response);
  }

  void OnRequest(Failure failure) {
    NotAwaited();
    if (left_) return;
    if (failure) return Refuse(failure);
    request_.body = std::move(parser_->get().body());
    Response response;
    if (shared_.handler.HandleAtOnce(request_, response)) return Answer(response);
    Lane& lane = shared_.LaneOf(request_);
    if (shared_.stopping || lane.waiting >= lane.most) return Answer(Busy(503));
    ++lane.waiting;
    beast::get_lowest_layer(stream_).expires_never();  // every call to dispatch has its own end
    asio::post(lane.workers, [self = this->shared_from_this(), &lane]() mutable {
      auto made = std::make_shared<Response>(self->shared_.handler.Handle(self->request_));
      const auto loop = self->stream_.get_executor();
      // Moved: a session ends on the loop's thread only.
      asio::post(loop, [self = std::move(self), &lane, made] {
        if (made->next && &lane == &self->shared_.streams && self->request_.method != "HEAD")
          return self->AnswerByPieces(*made, lane);
        --lane.waiting;
        self->Answer(*made);
      });
    });
  }

  // A stream: its head, then a piece at a time, each made by a worker and written by the loop.
  void AnswerByPieces(const Response& made, Lane& lane) {
    SetHead(made);
    LeaveBody();
    keep_ = false;
    answer_.keep_alive(false);
    answer_.chunked(true);
    head_ = http::response<http::empty_body>(http::response_header<>(answer_.base()));
    pieces_.emplace(head_);
    Until(shared_.limits.write);
    http::async_write_header(
        stream_, *pieces_,
        [self = this->shared_from_this(), &lane, next = made.next](Failure failure, size_t) {
          failure ? self->EndPieces(lane) : self->MakePiece(lane, next);
        });
  }
  void MakePiece(Lane& lane, const std::function<bool(std::string&)>& next) {
    if (shared_.stopping || IsGone()) return EndPieces(lane);
    beast::get_lowest_layer(stream_).expires_never();
    asio::post(lane.workers, [self = this->shared_from_this(), &lane, next]() mutable {
      auto text = std::make_shared<std::string>();
      const bool more = !self->shared_.stopping && next(*text);
      const auto loop = self->stream_.get_executor();
      asio::post(loop, [self = std::move(self), &lane, next, text, more] {
        self->WritePiece(lane, next, text, more);
      });
    });
  }
  void WritePiece(Lane& lane, const std::function<bool(std::string&)>& next,
                  std::shared_ptr<std::string> text, bool more) {
    if (more && text->empty()) return MakePiece(lane, next);
    Until(shared_.limits.write);
    const auto ended = [self = this->shared_from_this(), &lane](Failure, size_t) { self->EndPieces(lane); };
    const auto done = [self = this->shared_from_this(), &lane, next, text, more, ended](Failure failure,
                                                                                        size_t) {
      if (failure) return self->EndPieces(lane);
      if (more) return self->MakePiece(lane, next);
      asio::async_write(self->stream_, http::make_chunk_last(), ended);
    };
    if (text->empty()) return asio::async_write(stream_, http::make_chunk_last(), ended);
    asio::async_write(stream_, http::make_chunk(asio::buffer(*text)), done);
  }
  // Whoever listens to a stream has nothing more to say: what can be read is the end.
  bool IsGone() {
    char octet = 0;
    const auto socket = beast::get_lowest_layer(stream_).socket().native_handle();
    const ssize_t read = recv(socket, &octet, 1, MSG_PEEK | MSG_DONTWAIT);
    return read >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
  }
  void EndPieces(Lane& lane) {
    --lane.waiting;
    Close();
  }

  void SetHead(const Response& made) {
    const Route route = request_.target.route;
    Count(route, made.status);
    base::Log(base::LogLevel::kInfo, "edge.request",
              {{"route", std::string(NameOf(route))}, {"status", int64_t{made.status}}});
    answer_ = {};
    answer_.version(11);
    answer_.result(static_cast<unsigned>(made.status));
    answer_.set(http::field::content_type, made.content_type);
    answer_.set("Content-Security-Policy",
                "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'");
    answer_.set("Referrer-Policy", "no-referrer");
    answer_.set("X-Content-Type-Options", "nosniff");
    answer_.set(http::field::cache_control, "no-store");
    if (shared_.tls) answer_.set("Strict-Transport-Security", "max-age=31536000");
    if (made.retry_after_s > 0) answer_.set(http::field::retry_after, fmt::format("{}", made.retry_after_s));
    if (!made.allow.empty()) answer_.set(http::field::allow, made.allow);
    for (const auto& [name, value] : made.headers) {
      if (!IsHeaderValue(value)) {
        answer_.result(500);
      } else if (name == "Set-Cookie") {
        answer_.insert(name, value);
      } else {
        answer_.set(name, value);
      }
    }
  }

  void Answer(const Response& made) {
    SetHead(made);
    answer_.keep_alive(keep_);
    answer_.body() = made.body;
    answer_.prepare_payload();
    if (request_.method == "HEAD") answer_.body().clear();  // the length of what GET would give stays
    Until(shared_.limits.write);
    http::async_write(stream_, answer_, [self = this->shared_from_this()](Failure failure, size_t) {
      if (failure) return;
      self->keep_ ? self->ReadHeader() : self->Close();
    });
  }

  void Close() {
    LeaveBody();
    BeLeft();
    if constexpr (requires { stream_.async_shutdown([](Failure) {}); }) {
      Until(kGoodbye);
      stream_.async_shutdown([self = this->shared_from_this()](Failure) {});
    } else {
      Failure ignored;
      stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
      Until(kGoodbye);
      Linger();
    }
  }
  // Reads on for a moment: closed with octets unread, the connection would be reset and the answer lost.
  void Linger() {
    buffer_.clear();
    stream_.async_read_some(buffer_.prepare(kHeaderBytes),
                            [self = this->shared_from_this()](Failure failure, size_t) {
                              if (!failure) self->Linger();
                            });
  }

  Shared& shared_;
  const std::string peer_;
  Stream stream_;
  beast::flat_buffer buffer_{2 * kHeaderBytes};
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> answer_;
  http::response<http::empty_body> head_;  // of a stream
  std::optional<http::response_serializer<http::empty_body>> pieces_;
  size_t body_bytes_ = 0;  // in *body_kind_
  size_t* body_kind_ = nullptr;
  Request request_;
  bool keep_ = false;
  bool callback_ = false, left_ = false;  // brings callbacks; has given its place back
  int requests_ = 0;
  std::optional<std::list<AwaitedEntry>::iterator> awaited_;
};

using Plain = Session<beast::tcp_stream>;
using Secure = Session<beast::ssl_stream<beast::tcp_stream>>;

absl::StatusOr<tcp::endpoint> EndpointOf(const std::string& listen) {
  const size_t colon = listen.rfind(':');
  const std::string host = listen.substr(0, colon);
  const std::string bare = host.size() > 2 && host.front() == '[' ? host.substr(1, host.size() - 2) : host;
  uint16_t port = 0;
  Failure failure;
  const auto address = asio::ip::make_address(bare == "localhost" ? "127.0.0.1" : bare, failure);
  const char* end = listen.data() + listen.size();
  if (colon == std::string::npos || failure ||
      std::from_chars(listen.data() + colon + 1, end, port).ptr != end)
    return errors::SettingWrong(fmt::format("\"{}\" is not address:port, e.g. 127.0.0.1:8443", listen));
  return tcp::endpoint(address, port);
}

absl::Status Load(ssl::context& context, const HttpOptions& options) {
  Failure failure;
  context.set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 | ssl::context::no_sslv3 |
                          ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1 | ssl::context::single_dh_use,
                      failure);
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.native_handle(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  context.use_certificate_chain_file(options.certificate, failure);
  if (failure)
    return errors::SettingWrong(
        fmt::format("edge.certificate: {} cannot be used: {}", options.certificate, failure.message()));
  context.use_private_key_file(options.key, ssl::context::pem, failure);
  if (failure)
    return errors::SettingWrong(
        fmt::format("edge.key: {} cannot be used: {}", options.key, failure.message()));
  return absl::OkStatus();
}

class Beast final : public HttpServer {
 public:
  Beast(const HttpOptions& options, EdgeHandler& handler)
      : options_(options),
        shared_(handler, options.trusted_proxies, !options.certificate.empty(), options.limits) {}
  ~Beast() override { Stop(); }

  absl::Status Open() {
    PHAROS_ASSIGN_OR_RETURN(const tcp::endpoint endpoint, EndpointOf(options_.listen));
    if (shared_.tls) {
      PHAROS_RETURN_IF_ERROR(Load(tls_, options_));
    } else if (!endpoint.address().is_loopback()) {
      return errors::SettingWrong(
          fmt::format("edge.listen is {}, which others reach, and there is no certificate. Set "
                      "edge.certificate and edge.key, or "
                      "listen on 127.0.0.1 behind a proxy of this machine",
                      options_.listen));
    }
    Failure failure;
    acceptor_.open(endpoint.protocol(), failure);
    if (!failure) acceptor_.set_option(asio::socket_base::reuse_address(true), failure);
    if (!failure) acceptor_.bind(endpoint, failure);
    if (!failure) acceptor_.listen(asio::socket_base::max_listen_connections, failure);
    if (failure)
      return base::MakeError(
          absl::StatusCode::kUnavailable, "PORT_IN_USE",
          fmt::format("Cannot listen on {}: {}. Choose another address.", options_.listen, failure.message()),
          {{"address", options_.listen}});
    port_ = acceptor_.local_endpoint(failure).port();
    Accept();
    thread_ = std::thread([this] { loop_.run(); });
    return absl::OkStatus();
  }

  int port() const override { return port_; }

  void Stop() override {
    if (!thread_.joinable()) return;
    // First nothing new reaches the workers, on the loop's own thread; then what they have ends.
    std::promise<void> closed;
    asio::post(loop_, [&] {
      Failure ignored;
      acceptor_.close(ignored);
      shared_.stopping = true;
      closed.set_value();
    });
    closed.get_future().wait();
    for (Lane* lane : shared_.Lanes())
      lane->workers.join();  // their answers are posted to the loop, which runs them before it stops
    asio::post(loop_, [this] { loop_.stop(); });
    thread_.join();
  }

 private:
  void Accept() {
    acceptor_.async_accept([this](Failure failure, tcp::socket socket) {
      if (failure == asio::error::operation_aborted || !acceptor_.is_open()) return;
      if (failure) return AcceptLater();
      Welcome(std::move(socket));
      Accept();
    });
  }
  void AcceptLater() {
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([this](Failure failure) {
      if (!failure) Accept();
    });
  }
  void Welcome(tcp::socket socket) {
    Failure failure;
    const auto endpoint = socket.remote_endpoint(failure);
    if (failure) return;
    socket.set_option(tcp::no_delay(true), failure);
    const std::string peer = endpoint.address().to_string();
    if (!shared_.Enter(peer)) return;  // closed
    if (shared_.tls) {
      std::make_shared<Secure>(shared_, peer, std::move(socket), tls_)->Run();
    } else {
      std::make_shared<Plain>(shared_, peer, std::move(socket))->Run();
    }
  }

  const HttpOptions options_;
  Shared shared_;  // outlives the loop, whose end ends the sessions
  ssl::context tls_{ssl::context::tls_server};
  asio::io_context loop_{1};
  tcp::acceptor acceptor_{loop_};
  asio::steady_timer pause_{loop_};
  std::thread thread_;
  int port_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const HttpOptions& options,
                                                              EdgeHandler& handler) {
  auto server = std::make_unique<Beast>(options, handler);
  PHAROS_RETURN_IF_ERROR(server->Open());
  return server;
}

}  // namespace pharos::edge
