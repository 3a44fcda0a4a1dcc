#include "connectors/sandbox/smsc.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <queue>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "connectors/sandbox/journal.h"
#include "connectors/smpp/pdu.h"
#include "services/base/clock.h"
#include "services/base/errors.h"
#include "services/base/mutex.h"
#include "services/content/sms_text.h"

namespace pharos::sandbox {
namespace {

using smpp::MessageState;
using smpp::Pdu;

constexpr size_t kReadBytes = 64 * 1024;
constexpr size_t kMaxQueuedOut = 8 << 20;  // a client that reads nothing is cut off
constexpr int64_t kRefusedAgainUs = 1'000'000;
constexpr int kMaxEvents = 64;

struct Delivery {
  Pdu pdu;
  std::string account;
  bool reply = false, done = false;
  std::string id;     // of the message, for receipts
  std::string state;  // word, for receipts
  std::string text;   // for replies
  int sent = 0;       // how many times
};
using DeliveryPtr = std::shared_ptr<Delivery>;

struct Connection {
  int fd = -1;
  std::string in, out, account;
  bool submits = false, delivers = false, dirty = false;
  bool wants_write = false;
  uint32_t sequence = 0;
  std::unordered_map<uint32_t, DeliveryPtr> unanswered;
};

struct Timer {
  int64_t when_us;
  uint64_t order;
  std::function<void()> run;
  bool operator>(const Timer& other) const {
    return std::tie(when_us, order) > std::tie(other.when_us, other.order);
  }
};

std::string_view WordOf(MessageState state) {
  switch (state) {
    case MessageState::kDelivered:
      return "DELIVRD";
    case MessageState::kExpired:
      return "EXPIRED";
    case MessageState::kUndeliverable:
      return "UNDELIV";
    default:
      return "UNKNOWN";
  }
}

std::string DateNow(int64_t wall_us) {
  std::time_t seconds = wall_us / 1'000'000;
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  char text[16];
  size_t n = strftime(text, sizeof text, "%y%m%d%H%M%S", &tm);
  return std::string(text, n);
}

std::string Decoded(const Pdu& pdu, std::string_view octets) {
  return pdu.data_coding == 8 ? content::DecodeUcs2(octets) : content::DecodeGsm7(octets);
}

}  // namespace

class Smsc::Impl {
 public:
  Impl(SmscOptions options, std::unique_ptr<Journal> journal, int listener, int port)
      : options_(std::move(options)),
        journal_(std::move(journal)),
        listener_(listener),
        port_(port),
        epoll_(epoll_create1(EPOLL_CLOEXEC)),
        wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
        id_prefix_(fmt::format("{:x}", clock_.WallMicros() / 1000)) {
    Watch(listener_, EPOLLIN);
    Watch(wake_, EPOLLIN);
    thread_ = std::thread([this] { Run(); });
  }
  ~Impl() {
    Do([this] { stopping_ = true; });
    thread_.join();
    close(listener_);
    close(wake_);
    close(epoll_);
  }

  int port() const { return port_; }
  void Do(std::function<void()> change);  // in the thread; returns when done
  void CutLinks();
  void SetDeaf(bool deaf);

  std::atomic<int64_t> submits_{0}, accepted_{0}, receipts_sent_{0}, receipts_acked_{0}, replies_sent_{0},
      replies_acked_{0}, binds_{0};
  bool hold_ = false;  // in the thread

