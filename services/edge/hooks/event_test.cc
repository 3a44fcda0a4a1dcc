#include "services/edge/hooks/event.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "pharos/customer/v1/sync_service.pb.h"

namespace pharos::edge::hooks {
namespace {

namespace v1 = customer::v1;
using nlohmann::json;

constexpr int64_t kNow = 1'667'506'870'344'522;  // 2022-11-03T20:21:10.344522Z
const EventPlace kPlace{"run", "cursor"};
const EventForm kFull{Feed::kChanges, Payload::kFull, "agreements/leeds"};
const EventForm kThin{Feed::kChanges, Payload::kThin, "agreements/leeds"};
const EventForm kConsent{Feed::kConsent, Payload::kThin, "agreements/leeds"};

v1::FollowChangesResponse Ann(uint64_t version = 7) {
  v1::FollowChangesResponse response;
  auto& change = *response.add_changes();
  change.set_person("people/ann");
  change.add_records("sources/leeds/records/1");
  (*change.mutable_fields())["given_name"] = "Ann \"A\"";
  (*change.mutable_fields())["email"] = "ann@example.org";
  change.set_version(version);
  response.set_cursor("next");
  return response;
}
std::vector<Event> EventsOf(const EventForm& form, const google::protobuf::Message& message,
                            const EventPlace& place = kPlace, int64_t now_us = kNow) {
  const auto batch = ReadBatch(form, place, message.SerializeAsString(), now_us);
  EXPECT_TRUE(batch.ok()) << batch.status();
  return batch.ok() ? batch->events : std::vector<Event>();
}
void AddState(v1::FollowConsentsResponse& response, const std::string& record, const std::string& purpose,
              type::v1::Channel channel, type::v1::GateReason reason, uint64_t version = 3) {
  auto& state = *response.add_states();
  state.add_records(record);
  state.set_purpose(purpose);
  state.set_channel(channel);
  state.set_reason(reason);
  state.set_version(version);
}

TEST(Event, HasTheFormOfStandardWebhooks) {
  const auto batch = ReadBatch(kFull, kPlace, Ann().SerializeAsString(), kNow);
  ASSERT_TRUE(batch.ok()) << batch.status();
  EXPECT_EQ(batch->cursor, "next");
  ASSERT_EQ(batch->events.size(), 1u);
  EXPECT_EQ(json::parse(batch->events[0].body),
            json::parse(R"({"type": "person.changed", "timestamp": "2022-11-03T20:21:10.344522Z",
                            "data": {"agreement": "agreements/leeds", "person": "people/ann", "version": "7",
                                     "records": ["sources/leeds/records/1"],
                                     "fields": {"given_name": "Ann \"A\"", "email": "ann@example.org"}}})"));
}

TEST(Event, AThinOneHoldsNothingThatAPersonToldUs) {
  const std::string body = EventsOf(kThin, Ann())[0].body;
  EXPECT_EQ(body.find("Ann"), std::string::npos);
  EXPECT_EQ(body.find("example"), std::string::npos);
  EXPECT_FALSE(json::parse(body)["data"].contains("fields"));
  EXPECT_EQ(json::parse(body)["data"]["person"], "people/ann");
}

TEST(Event, OfOneWhoIsGoneItSaysNothingElse) {
  v1::FollowChangesResponse response = Ann();
  response.mutable_changes(0)->set_gone(true);
  const json body = json::parse(EventsOf(kFull, response)[0].body);
  EXPECT_EQ(body["type"], "person.gone");
  EXPECT_EQ(body["data"].size(), 3u);
}

TEST(Event, ItsIdIsOfWhatItSaysAndWhereItWasRead) {
  const std::string id = EventsOf(kFull, Ann())[0].id;
  EXPECT_EQ(id.rfind("msg_", 0), 0u);
  EXPECT_EQ(id.size(), 36u);
  EXPECT_EQ(EventsOf(kFull, Ann(), kPlace, kNow + 5'000'000)[0].id, id) << "the same, read again later";
  const std::set<std::string> others = {id, EventsOf(kFull, Ann(8))[0].id, EventsOf(kThin, Ann())[0].id,
                                        EventsOf(kFull, Ann(), {"run", "next"})[0].id,
                                        EventsOf(kFull, Ann(), {"another", "cursor"})[0].id};
  EXPECT_EQ(others.size(), 5u);
}

TEST(Event, ConsentComesAPersonAtATime) {
  v1::FollowConsentsResponse response;
  for (const char* record : {"sources/leeds/records/1", "sources/leeds/records/2"}) {
    AddState(response, record, "purposes/quit", type::v1::CHANNEL_SMS, type::v1::OPTED_OUT);
    AddState(response, record, "purposes/quit", type::v1::CHANNEL_EMAIL, type::v1::ALLOW);
  }
  AddState(response, "sources/leeds/records/2", "purposes/quit", type::v1::CHANNEL_SMS, type::v1::ALLOW, 4);
  const auto events = EventsOf(kConsent, response);
  ASSERT_EQ(events.size(), 3u);
  const json body = json::parse(events[0].body);
  EXPECT_EQ(body["type"], "consent.changed");
  EXPECT_EQ(body["data"], json::parse(R"({"agreement": "agreements/leeds", "version": "3",
      "records": ["sources/leeds/records/1"],
      "states": [{"purpose": "purposes/quit", "channel": "CHANNEL_SMS", "reason": "OPTED_OUT"},
                 {"purpose": "purposes/quit", "channel": "CHANNEL_EMAIL", "reason": "ALLOW"}]})"));
  EXPECT_NE(events[0].subject, events[1].subject);
  EXPECT_EQ(events[1].subject, events[2].subject);
}

TEST(Event, ABatchWithoutAnEndHasNoCursor) {
  const auto batch = ReadBatch(kConsent, kPlace, v1::FollowConsentsResponse().SerializeAsString(), kNow);
  ASSERT_TRUE(batch.ok());
  EXPECT_TRUE(batch->events.empty());
  EXPECT_EQ(batch->cursor, "");
}

TEST(Event, WhatCannotBeReadIsAnError) {
  for (const EventForm& form : {kFull, kConsent})
    EXPECT_FALSE(ReadBatch(form, kPlace, "\xff\xff", kNow).ok());
}

TEST(Event, TheFirstOneSaysThatEverybodyFollows) {
  const Event first = FeedStarted(kConsent, {"run", ""}, kNow);
  EXPECT_EQ(json::parse(first.body)["type"], "feed.started");
  EXPECT_EQ(json::parse(first.body)["data"]["feed"], "consent");
  EXPECT_NE(first.id, FeedStarted(kConsent, {"another", ""}, kNow).id);
}

TEST(Event, AsksTheFeedFromACursorOn) {
  v1::FollowConsentsRequest consents;
  ASSERT_TRUE(consents.ParseFromString(RequestOf(kConsent, "here")));
  EXPECT_EQ(consents.agreement(), "agreements/leeds");
  EXPECT_EQ(consents.cursor(), "here");
  v1::FollowChangesRequest changes;
  ASSERT_TRUE(changes.ParseFromString(RequestOf(kFull, "")));
  EXPECT_EQ(changes.agreement(), "agreements/leeds");
}

}  // namespace
}  // namespace pharos::edge::hooks
