#include "connectors/smtp/connection.h"

#include <fmt/format.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <boost/asio/ip/address.hpp>
#include <cerrno>
#include <cstring>

#include "services/base/crash_point.h"
#include "services/base/ids.h"

namespace pharos::smtp {
namespace {

constexpr size_t kReadBytes = 16 * 1024;
constexpr size_t kMaxUnread = 64 * 1024;  // of replies; who writes more speaks no SMTP
constexpr std::string_view kDotLine = ".\r\n";

void SetInt(int fd, int level, int option, int value) {
  setsockopt(fd, level, option, &value, sizeof value);
}

ConversationOptions WordsOf(const SessionOptions& options) {
  ConversationOptions words;
  words.ehlo = options.ehlo;
  words.tls = options.tls;
  words.user = options.user;
  words.password = options.password;
  words.live = options.live.value_or(false);
  words.implicit_tls = options.implicit_tls;
  words.token = options.password_is_token;
  return words;
}

work::Outcome Refused(const char* reason, bool permanent = false) {
  work::Outcome outcome;
  outcome.mutable_refused()->set_reason(reason);
  outcome.mutable_refused()->set_permanent(permanent);
  return outcome;
}

}  // namespace

Connection::Connection(boost::asio::io_context& io, const SessionOptions& options, sdk::HardStop& hard_stop,
                       ConnectionEvents events, base::Clock& clock)
    : options_(options),
      hard_stop_(hard_stop),
      events_(std::move(events)),
      clock_(clock),
      resolver_(io),
      socket_(io),
      conversation_(WordsOf(options)) {}

Connection::~Connection() {
  Disarm();
}

// ---- coming up

void Connection::Open() {
  deadline_us_ = Now() + options_.connect_timeout_us;
  resolver_.async_resolve(
      options_.host, std::to_string(options_.port),
      [self = shared_from_this()](const boost::system::error_code& error, tcp::resolver::results_type found) {
        if (self->closed_) return;
        if (error || found.empty())
          return self->Reset(fmt::format("cannot resolve {}; check --host", self->options_.host));
        self->TryConnect(found, found.begin());
      });
}

void Connection::TryConnect(tcp::resolver::results_type found, tcp::resolver::results_type::iterator next) {
  if (next == found.end())
    return Reset(
        fmt::format("cannot connect to {}:{}; is the provider there?", options_.host, options_.port));
  tcp::endpoint endpoint = *next;
  if (options_.tls == TlsMode::kOff && !endpoint.address().is_loopback())
    return Reset("--tls=off is for loopback only: mail is not sent through a network in the clear");
  boost::system::error_code error;
  socket_.close(error);
  socket_.open(endpoint.protocol(), error);
  if (error) return Reset("cannot make a socket");
  // Not through Asio's own option: its destructor would take it back.
  linger drop{1, 0};
  setsockopt(socket_.native_handle(), SOL_SOCKET, SO_LINGER, &drop, sizeof drop);
  SetInt(socket_.native_handle(), IPPROTO_TCP, TCP_NODELAY, 1);
  SetInt(socket_.native_handle(), SOL_SOCKET, SO_SNDBUF, 4 * options_.send_queue_bytes);
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
  deadline_us_ = Now() + options_.command_timeout_us;
  if (options_.implicit_tls) {
    BeginTls();
    Flush();
  }
  if (!closed_) WaitReadable();
}

void Connection::BeginTls() {
  tls_ = std::make_unique<Tls>(options_.trust, options_.host, options_.tls == TlsMode::kRequired);
  deadline_us_ = Now() + options_.connect_timeout_us;
  tls_->Handshake();
  out_ += tls_->TakeOutput();
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
                       self->Flush();
                       if (!self->closed_) self->HandOver();
                     });
}

