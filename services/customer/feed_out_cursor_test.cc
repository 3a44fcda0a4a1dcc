#include "services/customer/feed_out_cursor.h"

#include <gtest/gtest.h>

#include "services/base/ids.h"

namespace pharos::customer {
namespace {

const storage::BlindIndex kBlind(std::string(32, 'k'));
constexpr char kFeed[] = "changes:agreements/leeds";

TEST(FeedCursor, ComesBackAsItWasWritten) {
  const std::string person = "people/" + base::NewId(1'700'000'000'000'000);
  for (const FeedPlace& place :
       {FeedPlace{true, 7, ""}, FeedPlace{true, uint64_t{1} << 60, person}, FeedPlace{false, 0, ""}}) {
    const std::string cursor = WriteFeedCursor(kBlind, kFeed, place);
    EXPECT_LE(cursor.size(), 128u);
    const auto read = ReadFeedCursor(kBlind, kFeed, cursor);
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->snapshot, place.snapshot);
    EXPECT_EQ(read->position, place.position);
    EXPECT_EQ(read->person, place.person);
  }
}

TEST(FeedCursor, SaysNothingOfWhereItIs) {
  const std::string cursor = WriteFeedCursor(kBlind, kFeed, {false, 0x4142434445464748, "people/abc"});
  EXPECT_EQ(base::FromHex(cursor).find("ABCDEFGH"), std::string::npos);
  EXPECT_EQ(base::FromHex(cursor).find("abc"), std::string::npos);
}

TEST(FeedCursor, OfAnotherFeedAgreementOrKeyIsNone) {
  const std::string cursor = WriteFeedCursor(kBlind, kFeed, {false, 7, ""});
  EXPECT_FALSE(ReadFeedCursor(kBlind, "consents:agreements/leeds", cursor));
  EXPECT_FALSE(ReadFeedCursor(kBlind, "changes:agreements/york", cursor));
  EXPECT_FALSE(ReadFeedCursor(storage::BlindIndex(std::string(32, 'x')), kFeed, cursor));
}

TEST(FeedCursor, ChangedInAnyCharacterIsNone) {
  const std::string cursor = WriteFeedCursor(kBlind, kFeed, {true, 7, "people/abc"});
  for (size_t at = 0; at < cursor.size(); ++at) {
    std::string changed = cursor;
    changed[at] = changed[at] == '0' ? '1' : '0';
    EXPECT_FALSE(ReadFeedCursor(kBlind, kFeed, changed)) << at;
  }
  for (const char* other : {"", "0", "zz", "00"}) EXPECT_FALSE(ReadFeedCursor(kBlind, kFeed, other)) << other;
  EXPECT_FALSE(ReadFeedCursor(kBlind, kFeed, cursor + "00"));
}

}  // namespace
}  // namespace pharos::customer
