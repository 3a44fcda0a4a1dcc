#include "connectors/sandbox/loop.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <future>

#include "services/base/errors.h"

namespace pharos::sandbox {
namespace {

constexpr int kMaxEvents = 64;
constexpr int64_t kLongestWaitMs = 60'000;

}  // namespace

absl::StatusOr<int> Listen(const std::string& host, int& port, std::string_view flag) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  bool ok = inet_pton(AF_INET, host.c_str(), &address.sin_addr) == 1 &&
            bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 && listen(fd, 128) == 0;
  if (!ok) {
    auto why =
        fmt::format("cannot listen on {}:{}: {}; choose another {}", host, port, strerror(errno), flag);
    close(fd);
    return base::MakeError(absl::StatusCode::kUnavailable, "PORT_IN_USE", why);
  }
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  port = ntohs(address.sin_port);
  return fd;
}

void Stamp(int fd) {
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Received Receive(int fd, std::string& buffer, size_t most) {
  iovec space{buffer.data(), std::min(most, buffer.size())};
  alignas(cmsghdr) char control[256];
  msghdr message{};
  message.msg_iov = &space;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got = recvmsg(fd, &message, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return {};
  if (got <= 0) return {Received::What::kGone, {}, 0};
  int64_t t_ns = 0;
  for (auto* m = CMSG_FIRSTHDR(&message); m; m = CMSG_NXTHDR(&message, m)) {
    if (m->cmsg_level != SOL_SOCKET || m->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec stamp;
    memcpy(&stamp, CMSG_DATA(m), sizeof stamp);
    t_ns = int64_t{stamp.tv_sec} * 1'000'000'000 + stamp.tv_nsec;
  }
  if (t_ns == 0) t_ns = base::Clock::System().WallNanos();  // came before the socket was told to stamp
  return {Received::What::kBytes, std::string_view(buffer.data(), static_cast<size_t>(got)), t_ns};
}

Loop::Loop() : epoll_(epoll_create1(EPOLL_CLOEXEC)), wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  Watch(wake_, EPOLLIN, [this](uint32_t) { RunPosted(); });
}

Loop::~Loop() {
  close(wake_);
  close(epoll_);
}

void Loop::Start(std::function<void()> after_events) {
  after_events_ = std::move(after_events);
  thread_ = std::thread([this] { Run(); });
}

void Loop::Stop(std::function<void()> last) {
  if (!thread_.joinable()) return;
  Do([&] {
    last();
    stopping_ = true;
  });
  thread_.join();
}

void Loop::Do(std::function<void()> change) {
  std::promise<void> done;
  Post([&] {
    change();
    done.set_value();
  });
  done.get_future().wait();
}

void Loop::Post(std::function<void()> change) {
  {
    base::MutexLock lock(mutex_);
    posted_.push_back(std::move(change));
  }
  uint64_t one = 1;
  [[maybe_unused]] auto n = write(wake_, &one, sizeof one);
}

void Loop::RunPosted() {
  uint64_t count;
  [[maybe_unused]] auto n = read(wake_, &count, sizeof count);
  std::vector<std::function<void()>> posted;
  {
    base::MutexLock lock(mutex_);
    posted.swap(posted_);
  }
  for (auto& change : posted) change();
}

void Loop::Watch(int fd, uint32_t events, std::function<void(uint32_t)> on_event) {
  watched_[fd] = std::move(on_event);
  Rewatch(fd, events);
}

void Loop::Rewatch(int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) != 0) epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
}

void Loop::Forget(int fd) {
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  watched_.erase(fd);
}

void Loop::After(int64_t us, std::function<void()> run) {
  const int64_t tick = us <= 0 ? Now() / 1000 : (Now() + us + 999) / 1000;
  timers_[tick].push_back(std::move(run));
}

int Loop::NextTimeoutMs() const {
  if (timers_.empty()) return -1;
  int64_t left = timers_.begin()->first * 1000 - Now();
  return left <= 0 ? 0 : static_cast<int>(std::min<int64_t>((left + 999) / 1000, kLongestWaitMs));
}

// What a timer plans for at once runs in the next round: the sockets come between.
void Loop::RunTimers() {
  const int64_t tick = Now() / 1000;
  std::vector<std::function<void()>> due;
  while (!timers_.empty() && timers_.begin()->first <= tick) {
    for (auto& run : timers_.begin()->second) due.push_back(std::move(run));
    timers_.erase(timers_.begin());
  }
  for (auto& run : due) run();
}

void Loop::WaitOutRound(int64_t began_us) const {
  const int64_t left = began_us + round_us_ - Now();
  if (left > 0) usleep(static_cast<useconds_t>(left));
}

void Loop::Run() {
  epoll_event events[kMaxEvents];
  while (!stopping_) {
    int count = epoll_wait(epoll_, events, kMaxEvents, NextTimeoutMs());
    const int64_t began_us = Now();
    for (int i = 0; i < count; ++i) {
      auto it = watched_.find(events[i].data.fd);
      if (it == watched_.end()) continue;  // forgotten in this round
      auto on_event = it->second;          // it may forget itself
      on_event(events[i].events);
    }
    RunTimers();
    after_events_();
    if (round_us_ > 0 && count > 0) WaitOutRound(began_us);
  }
}

}  // namespace pharos::sandbox
