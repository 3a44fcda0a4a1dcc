// Promises 1, 2 and 3 for email: an unsubscribe mail ends its purpose for the person, on every endpoint; an
// address that bounces is never written to again; a mail whose answer was lost is in doubt and not sent
// again. Made true by connectors/smtp/guest.cc (hears bounces and unsubscribe mails),
// connectors/smtp/conversation.cc (before or after the final dot), services/dispatch/desk_reply.cc (durable
// before it is acknowledged), services/customer/opt_out.cc (whose purpose ends) and
// services/dispatch/desk_failure.cc (what is suppressed).
#include <fmt/format.h>

#include <set>

#include "gmock/gmock.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

constexpr int kOrdinary = 40;
constexpr char kLeaves[] = "unsubscribe.leah@example.org", kGone[] = "bounce-hard.gus@example.org",
               kGoneLater[] = "bounce-late.gil@example.org", kInDoubt[] = "silent-drop.sid@example.org";
constexpr int kPeople = kOrdinary + 4;
const Plan kByMail = {.channels = {type::v1::CHANNEL_EMAIL}};
const Plan kByBoth = {.channels = {type::v1::CHANNEL_SMS, type::v1::CHANNEL_EMAIL}};

Contact Reader(const std::string& id, const std::string& email, const std::string& phone = "") {
  return {.id = id, .email = email, .phone = phone, .consent_email = "granted"};
}

class UnsubscribingByMail : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(system_.ok());
    std::vector<Contact> contacts = {Reader("leah", kLeaves, Phone(1)), Reader("gus", kGone),
                                     Reader("gil", kGoneLater), Reader("sid", kInDoubt)};
    for (int i = 0; i < kOrdinary; ++i)
      contacts.push_back(Reader(fmt::format("r{}", i), fmt::format("reader{}@example.org", i)));
    story_.ImportAll(kQuit, FileOf(contacts));
  }

  dispatch::v1::Intent IntentOf(const std::string& campaign, const std::string& email) {
    const std::string endpoint = story_.EndpointOfEmail(email);
    for (const auto& intent : story_.Intents(campaign)) {
      if (intent.endpoint() == endpoint) return intent;
    }
    ADD_FAILURE() << "no intent goes to " << email;
    return {};
  }
  type::v1::SuppressionReason SuppressedAs(const std::string& record) {
    const customer::v1::Person person = story_.PersonOf("sources/quit/records/" + record);
    EXPECT_EQ(person.endpoints_size(), 1);
    return person.endpoints_size() == 1 ? person.endpoints(0).suppressed()
                                        : type::v1::SUPPRESSION_REASON_UNSPECIFIED;
  }
  // All that an unsubscribe mail and two bounces must have settled.
  void SettleFirst() {
    ASSERT_TRUE(story_.Finished("first"));
    EXPECT_TRUE(Eventually([&] {
      return !Unsubscribes().empty() && Unsubscribes()[0].acknowledged_time_ns() > 0;
    })) << "the unsubscribe mail was not acknowledged";
    EXPECT_TRUE(Eventually([&] { return Total(story_.Report("first").failed()) == 2; }))
        << story_.Report("first").ShortDebugString();
    EXPECT_TRUE(Eventually([&] {
      return SuppressedAs("gus") == type::v1::HARD_BOUNCE && SuppressedAs("gil") == type::v1::HARD_BOUNCE;
    }));
  }
  std::vector<dispatch::v1::Reply> Unsubscribes() {
    std::vector<dispatch::v1::Reply> found;
    for (const auto& reply : story_.Replies()) {
      if (reply.kind() == "UNSUBSCRIBE") found.push_back(reply);
    }
    return found;
  }
  // Every mail is a message of its own: an attempt is made once.
  void ExpectNothingTwice(const Network& network) {
    std::set<std::string> seen;
    for (const Submission& message : network.accepted)
      EXPECT_TRUE(seen.insert(message.id).second) << message.number << " got the same message twice";
  }

  System system_{{.mail = true}};
  Story story_{system_};
};

