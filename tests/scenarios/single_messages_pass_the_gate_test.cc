// A service sends one message at a time, and nothing leaves without approval, gate and permit; who has opted
// out gets none; what is personal in it lies on disk only sealed; the numbers add up, also after a crash.
// Made true by services/campaign/standing.cc (what is approved), services/dispatch/message_service.cc (checks
// and accepts), services/dispatch/desk_message.cc (an intent like any other), services/dispatch/
// message_vault.cc (sealed), services/customer/recipient_service.cc (whose address it is) and services/
// customer/permit_service.cc (everybody who has it must be allowed it).
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "gmock/gmock.h"
#include "tests/support/standing.h"

namespace pharos::tests {
namespace {

using dispatch::v1::Message;

constexpr char kStops[] = "07700900005";  // replies STOP to its first message
constexpr char kSecret[] = "canary-appointment-4711";

class SingleMessages : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(system_.ok()); }
  // All in dispatch's store, the write-ahead log among it.
  std::string OnDisk() const {
    std::string all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(system_.data() + "/dispatch")) {
      if (entry.is_regular_file()) all += ReadFile(entry.path());
    }
    return all;
  }
  std::string TextTo(const std::string& number) const {
    const Network network = ReadNetwork(system_.journal());
    for (const Submission& one : network.accepted) {
      if (one.number == number && !one.confirmation) return one.text;
    }
    return "";
  }

  System system_{{.mail = true}};
  Story story_{system_};
  Standing standing_{story_};
};

TEST_F(SingleMessages, ReachKnownAndUnknownPeopleByTextAndEmail) {
  story_.ImportAll(kQuit, FileOf(1));
  const Message known = Must(standing_.Text(Phone(0), "Monday"));
  const Message unknown = Must(standing_.Text("07700 900 111", "Tuesday"));
  const Message mail = Must(standing_.Mail("Bob@Example.org", "A-17"));
  EXPECT_EQ(known.sms_text(), "Ann, see you on Monday.");
  EXPECT_EQ(unknown.address(), "447700900111");
  EXPECT_EQ(mail.email_subject(), "Your appointment A-17");
  for (const Message* one : {&known, &unknown})
    EXPECT_TRUE(standing_.Becomes(one->name(), dispatch::v1::INTENT_DELIVERED))
        << standing_.Get(one->name()).DebugString();
  EXPECT_TRUE(standing_.Becomes(mail.name(), dispatch::v1::SENT)) << standing_.Get(mail.name()).DebugString();
  EXPECT_EQ(TextTo("447700900111"), "Ann, see you on Tuesday.");
  EXPECT_EQ(TextTo("bob@example.org"), "Your appointment A-17");
  EXPECT_EQ(story_.PersonWithPhone("07700900111").endpoints_size(), 1);  // known from now on
  const auto report = story_.Report("booking");
  EXPECT_EQ(report.members(), 3);
  ExpectItAddsUp(report);
  EXPECT_EQ(report.state(), campaign::v1::RUNNING);  // until it is stopped
}

TEST_F(SingleMessages, AStopHoldsForThemAtOnce) {
  const Message first = Must(standing_.Text(kStops, "Monday"));
  ASSERT_TRUE(standing_.Becomes(first.name(), dispatch::v1::INTENT_DELIVERED));
  ASSERT_TRUE(Eventually([&] {
    const auto replies = story_.Replies();
    return !replies.empty() && replies[0].acknowledged_time_ns() > 0;
  }));
  const Message second = Must(standing_.Text(kStops, "Tuesday"));
  EXPECT_TRUE(standing_.Becomes(second.name(), dispatch::v1::WITHHELD));
  EXPECT_EQ(standing_.Get(second.name()).reason(), "OPTED_OUT");
  EXPECT_EQ(ReadNetwork(system_.journal()).MessagesTo("447700900005"), 1);
  const auto report = story_.Report("booking");
  EXPECT_EQ(report.withheld().at("OPTED_OUT"), 1);
  EXPECT_EQ(report.opted_out(), 1);
  ExpectItAddsUp(report);
}

TEST_F(SingleMessages, TheSameRequestIsOneMessage) {
  const Message first = Must(standing_.Text("07700900112", "Monday", "booking-1"));
  const Message again = Must(standing_.Text("07700900112", "Monday", "booking-1"));
  EXPECT_EQ(again.name(), first.name());
  EXPECT_EQ(again.sms_text(), first.sms_text());
  EXPECT_EQ(base::ReasonOf(standing_.Text("07700900112", "Friday", "booking-1").status()),
            "REQUEST_ID_REUSED");
  ASSERT_TRUE(standing_.Becomes(first.name(), dispatch::v1::INTENT_DELIVERED));
  EXPECT_EQ(ReadNetwork(system_.journal()).MessagesTo("447700900112"), 1);
}

