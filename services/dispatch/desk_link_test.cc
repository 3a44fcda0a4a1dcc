// Tracked links: who gets them, where they lead, and what is counted.
#include "services/dispatch/desk_fixture.h"
#include "services/dispatch/link_token.h"

namespace pharos::dispatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

constexpr char kFirst[] = "https://www.nhs.uk/quit?step=1", kSecond[] = "https://quit.example/app";

class DeskLinkTest : public DeskTest {
 protected:
  DeskLinkTest() {
    WriteEmailToo();
    content_.set_email_body(
        "Dear ((first name)),\n\n[how](https://www.nhs.uk/quit?step=1), [app](https://quit.example/app), "
        "[mail](mailto:help@quit.example)");
    manifest_.set_measure_links(true);
    settings_.edge_url = "https://links.example";
    Restart();
  }
  // As customer answers: the first `measured` of them agreed to be measured.
  std::vector<internal::v1::Attempt> Sent(int people, int measured) {
    Plan(EmailMembers(people));
    Steer(internal::v1::GO);
    auto session = ConnectEmail();
    Pull(session, 1);
    Ticks();
    for (auto& question : customer_->asked) {
      for (const auto& request : question.request.requests()) asked_to_measure_ += request.measure() ? 1 : 0;
      auto done = question.done;
      question.done = [done, measured](auto answer) {
        for (int i = 0; i < std::min(measured, answer->answers_size()); ++i)
          answer->mutable_answers(i)->mutable_granted()->set_measured(true);
        done(std::move(answer));
      };
    }
    Grant();
    return Attempts(session);
  }
  static std::vector<std::string> TokensOf(const internal::v1::Attempt& attempt) {
    std::vector<std::string> tokens;
    const std::string& html = attempt.email().html();
    const std::string before = "https://links.example/l/";
    for (size_t at = html.find(before); at != std::string::npos; at = html.find(before, at + 1))
      tokens.push_back(html.substr(at + before.size(), kLinkTokenCharacters));
    return tokens;
  }
  std::optional<TrackedLink> LinkOf(const std::string& token) {
    std::optional<TrackedLink> link;
    Turned([&](Turn& turn) { link = desk_->LinkOf(turn, token); });
    return link;
  }
  void Follow(const std::string& token) {
    const auto link = LinkOf(token);
    ASSERT_TRUE(link);
    Turned([&](Turn& turn) { desk_->CountFollowed(turn, *link); });
  }

  int asked_to_measure_ = 0;
};

TEST_F(DeskLinkTest, OnlyWhoAgreedGetsThem) {
  const auto attempts = Sent(2, 1);
  ASSERT_EQ(attempts.size(), 2u);
  EXPECT_EQ(asked_to_measure_, 2);
  ASSERT_EQ(TokensOf(attempts[0]).size(), 2u);
  EXPECT_THAT(attempts[0].email().html(), Not(HasSubstr(kSecond)));
  EXPECT_THAT(attempts[0].email().html(), HasSubstr("mailto:help@quit.example"));
  EXPECT_THAT(attempts[0].text(), HasSubstr("app: https://links.example/l/" + TokensOf(attempts[0])[1]));
  EXPECT_THAT(attempts[0].email().one_click_url(), HasSubstr("https://links.example/u/"));

  EXPECT_THAT(TokensOf(attempts[1]), IsEmpty());
  EXPECT_THAT(attempts[1].email().html(), HasSubstr(kSecond));
  EXPECT_THAT(attempts[1].text(), HasSubstr(std::string("how: ") + kFirst));
}

TEST_F(DeskLinkTest, OffUnlessTheApprovedCampaignSaysSo) {
  manifest_.set_measure_links(false);
  const auto attempts = Sent(1, 1);
  ASSERT_EQ(attempts.size(), 1u);
  EXPECT_EQ(asked_to_measure_, 0) << "customer is not even asked";
  EXPECT_THAT(TokensOf(attempts[0]), IsEmpty());
}

TEST_F(DeskLinkTest, WithoutAnEdgeThereIsNothingToLinkTo) {
  UseSettings({});
  const auto attempts = Sent(1, 1);
  ASSERT_EQ(attempts.size(), 1u);
  EXPECT_THAT(attempts[0].email().html(), HasSubstr(kSecond));
}

TEST_F(DeskLinkTest, TextMessagesAreNeverChanged) {
  content_.set_sms_body("See https://www.nhs.uk/quit");
  Plan(SmsMembers(1));
  Steer(internal::v1::GO);
  auto session = Connect();
  Pull(session, 1);
  Ticks();
  ASSERT_EQ(customer_->asked.size(), 1u);
  EXPECT_FALSE(customer_->asked[0].request.requests(0).measure());
  Grant();
  EXPECT_EQ(Attempts(session).at(0).text(), "See https://www.nhs.uk/quit");
}

