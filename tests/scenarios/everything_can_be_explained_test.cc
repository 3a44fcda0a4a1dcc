// Promise 9: everything can be explained. For any person and campaign: which rule decided, with the evidence;
// and the funnel is exactly the sum of those answers. Made true by services/gate/gate.cc (one rule, which
// names its evidence), services/customer/person_service.cc (the verdict now), services/audience/pin_store.cc
// (a reason for each person left out) and services/dispatch/intent_store.cc (what happened to each intent, in
// order).
//
// The Merkle audit log is not built yet; nothing is said of it here.
#include <map>

#include "gmock/gmock.h"
#include "pharos/customer/v1/endpoint_service.pb.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

using type::v1::GateReason;

class Explained : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(system_.ok()); }

  // Nine people, one for each reason that there is.
  void ImportOneForEachReason() {
    story_.ImportAll(kQuit, FileOf({{.id = "allow", .phone = Phone(1)},
                                    {.id = "deceased", .phone = Phone(2)},
                                    {.id = "suppressed", .phone = Phone(3)},
                                    {.id = "paused", .phone = Phone(4)},
                                    {.id = "stopped", .phone = Phone(5)},
                                    {.id = "objected", .phone = Phone(6)},
                                    {.id = "silent", .phone = Phone(7), .consent = ""},
                                    {.id = "unreachable", .phone = ""},
                                    {.id = "withdrew", .phone = Phone(9), .consent = "withdrawn"}}));
    GrantByLetter("unreachable");  // a file's grant without a number grants nothing
    SetFact("deceased", customer::v1::SetPersonFactRequest::FACT_DECEASED);
    SetFact("paused", customer::v1::SetPersonFactRequest::FACT_PAUSED);
    customer::v1::SuppressEndpointRequest suppress;
    suppress.set_endpoint(story_.EndpointOf(Phone(3)));
    suppress.set_reason(type::v1::HARD_BOUNCE);
    Must(story_.governance.Call<customer::v1::SuppressEndpointResponse>(
        "customer.v1.EndpointService/SuppressEndpoint", suppress));
    ASSERT_TRUE(story_.Withdraw(Person("stopped"), type::v1::SCOPE_EVERYTHING).ok());
    customer::v1::WithdrawConsentRequest object;
    object.set_person(Person("objected"));
    object.set_scope(type::v1::SCOPE_PURPOSE);
    object.set_purpose(kPurpose);
    object.set_objection(true);
    object.set_how("letter");
    Must(story_.governance.Call<customer::v1::ConsentEntry>("customer.v1.ConsentService/WithdrawConsent",
                                                            object));
  }

  std::string Person(const std::string& record) {
    return story_.PersonOf("sources/quit/records/" + record).name();
  }

  void GrantByLetter(const std::string& record) {
    customer::v1::GrantConsentRequest request;
    request.set_person(Person(record));
    request.set_purpose(kPurpose);
    request.set_channel(type::v1::CHANNEL_SMS);
    request.set_how("letter");
    request.set_wording("I agree.");
    Must(story_.governance.Call<customer::v1::ConsentEntry>("customer.v1.ConsentService/GrantConsent",
                                                            request));
  }

  void SetFact(const std::string& record, customer::v1::SetPersonFactRequest::Fact fact) {
    customer::v1::SetPersonFactRequest request;
    request.set_person(Person(record));
    request.set_fact(fact);
    request.set_holds(true);
    request.set_how("family");
    Must(story_.governance.Call<customer::v1::SetPersonFactResponse>(
        "customer.v1.ConsentService/SetPersonFact", request));
  }

  // Why a person is or is not a member of the campaign.
  GateReason Membership(const std::string& person) {
    audience::v1::GetMembershipRequest request;
    request.set_campaign("campaigns/quit");
    request.set_person(person);
    return Must(story_.marketing.Call<audience::v1::Membership>("audience.v1.AudienceService/GetMembership",
                                                                request))
        .reason();
  }

  // Names of the entries in a person's ledger.
  std::vector<std::string> Ledger(const std::string& person) {
    customer::v1::ListConsentEntriesRequest request;
    request.set_person(person);
    const auto all = Must(story_.governance.Call<customer::v1::ListConsentEntriesResponse>(
        "customer.v1.ConsentService/ListConsentEntries", request));
    std::vector<std::string> names;
    for (const auto& entry : all.entries()) names.push_back(entry.name());
    return names;
  }

  System system_;
  Story story_{system_};
};

