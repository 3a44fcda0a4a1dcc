// The program itself: starts, says its port, refuses a folder in use, ends well on SIGTERM.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "gmock/gmock.h"
#include "services/base/clock.h"

namespace pharos {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr int64_t kPatienceMicros = 60'000'000;

// A running pharosd; what it prints goes to files in its folder.
class Program {
 public:
  Program(const std::string& folder, const std::string& name, const std::vector<std::string>& flags)
      : log_(folder + "/" + name) {
    const char* bin = std::getenv("PHAROS_BIN");
    program_ = std::string(bin == nullptr ? "bin" : bin) + "/pharosd";
    std::vector<std::string> words = {program_};
    words.insert(words.end(), flags.begin(), flags.end());
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, log_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    if (posix_spawn(&pid_, program_.c_str(), &actions, nullptr, arguments.data(), environ) != 0) pid_ = -1;
    posix_spawn_file_actions_destroy(&actions);
  }
  ~Program() {
    if (pid_ > 0) kill(pid_, SIGKILL), waitpid(pid_, nullptr, 0);
  }
  bool started() const { return pid_ > 0; }
  void Signal(int signal) const { kill(pid_, signal); }
  // Exit code; -1 if it ended by a signal.
  int Wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::string output() const {
    std::stringstream text;
    text << std::ifstream(log_).rdbuf();
    return text.str();
  }

 private:
  std::string log_, program_;
  pid_t pid_ = -1;
};

class PharosdTest : public ::testing::Test {
 protected:
  PharosdTest() { folder_ = mkdtemp(template_); }
  ~PharosdTest() override { fs::remove_all(folder_); }
  std::string data() const { return folder_ + "/data"; }
  std::string port_file() const { return data() + "/pharosd.port"; }
  bool WaitForPort() const {
    const int64_t end = base::Clock::System().BootMicros() + kPatienceMicros;
    while (!fs::exists(port_file()) && base::Clock::System().BootMicros() < end) usleep(10'000);
    return fs::exists(port_file());
  }

  char template_[32] = "/tmp/pharosd-test-XXXXXX";
  std::string folder_;
};

TEST_F(PharosdTest, ServesUntilItIsToldToStop) {
  Program program(folder_, "first.log", {"--data=" + data()});
  ASSERT_TRUE(program.started());
  ASSERT_TRUE(WaitForPort()) << program.output();
  int port = 0;
  std::ifstream(port_file()) >> port;
  EXPECT_GT(port, 0);
  struct stat info {};
  ASSERT_EQ(stat(data().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  ASSERT_EQ(stat((data() + "/keys/blind.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);

  Program second(folder_, "second.log", {"--data=" + data()});
  EXPECT_EQ(second.Wait(), 1);
  EXPECT_THAT(second.output(), HasSubstr("pharosd:"));

  program.Signal(SIGTERM);
  EXPECT_EQ(program.Wait(), 0) << program.output();
}

TEST_F(PharosdTest, SaysWhatIsWrongWithItsFlags) {
  Program no_data(folder_, "a.log", {});
  EXPECT_EQ(no_data.Wait(), 1);
  EXPECT_THAT(no_data.output(), HasSubstr("--data"));
  Program no_service(folder_, "b.log", {"--data=" + data(), "--services=custmer"});
  EXPECT_EQ(no_service.Wait(), 1);
  EXPECT_THAT(no_service.output(), HasSubstr("custmer"));
}

}  // namespace
}  // namespace pharos
