#include "tests/conformance/store_suite.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "services/base/errors.h"

namespace pharos::tests {

using storage::Change;
using storage::KeyRange;
using storage::PrefixRange;
using storage::Store;
using storage::Transaction;
using testing::ElementsAre;
using testing::IsEmpty;

void StoreSuite::SetUp() {
  folder_ = testing::TempDir() + "pharos-store-XXXXXX";
  ASSERT_NE(mkdtemp(folder_.data()), nullptr);
  Reopen();
}

void StoreSuite::TearDown() {
  store_.reset();
  std::filesystem::remove_all(folder_);
}

absl::StatusOr<std::unique_ptr<Store>> StoreSuite::TryOpen(uint32_t format) {
  storage::OpenOptions options;
  options.folder = folder_ + "/store";
  options.name = "suite";
  options.format = format;
  options.block_cache_bytes = 4u << 20;
  return GetParam().open(options);
}

void StoreSuite::Reopen() {
  store_.reset();
  auto store = TryOpen(1);
  ASSERT_TRUE(store.ok()) << store.status();
  store_ = std::move(*store);
}

void StoreSuite::Put(const std::string& key, const std::string& value) {
  const absl::Status status = store().Transact([&](Transaction& tx) {
    tx.Put(key, value);
    return absl::OkStatus();
  });
  ASSERT_TRUE(status.ok()) << status;
}

void StoreSuite::Append(const std::string& entry) {
  const absl::Status status = store().Transact([&](Transaction& tx) {
    tx.AppendChange(entry);
    return absl::OkStatus();
  });
  ASSERT_TRUE(status.ok()) << status;
}

std::string StoreSuite::Get(const std::string& key) {
  const auto value = store().Get(key);
  return value.ok() ? value->value_or("-") : value.status().ToString();
}

namespace {

std::string ValueIn(Transaction& tx, std::string_view key) {
  const auto value = tx.Get(key);
  return value.ok() ? value->value_or("-") : value.status().ToString();
}

std::vector<std::string> RowsIn(Transaction& tx, const KeyRange& range, std::string_view guard) {
  std::vector<std::string> rows;
  const absl::Status status = tx.Scan(range, guard, [&](std::string_view key, std::string_view value) {
    rows.push_back(fmt::format("{}={}", key, value));
    return true;
  });
  if (!status.ok()) rows.push_back(status.ToString());
  return rows;
}

std::vector<std::string> RowsIn(const storage::View& view, const KeyRange& range) {
  std::vector<std::string> rows;
  const absl::Status status = view.Scan(range, [&](std::string_view key, std::string_view value) {
    rows.push_back(fmt::format("{}={}", key, value));
    return true;
  });
  if (!status.ok()) rows.push_back(status.ToString());
  return rows;
}

std::vector<std::string> EntriesOf(const absl::StatusOr<std::vector<Change>>& changes) {
  if (!changes.ok()) return {changes.status().ToString()};
  std::vector<std::string> entries;
  for (const Change& change : *changes)
    entries.push_back(fmt::format("{}:{}", change.position, change.entry));
  return entries;
}

void InThreads(int count, const std::function<void(int)>& work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
}

// Runs `body` as a transaction into whose first attempt `other` cuts, after the body and before the commit.
// Returns the attempts.
int AttemptsWhenOvertaken(Store& store, const std::function<void(Transaction&)>& body,
                          const std::function<void(Transaction&)>& other) {
  int attempts = 0;
  const absl::Status status = store.Transact([&](Transaction& tx) {
    body(tx);
    if (++attempts > 1) return absl::OkStatus();
    return store.Transact([&](Transaction& overtaking) {
      other(overtaking);
      return absl::OkStatus();
    });
  });
  EXPECT_TRUE(status.ok()) << status;
  return attempts;
}

}  // namespace

TEST_P(StoreSuite, GivesBackWhatWasPut) {
  EXPECT_EQ(Get("a"), "-");
  Put("a", std::string("with a \0 in it", 14));
  EXPECT_EQ(Get("a"), std::string("with a \0 in it", 14));
  Put("a", "");
  EXPECT_EQ(Get("a"), "");
}

TEST_P(StoreSuite, ScansInOrderWithinTheRange) {
  for (const char* key : {"b2", "a1", "c1", "b1", "b\xff"}) Put(key, "v");
  EXPECT_THAT(RowsIn(*store().Read(), PrefixRange("b")), ElementsAre("b1=v", "b2=v", "b\xff=v"));
  EXPECT_THAT(RowsIn(*store().Read(), {"b2", "c1"}), ElementsAre("b2=v", "b\xff=v"));
}

TEST_P(StoreSuite, AScanStopsWhenTheVisitorSaysSo) {
  for (const char* key : {"a", "b", "c"}) Put(key, "v");
  int seen = 0;
  ASSERT_TRUE(store().Read()->Scan(PrefixRange(""), [&](auto, auto) { return ++seen < 2; }).ok());
  EXPECT_EQ(seen, 2);
}

TEST_P(StoreSuite, ABodyThatFailsWritesNothing) {
  const absl::Status status = store().Transact([](Transaction& tx) {
    tx.Put("a", "1");
    tx.AppendChange("a");
    return absl::NotFoundError("no such purpose");
  });
  EXPECT_EQ(status, absl::NotFoundError("no such purpose"));
  EXPECT_EQ(Get("a"), "-");
  EXPECT_EQ(store().LastPosition(), 0u);
}

TEST_P(StoreSuite, ATransactionSeesItsOwnWrites) {
  Put("k1", "old");
  Put("k2", "old");
  ASSERT_TRUE(store()
                  .Transact([](Transaction& tx) {
                    tx.Put("k1", "new");
                    tx.Put("k3", "first");
                    tx.Put("k3", "second");
                    tx.Delete("k2");
                    EXPECT_EQ(ValueIn(tx, "k1"), "new");
                    EXPECT_EQ(ValueIn(tx, "k2"), "-");
                    EXPECT_THAT(RowsIn(tx, PrefixRange("k"), "guard"), ElementsAre("k1=new", "k3=second"));
                    EXPECT_THAT(RowsIn(tx, {"k1", "k3"}, "guard"), ElementsAre("k1=new"));
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_THAT(RowsIn(*store().Read(), PrefixRange("k")), ElementsAre("k1=new", "k3=second"));
}

TEST_P(StoreSuite, AScanMayDeleteWhatItVisits) {
  constexpr int kRows = 3000;  // more than one page of any engine
  ASSERT_TRUE(store()
                  .Transact([](Transaction& tx) {
                    for (int i = 0; i < kRows; ++i) tx.Put(fmt::format("row{:05}", i), "v");
                    return absl::OkStatus();
                  })
                  .ok());
  int visited = 0;
  ASSERT_TRUE(store()
                  .Transact([&](Transaction& tx) {
                    visited = 0;
                    return tx.Scan(PrefixRange("row"), "guard", [&](std::string_view key, std::string_view) {
                      ++visited;
                      tx.Delete(key);
                      return true;
                    });
                  })
                  .ok());
  EXPECT_EQ(visited, kRows);
  EXPECT_THAT(RowsIn(*store().Read(), PrefixRange("row")), IsEmpty());
}

TEST_P(StoreSuite, ATransactionReadsTheStateAtItsStart) {
  Put("a", "1");
  std::vector<std::string> seen;
  ASSERT_TRUE(store()
                  .Transact([&](Transaction& tx) {
                    seen.push_back(ValueIn(tx, "a"));
                    std::thread([&] { Put("a", "2"); }).join();
                    seen.push_back(ValueIn(tx, "a"));
                    return absl::OkStatus();  // writes nothing: stands where its state stands
                  })
                  .ok());
  EXPECT_THAT(seen, ElementsAre("1", "1"));
}

TEST_P(StoreSuite, AViewStaysAsItIs) {
  Put("a", "1");
  Append("first");
  const auto view = store().Read();
  Put("a", "2");
  Put("b", "2");
  Append("second");
  EXPECT_EQ(view->Get("a")->value(), "1");
  EXPECT_THAT(RowsIn(*view, PrefixRange("")).front(), "a=1");
  EXPECT_EQ(view->Get("b")->has_value(), false);
  EXPECT_EQ(view->position(), 1u);
  EXPECT_EQ(store().Read()->position(), 2u);
}

// Two doctors may not both leave: each looks whether the other is there.
TEST_P(StoreSuite, WriteSkewIsRefused) {
  Put("ann", "here");
  Put("bob", "here");
  const int attempts = AttemptsWhenOvertaken(
      store(),
      [](Transaction& tx) {
        if (ValueIn(tx, "bob") == "here")
          tx.Put("ann", "left");
        else
          tx.Put("ann", "here");
      },
      [](Transaction& tx) {
        if (ValueIn(tx, "ann") == "here") tx.Put("bob", "left");
      });
  EXPECT_EQ(attempts, 2);
  EXPECT_EQ(Get("ann"), "here");
  EXPECT_EQ(Get("bob"), "left");
}

TEST_P(StoreSuite, AReadOfNothingIsAReadToo) {
  const int attempts = AttemptsWhenOvertaken(
      store(),
      [](Transaction& tx) {
        if (ValueIn(tx, "name") == "-") tx.Put("name", "mine");
      },
      [](Transaction& tx) { tx.Put("name", "theirs"); });
  EXPECT_EQ(attempts, 2);
  EXPECT_EQ(Get("name"), "theirs");
}

TEST_P(StoreSuite, ADeleteOvertakesAReadToo) {
  Put("permit", "yes");
  const int attempts = AttemptsWhenOvertaken(
      store(), [](Transaction& tx) { tx.Put("sent", ValueIn(tx, "permit")); },
      [](Transaction& tx) { tx.Delete("permit"); });
  EXPECT_EQ(attempts, 2);
  EXPECT_EQ(Get("sent"), "-");
}

TEST_P(StoreSuite, WritesThatNobodyReadDoNotConflict) {
  const int attempts = AttemptsWhenOvertaken(
      store(), [](Transaction& tx) { tx.Put("a", "outer"); }, [](Transaction& tx) { tx.Put("a", "inner"); });
  EXPECT_EQ(attempts, 1);
  EXPECT_EQ(Get("a"), "outer");
}

TEST_P(StoreSuite, NoUpdateIsLost) {
  constexpr int kThreads = 8, kEach = 40;
  Put("count", "0");
  InThreads(kThreads, [&](int) {
    for (int i = 0; i < kEach; ++i) {
      const absl::Status status = store().Transact([](Transaction& tx) {
        tx.Put("count", std::to_string(std::stoi(ValueIn(tx, "count")) + 1));
        return absl::OkStatus();
      });
      EXPECT_TRUE(status.ok()) << status;
    }
  });
  EXPECT_EQ(Get("count"), std::to_string(kThreads * kEach));
}

// Quick transactions on the same key do not keep a slow one out for ever.
TEST_P(StoreSuite, ASlowTransactionGetsItsTurn) {
  constexpr int kQuick = 6;
  Put("hot", "0");
  std::atomic<bool> done = false;
  const auto add_one = [&](bool slowly) {
    return store().Transact([slowly](Transaction& tx) {
      const int count = std::stoi(ValueIn(tx, "hot"));
      if (slowly)
        std::this_thread::sleep_for(std::chrono::milliseconds(3));  // the body's work; nothing is awaited
      tx.Put("hot", std::to_string(count + 1));
      return absl::OkStatus();
    });
  };
  InThreads(kQuick + 1, [&](int thread) {
    if (thread < kQuick) {
      while (!done) EXPECT_TRUE(add_one(false).ok());
      return;
    }
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(add_one(true).ok());
    done = true;
  });
}

// At most one row under the prefix: each looks and, finding none, adds its own.
TEST_P(StoreSuite, AGuardedScanRefusesPhantoms) {
  const auto add_if_none = [](std::string key) {
    return [key](Transaction& tx) {
      if (!RowsIn(tx, PrefixRange("slot/"), "guard/slot").empty()) return;
      tx.Put(key, "taken");
      tx.Touch("guard/slot");
    };
  };
  EXPECT_EQ(AttemptsWhenOvertaken(store(), add_if_none("slot/a"), add_if_none("slot/b")), 2);
  EXPECT_THAT(RowsIn(*store().Read(), PrefixRange("slot/")), ElementsAre("slot/b=taken"));
}

TEST_P(StoreSuite, ATouchAloneIsSeen) {
  const int attempts = AttemptsWhenOvertaken(
      store(),
      [](Transaction& tx) {
        RowsIn(tx, PrefixRange("slot/"), "guard/slot");
        tx.Put("looked", "yes");
      },
      [](Transaction& tx) { tx.Touch("guard/slot"); });
  EXPECT_EQ(attempts, 2);
}

TEST_P(StoreSuite, GivesUpOnAKeyThatIsAlwaysOvertaken) {
  int attempts = 0;
  const absl::Status status = store().Transact([&](Transaction& tx) {
    ValueIn(tx, "hot");
    tx.Put("mine", "written");
    Put("hot", std::to_string(++attempts));
    return absl::OkStatus();
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(base::ReasonOf(status), "STORE_BUSY");
  EXPECT_EQ(attempts, Store::kMaxAttempts);
  EXPECT_EQ(Get("mine"), "-");
}

TEST_P(StoreSuite, MoneyIsNeitherMadeNorLost) {
  constexpr int kAccounts = 6, kThreads = 6, kMoves = 60, kEach = 100;
  for (int i = 0; i < kAccounts; ++i) Put(fmt::format("account/{}", i), std::to_string(kEach));
  const auto total = [&](const storage::View& view) {
    int sum = 0;
    EXPECT_TRUE(view.Scan(PrefixRange("account/"),
                          [&](auto, std::string_view value) {
                            sum += std::stoi(std::string(value));
                            return true;
                          })
                    .ok());
    return sum;
  };
  InThreads(kThreads, [&](int thread) {
    for (int i = 0; i < kMoves; ++i) {
      const std::string from = fmt::format("account/{}", (thread + i) % kAccounts);
      const std::string to = fmt::format("account/{}", (thread * 5 + i * 3 + 1) % kAccounts);
      if (from == to) continue;
      EXPECT_TRUE(store()
                      .Transact([&](Transaction& tx) {
                        tx.Put(from, std::to_string(std::stoi(ValueIn(tx, from)) - 1));
                        tx.Put(to, std::to_string(std::stoi(ValueIn(tx, to)) + 1));
                        return absl::OkStatus();
                      })
                      .ok());
      EXPECT_EQ(total(*store().Read()), kAccounts * kEach);
    }
  });
}

TEST_P(StoreSuite, ChangesAreReadInOrderFromAPosition) {
  EXPECT_THAT(EntriesOf(store().ReadChanges(0, 10)), IsEmpty());
  Append("a");
  ASSERT_TRUE(store()
                  .Transact([](Transaction& tx) {
                    tx.AppendChange("b");
                    tx.AppendChange("c");
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_EQ(store().LastPosition(), 3u);
  EXPECT_THAT(EntriesOf(store().ReadChanges(0, 10)), ElementsAre("1:a", "2:b", "3:c"));
  EXPECT_THAT(EntriesOf(store().ReadChanges(1, 1)), ElementsAre("2:b"));
  EXPECT_THAT(EntriesOf(store().ReadChanges(3, 10)), IsEmpty());
}

TEST_P(StoreSuite, ACursorOfAnotherLifeOfTheStoreIsRefused) {
  Append("a");
  const auto changes = store().ReadChanges(7, 10);
  EXPECT_EQ(changes.status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(base::ReasonOf(changes.status()), "CURSOR_TOO_OLD");
}

// What a follower has read up to position p is all there ever will be up to p.
TEST_P(StoreSuite, AFollowerNeverPassesOverAChange) {
  constexpr int kWriters = 8, kEach = 150;
  constexpr uint64_t kAll = kWriters * kEach;
  std::vector<std::string> followed;
  std::thread follower([&] {
    uint64_t position = 0;
    while (position < kAll && store().WaitForChange(position, 20'000'000)) {
      const auto changes = store().ReadChanges(position, 7);
      ASSERT_TRUE(changes.ok()) << changes.status();
      for (const Change& change : *changes) {
        ASSERT_EQ(change.position, ++position);
        followed.push_back(change.entry);
      }
    }
  });
  InThreads(kWriters, [&](int writer) {
    for (int i = 0; i < kEach; ++i) {
      const std::string entry = fmt::format("{}-{}", writer, i);
      ASSERT_TRUE(store()
                      .Transact([&](Transaction& tx) {
                        tx.Put("row/" + entry, "v");
                        tx.AppendChange(entry);
                        return absl::OkStatus();
                      })
                      .ok());
    }
  });
  follower.join();
  EXPECT_EQ(followed.size(), kAll);
  EXPECT_EQ(std::set<std::string>(followed.begin(), followed.end()).size(), kAll);
  EXPECT_EQ(store().LastPosition(), kAll);
}

TEST_P(StoreSuite, AViewHasExactlyTheChangesUpToItsPosition) {
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (int i = 1; i <= 300; ++i) {
      EXPECT_TRUE(store()
                      .Transact([&](Transaction& tx) {
                        tx.Put("last", std::to_string(i));
                        tx.AppendChange("x");
                        return absl::OkStatus();
                      })
                      .ok());
    }
    done = true;
  });
  while (!done) {
    const auto view = store().Read();
    EXPECT_EQ(view->Get("last")->value_or("0"), std::to_string(view->position()));
  }
  writer.join();
}

TEST_P(StoreSuite, AnAcknowledgedCommitIsSeenByEveryLaterRead) {
  InThreads(4, [&](int thread) {
    for (int i = 0; i < 100; ++i) {
      const std::string key = fmt::format("{}/{}", thread, i);
      Put(key, "v");
      EXPECT_EQ(Get(key), "v");
      EXPECT_TRUE(store().Read()->Get(key)->has_value());
    }
  });
}

TEST_P(StoreSuite, WaitForChangeTellsWhetherThereIsOne) {
  EXPECT_FALSE(store().WaitForChange(0, 0));
  EXPECT_FALSE(store().WaitForChange(0, 1'000));
  std::thread later([&] { Append("a"); });
  EXPECT_TRUE(store().WaitForChange(0, 20'000'000));
  later.join();
  EXPECT_TRUE(store().WaitForChange(0, 0));
  EXPECT_FALSE(store().WaitForChange(1, 0));
}

TEST_P(StoreSuite, ReopeningSeesEverything) {
  Put("a", "1");
  Append("first");
  Reopen();
  EXPECT_EQ(Get("a"), "1");
  EXPECT_EQ(store().LastPosition(), 1u);
  Append("second");
  Reopen();
  EXPECT_THAT(EntriesOf(store().ReadChanges(0, 10)), ElementsAre("1:first", "2:second"));
}

TEST_P(StoreSuite, AStoreOfANewerFormatIsRefused) {
  store_.reset();
  ASSERT_TRUE(TryOpen(2).ok());
  const auto older = TryOpen(1);
  EXPECT_EQ(older.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(base::ReasonOf(older.status()), "STORE_FORMAT_NEWER");
  EXPECT_TRUE(TryOpen(2).ok());
}

TEST_P(StoreSuite, AStoreIsOpenOnceOnly) {
  const auto second = TryOpen(1);
  EXPECT_EQ(base::ReasonOf(second.status()), "STORE_IN_USE");
  store_.reset();
  EXPECT_TRUE(TryOpen(1).ok());
}

TEST_P(StoreSuite, ATransactionThatIsTooLargeIsRefusedWhole) {
  const std::string large(8u << 20, 'x');
  const absl::Status status = store().Transact([&](Transaction& tx) {
    for (int i = 0; i < 9; ++i) tx.Put(fmt::format("large/{}", i), large);
    return absl::OkStatus();
  });
  EXPECT_EQ(base::ReasonOf(status), "STORE_TRANSACTION_TOO_LARGE");
  EXPECT_EQ(Get("large/0"), "-");
}

}  // namespace pharos::tests
