#include "connectors/sandbox/mail_out.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace pharos::sandbox {
namespace {

constexpr size_t kMaxLines = 4;             // connections at a time
constexpr size_t kMaxWaiting = 100'000;     // about 200 MB
constexpr int64_t kFirstPauseUs = 100'000;  // after a failure; doubles
constexpr int64_t kLongestPauseUs = 5'000'000;
constexpr int64_t kAnswerUs = 15'000'000;  // a listener that says nothing for so long is gone
constexpr size_t kMaxAnswerBytes = 64 * 1024;

int64_t PauseAfter(int refusals) {
  return std::min(kLongestPauseUs, kFirstPauseUs << std::min(refusals, 6));
}

bool IsAscii(const std::string& text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; });
}

// Dot-stuffed, with the final dot.
std::string Stuffed(const std::string& message) {
  std::string out;
  for (size_t at = 0; at < message.size();) {
    size_t end = message.find("\r\n", at);
    if (end == std::string::npos) end = message.size();
    if (message[at] == '.') out += '.';
    out.append(message, at, end - at);
    out += "\r\n";
    at = end + 2;
  }
  return out + ".\r\n";
}

}  // namespace

MailOut::MailOut(Loop& loop, std::string host, int port)
    : loop_(loop),
      host_(host == "localhost" ? "127.0.0.1" : std::move(host)),
      port_(port),
      pause_us_(kFirstPauseUs),
      buffer_(16 * 1024, '\0') {}

MailOut::~MailOut() {
  for (auto& [fd, line] : lines_) close(fd);
}

bool MailOut::Send(OutgoingMail mail) {
  if (waiting_.size() + held_ >= kMaxWaiting) return false;
  waiting_.push_back(std::make_shared<OutgoingMail>(std::move(mail)));
  Pump();
  return true;
}

void MailOut::Pump() {
  if (!pausing_ && lines_.size() < kMaxLines && lines_.size() < waiting_.size()) Open();
}

void MailOut::Open() {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port_));
  inet_pton(AF_INET, host_.c_str(), &address.sin_addr);
  lines_[fd] = std::make_unique<Line>();
  loop_.Watch(fd, EPOLLIN, [this, fd](uint32_t events) { OnEvent(fd, events); });
  int failed = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  if (failed != 0 && errno != EINPROGRESS) return Drop(fd, true);
  Say(fd, *lines_[fd], Step::kGreeting, "");
}

// Waits for the answer to `text` in step `next`.
void MailOut::Say(int fd, Line& line, Step next, const std::string& text) {
  line.out += text;
  line.step = next;
  uint64_t turn = ++line.turn;
  loop_.After(kAnswerUs, [this, fd, turn] {
    auto it = lines_.find(fd);
    if (it != lines_.end() && it->second->turn == turn) Drop(fd, true);
  });
}

void MailOut::OnEvent(int fd, uint32_t events) {
  Line& line = *lines_[fd];
  if (events & EPOLLOUT) WriteOut(fd, line);
  if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
  ssize_t got = recv(fd, buffer_.data(), buffer_.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0 || line.in.size() > kMaxAnswerBytes) return Drop(fd, line.step != Step::kQuit);
  line.in.append(buffer_.data(), static_cast<size_t>(got));
  for (size_t end; (end = line.in.find('\n')) != std::string::npos;) {
    std::string answer = line.in.substr(0, end);
    line.in.erase(0, end + 1);
    if (answer.size() > 3 && answer[3] == '-') continue;  // more lines follow
    OnAnswer(fd, line, std::atoi(answer.c_str()));
    if (lines_.count(fd) == 0) return;
  }
}

void MailOut::OnAnswer(int fd, Line& line, int code) {
  const bool good = code >= 200 && code < 400;
  switch (line.step) {
    case Step::kGreeting:
      return good ? Say(fd, line, Step::kHello, "EHLO localhost\r\n") : Drop(fd, true);
    case Step::kHello:
      return good ? NextMail(fd, line) : Drop(fd, true);
    case Step::kMail:
      if (!good) return Refused(fd, line);
      return Say(fd, line, Step::kRcpt, fmt::format("RCPT TO:<{}>\r\n", line.mail->to));
    case Step::kRcpt:
      return good ? Say(fd, line, Step::kData, "DATA\r\n") : Refused(fd, line);
    case Step::kData:
      if (code != 354) return Refused(fd, line);
      line.mail->on_sending(++line.mail->tries);
      return Say(fd, line, Step::kBody, Stuffed(line.mail->message));
    case Step::kBody: {
      if (!good) return Refused(fd, line);
      pause_us_ = kFirstPauseUs;
      auto mail = std::move(line.mail);
      mail->on_accepted(mail->tries);
      return NextMail(fd, line);
    }
    case Step::kQuit:
      return Drop(fd, false);
  }
}

void MailOut::NextMail(int fd, Line& line) {
  if (waiting_.empty()) return Say(fd, line, Step::kQuit, "QUIT\r\n");
  line.mail = std::move(waiting_.front());
  waiting_.pop_front();
  const std::string& from = line.mail->from;
  Say(fd, line, Step::kMail, fmt::format("MAIL FROM:<{}>{}\r\n", from, IsAscii(from) ? "" : " SMTPUTF8"));
  Pump();
}

// This mail later, the others go on; on a new line, which needs no RSET.
void MailOut::Refused(int fd, Line& line) {
  auto mail = std::move(line.mail);
  line.mail = nullptr;
  ++held_;
  loop_.After(PauseAfter(mail->refusals++), [this, mail] {
    --held_;
    waiting_.push_back(mail);
    Pump();
  });
  Say(fd, line, Step::kQuit, "QUIT\r\n");
}

void MailOut::Drop(int fd, bool failed) {
  auto line = std::move(lines_[fd]);
  lines_.erase(fd);
  loop_.Forget(fd);
  close(fd);
  if (line->mail != nullptr) waiting_.push_front(std::move(line->mail));
  if (!failed) return Pump();
  if (pausing_) return;
  pausing_ = true;
  loop_.After(pause_us_, [this] {
    pausing_ = false;
    Pump();
  });
  pause_us_ = std::min(pause_us_ * 2, kLongestPauseUs);
}

void MailOut::WriteOut(int fd, Line& line) {
  while (!line.out.empty()) {
    ssize_t put = send(fd, line.out.data(), line.out.size(), MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) break;  // not now; a broken line is seen when it is read
    line.out.erase(0, static_cast<size_t>(put));
  }
  loop_.Rewatch(fd, line.out.empty() ? unsigned{EPOLLIN} : unsigned{EPOLLIN} | unsigned{EPOLLOUT});
}

void MailOut::Flush() {
  for (auto& [fd, line] : lines_)
    if (!line->out.empty()) WriteOut(fd, *line);
}

}  // namespace pharos::sandbox
