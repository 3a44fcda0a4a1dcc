#include "services/dispatch/message.h"

#include <gtest/gtest.h>

namespace pharos::dispatch {
namespace {

constexpr int64_t kNow = 1'790'000'000'000'000;

TEST(Message, IdsAreUuidsOfVersion7ThatSortByTime) {
  const std::string first = NewMessageId(kNow), second = NewMessageId(kNow),
                    later = NewMessageId(kNow + 1'000'000);
  EXPECT_LT(first, second);
  EXPECT_LT(second, later);
  const std::string name = MessageName(first);
  ASSERT_EQ(name.size(), 9u + 36);
  EXPECT_EQ(name[9 + 14], '7');                                          // version
  EXPECT_NE(std::string("89ab").find(name[9 + 19]), std::string::npos);  // variant
  const uint64_t milliseconds = std::stoull(name.substr(9, 8) + name.substr(18, 4), nullptr, 16);
  EXPECT_EQ(milliseconds, static_cast<uint64_t>(kNow / 1000));
  EXPECT_EQ(MessageIdOf(name), first);
  EXPECT_EQ(TimeOfMessage(first), kNow);
}

TEST(Message, OnlyAUuidIsAName) {
  for (const char* wrong :
       {"messages/", "messages/1", "message/0198c5f2-1111-7222-8333-444444444444",
        "messages/0198c5f2-1111-7222-8333-44444444444g", "messages/0198c5f2x1111-7222-8333-444444444444"}) {
    EXPECT_EQ(MessageIdOf(wrong), "") << wrong;
  }
  EXPECT_EQ(MessageIdOf("messages/0198C5F2-1111-7222-8333-444444444444").size(), kMessageIdBytes);
}

TEST(Message, AStepNamesTheDeclaredOneAndTheMessage) {
  const std::string id = NewMessageId(kNow);
  const std::string step = MessageStep("12", id);
  EXPECT_TRUE(IsMessageStep(step));
  EXPECT_FALSE(IsMessageStep("12"));
  EXPECT_EQ(DeclaredStep(step), "12");
  EXPECT_EQ(DeclaredStep("12"), "12");
  EXPECT_EQ(MessageIdOfStep(step), id);
  EXPECT_EQ(MessageIdOfStep("12"), "");
}

TEST(Message, TakesOnlyTheValuesThatItsTextNeeds) {
  google::protobuf::Map<std::string, std::string> given;
  given["First Name"] = "Ann";
  given["ref_no"] = "";
  given["nobody asked"] = "secret";
  const Brought brought = TakeValues(given, {"date", "firstname", "refno"});
  EXPECT_EQ(brought.missing, std::vector<std::string>{"date"});
  EXPECT_EQ(brought.values, (std::map<std::string, std::string>{{"firstname", "Ann"}, {"refno", ""}}));
}

}  // namespace
}  // namespace pharos::dispatch
