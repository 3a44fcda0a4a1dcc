// Kills a process that commits, at moments nobody chose, and looks what is left. The writer is this same
// program:
//   store_crash_test --write <folder>   commits pairs of rows from several threads
//   store_crash_test --fill <folder>    commits until the disk refuses (a limit on the size of files stands
//   in for a full disk)
// Both print a line for each transaction that was acknowledged.
//
// PHAROS_CYCLES: how often to kill (20 unless set).
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "services/base/errors.h"
#include "storage/open.h"

namespace pharos::tests {
namespace {

namespace fs = std::filesystem;
using storage::Store;
using storage::Transaction;

constexpr int kWriterThreads = 4;
constexpr rlim_t kFullDiskBytes = 300'000;
constexpr int kFillAttempts = 100;  // of some 8 kB each: more than fits

absl::StatusOr<std::unique_ptr<Store>> OpenStore(const std::string& folder) {
  storage::OpenOptions options;
  options.folder = folder;
  options.name = "crash";
  options.block_cache_bytes = 4u << 20;
  return storage::Open(options);
}

// One transaction: two rows that belong together, a counter that all transactions share, and a change.
absl::Status CommitPair(Store& store, const std::string& name) {
  return store.Transact([&](Transaction& tx) {
    auto count = tx.Get("count");
    PHAROS_RETURN_IF_ERROR(count.status());
    tx.Put("left/" + name, name);
    tx.Put("right/" + name, name);
    tx.Put("count", std::to_string(std::stoull(count->value_or("0")) + 1));
    tx.AppendChange(name);
    return absl::OkStatus();
  });
}

// ---- the writer

void Say(const std::string& line) {
  if (write(STDOUT_FILENO, line.data(), line.size()) < 0) _exit(3);  // one write a line: lines do not mix
}

[[noreturn]] void WriteUntilKilled(const std::string& folder) {
  auto store = OpenStore(folder);
  if (!store.ok()) {
    Say(fmt::format("cannot open: {}\n", store.status().ToString()));
    _exit(2);
  }
  Say("open\n");
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kWriterThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0;; ++i) {
        const std::string name = fmt::format("{}-{}-{}", getpid(), thread, i);
        if (CommitPair(**store, name).ok()) Say("ack " + name + "\n");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::abort();
}

// Ends by itself. Says what the store answered once a write had failed.
int WriteUntilRefused(const std::string& folder) {
  auto store = OpenStore(folder);
  if (!store.ok()) return 2;
  Say("open\n");
  signal(SIGXFSZ, SIG_IGN);  // the write fails instead
  const rlimit most{kFullDiskBytes, kFullDiskBytes};
  if (setrlimit(RLIMIT_FSIZE, &most) != 0) return 3;
  std::string last = "none";
  for (int i = 0; i < kFillAttempts; ++i) {
    const std::string name = fmt::format("{:05}", i) + std::string(2000, 'x');
    const absl::Status status = CommitPair(**store, name);
    if (status.ok()) {
      Say(fmt::format("ack {:05}\n", i));
      last = name;
    } else {
      Say(fmt::format("refused {}\n", base::ReasonOf(status)));
    }
  }
  Say(fmt::format("read {}\n",
                  (*store)->Get("left/" + last)->value_or("nothing") == last ? "well" : "badly"));
  return 0;
}

// ---- the one that kills

class Writer {
 public:
  explicit Writer(const std::string& folder, const char* mode = "--write") {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) std::abort();
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      close(ends[0]);
      close(ends[1]);
      execl("/proc/self/exe", "store_crash_test", mode, folder.c_str(), nullptr);
      _exit(4);
    }
    close(ends[1]);
    out_ = fdopen(ends[0], "r");
  }
  ~Writer() {
    Kill();
    fclose(out_);
  }
  // "" at the end.
  std::string ReadLine() {
    char line[1024];
    return fgets(line, sizeof line, out_) != nullptr ? std::string(line) : std::string();
  }
  void Kill() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  FILE* out_ = nullptr;
};

class StoreCrash : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "pharos-crash-XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string StoreFolder() const { return folder_ + "/store"; }
  // Runs a writer until it has acknowledged `least` transactions, and kills it. Adds what it acknowledged.
  void RunAndKill(size_t least) {
    Writer writer(StoreFolder());
    ASSERT_EQ(writer.ReadLine(), "open\n");
    for (size_t i = 0; i < least; ++i) Note(writer.ReadLine());
    writer.Kill();
    for (std::string line = writer.ReadLine(); !line.empty(); line = writer.ReadLine()) Note(line);
  }
  void Note(const std::string& line) {
    if (line.starts_with("ack ") && line.ends_with("\n"))
      acknowledged_.insert(line.substr(4, line.size() - 5));
  }
  // The log file that was written last.
  fs::path NewestLog() const {
    fs::path newest;
    for (const auto& entry : fs::directory_iterator(StoreFolder())) {
      if (entry.path().extension() == ".log") newest = std::max(newest, entry.path());
    }
    return newest;
  }

  std::string folder_;
  std::set<std::string> acknowledged_;
};

std::set<std::string> NamesUnder(const storage::View& view, const std::string& prefix) {
  std::set<std::string> names;
  EXPECT_TRUE(view.Scan(storage::PrefixRange(prefix),
                        [&](std::string_view key, std::string_view value) {
                          EXPECT_EQ(key, prefix + std::string(value));
                          names.emplace(value);
                          return true;
                        })
                  .ok());
  return names;
}

