#include "storage/seal.h"

#include <atomic>
#include <functional>
#include <map>
#include <set>
#include <thread>

#include "gtest/gtest.h"
#include "services/base/errors.h"
#include "storage/envelope.h"

namespace pharos::storage {
namespace {

// Keys in memory, and a count of the calls.
struct Shelf {
  base::Mutex mutex;
  std::map<uint64_t, std::string> keys ABSL_GUARDED_BY(mutex);
  std::atomic<int> creates{0}, fetches{0};
  std::atomic<bool> away{false};
  // Called inside Fetch, after the keys were read.
  std::function<void()> during_fetch = [] {};

  void Destroy(uint64_t id) {
    base::MutexLock lock(mutex);
    keys.erase(id);
  }
};

class ShelfSource final : public KeySource {
 public:
  explicit ShelfSource(Shelf& shelf) : shelf_(shelf) {}
  absl::StatusOr<std::vector<DataKey>> Create(size_t count) override {
    if (shelf_.away) return absl::UnavailableError("away");
    ++shelf_.creates;
    base::MutexLock lock(shelf_.mutex);
    std::vector<DataKey> made;
    for (size_t i = 0; i < count; ++i) {
      const uint64_t id = shelf_.keys.size() + 1;
      const std::string bytes = BytesOf(id);
      shelf_.keys[id] = bytes;
      made.push_back({id, bytes});
    }
    return made;
  }
  absl::StatusOr<std::vector<DataKey>> Fetch(const std::vector<uint64_t>& ids) override {
    if (shelf_.away) return absl::UnavailableError("away");
    ++shelf_.fetches;
    std::vector<DataKey> found;
    {
      base::MutexLock lock(shelf_.mutex);
      for (const uint64_t id : ids) found.push_back({id, shelf_.keys.count(id) != 0 ? shelf_.keys[id] : ""});
    }
    shelf_.during_fetch();
    return found;
  }

