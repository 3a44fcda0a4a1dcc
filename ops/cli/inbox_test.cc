#include "ops/cli/inbox.h"

#include <gmock/gmock.h>

#include <sstream>

namespace pharos::cli {
namespace {

using testing::HasSubstr;

// "Content-Type: multipart/alternative; boundary=b" with a text and an HTML part, in base64.
constexpr char kMail[] =
    "Q29udGVudC1UeXBlOiBtdWx0aXBhcnQvYWx0ZXJuYXRpdmU7IGJvdW5kYXJ5PWINCg0KLS1iDQpDb250ZW50LVR5cGU6IHRleHQvcGxh"
    "aW47IGNoYXJzZXQ9dXRmLTgNCkNvbnRlbnQtVHJhbnNmZXItRW5jb2Rpbmc6IHF1b3RlZC1wcmludGFibGUNCg0KY2FmPUMzPUE5DQot"
    "LWINCkNvbnRlbnQtVHlwZTogdGV4dC9odG1sDQoNCjxwPmh0bWw8L3A+DQotLWItLQ0K";

std::string File() {
  return std::string(
             "{\"t_ns\":1490000000000000001,\"channel\":\"sms\",\"to\":\"447700900123\",\"from\":\"60777\","
             "\"subject\":\"\",\"text\":\"Hello\"}\n"
             "{\"t_ns\":1490000000000000002,\"channel\":\"email\",\"to\":\"Sam@example.org\",\"from\":\"Quit "
             "<q@example.org>\",\"subject\":\"Hi\",\"text\":\"x\",\"raw\":\"") +
         kMail + "\"}\n{\"t_ns\":149000000";
}

TEST(Inbox, IsReadToTheLastWholeLine) {
  std::istringstream file(File());
  auto messages = ReadInbox(file, {});
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0].t_ns, 1'490'000'000'000'000'001);
  EXPECT_EQ(TextOf(messages[0], false), "Hello");
  EXPECT_EQ(TextOf(messages[1], false), "café");
  EXPECT_EQ(TextOf(messages[1], true), "<p>html</p>");
}

TEST(Inbox, ANumberIsTheSameHoweverItIsWritten) {
  for (const char* to : {"07700 900123", "+44 7700 900123", "447700900123"}) {
    std::istringstream file(File());
    EXPECT_EQ(ReadInbox(file, {to, 20}).size(), 1u) << to;
  }
  std::istringstream file(File());
  EXPECT_EQ(ReadInbox(file, {"sam@EXAMPLE.org", 20}).at(0).channel, "email");
}

TEST(Inbox, TheNewestAreShown) {
  std::istringstream file(File());
  auto messages = ReadInbox(file, {"", 1});
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].subject, "Hi");
}

TEST(Inbox, AsJsonTheTextIsDecodedToo) {
  std::istringstream file(File());
  auto messages = ReadInbox(file, {"sam@example.org", 1});
  EXPECT_THAT(JsonOf(messages.at(0), false), HasSubstr("\"text\":\"café\""));
  EXPECT_THAT(JsonOf(messages.at(0), true), HasSubstr("html"));
  EXPECT_THAT(JsonOf(messages.at(0), false), HasSubstr("\"t_ns\":\"1490000000000000002\""));
}

}  // namespace
}  // namespace pharos::cli
