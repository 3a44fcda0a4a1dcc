// What was in doubt and was to be sent again ends as UNCONFIRMED where a rule then says no: its first attempt
// may have arrived.
#include "services/dispatch/desk_fixture.h"

namespace pharos::dispatch {
namespace {

class DeskDoubtTest : public DeskTest {
 protected:
  // The campaign prefers a duplicate to a miss; its one message is in doubt.
  SessionPtr InDoubt() {
    manifest_.set_purpose_class(type::v1::PURPOSE_CLASS_SERVICE);
    manifest_.mutable_rules()->set_in_doubt(type::v1::PREFER_DUPLICATE);
    manifest_.mutable_rules()->set_in_doubt_after_s(60);
    auto [session, attempt] = InFlight();
    internal::v1::Outcome outcome;
    outcome.set_id(attempt.id());
    outcome.mutable_no_answer()->set_reason("LINK_LOST");
    Report(session, outcome);
    EXPECT_EQ(Tally().unconfirmed(), 1);
    return session;
  }
  void LetPass(int64_t us) {
    clock_.Advance(us);
    Ticks();
  }
  void ExpectUnconfirmed(const std::string& reason) {
    EXPECT_EQ(Tally().unconfirmed(), 1);  // Tally checks that the terms add up, too
    EXPECT_EQ(Tally().pending(), 0);
    EXPECT_TRUE(Tally().withheld().empty());
    EXPECT_EQ(StateOf(Intent()), State::kUnconfirmed);
    EXPECT_EQ(Intent().reason(), reason);
  }
};

TEST_F(DeskDoubtTest, AStopWhileItWaitsToBeSentAgain) {
  InDoubt();
  LetPass(61'000'000);
  ASSERT_EQ(Tally().pending(), 1);
  Steer(internal::v1::HALT);
  Ticks();
  ExpectUnconfirmed("STOPPED");
  Restart();
  Ticks();
  ExpectUnconfirmed("STOPPED");
}

TEST_F(DeskDoubtTest, AStopBeforeItIsSentAgain) {
  InDoubt();
  Steer(internal::v1::HALT);
  LetPass(61'000'000);
  ExpectUnconfirmed("STOPPED");
  const int events = Intent().events_size();
  LetPass(10'000'000);
  EXPECT_EQ(Intent().events_size(), events) << "said once";
}

TEST_F(DeskDoubtTest, TheEndOfTheCampaign) {
  manifest_.set_not_after_us(clock_.WallMicros() + 90'000'000);
  InDoubt();
  LetPass(61'000'000);
  ASSERT_EQ(Tally().pending(), 1);
  LetPass(40'000'000);
  Ticks();
  ExpectUnconfirmed("EXPIRED");
}

TEST_F(DeskDoubtTest, ADeniedPermit) {
  const SessionPtr session = InDoubt();
  LetPass(61'000'000);
  Pull(session, 2);
  Ticks();
  ASSERT_EQ(customer_->asked.size(), 1u);
  auto question = customer_->asked[0];
  IssuePermitsResponse response;
  auto* answer = response.add_answers();
  answer->set_id(question.request.requests(0).id());
  answer->set_denied(type::v1::OPTED_OUT);
  Answer(question, response);
  ExpectUnconfirmed("OPTED_OUT");
}

}  // namespace
}  // namespace pharos::dispatch