 private:
  static std::string BytesOf(uint64_t id) {
    std::string bytes(32, static_cast<char>(id * 37));
    bytes.replace(0, 8, std::string(reinterpret_cast<const char*>(&id), 8));
    return bytes;
  }
  Shelf& shelf_;
};

class SealTest : public testing::Test {
 protected:
  std::unique_ptr<KeyRing> Ring(size_t capacity = KeyRing::kCapacity) {
    return std::make_unique<KeyRing>(std::make_unique<ShelfSource>(shelf_), capacity);
  }
  Shelf shelf_;
};

TEST_F(SealTest, WhatWasSealedOpensAgain) {
  auto ring = Ring();
  const DataKey key = *ring->Fresh();
  const std::string sealed = Seal(key, "Mary Smith", "record/7/name");
  EXPECT_EQ(sealed.find("Mary"), std::string::npos);
  EXPECT_EQ(*KeyIdOf(sealed), key.id);
  EXPECT_EQ(*Unseal(*ring, sealed, "record/7/name"), "Mary Smith");
  EXPECT_EQ(*Unseal(*Ring(), sealed, "record/7/name"),
            "Mary Smith");  // another process, which fetches the key
}

TEST_F(SealTest, AnEmptyValueHasASealToo) {
  auto ring = Ring();
  EXPECT_EQ(*Unseal(*ring, Seal(*ring->Fresh(), "", "a"), "a"), "");
}

TEST_F(SealTest, TheSameValueSealedTwiceLooksDifferent) {
  const DataKey key = *Ring()->Fresh();
  EXPECT_NE(Seal(key, "Mary", "a"), Seal(key, "Mary", "a"));
}

TEST_F(SealTest, AnyChangedByteIsNoticed) {
  auto ring = Ring();
  const std::string sealed = Seal(*ring->Fresh(), "Mary Smith", "a");
  for (size_t at = 0; at < sealed.size(); ++at) {
    std::string changed = sealed;
    changed[at] ^= 1;
    EXPECT_FALSE(Unseal(*ring, changed, "a").ok()) << "byte " << at;
    EXPECT_FALSE(Unseal(*ring, sealed.substr(0, at), "a").ok()) << "cut at " << at;
  }
}

TEST_F(SealTest, AValueInAnotherPlaceDoesNotOpen) {
  auto ring = Ring();
  const auto moved = Unseal(*ring, Seal(*ring->Fresh(), "Mary", "record/7"), "record/8");
  EXPECT_EQ(moved.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(base::ReasonOf(moved.status()), "STORE_VALUE_DAMAGED");
}

TEST_F(SealTest, AnErasedRecordSaysSo) {
  auto ring = Ring();
  const DataKey key = *ring->Fresh();
  const std::string sealed = Seal(key, "Mary", "a");
  shelf_.Destroy(key.id);
  ring->Forget(key.id);
  EXPECT_EQ(base::ReasonOf(Unseal(*ring, sealed, "a").status()), "KEY_DESTROYED");
  EXPECT_TRUE(ring->Prefetch({key.id}).ok());
}

TEST_F(SealTest, AKeyForgottenWhileItIsFetchedStaysForgotten) {
  auto ring = Ring();
  const DataKey key = *ring->Fresh();
  const std::string sealed = Seal(key, "Mary", "a");
  auto other = Ring();
  shelf_.during_fetch = [&] {
    shelf_.Destroy(key.id);
    other->Forget(key.id);
  };
  EXPECT_EQ(base::ReasonOf(Unseal(*other, sealed, "a").status()), "KEY_DESTROYED");
}

TEST_F(SealTest, WithoutASourceNothingIsSealedAndNothingSealedOpens) {
  KeyRing clear(nullptr);
  EXPECT_FALSE(clear.seals());
  const DataKey none = *clear.Fresh();
  EXPECT_EQ(none.id, 0u);
  EXPECT_EQ(Seal(none, "Mary", "a"), Wrap("Mary"));
  EXPECT_EQ(*Unseal(clear, Wrap("Mary"), "a"), "Mary");
  EXPECT_EQ(base::ReasonOf(Unseal(clear, Seal(*Ring()->Fresh(), "Mary", "a"), "a").status()), "KEYS_MISSING");
}

TEST_F(SealTest, AnAbsentSourceIsNotAnErasedRecord) {
  auto ring = Ring();
  const std::string sealed = Seal(*ring->Fresh(), "Mary", "a");
  shelf_.away = true;
  EXPECT_EQ(*Unseal(*ring, sealed, "a"), "Mary");  // cached
  EXPECT_EQ(Unseal(*Ring(), sealed, "a").status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(SealTest, FreshKeysComeInBatchesAndNoneTwice) {
  auto ring = Ring();
  std::set<uint64_t> ids;
  for (size_t i = 0; i < KeyRing::kFreshBatch + 1; ++i) ids.insert(ring->Fresh()->id);
  EXPECT_EQ(ids.size(), KeyRing::kFreshBatch + 1);
  EXPECT_EQ(ids.count(0), 0u);
  EXPECT_EQ(shelf_.creates, 2);
}

TEST_F(SealTest, ManyThreadsGetDifferentKeys) {
  auto ring = Ring();
  base::Mutex mutex;
  std::set<uint64_t> ids;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 1000; ++j) {
        const uint64_t id = ring->Fresh()->id;
        base::MutexLock lock(mutex);
        ids.insert(id);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ids.size(), 4000u);
}

TEST_F(SealTest, TheCacheIsBoundedAndKeepsWhatIsUsed) {
  auto maker = Ring();
  std::vector<uint64_t> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(maker->Fresh()->id);
  auto ring = Ring(3);
  ASSERT_TRUE(ring->Prefetch({ids[0], ids[1], ids[2]}).ok());
  EXPECT_EQ(shelf_.fetches, 1);
  ASSERT_TRUE(ring->Get(ids[0]).ok());
  ASSERT_TRUE(ring->Get(ids[1]).ok());
  ASSERT_TRUE(ring->Get(ids[3]).ok());  // drives out ids[2]
  EXPECT_EQ(shelf_.fetches, 2);
  ASSERT_TRUE(ring->Get(ids[0]).ok());
  EXPECT_EQ(shelf_.fetches, 2);
  ASSERT_TRUE(ring->Get(ids[2]).ok());
  EXPECT_EQ(shelf_.fetches, 3);
}

}  // namespace
}  // namespace pharos::storage
