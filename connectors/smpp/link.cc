#include "connectors/smpp/link.h"

#include <fmt/format.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "services/base/errors.h"

namespace pharos::smpp {
namespace {

constexpr size_t kReadBytes = 16 * 1024;

absl::Status NoRoute(const std::string& what) {
  return base::MakeError(absl::StatusCode::kUnavailable, "NO_ROUTE", what);
}

void SetInt(int fd, int level, int option, int value) {
  setsockopt(fd, level, option, &value, sizeof value);
}

}  // namespace

absl::Status Link::Connect(const std::string& host, int port, int send_buffer_bytes) {
  Reset();
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  if (int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found); error != 0)
    return NoRoute(fmt::format("cannot resolve {}: {}", host, gai_strerror(error)));
  fd_ = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ >= 0) {
    linger drop{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &drop, sizeof drop);
    SetInt(fd_, IPPROTO_TCP, TCP_NODELAY, 1);
    SetInt(fd_, SOL_SOCKET, SO_SNDBUF, send_buffer_bytes);
  }
  bool begun = fd_ >= 0 && (connect(fd_, found->ai_addr, found->ai_addrlen) == 0 || errno == EINPROGRESS);
  int error = errno;
  freeaddrinfo(found);
  if (begun) return absl::OkStatus();
  Reset();
  return NoRoute(fmt::format("cannot connect to {}:{}: {}", host, port, strerror(error)));
}

absl::Status Link::Connected() {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error == 0) return absl::OkStatus();
  return NoRoute(fmt::format("cannot connect: {}", strerror(error)));
}

bool Link::Read(std::string& buffer) {
  size_t had = buffer.size();
  buffer.resize(had + kReadBytes);
  ssize_t got = read(fd_, buffer.data() + had, kReadBytes);
  buffer.resize(had + (got > 0 ? static_cast<size_t>(got) : 0));
  if (got > 0) return true;
  return got < 0 && (errno == EAGAIN || errno == EINTR);
}

ssize_t Link::Write(std::string_view bytes) {
  ssize_t put = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (put > 0) written_ += static_cast<uint64_t>(put);
  if (put < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  return put;
}

uint64_t Link::Acknowledged() const {
  int queued = 0;
  if (fd_ < 0 || ioctl(fd_, SIOCOUTQ, &queued) != 0) return 0;
  uint64_t waiting = static_cast<uint64_t>(queued);
  return waiting > written_ ? 0 : written_ - waiting;
}

void Link::Reset() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
  written_ = 0;
}

}  // namespace pharos::smpp