 private:
  int64_t Now() const { return clock_.BootMicros(); }
  void Watch(int fd, uint32_t events);
  void Run();
  int NextTimeoutMs();
  void RunTimers();
  void After(int64_t us, std::function<void()> run);
  void RunPosted();
  void Accept();
  void Read(Connection& c);
  void Frames(Connection& c, int64_t t_ns);
  void OnFrame(Connection& c, std::string_view frame, int64_t t_ns);
  void OnBind(Connection& c, const Pdu& pdu);
  void OnSubmit(Connection& c, const Pdu& pdu, int64_t t_ns);
  uint32_t StatusFor(const Connection& c, const Pdu& pdu, const Fate& fate);
  void PlanReceipts(Connection& c, const Pdu& pdu, const Fate& fate, const std::string& id);
  void PlanReply(const Connection& c, const Pdu& pdu, const Fate& fate);
  void OnDeliverAnswer(Connection& c, const Pdu& pdu);
  void Send(Connection& c, const Pdu& pdu);
  void Answer(Connection& c, const Pdu& request, uint32_t status, const std::string& text = "");
  void Offer(const DeliveryPtr& delivery);
  void DeliverWaiting(const std::string& account);
  void Deliver(int fd, Connection& c, const DeliveryPtr& delivery);
  void FlushAll();
  void Close(int fd, const char* event);

  const SmscOptions options_;
  base::Clock& clock_ = base::Clock::System();
  const std::unique_ptr<Journal> journal_;
  const int listener_, port_, epoll_, wake_;
  const std::string id_prefix_;
  std::thread thread_;
  bool stopping_ = false, deaf_ = false;

  base::Mutex mutex_;
  std::vector<std::function<void()>> posted_ ABSL_GUARDED_BY(mutex_);

  std::map<int, std::unique_ptr<Connection>> connections_;
  std::vector<int> dirty_;
  std::unordered_map<std::string, std::deque<DeliveryPtr>> waiting_;  // by account
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  uint64_t timer_order_ = 0, next_id_ = 0;
  std::unordered_set<std::string> replied_, throttled_;
  int64_t throttle_second_ = 0;
  int throttle_count_ = 0;
  std::string buffer_ = std::string(kReadBytes, '\0');
};

void Smsc::Impl::Watch(int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) != 0) epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
}

void Smsc::Impl::Do(std::function<void()> change) {
  std::promise<void> done;
  {
    base::MutexLock lock(mutex_);
    posted_.push_back([&] {
      change();
      done.set_value();
    });
  }
  uint64_t one = 1;
  [[maybe_unused]] auto n = write(wake_, &one, sizeof one);
  done.get_future().wait();
}

void Smsc::Impl::RunPosted() {
  uint64_t count;
  [[maybe_unused]] auto n = read(wake_, &count, sizeof count);
  std::vector<std::function<void()>> posted;
  {
    base::MutexLock lock(mutex_);
    posted.swap(posted_);
  }
  for (auto& change : posted) change();
}

void Smsc::Impl::Run() {
  epoll_event events[kMaxEvents];
  while (!stopping_) {
    int count = epoll_wait(epoll_, events, kMaxEvents, NextTimeoutMs());
    for (int i = 0; i < count; ++i) {
      int fd = events[i].data.fd;
      if (fd == listener_) Accept();
      if (fd == wake_) RunPosted();
      auto it = connections_.find(fd);
      if (it == connections_.end()) continue;
      if (events[i].events & EPOLLOUT && !it->second->dirty) {
        it->second->dirty = true;
        dirty_.push_back(fd);
      }
      if (!deaf_ && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) Read(*it->second);
    }
    RunTimers();
    FlushAll();
  }
  while (!connections_.empty()) Close(connections_.begin()->first, "disconnect");
  journal_->Flush();
}

