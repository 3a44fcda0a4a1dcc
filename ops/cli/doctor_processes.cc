// The checks of processes: who listens, who holds a store.
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "fmt/format.h"
#include "ops/cli/doctor.h"
#include "services/base/text.h"

namespace pharos::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kListening = "0A";  // state of a socket in /proc/net/tcp

std::string Slurp(const std::string& file) {
  std::stringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

std::vector<std::string> Words(const std::string& line) {
  std::vector<std::string> words;
  for (const std::string& word : base::Split(line, ' '))
    if (!word.empty()) words.push_back(word);
  return words;
}

// Only of processes of this user: others' are not to be seen.
int64_t OwnerOfSocket(uint64_t inode) {
  const std::string wanted = fmt::format("socket:[{}]", inode);
  std::error_code error;
  for (const auto& process : fs::directory_iterator("/proc", error)) {
    const int64_t pid = std::strtoll(process.path().filename().c_str(), nullptr, 10);
    if (pid <= 0) continue;
    std::error_code inner;
    for (fs::directory_iterator file(process.path() / "fd", inner), end; !inner && file != end;
         file.increment(inner)) {
      std::error_code unreadable;
      if (fs::read_symlink(file->path(), unreadable) == wanted) return pid;
    }
  }
  return 0;
}

std::string PortOf(const std::string& address) {
  return address.substr(address.rfind(':') + 1);
}

}  // namespace

uint64_t ListeningInode(std::string_view proc_net_tcp, int port) {
  const std::string wanted = fmt::format(":{:04X}", port);
  for (const std::string& line : base::Split(proc_net_tcp, '\n')) {
    auto words = Words(line);
    if (words.size() < 10 || words[3] != kListening || words[1].size() < wanted.size()) continue;
    if (words[1].compare(words[1].size() - wanted.size(), wanted.size(), wanted) == 0)
      return std::strtoull(words[9].c_str(), nullptr, 10);
  }
  return 0;
}

bool SomebodyAccepts(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) return false;
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  if (getaddrinfo(address.substr(0, colon).c_str(), PortOf(address).c_str(), &hints, &found) != 0)
    return false;
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{2, 0};
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);  // Linux: of connect, too
  const bool accepted = connect(fd, found->ai_addr, found->ai_addrlen) == 0;
  close(fd);
  freeaddrinfo(found);
  return accepted;
}

int64_t ListenerOf(int port) {
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"})
    if (uint64_t inode = ListeningInode(Slurp(table), port); inode != 0) return OwnerOfSocket(inode);
  return 0;
}

// "1: FLOCK  ADVISORY  WRITE 1234 08:01:56789 0 EOF"
int64_t LockHolder(std::string_view proc_locks, uint64_t inode) {
  const std::string wanted = fmt::format(":{}", inode);
  for (const std::string& line : base::Split(proc_locks, '\n')) {
    auto words = Words(line);
    if (words.size() < 6 || words[1] != "FLOCK" || words[5].size() < wanted.size()) continue;
    if (words[5].compare(words[5].size() - wanted.size(), wanted.size(), wanted) == 0)
      return std::strtoll(words[4].c_str(), nullptr, 10);
  }
  return 0;
}

// Looked up, not tried: taking the lock, even for a moment, could stop a store from opening.
int64_t StoreHolder(const std::string& store_folder) {
  struct stat info {};
  if (stat((store_folder + "/pharos.pid").c_str(), &info) != 0) return 0;
  return LockHolder(Slurp("/proc/locks"), info.st_ino);
}

Finding CheckAddress(const std::string& services, const std::string& address, Answer answer, int64_t listener,
                     const std::string& config_file) {
  const std::string who = listener > 0 ? fmt::format("process {}", listener) : std::string("another program");
  switch (answer) {
    case Answer::kServing:
      return Fine(services, fmt::format("serving at {}", address));
    case Answer::kNotServing:
      return Problem(
          services,
          fmt::format("{} answers at {} but is not serving: it is starting or draining", who, address),
          listener > 0 ? fmt::format("ps -fp {}", listener) : std::string("sleep 10; pharos doctor"));
    case Answer::kSomethingElse:
      return Problem(
          services,
          fmt::format(
              "{} listens at {}, but does not answer as Pharos does: another program, or one that hangs", who,
              address),
          listener > 0 ? fmt::format("ps -fp {}", listener)
                       : fmt::format("ss -ltnp 'sport = :{}'", PortOf(address)));
    case Answer::kNobody:
      break;
  }
  return Problem(services, fmt::format("nobody listens at {}", address),
                 config_file.empty() ? fmt::format("pharosd --listen={} --data=FOLDER --tokens=FILE", address)
                                     : fmt::format("pharosd --config={}", config_file));
}

std::vector<Finding> CheckStores(const std::string& folder, const std::vector<std::string>& silent_services) {
  std::vector<Finding> findings;
  for (std::string_view name : config::kServices) {
    const std::string service(name), store = fmt::format("{}/{}", folder, service);
    const int64_t holder = StoreHolder(store);
    if (holder == 0) continue;
    bool silent = false;
    for (const std::string& other : silent_services) silent |= other == service;
    findings.push_back(
        silent ? Problem("store of " + service,
                         fmt::format("{} is in use by process {}, but {} does not answer where it should",
                                     store, holder, service),
                         fmt::format("ps -fp {}", holder))
               : Fine("store of " + service, fmt::format("in use by process {}, which serves", holder)));
  }
  return findings;
}

}  // namespace pharos::cli