TEST_F(SingleMessages, WhatWasNotApprovedIsRefused) {
  dispatch::v1::SendMessageRequest request;
  request.set_campaign(kBooking);
  request.set_channel(type::v1::CHANNEL_SMS);
  request.set_address("07700900113");
  const auto reason = [&] {
    return base::ReasonOf(
        standing_.sender.Call<Message>("dispatch.v1.MessageService/SendMessage", request).status());
  };
  request.set_template_(kText);  // a campaign's, not approved for this
  EXPECT_EQ(reason(), "TEMPLATE_NOT_APPROVED");
  request.set_template_(kBooked);
  EXPECT_EQ(reason(), "PERSONALISATION_MISSING");
  request.set_campaign("campaigns/nothing");
  EXPECT_EQ(reason(), "CAMPAIGN_NOT_STANDING");
  EXPECT_EQ(base::ReasonOf(standing_.Text("020 7946 0000", "Monday").status()), "NOT_A_MOBILE");
  EXPECT_EQ(base::ReasonOf(
                story_.marketing.Call<Message>("dispatch.v1.MessageService/SendMessage", request).status()),
            "PERMISSION_MISSING");
  campaign::v1::StopCampaignRequest stop;
  stop.set_name(kBooking);
  Must(story_.marketing.Call<campaign::v1::StopCampaignResponse>("campaign.v1.CampaignService/StopCampaign",
                                                                 stop));
  EXPECT_EQ(base::ReasonOf(standing_.Text("07700900113", "Monday").status()), "CAMPAIGN_HALTED");
}

TEST_F(SingleMessages, SurviveACrashSealedAndLeaveOnce) {
  story_.Steer<campaign::v1::PauseCampaignRequest>("PauseCampaign", "booking");
  const Message waiting = Must(standing_.Text("07700900114", kSecret));
  EXPECT_EQ(OnDisk().find(kSecret), std::string::npos);
  EXPECT_EQ(OnDisk().find("447700900114"), std::string::npos);
  system_.KillAndRestartPharosd();
  EXPECT_TRUE(Eventually(
      [&] { return standing_.Get(waiting.name()).sms_text().find(kSecret) != std::string::npos; }));
  EXPECT_EQ(standing_.Get(waiting.name()).state(), dispatch::v1::PENDING);
  story_.Steer<campaign::v1::ResumeCampaignRequest>("ResumeCampaign", "booking");
  EXPECT_TRUE(standing_.Becomes(waiting.name(), dispatch::v1::INTENT_DELIVERED, 30));
  EXPECT_EQ(ReadNetwork(system_.journal()).MessagesTo("447700900114"), 1);
  ExpectItAddsUp(story_.Report("booking"));
}

TEST_F(SingleMessages, AreSeenByTheirSenderAndByGovernanceOnly) {
  const Message sent = Must(standing_.Text("07700900115", "Monday"));
  dispatch::v1::GetMessageRequest get;
  get.set_name(sent.name());
  dispatch::v1::ListMessagesRequest list;
  list.set_parent(kBooking);
  const auto seen_by = [&](const Client& client) {
    return client.Call<Message>("dispatch.v1.MessageService/GetMessage", get);
  };
  const Client other = system_.As("second-sender");
  EXPECT_EQ(base::ReasonOf(seen_by(other).status()), "MESSAGE_NOT_FOUND");
  EXPECT_EQ(
      Must(other.Call<dispatch::v1::ListMessagesResponse>("dispatch.v1.MessageService/ListMessages", list))
          .messages_size(),
      0);
  EXPECT_EQ(Must(seen_by(story_.governance)).address(), "447700900115");
  for (const Client* client : {&story_.marketing, &story_.approver, &story_.operator_})
    EXPECT_EQ(base::ReasonOf(seen_by(*client).status()), "PERMISSION_MISSING");
}

TEST_F(SingleMessages, AreListedNewestFirst) {
  std::vector<std::string> names;
  for (int i = 0; i < 5; ++i)
    names.push_back(Must(standing_.Text(fmt::format("0770090012{}", i), "Monday")).name());
  dispatch::v1::ListMessagesRequest request;
  request.set_parent(kBooking);
  request.set_page_size(2);
  const auto first = standing_.List(request);
  ASSERT_EQ(first.messages_size(), 2);
  EXPECT_EQ(first.messages(0).name(), names[4]);
  request.set_page_token(first.next_page_token());
  EXPECT_EQ(standing_.List(request).messages(0).name(), names[2]);
  request.clear_page_token();
  request.set_page_size(10);
  request.set_older_than(names[1]);
  EXPECT_EQ(standing_.List(request).messages_size(), 1);
  request.clear_older_than();
  request.set_reference("ref-Monday");
  EXPECT_EQ(standing_.List(request).messages_size(), 5);
  request.set_reference("ref-Friday");
  EXPECT_EQ(standing_.List(request).messages_size(), 0);
}

