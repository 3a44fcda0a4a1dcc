#include "connectors/smpp/link.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/sockios.h>
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

constexpr size_t kReadBytes = 64 * 1024;

absl::Status Unreachable(const std::string& what) {
  return base::MakeError(absl::StatusCode::kUnavailable, "UNREACHABLE", what);
}

void SetInt(int fd, int level, int option, int value) {
  setsockopt(fd, level, option, &value, sizeof value);
}

bool Later(ssize_t result) {
  return result < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOBUFS);
}

}  // namespace

absl::Status Link::Connect(const NetAddresses& addresses) {
  Reset();
  const auto& [address, loopback] = addresses[next_address_++ % addresses.size()];
  if (!tls() && !loopback && !options_.plaintext_allowed)
    return base::MakeError(
        absl::StatusCode::kFailedPrecondition, "TLS_REQUIRED",
        fmt::format("{} is not this machine and TLS is off, so texts would cross the network in "
                    "clear; set --tls, or --plaintext-allowed where a VPN protects the way",
                    options_.host));
  auto* target = reinterpret_cast<const sockaddr*>(address.data());
  fd_ = socket(target->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ >= 0) {
    linger drop{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &drop, sizeof drop);
    SetInt(fd_, IPPROTO_TCP, TCP_NODELAY, 1);
    if (options_.send_buffer_bytes > 0) SetInt(fd_, SOL_SOCKET, SO_SNDBUF, options_.send_buffer_bytes);
  }
  if (fd_ >= 0 && (connect(fd_, target, static_cast<socklen_t>(address.size())) == 0 || errno == EINPROGRESS))
    return absl::OkStatus();
  int error = errno;
  Reset();
  return Unreachable(fmt::format("cannot connect to {}:{}: {}; check --host, --port and the firewall",
                                 options_.host, options_.port, strerror(error)));
}

absl::Status Link::Connected() {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0)
    return Unreachable(fmt::format("cannot connect to {}:{}: {}; check --host, --port and the firewall",
                                   options_.host, options_.port, strerror(error)));
  if (tls())
    tls_ = std::make_unique<Tls>(options_.tls, options_.tls_name.empty() ? options_.host : options_.tls_name);
  else
    ready_ = true;
  return absl::OkStatus();
}

absl::Status Link::Handshake() {
  if (!tls_ || ready_) return absl::OkStatus();
  char octets[16 * 1024];
  ssize_t got = read(fd_, octets, sizeof octets);
  bool gone = got == 0 || (got < 0 && !Later(got));
  if (got > 0) tls_->Feed({octets, static_cast<size_t>(got)});
  bool going = tls_->Handshake();
  sealed_ += tls_->TakeOutput();
  Flush();
  if (!going)
    return base::MakeError(
        absl::StatusCode::kFailedPrecondition, tls_->bad_certificate() ? "BAD_CERTIFICATE" : "TLS_FAILED",
        tls_->bad_certificate()
            ? fmt::format("the provider at {}: {}; check --ca-file and --tls-name", options_.host,
                          tls_->Error())
            : fmt::format("the provider at {}: {}; does it speak TLS on port {}, and does it ask "
                          "for our certificate?",
                          options_.host, tls_->Error(), options_.port));
  if (gone && !tls_->done())
    return base::MakeError(
        absl::StatusCode::kFailedPrecondition, "TLS_FAILED",
        fmt::format("the provider at {} closed the connection while TLS was being set up; does it "
                    "speak TLS on port {}, and does it ask for our certificate?",
                    options_.host, options_.port));
  ready_ = tls_->done() && sealed_.empty();
  return absl::OkStatus();
}

bool Link::Read(std::string& buffer, size_t most) {
  thread_local std::string chunk(kReadBytes, '\0');
  for (size_t read_so_far = 0; read_so_far < most;) {
    ssize_t got = read(fd_, chunk.data(), chunk.size());
    if (got <= 0) return Later(got);
    read_so_far += static_cast<size_t>(got);
    std::string_view octets(chunk.data(), static_cast<size_t>(got));
    if (!tls_) {
      buffer.append(octets);
    } else {
      tls_->Feed(octets);
      bool goes_on = tls_->Read(buffer);
      sealed_ += tls_->TakeOutput();  // e.g. an answer to a key update
      if (!goes_on) return false;
    }
    if (static_cast<size_t>(got) < chunk.size()) return true;
  }
  return true;
}

ssize_t Link::Send(std::string_view octets) {
  ssize_t put = send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL);
  if (put > 0) written_ += static_cast<uint64_t>(put);
  return Later(put) ? 0 : put;
}

bool Link::Flush() {
  while (!sealed_.empty()) {
    ssize_t put = Send(sealed_);
    if (put < 0) lost_ = true;
    if (put <= 0) return false;
    sealed_.erase(0, static_cast<size_t>(put));
  }
  return true;
}

ssize_t Link::Write(std::string_view octets) {
  if (lost_) return -1;
  if (!tls_) return Send(octets);
  if (!Flush()) return lost_ ? -1 : 0;
  sealed_ = tls_->Seal(octets);
  if (sealed_.empty()) return -1;
  Flush();
  return lost_ ? -1 : static_cast<ssize_t>(octets.size());
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
  ready_ = lost_ = false;
  tls_ = nullptr;
  sealed_.clear();
}

}  // namespace pharos::smpp
