#include "connectors/sandbox/mail_server.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <map>
#include <unordered_set>
#include <vector>

#include "connectors/sandbox/dsn.h"
#include "connectors/sandbox/journal.h"
#include "connectors/sandbox/loop.h"
#include "connectors/sandbox/mail_out.h"
#include "connectors/sandbox/mail_session.h"
#include "connectors/sandbox/mime.h"
#include "connectors/sandbox/tls.h"
#include "services/base/errors.h"
#include "services/base/log.h"
#include "services/base/text.h"

namespace pharos::sandbox {
namespace {

constexpr size_t kReadBytes = 64 * 1024;
constexpr size_t kMaxQueuedOut = 1 << 20;    // a client that reads nothing is cut off
constexpr size_t kMaxConnections = 1'000;    // file descriptors
constexpr int64_t kIdleUs = 600'000'000;     // RFC 5321: at least 5 minutes
constexpr size_t kMaxCopiedHeaders = 8'192;  // of a message in its DSN

std::string HeadersOf(std::string_view message) {
  size_t end = message.find("\r\n\r\n");
  std::string_view headers = end == std::string_view::npos ? message : message.substr(0, end + 2);
  return std::string(headers.substr(0, kMaxCopiedHeaders));
}

struct Connection {
  int fd = -1;
  bool closing = false;  // once everything is written
  int64_t last_us = 0;
  std::string raw_out;
  std::unique_ptr<TlsStream> tls;
  std::unique_ptr<MailSession> session;
};

}  // namespace

class MailServer::Impl {
 public:
  Impl(MailOptions options, std::unique_ptr<Journal> journal, std::unique_ptr<TlsServer> tls, int listener);
  ~Impl();

  MailCounts Counts() const;
  void Do(std::function<void()> change) { loop_.Do(std::move(change)); }
  void CutLinks();
  void SetDeaf(bool deaf);
  const MailOptions& options() const { return options_; }
  bool hold_ = false;  // in the thread

 private:
  void Accept();
  void OnEvent(Connection& c, uint32_t events);
  void Read(Connection& c);
  void Follow(Connection& c, MailSession::Next next);
  std::string OnRecipient(Connection& c, const Envelope& envelope, const Recipient& recipient, int64_t t_ns);
  MailSession::Verdict OnMessage(Connection& c, const Envelope& envelope, std::string_view data,
                                 int64_t t_ns);
  void PlanDsn(const Envelope& envelope, const Recipient& recipient, std::string_view data,
               const MailFate& fate, const std::string& message_id, int64_t t_ns);
  void PlanUnsubscribe(const Recipient& recipient, std::string_view list_unsubscribe, const MailFate& fate,
                       const std::string& message_id);
  void SendOut(OutgoingMail mail);
  std::string NewId() { return fmt::format("{}m{:08x}", id_prefix_, next_id_++); }
  void FlushAll();
  void Write(Connection& c);
  void Close(int fd, bool reset);
  void CloseIdle();

  const MailOptions options_;
  base::Clock& clock_ = base::Clock::System();
  const std::unique_ptr<Journal> journal_;
  const std::unique_ptr<TlsServer> tls_;
  const int listener_;
  const std::string id_prefix_;
  Loop loop_;
  std::unique_ptr<MailOut> out_;
  std::atomic<int64_t> connections_seen_{0}, accepted_{0}, refused_{0}, over_tls_{0}, dsns_sent_{0},
      dsns_acked_{0}, unsubscribes_sent_{0}, unsubscribes_acked_{0};

