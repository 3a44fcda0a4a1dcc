#include "connectors/notify/connection.h"

#include <fmt/format.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <boost/asio/ip/address.hpp>
#include <cerrno>
#include <cstring>

#include "services/base/crash_point.h"

namespace pharos::notify {
namespace {

constexpr size_t kReadBytes = 64 * 1024;

void SetInt(int fd, int level, int option, int value) {
  setsockopt(fd, level, option, &value, sizeof value);
}

}  // namespace

Connection::Connection(boost::asio::io_context& io, const ConnectionOptions& options,
                       sdk::HardStop& hard_stop, ConnectionEvents events, base::Clock& clock)
    : options_(options),
      hard_stop_(hard_stop),
      events_(std::move(events)),
      clock_(clock),
      resolver_(io),
      socket_(io) {}

Connection::~Connection() {
  Disarm();
}

// ---- coming up

void Connection::Open() {
  deadline_us_ = Now() + options_.connect_timeout_us;
  resolver_.async_resolve(
      options_.endpoint.host, std::to_string(options_.endpoint.port),
      [self = shared_from_this()](const boost::system::error_code& error, tcp::resolver::results_type found) {
        if (self->closed_) return;
        if (error || found.empty())
          return self->Reset(
              {"UNREACHABLE", fmt::format("cannot resolve {}; check --url", self->options_.endpoint.host)});
        self->TryConnect(found, found.begin());
      });
}

void Connection::TryConnect(tcp::resolver::results_type found, tcp::resolver::results_type::iterator next) {
  const Endpoint& where = options_.endpoint;
  if (next == found.end())
    return Reset({"UNREACHABLE",
                  fmt::format("cannot connect to {}:{}; is the provider there?", where.host, where.port)});
  tcp::endpoint endpoint = *next;
  if (!where.tls && !endpoint.address().is_loopback())
    return Reset({"TLS_REQUIRED",
                  "http:// is for loopback only: messages are not sent through a network in the clear"});
  boost::system::error_code error;
  socket_.close(error);
  socket_.open(endpoint.protocol(), error);
  if (error) return Reset({"UNREACHABLE", "cannot make a socket"});
  // Not through Asio's own option: its destructor would take it back.
  linger drop{1, 0};
  setsockopt(socket_.native_handle(), SOL_SOCKET, SO_LINGER, &drop, sizeof drop);
  SetInt(socket_.native_handle(), IPPROTO_TCP, TCP_NODELAY, 1);
  SetInt(socket_.native_handle(), SOL_SOCKET, SO_SNDBUF, options_.send_queue_bytes);
  socket_.async_connect(endpoint,
                        [self = shared_from_this(), found, next](const boost::system::error_code& error) {
                          if (self->closed_) return;
                          if (!error) return self->OnConnected();
                          self->TryConnect(found, std::next(next));
                        });
}

void Connection::OnConnected() {
  boost::system::error_code ignored;
  socket_.native_non_blocking(true, ignored);
  connected_ = true;
  if (options_.endpoint.tls) {
    tls_ = std::make_unique<Tls>(options_.trust, options_.endpoint.host);
    tls_->Handshake();
    handshake_ += tls_->TakeOutput();
    FlushHandshake();
  }
  if (closed_) return;
  WaitReadable();
  if (!tls_) Up();
}

void Connection::Up() {
  up_ = true;
  idle_since_us_ = Now();
  events_.ready(*this);
}

// ---- octets

void Connection::WaitReadable() {
  socket_.async_wait(tcp::socket::wait_read,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       if (error || self->closed_) return;
                       if (self->ReadAvailable()) self->WaitReadable();
                     });
}

void Connection::WaitWritable() {
  if (wait_write_ || closed_) return;
  wait_write_ = true;
  socket_.async_wait(tcp::socket::wait_write,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       self->wait_write_ = false;
                       if (error || self->closed_) return;
                       self->FlushHandshake();
                       if (!self->closed_) self->HandOver();
                     });
}