TEST_F(SingleMessages, ManyAtOnceAreAcceptedOrRefusedOneByOne) {
  dispatch::v1::SendMessagesRequest request;
  const auto add = [&](const std::string& address, const std::string& request_id = "") {
    dispatch::v1::SendMessageRequest& one = *request.add_messages();
    one.set_campaign(kBooking);
    one.set_template_(kBooked);
    one.set_channel(type::v1::CHANNEL_SMS);
    one.set_address(address);
    for (const char* name : {"name", "when", "late"}) (*one.mutable_personalisation())[name] = "x";
    one.set_request_id(request_id);
  };
  add("07700900130", "a");
  add("banana");
  add("07700900131", "b");
  add("07700900130", "a");  // the first once more
  const auto answer = Must(standing_.sender.Call<dispatch::v1::SendMessagesResponse>(
      "dispatch.v1.MessageService/SendMessages", request));
  ASSERT_EQ(answer.results_size(), 4);
  EXPECT_EQ(answer.results(1).refusal().reason(), "ADDRESS_WRONG");
  EXPECT_FALSE(answer.results(1).refusal().retry());
  EXPECT_EQ(answer.results(3).message().name(), answer.results(0).message().name());
  EXPECT_TRUE(standing_.Becomes(answer.results(2).message().name(), dispatch::v1::INTENT_DELIVERED));
  EXPECT_EQ(story_.Report("booking").members(), 2);
}

// How many are accepted a second, each durable before its answer, while what was accepted is being sent: by
// 64 callers one by one, and by 4 callers 250 at once. With ops/test long, which is not run under sanitizers.
TEST_F(SingleMessages, ThousandsASecondAreAccepted) {
  if (std::getenv("PHAROS_MESSAGES_RATE") == nullptr) GTEST_SKIP() << "measures: PHAROS_MESSAGES_RATE=1";
  constexpr int kAll = 16'000;
  const auto measure = [&](int callers, const std::function<void(int first, int count)>& send) {
    const int64_t began_ns = WallNanos();
    std::vector<std::thread> threads;
    for (int caller = 0; caller < callers; ++caller)
      threads.emplace_back([&, caller] { send(caller * (kAll / callers), kAll / callers); });
    for (auto& thread : threads) thread.join();
    return kAll / (static_cast<double>(WallNanos() - began_ns) / 1e9);
  };
  const auto one_by_one = [&](int first, int count) {
    for (int i = first; i < first + count; ++i)
      Must(standing_.Text(fmt::format("07{}", 700'300'000 + i), "Monday"));
  };
  const auto at_once = [&](int first, int count) {
    constexpr int kAtOnce = 250;
    for (int from = first; from < first + count; from += kAtOnce) {
      dispatch::v1::SendMessagesRequest request;
      for (int i = from; i < from + kAtOnce; ++i) {
        dispatch::v1::SendMessageRequest& one = *request.add_messages();
        one.set_campaign(kBooking);
        one.set_template_(kBooked);
        one.set_channel(type::v1::CHANNEL_SMS);
        one.set_address(fmt::format("07{}", 700'300'000 + i));
        for (const char* name : {"name", "when", "late"}) (*one.mutable_personalisation())[name] = "x";
      }
      const auto answer = Must(standing_.sender.Call<dispatch::v1::SendMessagesResponse>(
          "dispatch.v1.MessageService/SendMessages", request));
      for (const auto& result : answer.results())
        EXPECT_TRUE(result.has_message()) << result.ShortDebugString();
    }
  };
  const double strangers = measure(64, one_by_one), known = measure(64, one_by_one),
               many = measure(4, at_once);
  fmt::print("{:.0f} a second one by one to people whom nobody knew, {:.0f} to known ones; {:.0f} at once\n",
             strangers, known, many);
  EXPECT_GT(known, 500);  // on a quiet machine some thousands
  EXPECT_GT(many, 2'000);
  EXPECT_EQ(story_.Report("booking").members(), 3 * kAll);
  EXPECT_TRUE(Eventually([&] { return story_.Report("booking").pending() == 0; }, 60));
  ExpectItAddsUp(story_.Report("booking"));
}

}  // namespace
}  // namespace pharos::tests
