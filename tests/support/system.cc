#include "tests/support/system.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "services/base/clock.h"
#include "services/base/ids.h"
#include "tests/support/ports.h"

namespace pharos::tests {
namespace {

constexpr double kStartSeconds = 20;
struct Principal {
  const char* id;
  const char* roles;
};
constexpr Principal kPrincipals[] = {{"operator", "operator"},   {"marketing", "marketing"},
                                     {"approver", "approver"},   {"governance", "governance"},
                                     {"analyst", "analyst"},     {"partner", "partner"},
                                     {"service", "service"},     {"author", "marketing,approver"},
                                     {"connector", "connector"}, {"second-operator", "operator"},
                                     {"sender", "sender"},       {"second-sender", "sender"}};

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

// A connected socket, or -1.
int ConnectTo(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

bool Listens(int port) {
  const int fd = ConnectTo(port);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

std::string Program(const std::string& name) {
  const char* bin = std::getenv("PHAROS_BIN");
  return fmt::format("{}/{}", bin == nullptr ? "bin" : bin, name);
}

void WritePrivate(const std::string& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  ASSERT_EQ(write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size())) << path;
  close(fd);
}

}  // namespace

int64_t WallNanos() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

bool Eventually(const std::function<bool()>& holds, double seconds) {
  const int64_t end = base::Clock::System().BootMicros() + static_cast<int64_t>(seconds * 1e6);
  while (!holds()) {
    if (base::Clock::System().BootMicros() > end) return false;
    usleep(5'000);
  }
  return true;
}

std::string ReadFile(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

// --- one process

Process::Process(std::vector<std::string> command, std::string log)
    : command_(std::move(command)), log_(std::move(log)) {}

Process::~Process() {
  Kill();
}

void Process::Start() {
  std::vector<char*> words;
  for (std::string& word : command_) words.push_back(word.data());
  words.push_back(nullptr);
  const int out = open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    execv(words[0], words.data());
    _exit(127);
  }
  close(out);
}

bool Process::Alive() {
  if (pid_ <= 0) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) == 0) return true;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  pid_ = -1;
  return false;
}

void Process::Kill() {
  if (!Alive()) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
  ++kills_;
}

void Process::Pause() {
  if (Alive()) kill(pid_, SIGSTOP);
}

void Process::Resume() {
  if (Alive()) kill(pid_, SIGCONT);
}

int Process::Wait(double seconds) {
  exit_code_ = -1;
  if (!Eventually([this] { return !Alive(); }, seconds)) Kill();
  return exit_code_;
}

int Process::Stop(double seconds) {
  if (!Alive()) return -1;
  kill(pid_, SIGTERM);
  return Wait(seconds);
}

// --- all of them

System::System(const SystemOptions& options) : options_(options) {
  char folder[] = "/tmp/pharos-scenario-XXXXXX";
  folder_ = mkdtemp(folder);
  for (int* port : {&port_, &metrics_port_, &smsc_port_, &mail_port_, &bounce_port_}) *port = FreePort();
  WriteTokens();
  WriteConfig();
  StartSandbox();
  pharosd_ = std::make_unique<Process>(
      std::vector<std::string>{Program("pharosd"), "--config=" + config(),
                               fmt::format("--metrics=127.0.0.1:{}", metrics_port_)},
      folder_ + "/pharosd.log");
  smpp_ = std::make_unique<Process>(
      std::vector<std::string>{Program("pharos-smpp"), "--config=" + config(), "--name=smpp-main"},
      folder_ + "/smpp.log");
  if (options.mail) {
    smtp_ = std::make_unique<Process>(
        std::vector<std::string>{Program("pharos-smtp"), "--config=" + config(), "--name=smtp-main"},
        folder_ + "/smtp.log");
  }
  StartPharosd();
  if (options.start_connector) smpp_->Start();
  if (options.start_connector && smtp_) smtp_->Start();
  ok_ = sandbox_->Alive() && pharosd_->Alive();
}

void System::StartSandbox() {
  std::vector<std::string> words = {
      Program("pharos-sandbox"), fmt::format("--listen=127.0.0.1:{}", smsc_port_), "--journal=" + journal(),
      fmt::format("--reply-stop-percent={}", options_.stop_percent),
      fmt::format("--fail-percent={}", options_.fail_percent)};
  if (options_.mail) {
    words.push_back(fmt::format("--mail-listen=127.0.0.1:{}", mail_port_));
    words.push_back("--mail-tls-dir=" + folder_ + "/mail-tls");
    words.push_back(fmt::format("--bounce-to=127.0.0.1:{}", bounce_port_));
  }
  if (!options_.edge_url.empty()) words.push_back("--inbox=" + inbox());
  sandbox_ = std::make_unique<Process>(std::move(words), folder_ + "/sandbox.log");
  sandbox_->Start();
  Eventually(
      [&] { return (Listens(smsc_port_) && (!options_.mail || Listens(mail_port_))) || !sandbox_->Alive(); },
      kStartSeconds);
}

void System::WriteConfig() {
  const std::string edge =
      options_.edge_url.empty() ? "" : fmt::format("[edge]\nurl = \"{}\"\n", options_.edge_url);
  WritePrivate(config(), fmt::format(R"(data = "data"
listen = "127.0.0.1:{}"
[access]
tokens = "tokens"
[store]
cache_mib = 64
seal = {}
[connectors.smpp-main]
protocol = "smpp"
host = "127.0.0.1"
port = {}
window = {}
per-second = {}
sandbox = true
token-file = "connector.token"
[connectors.smtp-main]
protocol = "smtp"
host = "localhost"
port = {}
tls = "required"
ca-file = "mail-tls/cert.pem"
window = {}
sandbox = true
token-file = "connector.token"
listen = "127.0.0.1:{}"
bounce-domain = "bounces.example.org"
token-key-file = "smtp.key"
{})",
                                     port_, options_.seal, smsc_port_, options_.window, options_.per_second,
                                     mail_port_, options_.window, bounce_port_, edge));
}