TEST_F(UnsubscribingByMail, EndsThePurposeOnEveryEndpointOfThePerson) {
  // Signed before anybody left: what comes after is withheld, message by message.
  story_.Draft("signed-before", kByBoth);
  story_.Approve(story_.Submit("signed-before"));
  story_.Run("first", kByMail);
  SettleFirst();
  const Network after_first = ReadNetwork(system_.journal());
  ASSERT_EQ(after_first.unsubscribed.size(), 1u);
  const auto left = Unsubscribes();
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].campaign(), "campaigns/first");
  EXPECT_LE(left[0].durable_time_ns(), left[0].acknowledged_time_ns());
  EXPECT_EQ(story_.Report("first").opted_out(), 1);
  EXPECT_EQ(story_.Judge(story_.PersonOf("sources/quit/records/leah").name()).reason(), type::v1::OPTED_OUT);

  const auto second = story_.Run("second", kByBoth);
  EXPECT_EQ(second.matched(), kPeople);
  EXPECT_THAT(Plain(second.excluded()), ElementsAre(Pair("ENDPOINT_SUPPRESSED", 2), Pair("OPTED_OUT", 1)));
  ASSERT_TRUE(story_.Finished("second"));
  story_.Launch("signed-before");
  ASSERT_TRUE(story_.Finished("signed-before"));
  EXPECT_THAT(Plain(story_.Report("signed-before").withheld()),
              ElementsAre(Pair("ENDPOINT_SUPPRESSED", 2), Pair("OPTED_OUT", 1)));
  for (const char* campaign : {"first", "second", "signed-before"}) ExpectItAddsUp(story_.Report(campaign));

  const Network network = ReadNetwork(system_.journal());
  EXPECT_EQ(network.MessagesTo(kLeaves), 1) << "the one that was answered";
  EXPECT_EQ(network.MessagesTo(Number(1)), 0);
  EXPECT_EQ(network.MessagesTo(kGone), 0);
  EXPECT_EQ(network.MessagesTo(kGoneLater), 1);
  EXPECT_EQ(network.MessagesTo("reader0@example.org"), 3);
  for (const Submission& message : network.accepted) {
    if (message.number != kLeaves) continue;
    EXPECT_LE(message.t_ns, left[0].acknowledged_time_ns());
  }
  ExpectNothingTwice(network);
}

TEST_F(UnsubscribingByMail, EachAddressEndsAsItsMailServerSaid) {
  story_.Run("first", kByMail);
  SettleFirst();
  const dispatch::v1::Intent gone = IntentOf("first", kGone), later = IntentOf("first", kGoneLater),
                             doubt = IntentOf("first", kInDoubt);
  EXPECT_EQ(gone.state(), dispatch::v1::FAILED);
  EXPECT_EQ(gone.reason(), "HARD_BOUNCE");
  EXPECT_EQ(later.state(), dispatch::v1::FAILED) << later.ShortDebugString();
  EXPECT_EQ(doubt.state(), dispatch::v1::UNCONFIRMED) << doubt.ShortDebugString();
  EXPECT_EQ(doubt.attempts(), 1);
  EXPECT_EQ(SuppressedAs("sid"), type::v1::SUPPRESSION_REASON_UNSPECIFIED);

  // A doubt stays one: over the deaths of those who might try again.
  system_.smtp().Kill();
  system_.smtp().Start();
  system_.KillAndRestartPharosd();
  story_.Run("second", {.channels = {type::v1::CHANNEL_EMAIL}});
  ASSERT_TRUE(story_.Finished("second"));
  const campaign::v1::Report report = story_.Report("first");
  ExpectItAddsUp(report);
  EXPECT_EQ(report.intents(), kPeople);
  EXPECT_EQ(report.sent() + report.delivered(), kOrdinary + 1);
  EXPECT_EQ(Total(report.failed()), 2);
  EXPECT_EQ(report.bounced(), 2);
  EXPECT_EQ(report.unconfirmed(), 1);

  const Network network = ReadNetwork(system_.journal());
  ExpectNothingTwice(network);
  std::map<std::string, int> of_first;
  for (const Submission& message : network.accepted) ++of_first[message.id];
  for (const auto& intent : story_.Intents("first")) {
    EXPECT_EQ(of_first[intent.attempt()], intent.reason() == "HARD_BOUNCE" ? 0 : 1)
        << intent.ShortDebugString();
  }
  EXPECT_EQ(network.MessagesTo(kInDoubt), 2) << "one of each campaign";
  EXPECT_EQ(network.MessagesTo(kGoneLater), 1);
}

}  // namespace
}  // namespace pharos::tests
