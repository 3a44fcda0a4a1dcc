#include "services/engagement/inbox_reply.h"

#include <gmock/gmock.h>

#include "services/base/errors.h"

namespace pharos::engagement {
namespace {

constexpr int64_t kNow = 1'790'000'000'000'000;

record::v1::InboxRow Row(const std::string& kind, bool for_review = false) {
  type::v1::ReplyEvent event;
  event.set_position(7);
  event.set_reply("replies/r1");
  event.set_kind(kind);
  event.set_for_review(for_review);
  event.add_readers()->set_campaign("campaigns/booking");
  return NewReply(event);
}

TEST(InboxReply, WhatPharosActedOnByItselfIsDealtWith) {
  for (const char* kind :
       {"STOP", "START", "WRONG_PERSON", "UNSUBSCRIBE", "UNSUBSCRIBE_ALL", "PAUSE", "RESUME"}) {
    EXPECT_EQ(Row(kind).state(), v1::DEALT_WITH) << kind;
    EXPECT_TRUE(Row(kind).automatic()) << kind;
    EXPECT_EQ(Row(kind, true).state(), v1::NEW) << kind << " in free words: a person reads it";
    EXPECT_FALSE(Row(kind, true).automatic()) << kind;
  }
  for (const char* kind : {"HELP", "OTHER", "SOMETHING_OF_A_LATER_VERSION", "", "REPLY_KIND_UNSPECIFIED"}) {
    EXPECT_EQ(Row(kind).state(), v1::NEW) << kind;
    EXPECT_FALSE(Row(kind).automatic()) << kind;
  }
  EXPECT_EQ(Row("SOMETHING_OF_A_LATER_VERSION").kind(), v1::OTHER);
}

TEST(InboxReply, IsDealtWithAndReopenedByPeople) {
  const record::v1::InboxRow fresh = Row("OTHER");
  ReplyCommand done{v1::DEALT_WITH, "sealed", EtagOf(fresh), "principals/ana"};
  const auto decided = Decide(fresh, done, kNow);
  ASSERT_TRUE(decided.ok() && decided->has_value());
  const record::v1::InboxRow& row = (*decided)->row;
  EXPECT_EQ((*decided)->change, "reply.dealtWith");
  EXPECT_EQ(row.state(), v1::DEALT_WITH);
  EXPECT_EQ(row.note(), "sealed");
  EXPECT_EQ(row.change_principal(), "principals/ana");
  EXPECT_EQ(row.change_time_us(), kNow);
  EXPECT_NE(EtagOf(row), EtagOf(fresh));
  EXPECT_EQ(base::ReasonOf(Decide(row, done, kNow).status()), "REPLY_CHANGED") << "it was read before";
  const auto again = Decide(row, {v1::NEW, std::nullopt, "", "principals/bob"}, kNow);
  ASSERT_TRUE(again.ok() && again->has_value());
  EXPECT_EQ((*again)->change, "reply.reopened");
  EXPECT_EQ((*again)->row.note(), "sealed") << "an unset note stays";
}

TEST(InboxReply, WhatIsSoAlreadyChangesNothing) {
  const record::v1::InboxRow row = Row("OTHER");
  EXPECT_FALSE(Decide(row, {v1::NEW, std::nullopt, "", "principals/ana"}, kNow)->has_value());
  EXPECT_FALSE(Decide(row, {v1::REPLY_STATE_UNSPECIFIED, "", "", "principals/ana"}, kNow)->has_value());
  const auto noted = Decide(row, {v1::NEW, "sealed", "", "principals/ana"}, kNow);
  ASSERT_TRUE(noted->has_value());
  EXPECT_EQ((*noted)->change, "reply.noted");
}

TEST(InboxReply, AForgottenOneTakesNoNote) {
  record::v1::InboxRow row = Row("OTHER");
  row.set_note("sealed");
  Forget(row);
  EXPECT_EQ(row.note(), "");
  EXPECT_TRUE(row.readers().empty());
  EXPECT_EQ(base::ReasonOf(Decide(row, {v1::DEALT_WITH, "sealed", "", "principals/ana"}, kNow).status()),
            "REPLY_FORGOTTEN");
  EXPECT_TRUE(Decide(row, {v1::DEALT_WITH, std::nullopt, "", "principals/ana"}, kNow)->has_value());
}

}  // namespace
}  // namespace pharos::engagement
