// The suite on a real PostgreSQL 15 that this program starts, and what only an engine with a server behind it
// must show: what happens when the server goes, and when another process wants the store.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "fmt/format.h"
#include "services/base/errors.h"
#include "storage/sql/connection.h"
#include "storage/sql/open_sql.h"
#include "tests/conformance/store_suite.h"
#include "tests/support/postgres.h"

namespace pharos::tests {
namespace {

using storage::OpenOptions;
using storage::Store;
using storage::Transaction;

// One server for all tests of this program, each of which has a schema of its own.
Postgres& Server() {
  static Postgres server;
  return server;
}

OpenOptions OptionsFor(const std::string& schema) {
  OpenOptions options;
  options.name = schema;
  options.block_cache_bytes = 4u << 20;
  options.settings.engine = storage::Engine::kSql;
  options.settings.sql = Server().conninfo();
  return options;
}

EngineUnderTest Suite(const std::string& name, size_t cache_bytes) {
  return {name, [cache_bytes](const OpenOptions& options) {
            OpenOptions sql = OptionsFor(std::filesystem::path(options.folder).parent_path().filename());
            sql.format = options.format;
            sql.block_cache_bytes = cache_bytes;
            return storage::sql::OpenSql(sql);
          }};
}

// A store in a schema of the test's own name.
class SqlStore : public testing::Test {
 protected:
  void SetUp() override {
    schema_ = testing::UnitTest::GetInstance()->current_test_info()->name();
    Open();
  }
  void TearDown() override {
    store_.reset();
    ASSERT_TRUE(Server().Start()) << Server().Log();
  }
  void Open() {
    auto store = storage::sql::OpenSql(OptionsFor(schema_));
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }
  absl::Status Put(const std::string& key, const std::string& value) {
    return store_->Transact([&](Transaction& tx) {
      tx.Put(key, value);
      return absl::OkStatus();
    });
  }
  std::string Get(const std::string& key) {
    const auto value = store_->Get(key);
    return value.ok() ? value->value_or("-") : base::ReasonOf(value.status());
  }
  absl::Status Scan() {
    return store_->Read()->Scan(storage::PrefixRange(""), [](auto, auto) { return true; });
  }
  // As somebody else would, past the store.
  void Sql(const std::string& text) {
    auto connection = storage::sql::Connection::Open(Server().conninfo(), schema_);
    ASSERT_TRUE(connection.ok()) << connection.status();
    const storage::sql::Answer answer = (*connection)->RunOnce(text);
    ASSERT_TRUE(answer.ok()) << answer.cause();
  }
  std::string Table(const std::string& name) const { return fmt::format("\"{}\".{}", schema_, name); }
  // Tries for as long as a server takes to come back.
  template <typename Try>
  bool Soon(const Try& attempt) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < end) {
      if (attempt()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  std::string schema_;
  std::unique_ptr<Store> store_;
};

TEST_F(SqlStore, SaysThatTheDatabaseIsAwayAndComesBackByItself) {
  ASSERT_TRUE(Put("a", "1").ok());
  Server().Stop();
  const absl::Status away = Put("a", "2");
  EXPECT_EQ(away.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(base::ReasonOf(away), "STORE_AWAY");
  EXPECT_EQ(base::ReasonOf(Scan()), "STORE_AWAY");
  EXPECT_EQ(base::ReasonOf(storage::sql::OpenSql(OptionsFor("another")).status()), "STORE_AWAY");
  ASSERT_TRUE(Server().Start()) << Server().Log();
  EXPECT_TRUE(Soon([&] { return Put("b", "3").ok(); }));
  EXPECT_EQ(Get("a"), "1");
  EXPECT_TRUE(Soon([&] { return Scan().ok(); }));
}

// The server crashes again and again while threads count. A commit whose answer was lost is looked up, not
// guessed: the counter is exactly what was acknowledged.
TEST_F(SqlStore, EachAcknowledgedCommitIsThereOnceWhateverTheServerDoes) {
  constexpr int kThreads = 6, kCrashes = 5;
  ASSERT_TRUE(Put("count", "0").ok());
  std::atomic<int> counted = 0;
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      while (!done) {
        const absl::Status status = store_->Transact([](Transaction& tx) -> absl::Status {
          PHAROS_ASSIGN_OR_RETURN(const auto count, tx.Get("count"));
          tx.Put("count", std::to_string(std::stoi(*count) + 1));
          tx.AppendChange("counted");
          return absl::OkStatus();
        });
        if (status.ok()) ++counted;
        if (!status.ok() && base::ReasonOf(status) != "STORE_BUSY") {
          EXPECT_EQ(base::ReasonOf(status), "STORE_AWAY") << status;
        }
      }
    });
  }
  for (int crash = 0; crash < kCrashes; ++crash) {
    const int before = counted;
    EXPECT_TRUE(Soon([&] { return counted > before + 50; })) << "it does not go on after a crash";
    Server().Crash();
    ASSERT_TRUE(Server().Start()) << Server().Log();
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(Soon([&] { return Put("after", "x").ok(); }));
  EXPECT_EQ(Get("count"), std::to_string(counted));
  EXPECT_EQ(store_->LastPosition(), static_cast<uint64_t>(counted));
  store_.reset();
  ASSERT_NO_FATAL_FAILURE(Open());
  EXPECT_EQ(Get("count"), std::to_string(counted));
  EXPECT_EQ(store_->LastPosition(), static_cast<uint64_t>(counted));
}

// The same with single connections cut, which hits commits at every step.
TEST_F(SqlStore, EachAcknowledgedCommitIsThereOnceWhateverConnectionsAreCut) {
  ASSERT_TRUE(Put("count", "0").ok());
  std::atomic<int> counted = 0;
  std::atomic<bool> done = false;
  std::thread counter([&] {
    while (!done) {
      const absl::Status status = store_->Transact([](Transaction& tx) -> absl::Status {
        PHAROS_ASSIGN_OR_RETURN(const auto count, tx.Get("count"));
        tx.Put("count", std::to_string(std::stoi(*count) + 1));
        return absl::OkStatus();
      });
      if (status.ok()) ++counted;
    }
  });
  for (int cut = 0; cut < 200; ++cut) {
    const int before = counted;
    EXPECT_TRUE(Soon([&] { return counted > before; }));
    Sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pharos' AND pid <> "
        "pg_backend_pid()");
  }
  done = true;
  counter.join();
  EXPECT_TRUE(Soon([&] { return Get("count") == std::to_string(counted); }))
      << Get("count") << " is not " << counted;
}

TEST_F(SqlStore, ATakenOverStoreIsFencedOff) {
  ASSERT_TRUE(Put("a", "1").ok());
  auto view = store_->Read();
  Sql("UPDATE " + Table("meta") + " SET epoch = epoch + 1");
  const absl::Status fenced = Put("a", "2");
  EXPECT_EQ(fenced.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(base::ReasonOf(fenced), "STORE_IN_USE");
  EXPECT_NE(fenced.message().find("fenced"), absl::string_view::npos) << fenced;
  EXPECT_EQ(Get("a"), "STORE_IN_USE") << "what it has cached may be wrong by now";
  EXPECT_FALSE(view->Get("a").ok());
  view.reset();
  store_.reset();
  Sql("UPDATE " + Table("meta") + " SET owner = ''");
  ASSERT_NO_FATAL_FAILURE(Open());
  EXPECT_EQ(Get("a"), "1");
}

TEST_F(SqlStore, OneThatOnlyReadsNoticesThatItIsFencedOff) {
  ASSERT_TRUE(Put("a", "1").ok());
  Sql("UPDATE " + Table("beat") + " SET epoch = epoch + 1");
  EXPECT_TRUE(Soon([&] { return Get("a") == "STORE_IN_USE"; }));
}

TEST_F(SqlStore, TheStoreOfADeadProcessIsTakenOverAtOnce) {
  store_.reset();
  const pid_t child = fork();
  if (child == 0) {
    auto store = storage::sql::OpenSql(OptionsFor(schema_));
    const bool put = store.ok() && (*store)
                                       ->Transact([](Transaction& tx) {
                                         tx.Put("a", "of the dead");
                                         return absl::OkStatus();
                                       })
                                       .ok();
    if (put) kill(getpid(), SIGKILL);  // without a word to the database
    _exit(1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  const auto began = std::chrono::steady_clock::now();
  ASSERT_NO_FATAL_FAILURE(Open());
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
  EXPECT_EQ(Get("a"), "of the dead");
}

TEST_F(SqlStore, AnOwnerOnAnotherMachineKeepsItWhileItsHeartBeats) {
  store_.reset();
  const storage::sql::Pace quick{.beat_micros = 20'000, .stale_micros = 250'000, .take_over_micros = 500'000};
  const std::string elsewhere = "UPDATE " + Table("meta") + " SET owner = 'elsewhere 0b2d pid:[1] 7 1234 00'";
  Sql(elsewhere);
  std::atomic<bool> alive = true;
  std::thread heart([&] {
    while (alive) {
      Sql("UPDATE " + Table("beat") + " SET beats = beats + 1");
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  const auto refused = storage::sql::OpenSql(OptionsFor(schema_), quick);
  EXPECT_EQ(base::ReasonOf(refused.status()), "STORE_IN_USE");
  EXPECT_NE(refused.status().message().find("process 7 on host elsewhere"), absl::string_view::npos)
      << refused.status();
  alive = false;
  heart.join();
  EXPECT_TRUE(storage::sql::OpenSql(OptionsFor(schema_), quick).ok());
}

TEST_F(SqlStore, ADatabaseThatWentBackBehindItsWitnessIsRefused) {
  store_.reset();
  OpenOptions options = OptionsFor(schema_);
  std::string folder = testing::TempDir() + "pharos-witness-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  options.settings.witness_folder = folder;
  {
    auto store = storage::sql::OpenSql(options);
    ASSERT_TRUE(store.ok()) << store.status();
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE((*store)
                      ->Transact([](Transaction& tx) {
                        tx.Put("a", "1");
                        return absl::OkStatus();
                      })
                      .ok());
    }
  }
  EXPECT_TRUE(storage::sql::OpenSql(options).ok());
  Sql("UPDATE " + Table("meta") + " SET sequence = sequence - 1");
  EXPECT_EQ(base::ReasonOf(storage::sql::OpenSql(options).status()), "STORE_ROLLED_BACK");
  std::filesystem::remove_all(folder);
}

TEST_F(SqlStore, AKeyThatNoIndexTakesIsRefusedAloneAndWithoutQuotingIt) {
  const absl::Status status = Put(std::string(5000, 'k'), "value");
  EXPECT_EQ(base::ReasonOf(status), "STORE_KEY_TOO_LONG");
  EXPECT_EQ(status.message().find("kkk"), absl::string_view::npos);
  EXPECT_TRUE(Put(std::string(2048, 'k'), "value").ok());
}

// A scan crosses pages while others write into it, and still shows one state.
TEST_F(SqlStore, ALongScanShowsOneState) {
  constexpr int kRows = 4000;
  ASSERT_TRUE(store_
                  ->Transact([](Transaction& tx) {
                    for (int i = 0; i < kRows; ++i) tx.Put(fmt::format("row{:05}", i), "0");
                    return absl::OkStatus();
                  })
                  .ok());
  const auto view = store_->Read();
  int seen = 0;
  ASSERT_TRUE(view->Scan(storage::PrefixRange("row"),
                         [&](std::string_view key, std::string_view value) {
                           EXPECT_EQ(key, fmt::format("row{:05}", seen));
                           EXPECT_EQ(value, "0");
                           if (seen++ % 100 == 0) {
                             EXPECT_TRUE(store_
                                             ->Transact([&](Transaction& tx) {
                                               tx.Put(fmt::format("row{:05}", kRows - seen), "1");
                                               tx.Delete(fmt::format("row{:05}", kRows - seen - 1));
                                               tx.Put(fmt::format("row{:05}x", kRows - seen), "new");
                                               return absl::OkStatus();
                                             })
                                             .ok());
                           }
                           return true;
                         })
                  .ok());
  EXPECT_EQ(seen, kRows);
}

class SqlBench : public SqlStore {};
// Not a test: the rate of what an import does. Run with --gtest_also_run_disabled_tests.
TEST_F(SqlBench, DISABLED_TwentyGetsTenPuts) {
  constexpr int kThreads = 8, kEach = 500;
  const auto began = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kEach; ++i) {
        EXPECT_TRUE(
            store_
                ->Transact([&](Transaction& tx) -> absl::Status {
                  for (int get = 0; get < 20; ++get)
                    PHAROS_RETURN_IF_ERROR(
                        tx.Get(fmt::format("{}/{}/{}/some longer key as they are", thread, i, get)).status());
                  for (int put = 0; put < 10; ++put)
                    tx.Put(fmt::format("{}/{}/{}/some longer key as they are", thread, i, put),
                           std::string(300, 'v'));
                  tx.AppendChange(std::string(150, 'c'));
                  return absl::OkStatus();
                })
                .ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  fmt::print("{:.0f} transactions a second\n", kThreads * kEach / seconds);
}

}  // namespace

// Without a cache every read of a row comes from the database, and is corrected to its state.
INSTANTIATE_TEST_SUITE_P(Engines, StoreSuite,
                         testing::Values(Suite("Sql", 4u << 20), Suite("SqlUncached", 0)), EngineName);

}  // namespace pharos::tests

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (!pharos::tests::Postgres::Installed()) {
    std::puts("Skipped: PostgreSQL 15 is not installed. Run ops/setup, or apt-get install postgresql-15.");
    return 0;
  }
  if (!pharos::tests::Server().Start()) {
    std::fprintf(stderr, "PostgreSQL does not start:\n%s\n", pharos::tests::Server().Log().c_str());
    return 1;
  }
  return RUN_ALL_TESTS();
}
