#include "connectors/sandbox/notify_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "connectors/sandbox/journal.h"
#include "connectors/sandbox/loop.h"
#include "connectors/sandbox/notify_callbacks.h"
#include "connectors/sandbox/tls.h"
#include "services/base/errors.h"

namespace pharos::sandbox {
namespace {

constexpr size_t kReadBytes = 64 * 1024;
constexpr size_t kMaxQueuedOut = 8 << 20;  // a client that reads nothing is cut off
constexpr size_t kMaxConnections = 1'000;  // file descriptors
constexpr size_t kMaxTexts = 100'000;      // kept for Texts()

const char* NameOf(NotifyFault fault) {
  switch (fault) {
    case NotifyFault::kNone:
      return "";
    case NotifyFault::kErrorAfter:
      return "error-after";
    case NotifyFault::kCutAfter:
      return "cut-after";
    case NotifyFault::kCutBefore:
      return "cut-before";
    case NotifyFault::kErrorBefore:
      return "error-before";
    case NotifyFault::kSlow:
      return "slow";
    case NotifyFault::kTooFast:
      return "too-fast";
    case NotifyFault::kSilent:
      return "silent";
  }
  return "";
}

// Whole lines, appended to the same file as the other journals; what Flush has returned for is in the file.
class Lines {
 public:
  explicit Lines(int fd) : fd_(fd) {}
  ~Lines() {
    Flush();
    if (fd_ >= 0) close(fd_);
  }
  void Begin(std::string_view event, int64_t t_ns) {
    buffer_ += fmt::format("{{\"event\":\"{}\",\"t_ns\":{}", event, t_ns);
  }
  void Text(std::string_view name, std::string_view value) {
    buffer_ += fmt::format(",\"{}\":", name);
    AppendJsonText(buffer_, value);
  }
  void Plain(std::string_view name, std::string_view value) {
    buffer_ += fmt::format(",\"{}\":{}", name, value);
  }
  void End() { buffer_ += "}\n"; }
  void Flush() {
    size_t at = 0;
    while (fd_ >= 0 && at < buffer_.size()) {
      ssize_t put = write(fd_, buffer_.data() + at, buffer_.size() - at);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) {
        perror("pharos-sandbox: the journal cannot be written");
        std::abort();
      }
      at += static_cast<size_t>(put);
    }
    buffer_.clear();
  }

 private:
  const int fd_;
  std::string buffer_;
};

struct Connection {
  int fd = -1;
  uint64_t number = 0;
  bool busy = false, closing = false, deaf = false;  // closing: once everything is written
  std::string in, out;
  int64_t stamp_ns = 0;
  std::unique_ptr<TlsStream> tls;
};

}  // namespace

class NotifyServer::Impl {
 public:
  Impl(NotifyOptions options, int journal, std::unique_ptr<TlsServer> tls, int listener,
       std::unique_ptr<CallbackTarget> target);
  ~Impl();

  void Do(std::function<void()> change) { loop_.Do(std::move(change)); }
  void CutLinks();
  void SetDeaf(bool deaf);

  const NotifyOptions options_;
  // In the thread.
  NotifyApi api_;
  int64_t skew_us_ = 0;
  std::vector<std::string> texts_;
  std::atomic<int64_t> connections_seen_{0};

 private:
  void Accept();
  void OnEvent(int fd, uint32_t events);
  bool Read(Connection& c);
  void Requests(Connection& c);
  void Handle(Connection& c, const HttpRequest& request);
  void Reply(Connection& c, const HttpRequest& request, const NotifyReply& reply);
  void Say(uint64_t number, int fd, const std::string& answer, bool keep);
  void Record(const HttpRequest& request, const NotifyReply& reply, int64_t t_ns);
  void PlanCallback(const NotifyMessage& message);
  void RecordCallback(const char* event, const NotifyMessage& message, int n);
  void FlushAll();
  void Write(Connection& c);
  void Close(int fd, bool reset);
  void Watch(Connection& c);

