// Each failure that the doctor knows, made on purpose; each names one cause and one command.
#include "ops/cli/doctor.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "ops/cli/doctor_client.h"
#include "services/base/clock.h"

namespace pharos::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

class DoctorTest : public testing::Test {
 protected:
  DoctorTest() {
    folder_ = testing::TempDir() + "/doctor_XXXXXX";
    EXPECT_TRUE(mkdtemp(folder_.data()));
  }
  ~DoctorTest() override { fs::remove_all(folder_); }
  std::string Write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    const std::string file = folder_ + "/" + name;
    fs::create_directories(fs::path(file).parent_path());
    std::ofstream(file) << text;
    chmod(file.c_str(), mode);
    return file;
  }
  std::string folder_;
};

TEST_F(DoctorTest, ConfigMissingOrWrongNamesTheLine) {
  std::optional<config::Config> config;
  Finding missing = CheckConfig(folder_ + "/pharos.toml", config);
  EXPECT_FALSE(missing.ok);
  EXPECT_THAT(missing.words, HasSubstr("no file"));
  std::string file = Write("pharos.toml", "listen = \"127.0.0.1:7400\"\nlisten2 = \"x\"\n");
  Finding wrong = CheckConfig(file, config);
  EXPECT_FALSE(wrong.ok);
  EXPECT_THAT(wrong.words, HasSubstr(":2:"));
  EXPECT_THAT(wrong.command, HasSubstr("+2 " + file));
  EXPECT_FALSE(config);
  Write("pharos.toml", "listen = \"127.0.0.1:7400\"\n");
  EXPECT_TRUE(CheckConfig(file, config).ok);
  EXPECT_TRUE(config);
}

TEST_F(DoctorTest, DataFolderMissingOrOpenToOthers) {
  Finding missing = CheckDataFolder(folder_ + "/data", "pharos.toml");
  EXPECT_FALSE(missing.ok);
  EXPECT_EQ(missing.command, "pharosd --config=pharos.toml");
  chmod(folder_.c_str(), 0755);
  Finding open = CheckDataFolder(folder_, "");
  EXPECT_EQ(open.command, "chmod 700 " + folder_);
  chmod(folder_.c_str(), 0700);
  EXPECT_TRUE(CheckDataFolder(folder_, "").ok);
}

TEST_F(DoctorTest, AKeyThatIsMissingMattersOnceThereIsAStore) {
  for (const Finding& finding : CheckKeys(folder_)) EXPECT_TRUE(finding.ok) << finding.words;
  fs::create_directories(folder_ + "/customer");
  auto findings = CheckKeys(folder_);
  EXPECT_FALSE(findings[0].ok);
  EXPECT_THAT(findings[0].command, HasSubstr("BACKUP/keys/blind.key"));
  Write("keys/blind.key", "x", 0644);
  EXPECT_EQ(CheckKeys(folder_)[0].command, "chmod 600 " + folder_ + "/keys/blind.key");
  Write("keys/blind.key", "x", 0600);
  EXPECT_TRUE(CheckKeys(folder_)[0].ok);
}

TEST_F(DoctorTest, ATokenFileIsForItsOwnerOnly) {
  EXPECT_FALSE(CheckPrivateFile("tokens file", folder_ + "/tokens").ok);
  std::string file = Write("tokens", "x", 0640);
  EXPECT_EQ(CheckPrivateFile("tokens file", file).command, "chmod 600 " + file);
  chmod(file.c_str(), 0600);
  EXPECT_TRUE(CheckPrivateFile("tokens file", file).ok);
}

TEST_F(DoctorTest, ADiskThatIsNearlyFull) {
  constexpr int64_t kGib = int64_t{1} << 30;
  EXPECT_TRUE(CheckDisk("/data", 100 * kGib, 1000 * kGib).ok);
  EXPECT_FALSE(CheckDisk("/data", 40 * kGib, 1000 * kGib).ok);
  Finding tight = CheckDisk("/data", kGib / 2, kGib);
  EXPECT_FALSE(tight.ok);
  EXPECT_THAT(tight.command, StartsWith("du "));
}