std::set<std::string> NamesInChanges(const Store& store) {
  std::set<std::string> names;
  for (uint64_t position = 0; position < store.LastPosition();) {
    const auto changes = store.ReadChanges(position, 1000);
    if (!changes.ok()) {
      ADD_FAILURE() << changes.status();
      return names;
    }
    for (const storage::Change& change : *changes) {
      EXPECT_EQ(change.position, ++position);
      names.insert(change.entry);
    }
  }
  return names;
}

// Whole transactions only, each once.
std::set<std::string> CheckWhole(const Store& store) {
  const auto view = store.Read();
  const std::set<std::string> left = NamesUnder(*view, "left/");
  EXPECT_EQ(left, NamesUnder(*view, "right/"));
  EXPECT_EQ(left, NamesInChanges(store));
  EXPECT_EQ(view->Get("count")->value_or("0"), std::to_string(left.size()));
  EXPECT_EQ(store.LastPosition(), left.size());
  return left;
}

TEST_F(StoreCrash, WhatWasAcknowledgedIsThereAfterAKill) {
  const char* wanted = std::getenv("PHAROS_CYCLES");
  const int cycles = wanted != nullptr ? std::atoi(wanted) : 20;
  std::mt19937 random(std::random_device{}());
  for (int cycle = 0; cycle < cycles; ++cycle) {
    RunAndKill(std::uniform_int_distribution<size_t>(0, 200)(random));
    auto store = OpenStore(StoreFolder());
    ASSERT_TRUE(store.ok()) << store.status();
    const std::set<std::string> there = CheckWhole(**store);
    EXPECT_TRUE(std::includes(there.begin(), there.end(), acknowledged_.begin(), acknowledged_.end()))
        << acknowledged_.size() << " acknowledged, " << there.size() << " there";
    if (HasFailure()) return;
  }
  std::printf("%d kills, %zu acknowledged transactions\n", cycles, acknowledged_.size());
}

TEST_F(StoreCrash, AStoreThatAnotherProcessHoldsSaysWhich) {
  Writer writer(StoreFolder());
  ASSERT_EQ(writer.ReadLine(), "open\n");
  const auto second = OpenStore(StoreFolder());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(base::ReasonOf(second.status()), "STORE_IN_USE");
  EXPECT_THAT(std::string(second.status().message()),
              testing::HasSubstr(fmt::format("process {}", writer.pid())));
  EXPECT_THAT(std::string(second.status().message()), testing::HasSubstr(StoreFolder()));
}

// The power went while the last record was written: nobody was told of it.
TEST_F(StoreCrash, ATornTailOpens) {
  RunAndKill(100);
  const fs::path log = NewestLog();
  fs::resize_file(log, fs::file_size(log) - 3);
  auto store = OpenStore(StoreFolder());
  ASSERT_TRUE(store.ok()) << store.status();
  // The record cut off held one group: at most one transaction of each thread.
  EXPECT_GE(CheckWhole(**store).size() + kWriterThreads, acknowledged_.size());
}

// Behind the damage lie acknowledged commits: an empty or shortened store would be a lie.
TEST_F(StoreCrash, DamageInTheMiddleOfTheLogIsRefused) {
  RunAndKill(100);
  const fs::path log = NewestLog();
  std::string bytes(fs::file_size(log), '\0');
  std::ifstream(log, std::ios::binary).read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  const size_t at = bytes.find("right/", bytes.size() / 2);
  ASSERT_NE(at, std::string::npos);
  bytes[at] ^= 0x20;
  std::ofstream(log, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  const auto store = OpenStore(StoreFolder());
  EXPECT_EQ(store.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(base::ReasonOf(store.status()), "STORE_DAMAGED");
  EXPECT_THAT(std::string(store.status().message()), testing::HasSubstr("restore the newest backup"));
}

// A disk that takes no more: what was acknowledged stays, nothing further is accepted, reading goes on.
TEST_F(StoreCrash, AfterAFailedWriteNothingMoreIsAccepted) {
  size_t acknowledged = 0, refused = 0;
  std::string last;
  {
    Writer writer(StoreFolder(), "--fill");
    ASSERT_EQ(writer.ReadLine(), "open\n");
    for (std::string line = writer.ReadLine(); !line.empty(); line = writer.ReadLine()) {
      if (line.starts_with("ack ")) {
        EXPECT_EQ(refused, 0u) << "accepted after a failed write";
        ++acknowledged;
      }
      if (line.starts_with("refused ")) {
        EXPECT_EQ(line, "refused STORE_FAILED\n");
        ++refused;
      }
      last = line;
    }
  }
  EXPECT_EQ(last, "read well\n");
  EXPECT_GT(acknowledged, 10u);
  EXPECT_GT(refused, 0u);
  EXPECT_EQ(acknowledged + refused, static_cast<size_t>(kFillAttempts));
  auto store = OpenStore(StoreFolder());
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_GE(CheckWhole(**store).size(), acknowledged);
}

TEST_F(StoreCrash, AStoreWithoutItsHeadIsNotBegunAnew) {
  RunAndKill(10);
  fs::remove(StoreFolder() + "/CURRENT");
  EXPECT_EQ(base::ReasonOf(OpenStore(StoreFolder()).status()), "STORE_DAMAGED");
}

}  // namespace
}  // namespace pharos::tests

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--write") pharos::tests::WriteUntilKilled(argv[2]);
  if (argc == 3 && std::string_view(argv[1]) == "--fill") return pharos::tests::WriteUntilRefused(argv[2]);
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