  base::Clock& clock_ = base::Clock::System();
  Lines journal_;
  const std::unique_ptr<TlsServer> tls_;
  const int listener_;
  Loop loop_;
  std::unique_ptr<NotifyCallbacks> callbacks_;
  bool deaf_ = false;
  uint64_t next_number_ = 1;
  std::map<int, std::unique_ptr<Connection>> connections_;
  std::string buffer_ = std::string(kReadBytes, '\0');
};

NotifyServer::Impl::Impl(NotifyOptions options, int journal, std::unique_ptr<TlsServer> tls, int listener,
                         std::unique_ptr<CallbackTarget> target)
    : options_(std::move(options)),
      api_(options_.api),
      journal_(journal),
      tls_(std::move(tls)),
      listener_(listener) {
  if (target) callbacks_ = std::make_unique<NotifyCallbacks>(loop_, *target);
  loop_.Watch(listener_, EPOLLIN, [this](uint32_t) { Accept(); });
  loop_.Start([this] { FlushAll(); });
}

NotifyServer::Impl::~Impl() {
  loop_.Stop([this] {
    while (!connections_.empty()) Close(connections_.begin()->first, false);
  });
  callbacks_.reset();
  close(listener_);
}

// ---- connections

void NotifyServer::Impl::Accept() {
  int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  Stamp(fd);
  if (connections_.size() >= kMaxConnections) {
    close(fd);
    return;
  }
  ++connections_seen_;
  auto connection = std::make_unique<Connection>();
  connection->fd = fd;
  connection->number = next_number_++;
  if (tls_) connection->tls = std::make_unique<TlsStream>(*tls_);
  Connection& c = *(connections_[fd] = std::move(connection));
  loop_.Watch(fd, deaf_ ? 0u : unsigned{EPOLLIN}, [this, fd](uint32_t events) { OnEvent(fd, events); });
  Watch(c);
}

void NotifyServer::Impl::Watch(Connection& c) {
  loop_.Rewatch(c.fd, (deaf_ ? 0u : unsigned{EPOLLIN}) | (c.out.empty() ? 0u : unsigned{EPOLLOUT}));
}

void NotifyServer::Impl::OnEvent(int fd, uint32_t events) {
  auto it = connections_.find(fd);
  if (it == connections_.end()) return;
  if (!deaf_ && events & (EPOLLIN | EPOLLHUP | EPOLLERR) && Read(*it->second)) Requests(*it->second);
}

// False: it has been closed.
bool NotifyServer::Impl::Read(Connection& c) {
  Received received = Receive(c.fd, buffer_);
  if (received.what == Received::What::kNothingYet) return true;
  if (received.what == Received::What::kGone) {
    Close(c.fd, false);
    return false;
  }
  c.stamp_ns = received.t_ns;
  if (!c.tls) {
    c.in += received.bytes;
    return true;
  }
  bool good = c.tls->Feed(received.bytes, c.in);
  c.out += c.tls->TakeRaw();
  if (good || !c.in.empty()) return true;
  Close(c.fd, false);
  return false;
}

void NotifyServer::Impl::Requests(Connection& c) {
  int fd = c.fd;
  uint64_t number = c.number;
  while (!c.busy && !c.closing) {
    HttpRequest request;
    HttpRead read = TakeRequest(c.in, request);
    if (read == HttpRead::kNeedMore) return;
    if (read != HttpRead::kWhole) {
      int status = read == HttpRead::kTooLarge ? 413 : 400;
      return Say(number, fd, HttpReply(status, R"({"status_code":400,"errors":[]})", false), false);
    }
    Handle(c, request);
    auto it = connections_.find(fd);
    if (it == connections_.end() || it->second->number != number) return;
  }
}

void NotifyServer::Impl::Handle(Connection& c, const HttpRequest& request) {
  NotifyReply reply = api_.Answer(request, loop_.Now(), clock_.WallMicros() + skew_us_);
  Record(request, reply, c.stamp_ns);
  if (reply.message && !reply.message->fate.smoke) {
    if (texts_.size() < kMaxTexts) texts_.push_back(reply.message->text);
    PlanCallback(*reply.message);
  }
  c.busy = true;
  switch (reply.fault) {
    case NotifyFault::kCutBefore:
    case NotifyFault::kCutAfter:
      return Close(c.fd, true);
    case NotifyFault::kSilent:
      return;
    default:
      return Reply(c, request, reply);
  }
}