TEST_F(DoctorTest, AClockThatWasSetBack) {
  Write("customer/000004.log", "x");
  int64_t now = base::Clock::System().WallMicros();
  EXPECT_TRUE(CheckClock(folder_, now).ok);
  Finding back = CheckClock(folder_, now - 3'600'000'000);
  EXPECT_FALSE(back.ok);
  EXPECT_THAT(back.words, HasSubstr("set back"));
  EXPECT_TRUE(CheckSkew(now, now + 300'000).ok);
  EXPECT_FALSE(CheckSkew(now, now + 5'000'000).ok);
  EXPECT_FALSE(CheckSkew(now, now - 5'000'000).ok);
}

TEST_F(DoctorTest, AStoreInUseNamesTheProcess) {
  EXPECT_EQ(StoreHolder(folder_ + "/customer"), 0);
  std::string file = Write("customer/pharos.pid", "1\n");
  EXPECT_EQ(StoreHolder(folder_ + "/customer"), 0);
  int fd = open(file.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(flock(fd, LOCK_EX | LOCK_NB), 0);
  EXPECT_EQ(StoreHolder(folder_ + "/customer"), getpid());
  auto silent = CheckStores(folder_, {"customer"});
  ASSERT_EQ(silent.size(), 1u);
  EXPECT_FALSE(silent[0].ok);
  EXPECT_EQ(silent[0].command, "ps -fp " + std::to_string(getpid()));
  EXPECT_TRUE(CheckStores(folder_, {})[0].ok);
  close(fd);
}

class Socket {
 public:
  Socket() : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    socklen_t size = sizeof address;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
  }
  ~Socket() { close(fd_); }
  void Listen() { EXPECT_EQ(listen(fd_, 1), 0); }
  int port = 0;

 private:
  int fd_;
};

TEST(Processes, TheListenerIsFound) {
  Socket socket;
  const std::string address = "127.0.0.1:" + std::to_string(socket.port);
  EXPECT_EQ(ListenerOf(socket.port), 0);
  EXPECT_FALSE(SomebodyAccepts(address));
  socket.Listen();
  EXPECT_TRUE(SomebodyAccepts(address));
  EXPECT_EQ(ListenerOf(socket.port), getpid());
}

TEST(Processes, NobodyOrSomethingElseAtAnAddress) {
  Socket socket;
  const std::string address = "127.0.0.1:" + std::to_string(socket.port);
  EXPECT_EQ(AskHealth(address), Answer::kNobody);
  Finding nobody = CheckAddress("dispatch", address, Answer::kNobody, 0, "pharos.toml");
  EXPECT_FALSE(nobody.ok);
  EXPECT_EQ(nobody.command, "pharosd --config=pharos.toml");
  Finding other = CheckAddress("dispatch", address, Answer::kSomethingElse, 4711, "");
  EXPECT_THAT(other.words, HasSubstr("process 4711 listens at " + address));
  EXPECT_EQ(other.command, "ps -fp 4711");
  EXPECT_FALSE(CheckAddress("dispatch", address, Answer::kNotServing, 0, "").ok);
  EXPECT_TRUE(CheckAddress("dispatch", address, Answer::kServing, 0, "").ok);
}

TEST(Processes, KernelTablesAreRead) {
  const char* table =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
      "   0: 0100007F:1CE8 00000000:0000 01 00000000:00000000 00:00000000 00000000     0        0 111 1\n"
      "   1: 0100007F:1CE8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 222 1\n";
  EXPECT_EQ(ListeningInode(table, 7400), 222u);
  EXPECT_EQ(ListeningInode(table, 7401), 0u);
  EXPECT_EQ(
      LockHolder(
          "1: POSIX  ADVISORY  WRITE 1 08:01:5678 0 EOF\n2: FLOCK  ADVISORY  WRITE 42 08:01:5678 0 EOF\n",
          5678),
      42);
}

}  // namespace
}  // namespace pharos::cli
