// Promises 2 and 3 over two channels: a message that is known to have failed goes on to the person's next
// channel where the approval says so; one in doubt does not, so that one message stands for each person. Made
// true by services/dispatch/desk_failure.cc (what goes on), services/dispatch/desk_outcome.cc (what is
// known), services/dispatch/desk_doubt.cc (what is not), services/dispatch/intent.cc (the table of states)
// and services/audience/pin_store.cc (the ways that were approved).
#include <fmt/format.h>

#include "gmock/gmock.h"
#include "pharos/dispatch/v1/connector_service.pb.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

using dispatch::v1::Intent;

constexpr char kRefused[] = "07700900001", kUndelivered[] = "07700900002", kNoReceipt[] = "07700900004";
constexpr int kOrdinary = 30;

Plan SmsThenEmail(bool fallback) {
  return {.channels = {type::v1::CHANNEL_SMS, type::v1::CHANNEL_EMAIL}, .fallback = fallback};
}
std::string MailOf(const std::string& id) {
  return id + "@example.org";
}

class AKnownFailure : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(system_.ok()); }

  void Add(const std::string& id, const std::string& phone, const std::string& consent_email = "granted") {
    contacts_.push_back({.id = id, .email = MailOf(id), .phone = phone, .consent_email = consent_email});
  }
  // Everybody can be reached both ways, but for "only", who agreed to texts alone.
  void ImportAll() {
    Add("refused", kRefused);
    Add("undelivered", kUndelivered);
    Add("silent", kNoReceipt);
    Add("only", "07700900003", "");  // fails, too
    for (int i = 0; i < kOrdinary; ++i) Add(fmt::format("r{}", i), Phone(i));
    story_.ImportAll(kQuit, FileOf(contacts_));
  }
  Intent IntentOf(const std::string& id) {
    const std::string person = story_.PersonOf("sources/quit/records/" + id).name();
    for (const Intent& intent : story_.Intents("quit")) {
      if (intent.person() == person) return intent;
    }
    ADD_FAILURE() << id << " has no intent";
    return {};
  }
  bool LinkIsUp() {
    const auto list = Must(story_.operator_.Call<dispatch::v1::ListConnectorsResponse>(
        "dispatch.v1.ConnectorService/ListConnectors", dispatch::v1::ListConnectorsRequest()));
    for (const auto& connector : list.connectors()) {
      if (connector.channel() == type::v1::CHANNEL_SMS && connector.link_up()) return true;
    }
    return false;
  }
  static bool WasInDoubt(const Intent& intent) {
    for (const auto& event : intent.events()) {
      if (event.state() == dispatch::v1::UNCONFIRMED) return true;
    }
    return false;
  }
  static int Mails(const Network& network) {
    int mails = 0;
    for (const Submission& message : network.accepted) mails += message.mail;
    return mails;
  }
  // Of the messages to a person, those that nobody reported failed.
  void ExpectOneStandsForEach(const Network& network) {
    std::map<std::string, int> standing;
    for (const Submission& message : network.accepted) {
      const auto states = network.receipts.find(message.id);
      bool failed = false;
      if (states != network.receipts.end()) {
        for (const std::string& state : states->second) failed |= state == "UNDELIV" || state == "EXPIRED";
      }
      standing[message.number] += !failed;
    }
    for (const Contact& contact : contacts_) {
      const int got = standing["44" + contact.phone.substr(1)] + standing[contact.email];
      EXPECT_LE(got, 1) << contact.id;
    }
  }

  System system_{{.mail = true}};
  Story story_{system_};
  std::vector<Contact> contacts_;
};

