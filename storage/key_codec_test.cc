#include "storage/key_codec.h"

#include <random>
#include <tuple>

#include "gtest/gtest.h"
#include "storage/store.h"

namespace pharos::storage {
namespace {

using Tuple = std::tuple<std::string, uint64_t, std::string>;

std::string Encode(const Tuple& t) {
  return KeyWriter(7).String(std::get<0>(t)).U64(std::get<1>(t)).String(std::get<2>(t));
}

// Short strings over the bytes that matter to the encoding, so that prefixes and near misses come up often.
std::string RandomString(std::mt19937_64& random) {
  constexpr char kBytes[] = {'\0', '\x01', 'a', '\x7f', '\x80', '\xfe', '\xff'};
  std::string s(random() % 5, 'a');
  for (char& c : s) c = kBytes[random() % sizeof kBytes];
  return s;
}

Tuple RandomTuple(std::mt19937_64& random) {
  return {RandomString(random), random() % 2 ? random() : random() % 300, RandomString(random)};
}

bool TupleLess(const Tuple& a, const Tuple& b) {
  return a < b;
}

TEST(KeyCodec, KeysSortAsTheirTuplesDo) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200'000; ++i) {
    const Tuple a = RandomTuple(random);
    Tuple b = RandomTuple(random);
    if (i % 2) std::get<0>(b) = std::get<0>(a);
    ASSERT_EQ(TupleLess(a, b), Encode(a) < Encode(b)) << i;
    ASSERT_EQ(a == b, Encode(a) == Encode(b)) << i;
  }
}

TEST(KeyCodec, ReadsBackWhatWasWritten) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 10'000; ++i) {
    const Tuple t = RandomTuple(random);
    const std::string key = Encode(t);
    KeyReader reader(key);
    EXPECT_EQ(reader.String(), std::get<0>(t));
    EXPECT_EQ(reader.U64(), std::get<1>(t));
    EXPECT_EQ(reader.String(), std::get<2>(t));
    EXPECT_TRUE(reader.ok());
    EXPECT_TRUE(reader.done());
  }
}

TEST(KeyCodec, AKeyCutShortIsNoticed) {
  const std::string key = KeyWriter(1).String("abc").U64(7).Raw("0123456789abcdef");
  for (size_t length = 0; length < key.size(); ++length) {
    KeyReader reader(std::string_view(key).substr(0, length));
    reader.String();
    reader.U64();
    reader.Raw(16);
    EXPECT_FALSE(reader.ok()) << length;
  }
}

TEST(KeyCodec, APartThatNoWriterMadeIsNoticed) {
  const std::string key(
      "\x01"
      "a\0b",
      4);
  KeyReader reader(key);
  EXPECT_EQ(reader.String(), "");
  EXPECT_FALSE(reader.ok());
}

TEST(KeyCodec, APrefixRangeHasExactlyTheKeysWithThePrefix) {
  EXPECT_EQ(PrefixRange("ab").end, "ac");
  EXPECT_EQ(PrefixRange("a\xff\xff").end, "b");
  EXPECT_EQ(PrefixRange("\xff").end, "");
  EXPECT_EQ(PrefixRange("").end, "");
  EXPECT_EQ(PrefixRange("\x7f").end, "\x80");
}

}  // namespace
}  // namespace pharos::storage
