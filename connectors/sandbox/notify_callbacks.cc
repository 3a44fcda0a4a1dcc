#include "connectors/sandbox/notify_callbacks.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "connectors/sandbox/notify_http.h"
#include "services/base/errors.h"

namespace pharos::sandbox {
namespace {

constexpr size_t kMaxLines = 16;
constexpr size_t kMaxWaiting = 200'000;  // about 100 MB
constexpr int kMostTries = 6;            // the first and five more
constexpr int64_t kAnswerUs = 5'000'000;

absl::Status WrongUrl() {
  return base::MakeError(
      absl::StatusCode::kInvalidArgument, "FLAG_WRONG",
      "--notify-callback must be http://HOST:PORT/PATH, HOST an IPv4 address or localhost");
}

}  // namespace

absl::StatusOr<CallbackTarget> ReadCallbackUrl(const std::string& url) {
  constexpr size_t kAt = sizeof "http://" - 1;
  if (url.substr(0, kAt) != "http://") return WrongUrl();
  size_t slash = url.find('/', kAt);
  std::string authority = url.substr(kAt, slash == std::string::npos ? slash : slash - kAt);
  size_t colon = authority.find(':');
  CallbackTarget target;
  target.host = authority.substr(0, colon);
  if (target.host == "localhost") target.host = "127.0.0.1";
  target.path = slash == std::string::npos ? "/" : url.substr(slash);
  target.port = 80;
  if (colon != std::string::npos) target.port = std::atoi(authority.c_str() + colon + 1);
  in_addr ignored;
  if (inet_pton(AF_INET, target.host.c_str(), &ignored) != 1 || target.port < 1 || target.port > 65535 ||
      url.find_first_of(" \r\n") != std::string::npos)
    return WrongUrl();
  return target;
}

NotifyCallbacks::~NotifyCallbacks() {
  for (auto& [fd, line] : lines_) close(fd);
}

bool NotifyCallbacks::Send(Callback callback) {
  if (waiting_.size() + held_ >= kMaxWaiting) return false;
  waiting_.push_back(std::make_shared<Callback>(std::move(callback)));
  Pump();
  return true;
}

void NotifyCallbacks::Pump() {
  while (!waiting_.empty() && lines_.size() < kMaxLines) {
    CallbackPtr next = waiting_.front();
    waiting_.pop_front();
    Open(std::move(next));
  }
}

void NotifyCallbacks::Open(CallbackPtr callback) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(target_.port));
  inet_pton(AF_INET, target_.host.c_str(), &address.sin_addr);
  auto line = std::make_unique<Line>();
  line->number = next_number_++;
  line->callback = callback;
  line->out = fmt::format(
      "POST {} HTTP/1.1\r\nHost: {}:{}\r\nContent-Type: application/json\r\nAuthorization: Bearer {}\r\n"
      "Content-Length: {}\r\nConnection: close\r\n\r\n{}",
      target_.path, target_.host, target_.port, target_.token, callback->json.size(), callback->json);
  uint64_t number = line->number;
  lines_[fd] = std::move(line);
  loop_.Watch(fd, EPOLLIN | EPOLLOUT, [this, fd](uint32_t events) { OnEvent(fd, events); });
  loop_.After(kAnswerUs, [this, fd, number] {
    auto it = lines_.find(fd);
    if (it != lines_.end() && it->second->number == number) OnAnswer(fd, 0);
  });
  callback->on_sending(++callback->tries);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS)
    OnAnswer(fd, 0);
}

void NotifyCallbacks::OnEvent(int fd, uint32_t events) {
  auto it = lines_.find(fd);
  if (it == lines_.end()) return;
  Line& line = *it->second;
  if (events & EPOLLOUT && !line.out.empty()) {
    ssize_t put = send(fd, line.out.data(), line.out.size(), MSG_NOSIGNAL);
    if (put > 0) line.out.erase(0, static_cast<size_t>(put));
    if (put < 0 && errno != EAGAIN && errno != EINTR) return OnAnswer(fd, 0);
    if (line.out.empty()) loop_.Rewatch(fd, EPOLLIN);
  }
  if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
  char buffer[4096];
  ssize_t got = recv(fd, buffer, sizeof buffer, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got > 0) line.in.append(buffer, static_cast<size_t>(got));
  int status = AnswerStatus(line.in);
  if (status != 0 || got <= 0) OnAnswer(fd, status);
}

void NotifyCallbacks::OnAnswer(int fd, int status) {
  CallbackPtr callback = lines_[fd]->callback;
  Drop(fd);
  if (status >= 200 && status < 300)
    callback->on_accepted(callback->tries);
  else if (status <= 0 || status == 429 || status >= 500)
    Retry(callback);
  Pump();
}

void NotifyCallbacks::Drop(int fd) {
  lines_.erase(fd);
  loop_.Forget(fd);
  close(fd);
}

void NotifyCallbacks::Retry(CallbackPtr callback) {
  if (callback->tries >= kMostTries) return;
  ++held_;
  loop_.After(target_.retry_us, [this, callback] {
    --held_;
    waiting_.push_back(callback);
    Pump();
  });
}

}  // namespace pharos::sandbox
