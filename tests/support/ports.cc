#include "tests/support/ports.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <random>

namespace pharos::tests {
namespace {

constexpr int kFirstPort = 20'000, kLastPort = 32'000;  // below the range that the kernel gives out by itself

bool CanListen(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  const bool can = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return can;
}

// The lock is left open on purpose: it ends with the process.
bool Reserve(int port) {
  const std::string folder = fmt::format("/tmp/pharos-ports.{}", getuid());
  mkdir(folder.c_str(), 0700);
  const int lock = open(fmt::format("{}/{}", folder, port).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return false;
  if (flock(lock, LOCK_EX | LOCK_NB) == 0 && CanListen(port)) return true;
  close(lock);
  return false;
}

}  // namespace

int FreePort() {
  static std::mt19937 random(std::random_device{}());
  for (;;) {
    const int port = std::uniform_int_distribution<int>(kFirstPort, kLastPort - 1)(random);
    if (Reserve(port)) return port;
  }
}

}  // namespace pharos::tests