// Reads all there is; false when the connection is over.
bool Connection::ReadAvailable() {
  char buffer[kReadBytes];
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
  } else {
    tls_->Feed(octets);
    if (!tls_->done()) {
      bool good = tls_->Handshake();
      out_ += tls_->TakeOutput();
      Flush();
      if (closed_) return;
      if (!good)
        return End({fmt::format("no TLS with the provider: {}", tls_->Error()), false, false, true,
                    "BAD_CERTIFICATE"});
      if (tls_->done()) Act(conversation_.OnSecured());
      if (closed_) return;
    }
    if (tls_->done()) open = tls_->Read(in_) && open;
    out_ += tls_->TakeOutput();
  }
  Replies();
  if (!closed_ && !open)
    End({conversation_.ready() && !submission_ ? "" : "the provider closed the connection"});
}

void Connection::Replies() {
  for (Reply reply; !closed_;) {
    auto result = reader_.Read(in_, reply);
    if (result == ReplyReader::Result::kNeedMore && in_.size() <= kMaxUnread) return;
    if (result != ReplyReader::Result::kWhole)
      return End({"the provider speaks no SMTP", false, false, false, "PROTOCOL_ERROR"});
    deadline_us_ = Now() + options_.command_timeout_us;
    Act(conversation_.OnReply(reply));
  }
}

void Connection::SendPlain(std::string_view plain) {
  if (tls_)
    out_ += tls_->Seal(plain);
  else
    out_ += plain;
}

