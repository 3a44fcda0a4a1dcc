#include "tests/support/postgres.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace pharos::tests {
namespace {

constexpr const char* kPrograms = "/usr/lib/postgresql/15/bin/";
constexpr auto kStartTime = std::chrono::seconds(30);
constexpr auto kLookTime = std::chrono::milliseconds(20);

// PostgreSQL refuses to run as root: then the user that its package made runs it.
const passwd* OtherUser() {
  return geteuid() == 0 ? getpwnam("postgres") : nullptr;
}

// In the child, before the program begins.
void Become(const passwd* user) {
  if (user != nullptr) {
    if (setgroups(0, nullptr) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0) _exit(126);
  }
  prctl(PR_SET_PDEATHSIG, SIGQUIT);
}

int WaitFor(pid_t pid) {
  int status = 0;
  if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

}  // namespace

bool Postgres::Installed() {
  const bool program = access((std::string(kPrograms) + "postgres").c_str(), X_OK) == 0;
  return program && (geteuid() != 0 || OtherUser() != nullptr);
}

Postgres::Postgres() : folder_("/tmp/pharos-postgres-XXXXXX") {
  if (mkdtemp(folder_.data()) == nullptr) return;
  if (const passwd* user = OtherUser();
      user != nullptr && chown(folder_.c_str(), user->pw_uid, user->pw_gid) != 0)
    return;
  made_ = Run({"initdb", "-D", folder_ + "/data", "-A", "trust", "-U", "pharos", "-E", "UTF8", "--locale=C",
               "--no-sync"}) == 0;
}

Postgres::~Postgres() {
  End(SIGQUIT);
  std::error_code error;
  std::filesystem::remove_all(folder_, error);
}

bool Postgres::Start() {
  if (!made_ || pid_ >= 0) return made_;
  pid_ = Spawn({"postgres", "-D", folder_ + "/data", "-k", folder_, "-c", "listen_addresses="});
  const auto end = std::chrono::steady_clock::now() + kStartTime;
  while (std::chrono::steady_clock::now() < end) {
    if (Run({"pg_isready", "-q", "-h", folder_}) == 0) return true;
    std::this_thread::sleep_for(kLookTime);
  }
  return false;
}

void Postgres::Stop() {
  End(SIGINT);
}

void Postgres::Crash() {
  End(SIGQUIT);
}

std::string Postgres::conninfo() const {
  return "host=" + folder_ + " user=pharos dbname=postgres";
}

std::string Postgres::Log() const {
  std::ostringstream text;
  text << std::ifstream(folder_ + "/log").rdbuf();
  return text.str();
}

pid_t Postgres::Spawn(const std::vector<std::string>& command) const {
  const std::string program = kPrograms + command[0], log = folder_ + "/log";
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const passwd* user = OtherUser();
  const pid_t pid = fork();
  if (pid != 0) return pid;
  Become(user);
  const int fd = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  dup2(fd, STDOUT_FILENO);
  dup2(fd, STDERR_FILENO);
  if (chdir("/") == 0) execv(program.c_str(), arguments.data());
  _exit(127);
}

int Postgres::Run(const std::vector<std::string>& command) const {
  return WaitFor(Spawn(command));
}

void Postgres::End(int signal) {
  if (pid_ < 0) return;
  kill(pid_, signal);
  WaitFor(pid_);
  pid_ = -1;
}

}  // namespace pharos::tests