// Reads all there is; false when the connection is over.
bool Connection::ReadAvailable() {
  char buffer[kReadBytes];
  auto self = shared_from_this();
  for (;;) {
    ssize_t got = recv(socket_.native_handle(), buffer, sizeof buffer, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return true;
    bool gone = got <= 0;
    Decode(std::string_view(buffer, gone ? 0 : static_cast<size_t>(got)), gone);
    if (closed_) return false;
  }
}

void Connection::Decode(std::string_view octets, bool gone) {
  bool open = !gone;
  if (!tls_) {
    in_ += octets;
  } else if (!DecodeTls(octets, gone, open)) {
    return;
  }
  if (up_) Answers(open);
  if (!closed_ && !open)
    Reset(up_ ? Ending{} : Ending{"UNREACHABLE", "the provider closed the connection before it was of use"});
}

// False: it has ended.
bool Connection::DecodeTls(std::string_view octets, bool gone, bool& open) {
  tls_->Feed(octets);
  bool was_done = tls_->done();
  bool good = was_done || tls_->Handshake();
  if (tls_->done()) open = tls_->Read(in_) && open;
  handshake_ += tls_->TakeOutput();
  FlushHandshake();
  if (closed_) return false;
  if (!good) {
    Reset({tls_->bad_certificate() ? "BAD_CERTIFICATE" : "PROTOCOL_ERROR",
           fmt::format("no TLS with the provider: {}", tls_->Error())});
    return false;
  }
  if (!was_done && tls_->done() && !gone) Up();
  return !closed_;
}

void Connection::Answers(bool open) {
  // Words before a request (408, as some say when they close): whatever they answer, it is nothing of ours.
  bool asked = exchange_ && phase_ != Phase::kNone;
  if (!asked) return in_.empty() ? void() : Reset({});
  HttpAnswer answer;
  auto result = reader_.Read(in_, answer);
  if (result == AnswerReader::Result::kNeedMore && !open) result = reader_.End(answer);
  if (result == AnswerReader::Result::kNeedMore) return;
  if (result == AnswerReader::Result::kWrong)
    return Reset({"PROTOCOL_ERROR", "what answers at --url speaks no HTTP/1.1; check the address"});
  auto self = shared_from_this();
  base::CrashPoint("notify.after_answer");
  bool early = phase_ != Phase::kWritten;  // an answer before the request was whole ends it
  bool keep = answer.keep_alive && !early && open && in_.empty();
  Disarm();
  uint64_t number = exchange_->number;
  exchange_.reset();
  ++answers_;
  idle_since_us_ = Now();
  if (!keep) up_ = false;
  events_.answered(*this, number, answer, sent_us_);
  if (closed_) return;
  if (!keep) return Reset({});
  if (ready()) events_.ready(*this);
}

// How much the socket took; -1: it is broken.
ssize_t Connection::Put(std::string_view octets) {
  ssize_t put = send(socket_.native_handle(), octets.data(), octets.size(), MSG_NOSIGNAL);
  if (put > 0) written_ += static_cast<uint64_t>(put);
  if (put < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  return put;
}

void Connection::FlushHandshake() {
  bool behind_request = exchange_ && sealed_ && phase_ != Phase::kWritten;  // sealed before these octets
  while (!closed_ && connected_ && !behind_request && !handshake_.empty()) {
    ssize_t put = Put(handshake_);
    if (put < 0) return Reset({"UNREACHABLE", "the connection to the provider broke"});
    if (put == 0) return WaitWritable();
    handshake_.erase(0, static_cast<size_t>(put));
  }
}

uint64_t Connection::Acknowledged() const {
  int queued = 0;
  if (ioctl(const_cast<tcp::socket&>(socket_).native_handle(), SIOCOUTQ, &queued) != 0) return 0;
  uint64_t waiting = static_cast<uint64_t>(queued);
  return waiting > written_ ? 0 : written_ - waiting;
}

// ---- hand-over

void Connection::Carry(Exchange exchange) {
  exchange_ = std::move(exchange);
  phase_ = Phase::kNone;
  sealed_ = false;
  sent_us_ = 0;
  out_ = std::move(exchange_->request);
  deadline_us_ = Now() + options_.response_timeout_us;
  HandOver();
}

// Arms the hard stop, then looks at the clock: a process that is stopped between the two is killed, not
// continued.
bool Connection::MayBegin() {
  const sdk::Task* task = exchange_->task;
  if (!task) return true;
  if (Now() >= task->use_by_us) return false;
  if (!armed_) hard_stop_.Open(task->hard_stop_us);
  armed_ = true;
  base::CrashPoint("notify.before_body");
  return Now() < task->use_by_us;
}

void Connection::HandOver() {
  if (closed_ || !exchange_ || phase_ == Phase::kWritten) return;
  auto self = shared_from_this();
  if (phase_ == Phase::kNone) {
    // A kept connection may have died since: then nothing of this request has left.
    if (!ReadAvailable() || !exchange_ || phase_ != Phase::kNone || !handshake_.empty()) return;
    if (tls_ && !sealed_) out_ = tls_->Seal(out_);
    sealed_ = true;
    if (out_.empty()) return Reset({"PROTOCOL_ERROR", "TLS with the provider broke"});
    if (!MayBegin()) {
      if (tls_) up_ = false;  // what was sealed and is not sent leaves a hole in the TLS session
      Lose(Loss::kLate);
      if (closed_) return;
      if (tls_) return Reset({});
      if (ready()) events_.ready(*this);
      return;
    }
  }
  ssize_t put = Put(out_);
  if (put < 0) return Reset({});
  if (put == 0 && phase_ == Phase::kNone) Disarm();  // not begun: its use-by is looked at again
  if (put > 0) phase_ = Phase::kBegun;
  out_.erase(0, static_cast<size_t>(put));
  if (out_.empty()) return Written();
  WaitWritable();
}

void Connection::Written() {
  phase_ = Phase::kWritten;
  end_ = written_;
  sent_us_ = Now();
  deadline_us_ = sent_us_ + options_.response_timeout_us;
  if (exchange_->task) base::CrashPoint("notify.after_body");
  FlushHandshake();
}

void Connection::Disarm() {
  if (!armed_) return;
  armed_ = false;
  hard_stop_.Close(exchange_->task->hard_stop_us);
}

Loss Connection::LossNow() const {
  if (phase_ == Phase::kWritten) return Loss::kNoAnswer;
  return phase_ == Phase::kBegun ? Loss::kCutShort : Loss::kNotBegun;
}

void Connection::Lose(Loss loss) {
  Disarm();
  uint64_t number = exchange_->number;
  exchange_.reset();
  if (loss != Loss::kNotBegun && loss != Loss::kLate) lost_work_ = true;
  events_.lost(*this, number, loss, sent_us_);
}

// ---- clocks and ends

void Connection::Tick() {
  if (closed_) return;
  auto self = shared_from_this();
  int64_t now = Now();
  if (exchange_ && phase_ == Phase::kNone) HandOver();
  if (closed_) return;
  if (armed_ && phase_ == Phase::kWritten && Acknowledged() >= end_) Disarm();
  if (armed_ && now >= exchange_->task->hard_stop_us - options_.hard_stop_margin_us)
    return Reset({"NO_ANSWER",
                  "the provider's connection did not take our octets in time; it was reset so that nothing "
                  "leaves late"});
  if (now < deadline_us_ || ready()) return;
  if (!up_)
    return Reset({"UNREACHABLE", fmt::format("cannot connect to {}:{}: no answer", options_.endpoint.host,
                                             options_.endpoint.port)});
  boost::system::error_code ignored;
  socket_.close(ignored);  // first: nothing leaves any more, so what follows is true
  up_ = false;
  if (exchange_) Lose(phase_ == Phase::kWritten ? Loss::kTimeout : LossNow());
  Reset({"NO_ANSWER", "the provider did not answer in time"});
}

void Connection::Reset(Ending ending) {
  if (closed_) return;
  auto self = shared_from_this();
  closed_ = true;
  boost::system::error_code ignored;
  resolver_.cancel();
  socket_.close(ignored);  // first, as above
  if (exchange_) Lose(LossNow());
  events_.ended(*this, ending);
}

}  // namespace pharos::notify