TEST_F(DeskLinkTest, TheyLeadWhereTheApprovedTemplateSays) {
  const auto attempts = Sent(1, 1);
  const auto tokens = TokensOf(attempts.at(0));
  const auto first = LinkOf(tokens.at(0)), second = LinkOf(tokens.at(1));
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->url, kFirst);
  EXPECT_EQ(first->number, 1u);
  EXPECT_EQ(first->message.person(), "people/p0");
  EXPECT_EQ(first->endpoint, Mailbox(0));
  EXPECT_EQ(second->url, kSecond);
  EXPECT_THAT(Responses(), IsEmpty()) << "looking counts nothing";
  EXPECT_EQ(Tally().followed(), 0);
  Restart();
  EXPECT_EQ(LinkOf(tokens[1])->url, kSecond) << "in another life, too";
}

TEST_F(DeskLinkTest, ATokenThatWeDidNotMakeLeadsNowhere) {
  const auto attempts = Sent(1, 1);
  const std::string attempt = attempts.at(0).id();
  EXPECT_FALSE(LinkOf(WriteLinkToken(key_, {attempt, 3}))) << "there is no third link";
  EXPECT_FALSE(LinkOf(WriteLinkToken(key_, {std::string(16, 'x'), 1}))) << "nor such a message";
  EXPECT_FALSE(LinkOf(WriteLinkToken(storage::BlindIndex(std::string(32, 'o')), {attempt, 1})));
  EXPECT_FALSE(LinkOf(desk_->LinkToken(attempt))) << "an unsubscribe link's token is none";
  EXPECT_FALSE(LinkOf("https://evil.example/"));
  EXPECT_FALSE(LinkOf(""));
  std::optional<std::string> purpose;
  Turned([&](Turn& turn) { purpose = desk_->PurposeOfLink(turn, TokensOf(attempts[0])[0]); });
  EXPECT_FALSE(purpose) << "and the other way round";
}

TEST_F(DeskLinkTest, EachLinkOfAMessageCountsOnce) {
  const auto attempts = Sent(2, 2);
  ASSERT_EQ(attempts.size(), 2u);
  const auto tokens = TokensOf(attempts[0]);
  for (int i = 0; i < 3; ++i) Follow(tokens.at(1));
  EXPECT_EQ(Tally().followed(), 1);
  EXPECT_TRUE(LinkOf(tokens[1])->counted);
  EXPECT_FALSE(LinkOf(tokens[0])->counted);
  Restart();
  Follow(tokens.at(1));
  Follow(tokens.at(0));
  Follow(TokensOf(attempts[1]).at(1));
  EXPECT_EQ(Tally().followed(), 2) << "two people's messages";
  EXPECT_EQ(Tally().followed_by_link().at("1/1"), 1);
  EXPECT_EQ(Tally().followed_by_link().at("1/2"), 2);
  const std::string other = LinkOf(TokensOf(attempts[1])[1])->message.person();
  EXPECT_THAT(Responses(), ElementsAre("people/p0 FOLLOWED", "people/p0 FOLLOWED", other + " FOLLOWED"));
  EXPECT_THAT(Intent(0).followed_links(), UnorderedElementsAre(1u, 2u));
}

TEST_F(DeskLinkTest, TwoPressesAtOnceCountOnce) {
  const auto attempts = Sent(1, 1);
  const auto link = LinkOf(TokensOf(attempts.at(0)).at(0));
  ASSERT_TRUE(link);
  for (int i = 0; i < 2; ++i) Turned([&](Turn& turn) { desk_->CountFollowed(turn, *link); });
  EXPECT_EQ(Tally().followed(), 1);
  EXPECT_EQ(Responses().size(), 1u);
}

TEST_F(DeskLinkTest, AnEmailThatWouldBeTooLongIsSentUncounted) {
  // Just below the limit of 100,000 octets of HTML: each of our addresses is some 44 octets longer.
  std::string body = "Dear ((first name)),\n\n";
  for (int i = 0; i < 255; ++i) body += "[x](https://a.example/)\n";
  content_.set_email_body(body + std::string(13'800, '"'));  // six octets each, escaped
  const auto attempts = Sent(1, 1);
  ASSERT_EQ(attempts.size(), 1u);
  EXPECT_GT(attempts[0].email().html().size(), 90'000u);
  EXPECT_THAT(TokensOf(attempts[0]), IsEmpty());
  EXPECT_THAT(attempts[0].email().html(), HasSubstr("<a href=\"https://a.example/\">"));
}

}  // namespace
}  // namespace pharos::dispatch