System::~System() {
  smtp_.reset();
  smpp_.reset();
  pharosd_.reset();
  sandbox_.reset();
  // What a failure left is worth reading.
  if (::testing::Test::HasFailure()) {
    fmt::print("the logs are kept in {}\n", folder_);
  } else {
    std::filesystem::remove_all(folder_);
  }
}

void System::WriteTokens() {
  std::string lines;
  for (const auto& [id, roles] : kPrincipals) {
    tokens_[id] = base::ToHex(base::RandomBytes16());
    lines += fmt::format("{} {} {}\n", base::ToHex(base::Sha256(tokens_[id])), id, roles);
    WritePrivate(token_file(id), tokens_[id] + "\n");
  }
  WritePrivate(folder_ + "/tokens", lines);
}

void System::StartPharosd() {
  pharosd_->Start();
  const bool listens = Eventually([this] { return Listens(port_) || !pharosd_->Alive(); }, kStartSeconds);
  EXPECT_TRUE(listens && pharosd_->Alive()) << "pharosd does not start:\n" << pharosd_->Log();
  serving_since_ns_ = WallNanos();
}

void System::KillAndRestartPharosd() {
  pharosd_->Kill();
  StartPharosd();
}

void System::EnsureConnector() {
  if (smpp_->Alive()) return;
  ++hard_stops_;
  smpp_->Start();
}

Client System::Stranger() const {
  return Client(port_, "");
}

Client System::As(const std::string& principal) const {
  return Client(port_, tokens_.at(principal));
}

std::string System::Metrics() const {
  const int fd = ConnectTo(metrics_port_);
  const std::string ask = "GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n";
  std::string text;
  if (fd < 0 || write(fd, ask.data(), ask.size()) < 0) return text;
  char buffer[4096];
  for (ssize_t got = 0; (got = read(fd, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<size_t>(got));
  close(fd);
  return text;
}

}  // namespace pharos::tests