void NotifyServer::Impl::Reply(Connection& c, const HttpRequest& request, const NotifyReply& reply) {
  int64_t wait_us = options_.answer_us + (reply.fault == NotifyFault::kSlow ? options_.slow_us : 0);
  std::string answer = HttpReply(reply.status, reply.json, request.keep_alive);
  if (!options_.says_sandbox) {
    constexpr std::string_view kSays = "X-Pharos-Sandbox: pharos-sandbox\r\n";
    answer.erase(answer.find(kSays), kSays.size());
  }
  if (wait_us == 0) return Say(c.number, c.fd, answer, request.keep_alive);
  loop_.After(wait_us, [this, number = c.number, fd = c.fd, answer, keep = request.keep_alive] {
    Say(number, fd, answer, keep);
    auto it = connections_.find(fd);
    if (it != connections_.end() && it->second->number == number) Requests(*it->second);
  });
}

void NotifyServer::Impl::Say(uint64_t number, int fd, const std::string& answer, bool keep) {
  auto it = connections_.find(fd);
  if (it == connections_.end() || it->second->number != number) return;
  Connection& c = *it->second;
  c.busy = false;
  c.closing = !keep;
  if (c.tls) {
    if (!c.tls->Write(answer)) return Close(fd, false);
    c.out += c.tls->TakeRaw();
  } else {
    c.out += answer;
  }
}

