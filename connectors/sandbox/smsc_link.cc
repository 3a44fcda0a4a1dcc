// The provider's connections: octets in, frames out of them, and back.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "connectors/sandbox/smsc_impl.h"

namespace pharos::sandbox {
namespace {

constexpr size_t kMaxQueuedOut = 8 << 20;  // a client that reads nothing is cut off
constexpr size_t kMaxLinks = 1'000;        // file descriptors
constexpr size_t kJournalBytes = 64 * 1024;
constexpr int64_t kJournalUs = 100'000;  // what nothing waits for is on record so late at most
constexpr int64_t kDripUs = 10'000;

}  // namespace

void Smsc::Impl::Accept(int listener, bool tls) {
  int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  if (links_.size() >= kMaxLinks) {
    close(fd);
    return;
  }
  Stamp(fd);
  auto owned = std::make_unique<SmscLink>();
  SmscLink* link = owned.get();
  link->fd = fd;
  link->number = ++next_link_;
  if (tls) link->tls = std::make_unique<TlsStream>(*tls_);
  if (deaf_ || drip_bytes_ > 0) SetSmallWindow(*link);
  links_[fd] = std::move(owned);
  loop_.Watch(fd, deaf_ || drip_bytes_ > 0 ? 0u : unsigned{EPOLLIN},
              [this, link](uint32_t events) { OnEvent(*link, events); });
}

void Smsc::Impl::OnEvent(SmscLink& link, uint32_t events) {
  if (events & EPOLLOUT && !link.dirty) {
    link.dirty = true;
    dirty_.push_back(link.fd);
  }
  if (!deaf_ && drip_bytes_ == 0 && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
    Read(link, buffer_.size());
  } else if (events & (EPOLLHUP | EPOLLERR)) {
    Close(link.fd, "disconnect");  // what lies unread goes with it
  }
}

// The stamp is that of the last octet of this read: for a frame that ended earlier in it, it is late by no
// more than the time between the two, never early.
void Smsc::Impl::Read(SmscLink& link, size_t most) {
  Received received = Receive(link.fd, buffer_, most);
  if (received.what == Received::What::kNothingYet) return;
  if (received.what == Received::What::kGone) return Close(link.fd, "disconnect");
  if (link.leaving) return;
  if (link.tls == nullptr) {
    link.in.append(received.bytes);
  } else {
    bool good = link.tls->Feed(received.bytes, link.in);
    if (!link.dirty) dirty_.push_back(link.fd);  // the handshake's answer
    link.dirty = true;
    if (!good) return Close(link.fd, "disconnect");
  }
  Frames(link, received.t_ns);
}

void Smsc::Impl::Frames(SmscLink& link, int64_t t_ns) {
  size_t at = 0, length = 0;
  for (;;) {
    std::string_view rest = std::string_view(link.in).substr(at);
    auto framing = smpp::NextFrame(rest, length);
    if (framing == smpp::Framing::kBroken) return Close(link.fd, "disconnect");
    if (framing == smpp::Framing::kNeedMore) break;
    OnFrame(link, rest.substr(0, length), t_ns);
    at += length;
    if (link.leaving) break;
    if (!link.doomed) continue;
    ++cut_;
    return Close(link.fd, "disconnect");
  }
  link.in.erase(0, at);
}

void Smsc::Impl::Send(SmscLink& link, std::string_view frame) {
  link.out += frame;
  if (!link.dirty) dirty_.push_back(link.fd);
  link.dirty = true;
}

void Smsc::Impl::Answer(SmscLink& link, const smpp::Pdu& request, uint32_t status, const std::string& text) {
  smpp::Pdu answer;
  answer.command = smpp::ResponseTo(request.command);
  answer.status = status;
  answer.sequence = request.sequence;
  answer.message_id = answer.system_id = text;
  Send(link, smpp::Encode(answer));
}

// The journal first: nothing leaves before it, or what it answers, is on record.
void Smsc::Impl::FlushAll() {
  if (!dirty_.empty() || journal_->waiting() > kJournalBytes) {
    journal_->Flush();
    if (options_.inbox != nullptr) options_.inbox->Flush();
  } else if (journal_->waiting() > 0) {
    FlushLater();
  }
  std::vector<int> dirty;
  dirty.swap(dirty_);
  for (int fd : dirty) {
    auto it = links_.find(fd);
    if (it == links_.end()) continue;
    SmscLink& link = *it->second;
    link.dirty = false;
    if (mute_) continue;
    if (!Write(link)) Close(fd, "disconnect");
  }
}

void Smsc::Impl::FlushLater() {
  if (flush_planned_) return;
  flush_planned_ = true;
  loop_.After(kJournalUs, [this] {
    flush_planned_ = false;
    journal_->Flush();
  });
}

// False: the link is of no use any more.
bool Smsc::Impl::Write(SmscLink& link) {
  if (link.tls != nullptr) {
    if (!link.tls->Write(link.out)) return false;
    link.out.clear();
    link.raw_out += link.tls->TakeRaw();
  }
  std::string& out = link.tls != nullptr ? link.raw_out : link.out;
  ssize_t put = out.empty() ? 0 : send(link.fd, out.data(), out.size(), MSG_NOSIGNAL);
  if (put > 0) out.erase(0, static_cast<size_t>(put));
  if ((put < 0 && errno != EAGAIN && errno != EINTR) || out.size() > kMaxQueuedOut) return false;
  if (link.leaving && out.empty()) return false;
  if (link.wants_write != !out.empty()) {
    link.wants_write = !out.empty();
    Rewatch(link);
  }
  return true;
}

void Smsc::Impl::Rewatch(SmscLink& link) {
  const bool reads = !deaf_ && drip_bytes_ == 0;
  loop_.Rewatch(link.fd,
                (reads ? unsigned{EPOLLIN} : 0u) | (link.wants_write && !mute_ ? unsigned{EPOLLOUT} : 0u));
}

void Smsc::Impl::Close(int fd, const char* event) {
  auto it = links_.find(fd);
  if (it == links_.end()) return;
  auto link = std::move(it->second);
  links_.erase(it);
  if (!link->account.empty()) journal_->Link(event, clock_.WallNanos(), link->account);
  journal_->Flush();  // what was recorded is on file before the other side can see the end
  if (!link->leaving) {
    linger drop{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &drop, sizeof drop);
  }
  loop_.Forget(fd);
  close(fd);
  if (link->account.empty()) return;
  // What it had not acknowledged goes to the next link, in the order in which it was sent.
  std::map<uint32_t, DeliveryPtr> again(link->unanswered.begin(), link->unanswered.end());
  auto& waiting = waiting_[link->account];
  for (auto next = again.rbegin(); next != again.rend(); ++next)
    if (!next->second->done) waiting.push_front(next->second);
  DeliverWaiting(link->account);
}

SmscLink* Smsc::Impl::Find(int fd, uint64_t number) {
  auto it = links_.find(fd);
  return it == links_.end() || it->second->number != number ? nullptr : it->second.get();
}

void Smsc::Impl::CutLinks() {
  cut_ += static_cast<int64_t>(links_.size());
  while (!links_.empty()) Close(links_.begin()->first, "disconnect");
}

void Smsc::Impl::SetDeaf(bool deaf) {
  deaf_ = deaf;
  for (auto& [fd, link] : links_) Rewatch(*link);
}

// A few octets of each link, then a pause: the other side's window opens by so much.
void Smsc::Impl::DripRound() {
  if (drip_bytes_ == 0) return;
  const size_t most = std::clamp<size_t>(drip_bytes_ * kDripUs / 1'000'000, 1, buffer_.size());
  std::vector<int> fds;
  for (auto& [fd, link] : links_) fds.push_back(fd);
  for (int fd : fds)
    if (auto it = links_.find(fd); it != links_.end() && !deaf_) Read(*it->second, most);
  loop_.After(kDripUs, [this] { DripRound(); });
}

}  // namespace pharos::sandbox