  // In the loop's thread.
  bool deaf_ = false;
  uint64_t next_id_ = 0;
  std::map<int, std::unique_ptr<Connection>> connections_;
  std::vector<int> touched_;  // may have something to write
  std::unordered_set<std::string> deferred_, unsubscribed_;
  std::string buffer_ = std::string(kReadBytes, '\0');
};

MailServer::Impl::Impl(MailOptions options, std::unique_ptr<Journal> journal, std::unique_ptr<TlsServer> tls,
                       int listener)
    : options_(std::move(options)),
      journal_(std::move(journal)),
      tls_(std::move(tls)),
      listener_(listener),
      id_prefix_(fmt::format("{:x}", clock_.WallMicros() / 1000)) {
  if (!options_.bounce_host.empty())
    out_ = std::make_unique<MailOut>(loop_, options_.bounce_host, options_.bounce_port);
  loop_.Watch(listener_, EPOLLIN, [this](uint32_t) { Accept(); });
  loop_.After(kIdleUs, [this] { CloseIdle(); });
  loop_.Start([this] { FlushAll(); });
}

MailServer::Impl::~Impl() {
  loop_.Stop([this] {
    while (!connections_.empty()) Close(connections_.begin()->first, false);
  });
  out_.reset();
  close(listener_);
}

MailCounts MailServer::Impl::Counts() const {
  return {connections_seen_, accepted_,   refused_,           over_tls_,
          dsns_sent_,        dsns_acked_, unsubscribes_sent_, unsubscribes_acked_};
}

// ---- connections

void MailServer::Impl::Accept() {
  int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  Stamp(fd);
  if (connections_.size() >= kMaxConnections) {
    close(fd);
    return;
  }
  ++connections_seen_;
  auto connection = std::make_unique<Connection>();
  Connection* c = connection.get();
  c->fd = fd;
  c->last_us = loop_.Now();
  MailSession::Callbacks callbacks;
  callbacks.on_recipient = [this, c](const Envelope& envelope, const Recipient& recipient, int64_t t_ns) {
    return OnRecipient(*c, envelope, recipient, t_ns);
  };
  callbacks.on_message = [this, c](const Envelope& envelope, std::string_view data, int64_t t_ns) {
    return OnMessage(*c, envelope, data, t_ns);
  };
  c->session = std::make_unique<MailSession>(tls_ != nullptr, std::move(callbacks));
  connections_[fd] = std::move(connection);
  loop_.Watch(fd, deaf_ ? 0u : unsigned{EPOLLIN}, [this, c](uint32_t events) { OnEvent(*c, events); });
  touched_.push_back(fd);
}

void MailServer::Impl::OnEvent(Connection& c, uint32_t events) {
  touched_.push_back(c.fd);
  if (!deaf_ && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) Read(c);
}

// The stamp is that of the last octet of this read: for a line that ended earlier in it, it is late by no
// more than the time between the two, never early.
void MailServer::Impl::Read(Connection& c) {
  Received received = Receive(c.fd, buffer_);
  if (received.what == Received::What::kNothingYet) return;
  if (received.what == Received::What::kGone) return Close(c.fd, false);
  c.last_us = loop_.Now();
  if (c.closing) return;
  if (c.tls == nullptr) return Follow(c, c.session->Take(received.bytes, received.t_ns));
  std::string plain;
  const bool good = c.tls->Feed(received.bytes, plain);
  int fd = c.fd;
  if (!plain.empty()) Follow(c, c.session->Take(plain, received.t_ns));
  if (!good && connections_.count(fd) != 0) Close(fd, false);
}

void MailServer::Impl::Follow(Connection& c, MailSession::Next next) {
  switch (next) {
    case MailSession::Next::kGoOn:
      return;
    case MailSession::Next::kStartTls:
      c.raw_out += c.session->TakeOut();
      c.session->OnTls();
      c.tls = std::make_unique<TlsStream>(*tls_);
      return;
    case MailSession::Next::kClose:
      c.closing = true;
      return;
    case MailSession::Next::kCut:
      return Close(c.fd, true);
  }
}

void MailServer::Impl::Close(int fd, bool reset) {
  if (reset) {
    linger hard{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }
  journal_->Flush();  // what was recorded is on file before the sender can see the end
  connections_.erase(fd);
  loop_.Forget(fd);
  close(fd);
}

void MailServer::Impl::CloseIdle() {
  std::vector<int> idle;
  for (auto& [fd, c] : connections_)
    if (c->last_us < loop_.Now() - kIdleUs) idle.push_back(fd);
  for (int fd : idle) Close(fd, false);
  loop_.After(kIdleUs / 10, [this] { CloseIdle(); });
}

// The journal first: no answer leaves before the message that it answers is on record.
void MailServer::Impl::FlushAll() {
  journal_->Flush();
  if (options_.inbox != nullptr) options_.inbox->Flush();
  if (out_ != nullptr) out_->Flush();
  std::vector<int> touched;
  touched.swap(touched_);
  for (int fd : touched) {
    auto it = connections_.find(fd);
    if (it != connections_.end()) Write(*it->second);
  }
}

void MailServer::Impl::Write(Connection& c) {
  std::string said = c.session->TakeOut();
  if (c.tls != nullptr) {
    if (!c.tls->Write(said)) return Close(c.fd, false);
    c.raw_out += c.tls->TakeRaw();
  } else {
    c.raw_out += said;
  }
  while (!c.raw_out.empty()) {
    ssize_t put = send(c.fd, c.raw_out.data(), c.raw_out.size(), MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && errno == EAGAIN) break;
    if (put < 0) return Close(c.fd, false);
    c.raw_out.erase(0, static_cast<size_t>(put));
  }
  if (c.raw_out.size() > kMaxQueuedOut || (c.closing && c.raw_out.empty())) return Close(c.fd, false);
  uint32_t reads = deaf_ ? 0u : unsigned{EPOLLIN};
  loop_.Rewatch(c.fd, c.raw_out.empty() ? reads : reads | unsigned{EPOLLOUT});
}

void MailServer::Impl::CutLinks() {
  while (!connections_.empty()) Close(connections_.begin()->first, true);
}

void MailServer::Impl::SetDeaf(bool deaf) {
  deaf_ = deaf;
  for (auto& [fd, c] : connections_) loop_.Rewatch(fd, deaf ? 0u : unsigned{EPOLLIN});
}

// ---- mail

std::string MailServer::Impl::OnRecipient(Connection& c, const Envelope& envelope, const Recipient& recipient,
                                          int64_t t_ns) {
  MailFate fate = MailFateOf(recipient.address, options_.rules);
  const bool defer = fate.deferred_first && deferred_.insert(base::LowerAscii(recipient.address)).second;
  if (!fate.rejected && !defer) return "250 2.1.5 OK";
  MailEntry entry;
  entry.t_ns = t_ns;
  entry.dest = recipient.address;
  entry.source = envelope.from;
  entry.status = fate.rejected ? 550 : 451;
  entry.tls = c.tls != nullptr;
  journal_->Mail(entry);
  ++refused_;
  return fate.rejected ? std::string(DiagnosticOf("5.1.1"))
                       : "451 4.2.1 The mailbox is busy, try again later";
}

MailSession::Verdict MailServer::Impl::OnMessage(Connection& c, const Envelope& envelope,
                                                 std::string_view data, int64_t t_ns) {
  Entity mail = ParseEntity(data);
  const std::string message_id = BareAddress(mail.Header("message-id"));
  const std::string subject = DecodeWords(mail.Header("subject"));
  const std::string id = NewId();
  bool silent = false;
  for (const Recipient& recipient : envelope.to) {
    MailFate fate = MailFateOf(recipient.address, options_.rules);
    silent |= fate.silent;
    MailEntry entry{t_ns, recipient.address, envelope.from, message_id, subject, id, 250, c.tls != nullptr};
    journal_->Mail(entry);
    ++accepted_;
    over_tls_ += c.tls != nullptr;
    if (options_.inbox != nullptr && fate.dsn_status.empty())
      options_.inbox->AddMail(t_ns, recipient.address, envelope.from, data);
    PlanDsn(envelope, recipient, data, fate, message_id, t_ns);
    PlanUnsubscribe(recipient, mail.Header("list-unsubscribe"), fate, message_id);
  }
  if (silent) return {"", true};
  if (hold_) return {"", false};
  return {fmt::format("250 2.0.0 OK: queued as {}", id), false};
}

void MailServer::Impl::PlanDsn(const Envelope& envelope, const Recipient& recipient, std::string_view data,
                               const MailFate& fate, const std::string& message_id, int64_t t_ns) {
  const bool failed = !fate.dsn_status.empty();
  // RFC 3461: without NOTIFY, failures are told; successes only to who asked. Never to a null sender.
  const char* word = failed ? "FAILURE" : "SUCCESS";
  const bool asked = recipient.notify.empty() ? failed : recipient.notify.find(word) != std::string::npos;
  if (out_ == nullptr || !asked || envelope.from.empty()) return;
  auto facts = std::make_shared<DsnFacts>();
  facts->id = NewId();
  facts->to = envelope.from;
  facts->recipient = recipient.address;
  facts->orcpt = recipient.orcpt;
  facts->envelope_id = envelope.envid;
  facts->action = failed ? "failed" : "delivered";
  facts->status = failed ? std::string(fate.dsn_status) : "2.0.0";
  facts->headers = HeadersOf(data);
  facts->arrival_us = t_ns / 1000;
  loop_.After(fate.dsn_after_us, [this, facts, message_id] {
    facts->now_us = clock_.WallMicros();
    OutgoingMail mail;
    mail.to = facts->to;
    mail.message = DsnMessage(*facts);
    auto record = [this, facts, message_id](const char* event, int n) {
      journal_->Dsn(event, clock_.WallNanos(), facts->recipient, message_id, facts->action, facts->status, n);
    };
    mail.on_sending = [this, record](int n) {
      ++dsns_sent_;
      record("dsn", n);
    };
    mail.on_accepted = [this, record](int n) {
      ++dsns_acked_;
      record("dsn_acked", n);
    };
    SendOut(std::move(mail));
  });
}

void MailServer::Impl::PlanUnsubscribe(const Recipient& recipient, std::string_view list_unsubscribe,
                                       const MailFate& fate, const std::string& message_id) {
  if (out_ == nullptr || fate.unsubscribe_after_us < 0) return;
  auto mailto = UnsubscribeMailto(list_unsubscribe);
  if (!mailto || !unsubscribed_.insert(base::LowerAscii(recipient.address)).second) return;
  OutgoingMail mail;
  mail.from = recipient.address;
  mail.to = mailto->address;
  mail.message = UnsubscribeMessage(*mailto, recipient.address, NewId(), clock_.WallMicros());
  auto record = [this, dest = recipient.address, message_id](const char* event, int n) {
    journal_->Unsubscribe(event, clock_.WallNanos(), dest, message_id, n);
  };
  mail.on_sending = [this, record](int n) {
    ++unsubscribes_sent_;
    record("unsubscribe", n);
  };
  mail.on_accepted = [this, record](int n) {
    ++unsubscribes_acked_;
    record("unsubscribe_acked", n);
  };
  loop_.After(fate.unsubscribe_after_us, [this, mail] { SendOut(mail); });
}

void MailServer::Impl::SendOut(OutgoingMail mail) {
  if (!out_->Send(std::move(mail)))
    base::Log(base::LogLevel::kWarning, "sandbox_mail_dropped",
              {{"advice", std::string("nobody takes mail at --bounce-to; too much is waiting")}});
}

// ---- outside

absl::StatusOr<std::unique_ptr<MailServer>> MailServer::Start(MailOptions options) {
  PHAROS_ASSIGN_OR_RETURN(auto journal, Journal::Open(options.journal));
  std::unique_ptr<TlsServer> tls;
  if (!options.tls_folder.empty()) {
    PHAROS_RETURN_IF_ERROR(EnsureCertificate(options.tls_folder));
    PHAROS_ASSIGN_OR_RETURN(tls, TlsServer::Open(options.tls_folder));
  }
  PHAROS_ASSIGN_OR_RETURN(int listener, Listen(options.address, options.port, "--mail-listen"));
  return std::unique_ptr<MailServer>(new MailServer(
      std::make_unique<Impl>(std::move(options), std::move(journal), std::move(tls), listener)));
}

MailServer::MailServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MailServer::~MailServer() = default;

int MailServer::port() const {
  return impl_->options().port;
}

MailCounts MailServer::counts() const {
  return impl_->Counts();
}

void MailServer::HoldAnswers(bool hold) {
  impl_->Do([&] { impl_->hold_ = hold; });
}

void MailServer::StopReading(bool stop) {
  impl_->Do([&] { impl_->SetDeaf(stop); });
}

void MailServer::CutLinks() {
  impl_->Do([&] { impl_->CutLinks(); });
}

}  // namespace pharos::sandbox
