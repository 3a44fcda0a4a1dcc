#include "connectors/sandbox/one_click.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

namespace pharos::sandbox {
namespace {

constexpr size_t kMaxWaiting = 100'000;  // about 30 MB
constexpr int kMostTries = 3;
constexpr time_t kPatienceS = 5;
constexpr int64_t kPauseUs = 200'000;

using Context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
using Stream = std::unique_ptr<SSL, decltype(&SSL_free)>;

int Connect(const ClickTarget& target) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  timeval patience{kPatienceS, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(target.port));
  const bool number = inet_pton(AF_INET, target.host.c_str(), &address.sin_addr) == 1;
  if (!number) address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

// The answer's status; 0 = none came. The certificate is not looked at: the host is this machine.
int Exchange(SSL_CTX* context, int fd, const ClickTarget& target) {
  constexpr std::string_view kBody = "List-Unsubscribe=One-Click";  // RFC 8058, 3.1
  Stream stream(SSL_new(context), SSL_free);
  SSL_set_fd(stream.get(), fd);
  SSL_set_tlsext_host_name(stream.get(), target.host.c_str());
  if (SSL_connect(stream.get()) != 1) return 0;
  const std::string request = fmt::format(
      "POST {} HTTP/1.1\r\nHost: {}:{}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
      "Content-Length: {}\r\nConnection: close\r\n\r\n{}",
      target.path, target.host, target.port, kBody.size(), kBody);
  if (SSL_write(stream.get(), request.data(), static_cast<int>(request.size())) <= 0) return 0;
  char answer[64] = {};  // "HTTP/1.1 200"
  int size = 0, got = 0;
  while (size < 12 && (got = SSL_read(stream.get(), answer + size, int(sizeof answer) - 1 - size)) > 0)
    size += got;
  return size >= 12 ? std::atoi(answer + 9) : 0;
}

}  // namespace

bool ReadClickUrl(const std::string& url, ClickTarget& target) {
  constexpr std::string_view kScheme = "https://";
  if (url.compare(0, kScheme.size(), kScheme) != 0 || url.find_first_of(" \r\n") != std::string::npos)
    return false;
  const size_t slash = url.find_first_of("/?#", kScheme.size());
  const std::string authority =
      url.substr(kScheme.size(), slash == std::string::npos ? slash : slash - kScheme.size());
  const size_t colon = authority.find(':');
  target.host = authority.substr(0, colon);
  target.port = colon == std::string::npos ? 443 : std::atoi(authority.c_str() + colon + 1);
  target.path = slash == std::string::npos ? "/"
                : url[slash] == '/'        ? url.substr(slash)
                                           : "/" + url.substr(slash);
  in_addr number;
  const bool numeric = inet_pton(AF_INET, target.host.c_str(), &number) == 1;
  const std::string suffix = ".localhost";
  const bool named =
      target.host == "localhost" || (target.host.size() > suffix.size() && target.host.ends_with(suffix));
  const bool loopback = numeric ? ntohl(number.s_addr) >> 24 == 127 : named;
  return loopback && target.port > 0 && target.port < 65'536;
}

OneClick::OneClick() : thread_([this] { Run(); }) {}

OneClick::~OneClick() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

bool OneClick::Post(const std::string& url, std::function<void(bool, int)> done) {
  Click click;
  if (!ReadClickUrl(url, click.target)) return false;
  click.done = std::move(done);
  base::MutexLock lock(mutex_);
  if (waiting_.size() >= kMaxWaiting) return false;
  waiting_.push_back(std::move(click));
  changed_.NotifyAll();
  return true;
}

bool OneClick::Stopping() {
  base::MutexLock lock(mutex_);
  return stopping_;
}

void OneClick::Run() {
  Context context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  for (;;) {
    Click click;
    {
      base::MutexLock lock(mutex_);
      while (waiting_.empty() && !stopping_) changed_.Wait(lock);
      if (stopping_) return;
      click = std::move(waiting_.front());
      waiting_.pop_front();
    }
    int status = 0, tries = 0;
    while (status < 200 && tries < kMostTries && !Stopping()) {
      if (tries++ > 0) usleep(kPauseUs);
      int fd = Connect(click.target);
      if (fd < 0) continue;
      status = Exchange(context.get(), fd, click.target);
      close(fd);
    }
    click.done(status >= 200 && status < 300, tries);
  }
}

}  // namespace pharos::sandbox