void NotifyServer::Impl::Close(int fd, bool reset) {
  if (reset) {
    linger hard{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }
  journal_.Flush();  // what was recorded is on file before the sender can see the end
  connections_.erase(fd);
  loop_.Forget(fd);
  close(fd);
}

// The journal first: no answer leaves before the message that it answers is on record.
void NotifyServer::Impl::FlushAll() {
  journal_.Flush();
  if (options_.inbox != nullptr) options_.inbox->Flush();
  std::vector<int> writing;
  for (auto& [fd, c] : connections_)
    if (!c->out.empty() || c->closing) writing.push_back(fd);
  for (int fd : writing) Write(*connections_[fd]);
}

void NotifyServer::Impl::Write(Connection& c) {
  while (!c.out.empty()) {
    ssize_t put = send(c.fd, c.out.data(), c.out.size(), MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && errno == EAGAIN) break;
    if (put < 0) return Close(c.fd, false);
    c.out.erase(0, static_cast<size_t>(put));
  }
  if (c.out.size() > kMaxQueuedOut || (c.closing && c.out.empty())) return Close(c.fd, false);
  Watch(c);
}

void NotifyServer::Impl::CutLinks() {
  while (!connections_.empty()) Close(connections_.begin()->first, true);
}

void NotifyServer::Impl::SetDeaf(bool deaf) {
  deaf_ = deaf;
  for (auto& [fd, c] : connections_) Watch(*c);
}

// ---- messages

void NotifyServer::Impl::Record(const HttpRequest& request, const NotifyReply& reply, int64_t t_ns) {
  if (request.method != "POST" || request.path.substr(0, 18) != "/v2/notifications/") return;
  const NotifyMessage none, &m = reply.message ? *reply.message : none;
  journal_.Begin("notify", t_ns);
  journal_.Text("dest", m.to);
  journal_.Text("reference", m.reference);
  journal_.Text("channel", request.path.substr(18));
  journal_.Text("subject", m.subject);
  journal_.Text("text", m.text);
  journal_.Text("id", m.fate.smoke ? "" : m.id);
  journal_.Plain("status", std::to_string(reply.status));
  journal_.Text("reason", reply.reason);
  journal_.Text("fault", NameOf(reply.fault));
  journal_.Plain("smoke", m.fate.smoke ? "true" : "false");
  journal_.End();
  if (!reply.message || m.fate.smoke || options_.inbox == nullptr) return;
  if (m.channel == "sms")
    options_.inbox->AddSms({t_ns, m.to, "GOV.UK Notify", m.text, 1, 1, -1});
  else if (m.channel == "email")
    options_.inbox->AddMail(
        t_ns, m.to, "notify@sandbox.invalid",
        fmt::format("To: {}\r\nSubject: {}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{}", m.to,
                    m.subject, m.text));
}

void NotifyServer::Impl::RecordCallback(const char* event, const NotifyMessage& m, int n) {
  journal_.Begin(event, clock_.WallNanos());
  journal_.Text("id", m.id);
  journal_.Text("reference", m.reference);
  journal_.Text("state", m.fate.status);
  journal_.Plain("n", std::to_string(n));
  journal_.End();
}

void NotifyServer::Impl::PlanCallback(const NotifyMessage& message) {
  if (!callbacks_ || message.fate.no_status) return;
  loop_.After(message.fate.after_us, [this, m = message] {
    Callback callback;
    callback.json = api_.CallbackJson(m, m.created_us + m.fate.after_us);
    callback.on_sending = [this, m](int n) { RecordCallback("notify_callback", m, n); };
    callback.on_accepted = [this, m](int n) { RecordCallback("notify_callback_acked", m, n); };
    callbacks_->Send(std::move(callback));
  });
}

// ---- outside

absl::StatusOr<std::unique_ptr<NotifyServer>> NotifyServer::Start(NotifyOptions options) {
  std::unique_ptr<CallbackTarget> target;
  if (!options.callback_url.empty()) {
    PHAROS_ASSIGN_OR_RETURN(CallbackTarget read, ReadCallbackUrl(options.callback_url));
    read.token = options.callback_token;
    read.retry_us = options.callback_retry_us;
    target = std::make_unique<CallbackTarget>(std::move(read));
  }
  std::unique_ptr<TlsServer> tls;
  if (!options.tls_folder.empty()) {
    PHAROS_RETURN_IF_ERROR(EnsureCertificate(options.tls_folder));
    PHAROS_ASSIGN_OR_RETURN(tls, TlsServer::Open(options.tls_folder));
  }
  PHAROS_ASSIGN_OR_RETURN(int listener, Listen(options.address, options.port, "--notify-listen"));
  int journal = -1;
  if (!options.journal.empty()) {
    journal = open(options.journal.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (journal < 0) {
      close(listener);
      return base::MakeError(absl::StatusCode::kUnavailable, "JOURNAL_UNWRITABLE",
                             fmt::format("cannot append to the journal {}", options.journal));
    }
  }
  return std::unique_ptr<NotifyServer>(new NotifyServer(
      std::make_unique<Impl>(std::move(options), journal, std::move(tls), listener, std::move(target))));
}

NotifyServer::NotifyServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
NotifyServer::~NotifyServer() = default;

int NotifyServer::port() const {
  return impl_->options_.port;
}

int64_t NotifyServer::connections() const {
  return impl_->connections_seen_;
}

NotifyCounts NotifyServer::counts() const {
  NotifyCounts counts;
  impl_->Do([&] { counts = impl_->api_.counts(); });
  return counts;
}

int NotifyServer::Kept(const std::string& reference) const {
  int kept = 0;
  impl_->Do([&] { kept = impl_->api_.Kept(reference); });
  return kept;
}

std::vector<std::string> NotifyServer::Texts() const {
  std::vector<std::string> texts;
  impl_->Do([&] { texts = impl_->texts_; });
  return texts;
}

void NotifyServer::Next(NotifyFault fault) {
  impl_->Do([&] { impl_->api_.Next(fault); });
}

void NotifyServer::SetKey(const std::string& key) {
  impl_->Do([&] { impl_->api_.SetKey(key); });
}

void NotifyServer::SetDaily(int64_t daily) {
  impl_->Do([&] { impl_->api_.SetDaily(daily); });
}

void NotifyServer::SetClockSkew(int64_t us) {
  impl_->Do([&] { impl_->skew_us_ = us; });
}

void NotifyServer::CutLinks() {
  impl_->Do([&] { impl_->CutLinks(); });
}

void NotifyServer::StopReading(bool stop) {
  impl_->Do([&] { impl_->SetDeaf(stop); });
}

}  // namespace pharos::sandbox