const std::map<std::string, GateReason> kExpected = {{"allow", type::v1::ALLOW},
                                                     {"deceased", type::v1::DECEASED},
                                                     {"suppressed", type::v1::ENDPOINT_SUPPRESSED},
                                                     {"paused", type::v1::PAUSED},
                                                     {"stopped", type::v1::OPTED_OUT},
                                                     {"objected", type::v1::OBJECTED},
                                                     {"silent", type::v1::NO_CONSENT},
                                                     {"unreachable", type::v1::NO_ENDPOINT},
                                                     {"withdrew", type::v1::OPTED_OUT}};

TEST_F(Explained, EachPersonLeftOutAndTheirSumIsTheFunnel) {
  ImportOneForEachReason();
  story_.Draft("quit");
  const campaign::v1::Campaign submitted = story_.Submit("quit");
  EXPECT_EQ(submitted.matched(), 9);
  std::map<std::string, int64_t> excluded;
  int64_t members = 0;
  for (const auto& [record, reason] : kExpected) {
    const std::string person = Person(record);
    const GateReason at_the_pin = Membership(person);
    EXPECT_EQ(at_the_pin, reason) << record << ": " << GateReason_Name(at_the_pin);
    EXPECT_EQ(story_.Judge(person).reason(), reason) << record;
    if (at_the_pin == type::v1::ALLOW) {
      ++members;
    } else {
      ++excluded[GateReason_Name(at_the_pin)];
    }
  }
  EXPECT_EQ(submitted.members(), members);
  EXPECT_EQ(Plain(submitted.excluded()), excluded);
}

TEST_F(Explained, EachVerdictWithItsEvidence) {
  ImportOneForEachReason();
  for (const char* record : {"stopped", "objected", "withdrew"}) {
    const std::string person = Person(record);
    const customer::v1::Judgement verdict = story_.Judge(person);
    ASSERT_EQ(verdict.candidates_size(), 1) << record;
    EXPECT_THAT(Ledger(person), ::testing::Contains(verdict.candidates(0).evidence())) << record;
  }
  const customer::v1::Judgement suppressed = story_.Judge(Person("suppressed"));
  ASSERT_EQ(suppressed.candidates_size(), 1);
  EXPECT_THAT(suppressed.candidates(0).evidence(), ::testing::StartsWith("suppressions/"));
  EXPECT_EQ(suppressed.candidates(0).endpoint(), story_.EndpointOf(Phone(3)));
}

TEST_F(Explained, WhatChangedAfterTheSignatureIsSaidOfTheIntent) {
  story_.ImportAll(kQuit, FileOf({{.id = "stays", .phone = Phone(1)}, {.id = "leaves", .phone = Phone(2)}}));
  story_.Draft("quit");
  story_.Approve(story_.Submit("quit"));
  const std::string leaves = Person("leaves");
  ASSERT_TRUE(story_.Withdraw(leaves, type::v1::SCOPE_PURPOSE).ok());
  story_.Launch("quit");
  ASSERT_TRUE(story_.Finished("quit"));
  EXPECT_EQ(Membership(leaves), type::v1::ALLOW);                 // then
  EXPECT_EQ(story_.Judge(leaves).reason(), type::v1::OPTED_OUT);  // now
  for (const auto& intent : story_.Intents("quit")) {
    ASSERT_GT(intent.events_size(), 0);
    const auto& last = intent.events(intent.events_size() - 1);
    EXPECT_EQ(last.state(), intent.state());
    EXPECT_EQ(intent.events(0).state(), dispatch::v1::PENDING);
    if (intent.person() == leaves) {
      EXPECT_EQ(intent.state(), dispatch::v1::WITHHELD);
      EXPECT_EQ(intent.reason(), "OPTED_OUT");
      EXPECT_EQ(last.reason(), "OPTED_OUT");
    } else {
      EXPECT_EQ(intent.state(), dispatch::v1::INTENT_DELIVERED);
    }
  }
  EXPECT_EQ(ReadNetwork(system_.journal()).MessagesTo(Number(2)), 0);
}

}  // namespace
}  // namespace pharos::tests