int Smsc::Impl::NextTimeoutMs() {
  if (timers_.empty()) return -1;
  int64_t left = timers_.top().when_us - Now();
  return left <= 0 ? 0 : static_cast<int>(std::min<int64_t>(left / 1000 + 1, 60'000));
}

void Smsc::Impl::RunTimers() {
  int64_t now = Now();
  while (!timers_.empty() && timers_.top().when_us <= now) {
    auto run = timers_.top().run;
    timers_.pop();
    run();
  }
}

void Smsc::Impl::After(int64_t us, std::function<void()> run) {
  timers_.push({Now() + us, ++timer_order_, std::move(run)});
}

// ---- connections

void Smsc::Impl::Accept() {
  int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  auto connection = std::make_unique<Connection>();
  connection->fd = fd;
  connections_[fd] = std::move(connection);
  Watch(fd, deaf_ ? 0u : unsigned{EPOLLIN});
}

// The stamp is that of the last octet of this read: for a frame that ended earlier in it, it is late by no
// more than the time between the two, never early.
void Smsc::Impl::Read(Connection& c) {
  iovec space{buffer_.data(), buffer_.size()};
  alignas(cmsghdr) char control[256];
  msghdr message{};
  message.msg_iov = &space;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got = recvmsg(c.fd, &message, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return Close(c.fd, "disconnect");
  int64_t t_ns = 0;
  for (auto* m = CMSG_FIRSTHDR(&message); m; m = CMSG_NXTHDR(&message, m))
    if (m->cmsg_level == SOL_SOCKET && m->cmsg_type == SCM_TIMESTAMPNS) {
      timespec stamp;
      memcpy(&stamp, CMSG_DATA(m), sizeof stamp);
      t_ns = int64_t{stamp.tv_sec} * 1'000'000'000 + stamp.tv_nsec;
    }
  if (t_ns == 0) t_ns = clock_.WallNanos();  // came before the socket was told to stamp
  c.in.append(buffer_.data(), static_cast<size_t>(got));
  Frames(c, t_ns);
}

void Smsc::Impl::Frames(Connection& c, int64_t t_ns) {
  size_t at = 0, length = 0;
  int fd = c.fd;
  for (;;) {
    std::string_view rest = std::string_view(c.in).substr(at);
    auto framing = smpp::NextFrame(rest, length);
    if (framing == smpp::Framing::kBroken) return Close(fd, "disconnect");
    if (framing == smpp::Framing::kNeedMore) break;
    OnFrame(c, rest.substr(0, length), t_ns);
    at += length;
  }
  c.in.erase(0, at);
}

void Smsc::Impl::Send(Connection& c, const Pdu& pdu) {
  c.out += smpp::Encode(pdu);
  if (!c.dirty) dirty_.push_back(c.fd);
  c.dirty = true;
}

void Smsc::Impl::Answer(Connection& c, const Pdu& request, uint32_t status, const std::string& text) {
  Pdu answer;
  answer.command = smpp::ResponseTo(request.command);
  answer.status = status;
  answer.sequence = request.sequence;
  answer.message_id = answer.system_id = text;
  Send(c, answer);
}

// The journal first: no answer leaves before the submission that it answers is on record.
void Smsc::Impl::FlushAll() {
  journal_->Flush();
  if (options_.inbox != nullptr) options_.inbox->Flush();
  std::vector<int> dirty;
  dirty.swap(dirty_);
  for (int fd : dirty) {
    auto it = connections_.find(fd);
    if (it == connections_.end()) continue;
    Connection& c = *it->second;
    c.dirty = false;
    ssize_t put = c.out.empty() ? 0 : send(fd, c.out.data(), c.out.size(), MSG_NOSIGNAL);
    if (put > 0) c.out.erase(0, static_cast<size_t>(put));
    bool lost = (put < 0 && errno != EAGAIN) || c.out.size() > kMaxQueuedOut;
    if (lost) {
      Close(fd, "disconnect");
    } else if (c.out.empty() == c.wants_write) {
      c.wants_write = !c.out.empty();
      Watch(fd, (deaf_ ? 0u : unsigned{EPOLLIN}) | (c.wants_write ? unsigned{EPOLLOUT} : 0u));
    }
  }
}

void Smsc::Impl::Close(int fd, const char* event) {
  auto it = connections_.find(fd);
  if (it == connections_.end()) return;
  auto connection = std::move(it->second);
  connections_.erase(it);
  linger drop{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &drop, sizeof drop);
  close(fd);
  if (connection->account.empty()) return;
  journal_->Link(event, clock_.WallNanos(), connection->account);
  // What it had not acknowledged goes to the next link, in the order in which it was sent.
  std::map<uint32_t, DeliveryPtr> again(connection->unanswered.begin(), connection->unanswered.end());
  auto& waiting = waiting_[connection->account];
  for (auto next = again.rbegin(); next != again.rend(); ++next)
    if (!next->second->done) waiting.push_front(next->second);
  DeliverWaiting(connection->account);
}

void Smsc::Impl::CutLinks() {
  while (!connections_.empty()) Close(connections_.begin()->first, "disconnect");
}

void Smsc::Impl::SetDeaf(bool deaf) {
  deaf_ = deaf;
  for (auto& [fd, c] : connections_)
    Watch(fd, (deaf_ ? 0u : unsigned{EPOLLIN}) | (c->wants_write ? unsigned{EPOLLOUT} : 0u));
}

// ---- PDUs

void Smsc::Impl::OnFrame(Connection& c, std::string_view frame, int64_t t_ns) {
  auto decoded = smpp::Decode(frame);
  Pdu pdu;
  if (!decoded.ok()) {
    auto header = smpp::DecodeHeader(frame);
    pdu.command = header.command;
    pdu.sequence = header.sequence;
    if (!(header.command & smpp::kResponse)) Answer(c, pdu, smpp::kInvalidCommandLength);
    return;
  }
  pdu = *std::move(decoded);
  switch (pdu.command) {
    case smpp::kBindTransceiver:
    case smpp::kBindTransmitter:
    case smpp::kBindReceiver:
      return OnBind(c, pdu);
    case smpp::kSubmitSm:
      return OnSubmit(c, pdu, t_ns);
    case smpp::kEnquireLink:
      return Answer(c, pdu, smpp::kOk);
    case smpp::ResponseTo(smpp::kDeliverSm):
      return OnDeliverAnswer(c, pdu);
    case smpp::kUnbind:
      journal_->Link("unbind", clock_.WallNanos(), c.account);
      c.submits = c.delivers = false;
      return Answer(c, pdu, smpp::kOk);
    default:
      if (pdu.command & smpp::kResponse) return;
      Pdu nack;
      nack.command = smpp::kGenericNack;
      nack.status = smpp::kInvalidCommandId;
      nack.sequence = pdu.sequence;
      Send(c, nack);
  }
}

void Smsc::Impl::OnBind(Connection& c, const Pdu& pdu) {
  if (!c.account.empty()) return Answer(c, pdu, smpp::kAlreadyBound);
  if (pdu.system_id.empty()) return Answer(c, pdu, smpp::kInvalidSystemId);
  if (!options_.password.empty() && pdu.password != options_.password)
    return Answer(c, pdu, smpp::kInvalidPassword);
  c.account = pdu.system_id;
  c.submits = pdu.command != smpp::kBindReceiver;
  c.delivers = pdu.command != smpp::kBindTransmitter;
  ++binds_;
  journal_->Link("bind", clock_.WallNanos(), c.account);
  Answer(c, pdu, smpp::kOk, "pharos-sandbox");
  DeliverWaiting(c.account);
}

uint32_t Smsc::Impl::StatusFor(const Connection& c, const Pdu& pdu, const Fate& fate) {
  if (!c.submits) return smpp::kInvalidBindStatus;
  if (fate.status != smpp::kOk) return fate.status;
  if (fate.throttled_first && throttled_.insert(pdu.destination.digits).second) return smpp::kThrottled;
  int64_t second = Now() / 1'000'000;
  if (second != throttle_second_) throttle_count_ = 0;
  throttle_second_ = second;
  bool over = options_.throttle_per_second > 0 && ++throttle_count_ > options_.throttle_per_second;
  return over ? smpp::kThrottled : smpp::kOk;
}

void Smsc::Impl::OnSubmit(Connection& c, const Pdu& pdu, int64_t t_ns) {
  Fate fate = FateOf(pdu.destination.digits, options_.rules);
  uint32_t status = StatusFor(c, pdu, fate);
  std::string id = status == smpp::kOk ? fmt::format("{}{:08x}", id_prefix_, next_id_++) : "";
  std::string_view octets = pdu.Text();
  auto parts = smpp::TakeHeader(pdu.esm_class, octets);
  std::string text = Decoded(pdu, octets);
  SubmitEntry entry{t_ns, pdu.destination.digits, pdu.source.digits, text, id, status};
  if (parts) {
    entry.part = parts->part;
    entry.parts = parts->total;
    entry.ref = parts->reference;
  }
  if (auto* umr = pdu.Find(smpp::kUserMessageReference); umr && umr->value.size() == 2)
    entry.umr = uint8_t(umr->value[0]) << 8 | uint8_t(umr->value[1]);
  journal_->Submit(entry);
  ++submits_;
  if (status == smpp::kOk) {
    ++accepted_;
    PlanReceipts(c, pdu, fate, id);
    if (entry.part == entry.parts) PlanReply(c, pdu, fate);
    if (options_.inbox != nullptr && fate.state == MessageState::kDelivered)
      options_.inbox->AddSms({t_ns, entry.dest, entry.source, text, entry.part, entry.parts, entry.ref});
  }
  if (!hold_) Answer(c, pdu, status, id);
}

void Smsc::Impl::PlanReceipts(Connection& c, const Pdu& pdu, const Fate& fate, const std::string& id) {
  bool wanted = (pdu.registered_delivery & 3) == 1 ||
                ((pdu.registered_delivery & 3) == 2 && fate.state != MessageState::kDelivered);
  if (!wanted || fate.receipts == 0) return;
  auto delivery = std::make_shared<Delivery>();
  delivery->account = c.account;
  delivery->id = id;
  delivery->state = std::string(WordOf(fate.state));
  Pdu& receipt = delivery->pdu;
  receipt.command = smpp::kDeliverSm;
  receipt.source = pdu.destination;
  receipt.destination = pdu.source;
  receipt.esm_class = 0x04;
  bool delivered = fate.state == MessageState::kDelivered;
  std::string date = DateNow(clock_.WallMicros());
  receipt.short_message =
      fmt::format("id:{} sub:001 dlvrd:{} submit date:{} done date:{} stat:{} err:{} text:", id,
                  delivered ? "001" : "000", date, date, delivery->state, delivered ? "000" : "001");
  receipt.tlvs.push_back({smpp::kReceiptedMessageId, id + '\0'});
  receipt.tlvs.push_back({smpp::kMessageState, std::string(1, static_cast<char>(fate.state))});
  if (auto* umr = pdu.Find(smpp::kUserMessageReference)) receipt.tlvs.push_back(*umr);
  if (fate.receipt_first) return Offer(delivery);
  for (int i = 0; i < fate.receipts; ++i) {
    auto copy = i == 0 ? delivery : std::make_shared<Delivery>(*delivery);
    After(fate.receipt_after_us, [this, copy] { Offer(copy); });
  }
}

void Smsc::Impl::PlanReply(const Connection& c, const Pdu& pdu, const Fate& fate) {
  if (fate.stop_after_us < 0 || !replied_.insert(pdu.destination.digits).second) return;
  auto delivery = std::make_shared<Delivery>();
  delivery->account = c.account;
  delivery->reply = true;
  delivery->text = "STOP";
  delivery->pdu.command = smpp::kDeliverSm;
  delivery->pdu.source = pdu.destination;
  delivery->pdu.destination = pdu.source;
  delivery->pdu.short_message = delivery->text;
  delivery->pdu.tlvs.push_back({kReplyIdTlv, fmt::format("{}r{:08x}", id_prefix_, next_id_++)});
  After(fate.stop_after_us, [this, delivery] { Offer(delivery); });
}

// ---- deliveries

void Smsc::Impl::Offer(const DeliveryPtr& delivery) {
  if (delivery->done) return;
  waiting_[delivery->account].push_back(delivery);
  DeliverWaiting(delivery->account);
}

void Smsc::Impl::DeliverWaiting(const std::string& account) {
  auto& waiting = waiting_[account];
  for (auto& [fd, connection] : connections_) {
    if (!connection->delivers || connection->account != account) continue;
    while (!waiting.empty() &&
           connection->unanswered.size() < static_cast<size_t>(options_.delivery_window)) {
      auto delivery = std::move(waiting.front());
      waiting.pop_front();
      if (!delivery->done) Deliver(fd, *connection, delivery);
    }
  }
}

void Smsc::Impl::Deliver(int fd, Connection& c, const DeliveryPtr& delivery) {
  c.sequence = c.sequence >= smpp::kMaxSequence ? 1 : c.sequence + 1;
  delivery->pdu.sequence = c.sequence;
  c.unanswered[c.sequence] = delivery;
  Send(c, delivery->pdu);
  ++delivery->sent;
  int64_t t_ns = clock_.WallNanos();
  if (delivery->reply) {
    ++replies_sent_;
    journal_->Reply("reply", t_ns, delivery->pdu.source.digits, delivery->pdu.destination.digits,
                    delivery->text, delivery->sent);
  } else {
    ++receipts_sent_;
    journal_->Receipt(t_ns, delivery->id, delivery->state);
  }
  After(options_.repeat_us, [this, fd, sequence = c.sequence, delivery] {
    auto it = connections_.find(fd);
    if (delivery->done || it == connections_.end()) return;
    auto waiting = it->second->unanswered.find(sequence);
    if (waiting == it->second->unanswered.end() || waiting->second != delivery) return;
    it->second->unanswered.erase(waiting);
    Deliver(fd, *it->second, delivery);
  });
}

void Smsc::Impl::OnDeliverAnswer(Connection& c, const Pdu& pdu) {
  auto it = c.unanswered.find(pdu.sequence);
  if (it == c.unanswered.end()) return;
  auto delivery = it->second;
  c.unanswered.erase(it);
  if (pdu.status != smpp::kOk) {
    After(kRefusedAgainUs, [this, delivery] { Offer(delivery); });
  } else if (!delivery->done) {
    delivery->done = true;
    ++(delivery->reply ? replies_acked_ : receipts_acked_);
    if (delivery->reply)
      journal_->Reply("reply_acked", clock_.WallNanos(), delivery->pdu.source.digits,
                      delivery->pdu.destination.digits, delivery->text, delivery->sent);
  }
  DeliverWaiting(c.account);
}

// ---- outside

absl::StatusOr<std::unique_ptr<Smsc>> Smsc::Start(SmscOptions options) {
  PHAROS_ASSIGN_OR_RETURN(auto journal, Journal::Open(options.journal));
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(options.port));
  bool ok = inet_pton(AF_INET, options.address.c_str(), &address.sin_addr) == 1 &&
            bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
            listen(listener, 64) == 0;
  if (!ok) {
    auto why = fmt::format("cannot listen on {}:{}: {}; choose another --listen", options.address,
                           options.port, strerror(errno));
    close(listener);
    return base::MakeError(absl::StatusCode::kUnavailable, "PORT_IN_USE", why);
  }
  socklen_t size = sizeof address;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  int port = ntohs(address.sin_port);
  return std::unique_ptr<Smsc>(
      new Smsc(std::make_unique<Impl>(std::move(options), std::move(journal), listener, port)));
}

Smsc::Smsc(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Smsc::~Smsc() = default;

int Smsc::port() const {
  return impl_->port();
}

SmscCounts Smsc::counts() const {
  return {impl_->submits_,      impl_->accepted_,      impl_->receipts_sent_, impl_->receipts_acked_,
          impl_->replies_sent_, impl_->replies_acked_, impl_->binds_};
}

void Smsc::HoldAnswers(bool hold) {
  impl_->Do([&] { impl_->hold_ = hold; });
}

void Smsc::StopReading(bool stop) {
  impl_->Do([&] { impl_->SetDeaf(stop); });
}

void Smsc::CutLinks() {
  impl_->Do([&] { impl_->CutLinks(); });
}

}  // namespace pharos::sandbox
