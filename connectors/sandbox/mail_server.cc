#include "connectors/sandbox/mail_server.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <vector>

#include "connectors/sandbox/dsn.h"
#include "connectors/sandbox/mail_server_impl.h"
#include "connectors/sandbox/mime.h"
#include "services/base/errors.h"
#include "services/base/text.h"

namespace pharos::sandbox {
namespace {

constexpr size_t kMaxQueuedOut = 1 << 20;  // a client that reads nothing is cut off
constexpr size_t kMaxLinks = 1'000;        // file descriptors
constexpr int64_t kIdleUs = 600'000'000;   // RFC 5321: at least 5 minutes

}  // namespace

MailServer::Impl::Impl(MailOptions options, std::unique_ptr<Journal> journal, std::unique_ptr<TlsServer> tls,
                       int listener)
    : options_(std::move(options)),
      journal_(std::move(journal)),
      tls_(std::move(tls)),
      listener_(listener),
      id_prefix_(fmt::format("{:x}", clock_.WallMicros() / 1000)),
      script_("mail", options_.rules.seed) {
  if (options_.one_click) one_click_ = std::make_unique<OneClick>();
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
  one_click_.reset();
  out_.reset();
  close(listener_);
}

MailCounts MailServer::Impl::Counts() const {
  return {connections_seen_, accepted_,     refused_,           over_tls_,
          dsns_sent_,        dsns_acked_,   unsubscribes_sent_, unsubscribes_acked_,
          complaints_,       auto_replies_, one_clicks_,        one_clicks_acked_};
}

// ---- connections

void MailServer::Impl::Accept() {
  int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  Stamp(fd);
  if (connections_.size() >= kMaxLinks) {
    close(fd);
    return;
  }
  ++connections_seen_;
  auto connection = std::make_unique<MailLink>();
  MailLink* c = connection.get();
  c->fd = fd;
  c->last_us = loop_.Now();
  MailSession::Callbacks callbacks;
  callbacks.on_recipient = [this, c](const Envelope& envelope, Recipient& recipient, int64_t t_ns) {
    return OnRecipient(*c, envelope, recipient, t_ns);
  };
  callbacks.on_message = [this, c](const Envelope& envelope, std::string_view data, int64_t t_ns) {
    return OnMessage(*c, envelope, data, t_ns);
  };
  const MailFront& front = options_.script.front;
  c->session = std::make_unique<MailSession>(tls_ != nullptr && !front.no_starttls, std::move(callbacks),
                                             front.banner);
  connections_[fd] = std::move(connection);
  if (front.banner_after) Hold(*c, front.banner_after->At(script_.Chance("banner")));
  c->watched = Wanted(*c);
  loop_.Watch(fd, c->watched, [this, c](uint32_t events) { OnEvent(*c, events); });
  touched_.push_back(fd);
}

void MailServer::Impl::OnEvent(MailLink& c, uint32_t events) {
  touched_.push_back(c.fd);
  if (!deaf_ && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
    Read(c);
  } else if (events & (EPOLLHUP | EPOLLERR)) {
    Close(c.fd, false);
  }
}

// What is said from now on leaves so much later; what comes in is read meanwhile.
void MailServer::Impl::Hold(MailLink& c, int64_t us) {
  if (us <= 0) return;
  c.held_until_us = std::max(c.held_until_us, loop_.Now() + us);
  loop_.After(us, [this, fd = c.fd] { touched_.push_back(fd); });
}

uint32_t MailServer::Impl::Wanted(const MailLink& c) const {
  return (deaf_ ? 0u : unsigned{EPOLLIN}) | (c.raw_out.empty() || mute_ ? 0u : unsigned{EPOLLOUT});
}

void MailServer::Impl::Rewatch(MailLink& c) {
  const uint32_t wanted = Wanted(c);
  if (wanted != c.watched) loop_.Rewatch(c.fd, wanted);
  c.watched = wanted;
}

// The stamp is that of the last octet of this read: for a line that ended earlier in it, it is late by no
// more than the time between the two, never early.
void MailServer::Impl::Read(MailLink& c) {
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

void MailServer::Impl::Follow(MailLink& c, MailSession::Next next) {
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
      ++cut_;
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

void MailServer::Impl::Write(MailLink& c) {
  if (mute_ || c.held_until_us > loop_.Now()) return;
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
  Rewatch(c);
}

void MailServer::Impl::CutLinks() {
  cut_ += static_cast<int64_t>(connections_.size());
  while (!connections_.empty()) Close(connections_.begin()->first, true);
}

void MailServer::Impl::SetDeaf(bool deaf) {
  deaf_ = deaf;
  for (auto& [fd, c] : connections_) Rewatch(*c);
}

// ---- mail

const MailRule* MailServer::Impl::RuleOf(const Recipient& recipient) const {
  return recipient.mark < 0 ? nullptr : &options_.script.mail[static_cast<size_t>(recipient.mark)];
}

void MailServer::Impl::NoteRefusal(MailLink& c, const Envelope& envelope, const std::string& address,
                                   int status, const std::string& message_id, int64_t t_ns) {
  MailEntry entry;
  entry.t_ns = t_ns;
  entry.dest = address;
  entry.source = envelope.from;
  entry.message_id = message_id;
  entry.status = status;
  entry.tls = c.tls != nullptr;
  journal_->Mail(entry);
  ++refused_;
  ++refused_by_[status];
}

// "" = the script and the control port have nothing against it.
std::string MailServer::Impl::ScriptedAnswer(const std::string& address, Recipient& recipient) {
  if (!refuse_answer_.empty()) return refuse_answer_;
  if (throttle_ && !throttle_->Take(loop_.Now())) return "451 4.3.2 Too much at the moment";
  const MailRule* rule = options_.script.mail.empty() ? nullptr : script_.Find(options_.script.mail, address);
  if (rule == nullptr) return "";
  recipient.mark = static_cast<int>(rule - options_.script.mail.data());
  const std::string domain = address.substr(address.rfind('@') + 1);
  const bool limited = rule->target.per_second > 0;
  if (limited && script_.Admits(rule->target, domain, loop_.Now())) return "";
  return limited && rule->at_rcpt.empty() ? "451 4.7.28 Too much for this domain at the moment"
                                          : rule->at_rcpt;
}

std::string MailServer::Impl::OnRecipient(MailLink& c, const Envelope& envelope, Recipient& recipient,
                                          int64_t t_ns) {
  const std::string address = base::LowerAscii(recipient.address);
  std::string answer = ScriptedAnswer(address, recipient);
  if (answer.empty()) {
    MailFate fate = MailFateOf(address, options_.rules);
    if (fate.rejected) answer = DiagnosticOf("5.1.1");
    if (fate.deferred_first && deferred_.insert(address).second)
      answer = "451 4.2.1 The mailbox is busy, try again later";
  }
  if (answer.empty()) return "250 2.1.5 OK";
  NoteRefusal(c, envelope, recipient.address, std::atoi(answer.c_str()), "", t_ns);
  return answer;
}

MailSession::Verdict MailServer::Impl::OnMessage(MailLink& c, const Envelope& envelope, std::string_view data,
                                                 int64_t t_ns) {
  const std::string message_id = BareAddress(HeaderOf(data, "message-id"));
  const MailRule* rule = RuleOf(envelope.to[0]);  // one answer for all of them
  if (rule != nullptr && rule->cut == CutAt::kBeforeAccept) return {"", true};
  if (rule != nullptr && rule->answer_after)
    Hold(c, rule->answer_after->At(script_.Chance(envelope.to[0].address)));
  if (rule != nullptr && !rule->at_dot.empty()) {
    for (const Recipient& recipient : envelope.to)
      NoteRefusal(c, envelope, recipient.address, std::atoi(rule->at_dot.c_str()), message_id, t_ns);
    return {rule->at_dot, false};
  }
  const std::string subject = DecodeWords(HeaderOf(data, "subject"));
  const std::string id = NewId();
  bool silent = rule != nullptr && rule->cut == CutAt::kAfterAccept;
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
    PlanUnsubscribe(recipient, data, fate, message_id);
    PlanPeoplesMails(envelope, recipient, data, message_id);
  }
  if (silent) return {"", true};
  if (hold_) return {"", false};
  return {fmt::format("250 2.0.0 OK: queued as {}", id), false};
}

// ---- outside

absl::StatusOr<std::unique_ptr<MailServer>> MailServer::Start(MailOptions options) {
  PHAROS_ASSIGN_OR_RETURN(auto journal, Journal::Open(options.journal));
  std::unique_ptr<TlsServer> tls;
  if (!options.tls_folder.empty()) {
    PHAROS_RETURN_IF_ERROR(options.bad_certificate ? EnsureBadCertificate(options.tls_folder)
                                                   : EnsureCertificate(options.tls_folder));
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

std::string MailServer::Steer(const std::string& command) {
  std::string answer;
  impl_->Do([&] { answer = impl_->Steer(command); });
  return answer;
}

}  // namespace pharos::sandbox
