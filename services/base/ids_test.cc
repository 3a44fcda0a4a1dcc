#include "services/base/ids.h"

#include <set>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "services/base/mutex.h"

namespace pharos::base {
namespace {

constexpr int64_t kNow = 1'790'000'000'000'000;

TEST(Ids, RiseEvenInOneMillisecondAndWhenTheClockStepsBack) {
  std::string last = NewId(kNow);
  for (int i = 0; i < 1000; ++i) {
    const std::string id = NewId(kNow - i);
    EXPECT_LT(last, id);
    last = id;
  }
  EXPECT_LT(last, NewId(kNow + 1000));
}

TEST(Ids, AreTwentySixCrockfordCharacters) {
  const std::string id = NewId(kNow);
  EXPECT_EQ(id.size(), 26u);
  EXPECT_EQ(id.find_first_not_of("0123456789abcdefghjkmnpqrstvwxyz"), std::string::npos) << id;
}

TEST(Ids, AreReadBackAsTheirBytesAndNothingElseIs) {
  for (int i = 0; i < 100; ++i) {
    const std::string id = NewId(kNow + i);
    const auto bytes = ReadId(id);
    ASSERT_TRUE(bytes) << id;
    std::string again(kIdLength, ' ');
    WriteId(*bytes, again.data());
    EXPECT_EQ(again, id);
  }
  EXPECT_TRUE(ReadId("7zzzzzzzzzzzzzzzzzzzzzzzzz"));
  for (const char* other : {"", "p1", "8zzzzzzzzzzzzzzzzzzzzzzzzz", "01JD3V7M8Q0000000000000000",
                            "01jd3v7m8q000000000000000i", "01jd3v7m8q00000000000000000"})
    EXPECT_FALSE(ReadId(other)) << other;
}

TEST(Ids, AreUniqueAcrossThreads) {
  Mutex mutex;
  std::set<std::string> seen;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        std::string id = NewId(kNow);
        MutexLock lock(mutex);
        seen.insert(std::move(id));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(seen.size(), 2000u);
}

TEST(Hex, GoesThereAndBack) {
  EXPECT_EQ(ToHex(std::string_view("\x00\x7f\xff", 3)), "007fff");
  EXPECT_EQ(FromHex("007FfF"), std::string("\x00\x7f\xff", 3));
  EXPECT_EQ(FromHex("abc"), "");
  EXPECT_EQ(FromHex("0g"), "");
}

TEST(Sha256, MatchesTheStandardsExample) {
  EXPECT_EQ(ToHex(Sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(RandomBytes, Differ) {
  EXPECT_EQ(RandomBytes16().size(), 16u);
  EXPECT_NE(RandomBytes16(), RandomBytes16());
}

TEST(Names, GiveTheirSegment) {
  EXPECT_EQ(Segment("people/x", "people"), "x");
  EXPECT_EQ(Segment("people/", "people"), "");
  EXPECT_EQ(Segment("people/x/y", "people"), "");
  EXPECT_EQ(Segment("sources/x", "people"), "");
}

TEST(Names, ChosenIdsAreShortAndPlain) {
  EXPECT_TRUE(IsChosenId("stop-smoking"));
  EXPECT_TRUE(IsChosenId("a"));
  EXPECT_FALSE(IsChosenId(""));
  EXPECT_FALSE(IsChosenId("-a"));
  EXPECT_FALSE(IsChosenId("a-"));
  EXPECT_FALSE(IsChosenId("Upper"));
  EXPECT_TRUE(IsChosenId(std::string(63, 'a')));
  EXPECT_FALSE(IsChosenId(std::string(64, 'a')));
}

}  // namespace
}  // namespace pharos::base