TEST_F(AKnownFailure, GoesOnToEmail) {
  ImportAll();
  story_.Run("quit", SmsThenEmail(true));
  ASSERT_TRUE(story_.Finished("quit"));
  EXPECT_TRUE(Eventually([&] { return Mails(ReadNetwork(system_.journal())) == 2; }));
  EXPECT_TRUE(Eventually([&] { return IntentOf("undelivered").state() == dispatch::v1::SENT; }));
  ASSERT_TRUE(story_.Finished("quit"));
  for (const char* id : {"refused", "undelivered"}) {
    const Intent intent = IntentOf(id);
    EXPECT_EQ(intent.channel(), type::v1::CHANNEL_EMAIL);
    EXPECT_EQ(intent.endpoint(), story_.EndpointOfEmail(MailOf(id)));
    EXPECT_EQ(intent.state(), dispatch::v1::SENT) << intent.ShortDebugString();
    ASSERT_EQ(intent.earlier_size(), 1) << intent.ShortDebugString();
    EXPECT_EQ(intent.earlier(0).channel(), type::v1::CHANNEL_SMS);
    EXPECT_NE(intent.earlier(0).reason(), "");
  }
  EXPECT_EQ(IntentOf("silent").channel(), type::v1::CHANNEL_SMS);
  EXPECT_EQ(IntentOf("silent").state(), dispatch::v1::SENT);
  EXPECT_EQ(IntentOf("only").state(), dispatch::v1::FAILED);

  const campaign::v1::Report report = story_.Report("quit");
  ExpectItAddsUp(report);
  EXPECT_EQ(report.intents(), kOrdinary + 4) << "an intent that goes on is the same intent";
  EXPECT_EQ(report.delivered(), kOrdinary);
  EXPECT_EQ(report.sent(), 3);
  EXPECT_EQ(Total(report.failed()), 1);
  // Accepted by SMS: the ordinary, and those whose receipt came later or not at all.
  EXPECT_EQ(report.accepted_by_channel().at("CHANNEL_SMS"), kOrdinary + 3);
  EXPECT_EQ(report.accepted_by_channel().at("CHANNEL_EMAIL"), 2);

  const Network network = ReadNetwork(system_.journal());
  for (const char* id : {"refused", "undelivered"}) EXPECT_EQ(network.MessagesTo(MailOf(id)), 1) << id;
  EXPECT_EQ(Mails(network), 2);
  EXPECT_EQ(network.Duplicates(), 0);
  ExpectOneStandsForEach(network);
}

TEST_F(AKnownFailure, GoesNowhereWhereTheApprovalDoesNotSaySo) {
  ImportAll();
  story_.Run("quit", SmsThenEmail(false));
  ASSERT_TRUE(story_.Finished("quit"));
  EXPECT_TRUE(Eventually([&] { return Total(story_.Report("quit").failed()) == 3; }))
      << story_.Report("quit").ShortDebugString();
  for (const char* id : {"refused", "undelivered", "only"}) {
    EXPECT_EQ(IntentOf(id).state(), dispatch::v1::FAILED) << id;
    EXPECT_EQ(IntentOf(id).channel(), type::v1::CHANNEL_SMS) << id;
  }
  ExpectItAddsUp(story_.Report("quit"));
  EXPECT_EQ(Mails(ReadNetwork(system_.journal())), 0);
}

// The connector dies with messages that the network may or may not have.
TEST_F(AKnownFailure, ADoubtIsNoFailure) {
  constexpr int kMany = 200;
  for (int i = 0; i < kMany; ++i) Add(fmt::format("r{}", i), Phone(i));
  story_.ImportAll(kQuit, FileOf(contacts_));
  ASSERT_TRUE(Eventually([&] { return LinkIsUp(); }));
  system_.sandbox().Pause();  // it takes what is sent to it, and answers nothing
  story_.Run("quit", SmsThenEmail(true));
  const size_t window = static_cast<size_t>(system_.window());
  ASSERT_TRUE(Eventually([&] { return story_.Intents("quit", dispatch::v1::IN_FLIGHT).size() == window; }));
  system_.smpp().Kill();
  EXPECT_TRUE(Eventually([&] { return story_.Intents("quit", dispatch::v1::UNCONFIRMED).size() == window; }))
      << story_.Report("quit").ShortDebugString();
  system_.sandbox().Resume();
  system_.smpp().Start();
  ASSERT_TRUE(story_.Finished("quit"));
  const campaign::v1::Report report = story_.Report("quit");
  ExpectItAddsUp(report);
  EXPECT_EQ(report.intents(), kMany);
  EXPECT_EQ(Total(report.failed()), 0);
  size_t doubts = 0;
  for (const Intent& intent : story_.Intents("quit")) {
    EXPECT_EQ(intent.channel(), type::v1::CHANNEL_SMS) << intent.ShortDebugString();
    EXPECT_EQ(intent.earlier_size(), 0);
    doubts += WasInDoubt(intent);
  }
  EXPECT_EQ(doubts, window);
  const Network network = ReadNetwork(system_.journal());
  EXPECT_EQ(Mails(network), 0);
  EXPECT_EQ(network.Duplicates(), 0);
  ExpectOneStandsForEach(network);
  fmt::print("{} were in doubt, {} of them at the end\n", doubts, report.unconfirmed());
}

}  // namespace
}  // namespace pharos::tests