// How much the socket took; -1: it is broken.
ssize_t Connection::Put(std::string_view octets) {
  ssize_t put = send(socket_.native_handle(), octets.data(), octets.size(), MSG_NOSIGNAL);
  if (put > 0) written_ += static_cast<uint64_t>(put);
  if (put < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  return put;
}

void Connection::Flush() {
  while (!closed_ && connected_ && final_.empty() && !out_.empty()) {
    ssize_t put = Put(out_);
    if (put < 0) return End({"the connection to the provider broke"});
    if (put == 0) return WaitWritable();
    out_.erase(0, static_cast<size_t>(put));
  }
}

uint64_t Connection::Acknowledged() const {
  int queued = 0;
  if (ioctl(const_cast<tcp::socket&>(socket_).native_handle(), SIOCOUTQ, &queued) != 0) return 0;
  uint64_t waiting = static_cast<uint64_t>(queued);
  return waiting > written_ ? 0 : written_ - waiting;
}

// ---- conversation

void Connection::Act(Step step) {
  auto self = shared_from_this();
  if (!step.send.empty()) SendPlain(step.send);
  if (step.start_tls) {
    // What came in the clear behind the answer would be taken for an answer that came through TLS.
    if (!in_.empty())
      return End({"the provider spoke before TLS began; somebody may be in between", false, false, true,
                  "PROTOCOL_ERROR"});
    BeginTls();
  }
  if (step.send_body && submission_) {
    SendPlain(submission_->data);
    body_begun_ = true;
    submission_->data.clear();
  }
  Flush();
  if (closed_) return;
  if (step.accepted && submission_) {
    base::CrashPoint("smtp.after_reply");
    work::Outcome outcome;
    outcome.mutable_accepted()->add_provider_ids(submission_->envelope.id);
    FinishTask(std::move(outcome));
  }
  if (step.rejected && submission_) {
    work::Outcome outcome;
    *outcome.mutable_rejected() = *step.rejected;
    FinishTask(std::move(outcome));
  }
  if (step.close) return End({step.trouble, false, step.slow, step.unreachable, step.problem});
  if (conversation_.ready()) {
    idle_since_us_ = Now();
    events_.ready(*this);
  } else if (body_begun_) {
    HandOver();
  }
}

void Connection::Carry(Submission submission) {
  if (const char* reason = conversation_.Refusal(submission.envelope)) {
    std::string id = submission.task.attempt.id();
    return events_.finished(id, Refused(reason, true));
  }
  Step step = conversation_.Begin(submission.envelope);
  submission_ = std::move(submission);
  dot_ = Dot::kNone;
  body_begun_ = false;
  sent_us_ = 0;
  deadline_us_ = Now() + options_.command_timeout_us;
  Act(std::move(step));
}

// ---- hand-over

// Writes the dot line once all before it is with the kernel and little of it unacknowledged. The hard stop is
// armed, then the clock is looked at: a process that is stopped between the two is killed, not continued.
void Connection::HandOver() {
  if (closed_ || !submission_ || !body_begun_ || dot_ == Dot::kWritten) return;
  const sdk::Task& task = submission_->task;
  if (dot_ == Dot::kNone) {
    if (!out_.empty()) return;
    if (!ReadAvailable() || !submission_ || !body_begun_) return;  // an answer before the dot ends it
    if (written_ - Acknowledged() > static_cast<uint64_t>(options_.send_queue_bytes)) return;
    if (Now() >= task.use_by_us) return;  // Tick gives up
    if (final_.empty()) final_ = tls_ ? tls_->Seal(kDotLine) : std::string(kDotLine);
    if (final_.empty()) return End({"TLS with the provider broke"});
    hard_stop_.Open(task.hard_stop_us);
    armed_ = true;
    base::CrashPoint("smtp.before_dot");
    if (Now() >= task.use_by_us) return Disarm();
  }
  ssize_t put = Put(final_);
  if (put < 0) return End({"the connection to the provider broke"});
  if (put == 0 && dot_ == Dot::kNone) Disarm();  // not begun: its use-by is looked at again
  if (put > 0) dot_ = Dot::kBegun;
  final_.erase(0, static_cast<size_t>(put));
  if (final_.empty()) return DotWritten();
  WaitWritable();
}

void Connection::DotWritten() {
  base::CrashPoint("smtp.after_dot");
  dot_ = Dot::kWritten;
  dot_end_ = written_;
  sent_us_ = Now();
  deadline_us_ = sent_us_ + options_.final_timeout_us;
  conversation_.DotWritten();
  Flush();
}

void Connection::Disarm() {
  if (!armed_) return;
  armed_ = false;
  hard_stop_.Close(submission_->task.hard_stop_us);
}

void Connection::FinishTask(work::Outcome outcome) {
  Disarm();
  if (sent_us_ > 0) outcome.set_elapsed_us(sent_us_ - submission_->task.pull_sent_us);
  std::string id = submission_->task.attempt.id();
  submission_.reset();
  body_begun_ = false;
  dot_ = Dot::kNone;
  events_.finished(id, std::move(outcome));
}

// ---- clocks and ends

void Connection::Tick() {
  if (closed_) return;
  auto self = shared_from_this();
  int64_t now = Now();
  if (submission_ && dot_ == Dot::kNone) HandOver();
  if (closed_) return;
  if (armed_ && dot_ == Dot::kWritten && Acknowledged() >= dot_end_) Disarm();
  if (armed_ && now >= submission_->task.hard_stop_us - options_.hard_stop_margin_us)
    return End(
        {"the provider's connection did not take our octets in time; it was reset so that nothing leaves "
         "late"});
  if (submission_ && dot_ == Dot::kNone && now >= submission_->task.use_by_us) return End({}, "LEASE_OVER");
  if (now < deadline_us_ || (conversation_.ready() && !submission_)) return;
  if (!connected_)
    return End({fmt::format("cannot connect to {}:{}: no answer", options_.host, options_.port)});
  End({"the provider did not answer in time", false, false, false, "NO_ANSWER"},
      dot_ == Dot::kWritten ? "RESPONSE_TIMEOUT" : "LINK_LOST");
}

void Connection::Quit() {
  auto self = shared_from_this();
  quitting_ = true;
  SendPlain(conversation_.Quit().send);
  deadline_us_ = Now() + options_.reconnect_first_us;
  Flush();
}

void Connection::Reset(const std::string& trouble) {
  End({trouble, false, false, false, ""});
}

void Connection::End(const Ending& ending, const char* why) {
  if (closed_) return;
  auto self = shared_from_this();
  closed_ = true;
  boost::system::error_code ignored;
  resolver_.cancel();
  socket_.close(ignored);  // first: nothing leaves any more, so what follows is true
  if (submission_) {
    work::Outcome outcome;
    if (dot_ == Dot::kWritten)
      outcome.mutable_no_answer()->set_reason(why);
    else
      outcome = Refused(why);
    FinishTask(std::move(outcome));
  }
  Ending told = quitting_ ? Ending{} : ending;
  told.was_ready = conversation_.was_ready();
  events_.ended(*this, told);
}

}  // namespace pharos::smtp
