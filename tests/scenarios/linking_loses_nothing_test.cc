// Promise 5: linking loses nothing and grants nothing. Records stay as received, former ids resolve, linked
// people have the strictest consent of their parts, and one person gets one message. Made true by
// services/customer/linking.cc (the rule), services/customer/person_writer.cc (links, former ids),
// services/gate/gate.cc (strictest of the records) and services/dispatch/desk_handover.cc (claims on person
// and endpoint). What people decide goes the same way: services/customer/identity_service.cc and
// assertion.cc.
#include "gmock/gmock.h"
#include "pharos/customer/v1/identity_service.pb.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

using ::testing::Contains;

constexpr char kAnnRecord[] = "sources/quit/records/ann";
constexpr char kBeaRecord[] = "sources/news/records/bea";

class LinkingLosesNothing : public ::testing::Test {
 protected:
  // Two people as far as anybody can tell: one number, one number and an address.
  void ImportTwo(const std::string& second_consent = "granted") {
    story_.ImportAll(kQuit, FileOf({{.id = "ann", .phone = Phone(1)}}));
    story_.ImportAll(
        kNews,
        FileOf({{.id = "bea", .email = "ann@example.org", .phone = Phone(2), .consent = second_consent}}));
    ann_ = story_.PersonOf(kAnnRecord).name();
    bea_ = story_.PersonOf(kBeaRecord).name();
    ASSERT_NE(ann_, bea_);
  }
  // A third record with the number of the one and the address of the other.
  void ImportTheBridge() {
    story_.ImportAll(
        kNews, FileOf({{.id = "bridge", .email = "ann@example.org", .phone = Phone(1), .consent = ""}}));
  }
  // The bridge turns out to have been somebody else's record.
  void ImportTheCorrection() {
    story_.ImportAll(kNews, FileOf({{.id = "bridge",
                                     .given = "Zoe",
                                     .email = "zoe@example.org",
                                     .phone = Phone(9),
                                     .consent = ""}}));
  }
  std::map<std::string, std::string> FieldsOf(const std::string& record) {
    customer::v1::ListPersonRecordsRequest request;
    request.set_person(story_.PersonOf(record).name());
    const auto all = Must(story_.governance.Call<customer::v1::ListPersonRecordsResponse>(
        "customer.v1.PersonService/ListPersonRecords", request));
    for (const auto& each : all.records()) {
      if (each.name() == record) return {each.fields().begin(), each.fields().end()};
    }
    return {};
  }

  customer::v1::Assertion Same(const std::string& a, const std::string& b) {
    customer::v1::AssertSameRequest request;
    request.mutable_group()->add_members(a);
    request.mutable_group()->add_members(b);
    request.set_reason("she told us on the phone");
    return Must(
        story_.governance.Call<customer::v1::Assertion>("customer.v1.IdentityService/AssertSame", request));
  }
  customer::v1::Assertion Revoke(const std::string& assertion) {
    customer::v1::RevokeAssertionRequest request;
    request.set_name(assertion);
    request.set_reason("it was her sister");
    return Must(story_.governance.Call<customer::v1::Assertion>("customer.v1.IdentityService/RevokeAssertion",
                                                                request));
  }
  customer::v1::UnlinkRecordsResponse Unlink(const std::string& person, const std::string& record) {
    customer::v1::UnlinkRecordsRequest request;
    request.set_person(person);
    request.add_records(record);
    request.set_reason("it was her sister");
    return Must(story_.governance.Call<customer::v1::UnlinkRecordsResponse>(
        "customer.v1.IdentityService/UnlinkRecords", request));
  }
  // All that is known of a person but the number of changes: fields, endpoints, records, former ids, flags.
  std::string PersonAsText(const std::string& name) {
    customer::v1::GetPersonRequest request;
    request.set_name(name);
    request.set_view(customer::v1::PERSON_VIEW_FULL);
    auto person =
        Must(story_.governance.Call<customer::v1::Person>("customer.v1.PersonService/GetPerson", request));
    person.clear_version();
    return person.DebugString();
  }
  std::string ConsentsAsText(const std::string& name) {
    customer::v1::ListConsentEntriesRequest request;
    request.set_person(name);
    return Must(story_.governance.Call<customer::v1::ListConsentEntriesResponse>(
                    "customer.v1.ConsentService/ListConsentEntries", request))
        .DebugString();
  }
  // What sources and the person said and did; who belonged to whom in between stands in it besides.
  std::string TimelineAsText(const std::string& name) {
    customer::v1::ListTimelineRequest request;
    request.set_person(name);
    for (const auto kind :
         {customer::v1::RECORD_CHANGED, customer::v1::CONSENT_CHANGED, customer::v1::FACT_CHANGED})
      request.add_kinds(kind);
    return Must(story_.governance.Call<customer::v1::ListTimelineResponse>(
                    "customer.v1.PersonService/ListTimeline", request))
        .DebugString();
  }
  std::string AllOf(const std::string& name) {
    return PersonAsText(name) + ConsentsAsText(name) + TimelineAsText(name);
  }

  System system_{{.start_connector = false}};
  Story story_{system_};
  std::string ann_, bea_;
};

TEST_F(LinkingLosesNothing, FormerIdsResolveAndRecordsStayAsReceived) {
  ImportTwo();
  const auto ann_said = FieldsOf(kAnnRecord), bea_said = FieldsOf(kBeaRecord);
  ASSERT_FALSE(ann_said.empty());
  ImportTheBridge();
  const customer::v1::Person one = story_.GetPerson(ann_);
  EXPECT_EQ(story_.GetPerson(bea_).name(), one.name());
  EXPECT_EQ(one.records_size(), 3);
  EXPECT_EQ(one.name(), ann_);  // the eldest record's person keeps its id
  EXPECT_THAT(one.former_names(), Contains(bea_));
  EXPECT_EQ(FieldsOf(kAnnRecord), ann_said);
  EXPECT_EQ(FieldsOf(kBeaRecord), bea_said);
  EXPECT_EQ(story_.Counts().people(), 1);
  system_.KillAndRestartPharosd();
  EXPECT_EQ(story_.GetPerson(bea_).name(), ann_);
}

TEST_F(LinkingLosesNothing, LinkedPeopleHaveTheStrictestConsentOfTheirParts) {
  ImportTwo("withdrawn");
  EXPECT_EQ(story_.Judge(ann_).reason(), type::v1::ALLOW);
  ImportTheBridge();
  EXPECT_EQ(story_.Judge(ann_).reason(), type::v1::OPTED_OUT);
  EXPECT_EQ(story_.Judge(bea_).reason(), type::v1::OPTED_OUT);
}

TEST_F(LinkingLosesNothing, GrantsNothing) {
  ImportTwo("");
  EXPECT_EQ(story_.Judge(bea_).reason(), type::v1::NO_CONSENT);
  ASSERT_TRUE(story_.Withdraw(ann_, type::v1::SCOPE_EVERYTHING).ok());
  ImportTheBridge();
  EXPECT_EQ(story_.Judge(bea_).reason(), type::v1::OPTED_OUT);
}

TEST_F(LinkingLosesNothing, ACorrectionRestoresWhatWasBefore) {
  ImportTwo();
  const auto ann_said = FieldsOf(kAnnRecord), bea_said = FieldsOf(kBeaRecord);
  ImportTheBridge();
  ASSERT_EQ(story_.Counts().people(), 1);
  ImportTheCorrection();
  EXPECT_EQ(story_.Counts().people(), 3);
  const auto ann = story_.PersonOf(kAnnRecord), bea = story_.PersonOf(kBeaRecord);
  EXPECT_NE(ann.name(), bea.name());
  EXPECT_EQ(ann.records_size(), 1);
  EXPECT_EQ(bea.records_size(), 1);
  EXPECT_EQ(FieldsOf(kAnnRecord), ann_said);
  EXPECT_EQ(FieldsOf(kBeaRecord), bea_said);
  EXPECT_EQ(story_.Judge(ann.name()).reason(), type::v1::ALLOW);
  EXPECT_EQ(story_.Judge(bea.name()).reason(), type::v1::ALLOW);
  EXPECT_FALSE(story_.GetPerson(ann_).name().empty());
  EXPECT_FALSE(story_.GetPerson(bea_).name().empty());
}

TEST_F(LinkingLosesNothing, WhatWasSaidWhileLinkedHoldsForBothSidesAfter) {
  ImportTwo();
  ImportTheBridge();
  ASSERT_TRUE(story_.Withdraw(ann_, type::v1::SCOPE_EVERYTHING).ok());
  ImportTheCorrection();
  EXPECT_EQ(story_.Judge(story_.PersonOf(kAnnRecord).name()).reason(), type::v1::OPTED_OUT);
  EXPECT_EQ(story_.Judge(story_.PersonOf(kBeaRecord).name()).reason(), type::v1::OPTED_OUT);
}

TEST_F(LinkingLosesNothing, ADecisionTakenBackRestoresIdsTimelinesAndConsents) {
  ImportTwo("withdrawn");
  const std::string ann_before = AllOf(ann_), bea_before = AllOf(bea_);
  const customer::v1::Assertion link = Same(kAnnRecord, kBeaRecord);
  EXPECT_EQ(story_.GetPerson(bea_).name(), ann_);
  EXPECT_EQ(story_.Judge(ann_).reason(), type::v1::OPTED_OUT);
  EXPECT_NE(AllOf(ann_), ann_before);
  system_.KillAndRestartPharosd();
  Revoke(link.name());
  EXPECT_EQ(AllOf(ann_), ann_before);
  EXPECT_EQ(AllOf(bea_), bea_before);
  EXPECT_EQ(story_.GetPerson(bea_).name(), bea_);
  EXPECT_EQ(story_.Judge(ann_).reason(), type::v1::ALLOW);
  system_.KillAndRestartPharosd();
  EXPECT_EQ(AllOf(ann_), ann_before);
  EXPECT_EQ(AllOf(bea_), bea_before);
}

TEST_F(LinkingLosesNothing, UnlinkedAndLinkedAgainItIsAsBefore) {
  ImportTwo();
  ImportTheBridge();
  const std::string before = AllOf(ann_);
  ASSERT_EQ(story_.Counts().people(), 1);
  const auto unlinked = Unlink(ann_, kBeaRecord);
  EXPECT_EQ(unlinked.people_size(), 2);
  EXPECT_EQ(story_.PersonOf(kBeaRecord).name(), bea_) << "the id that it had before it was linked";
  EXPECT_EQ(story_.PersonOf(kAnnRecord).name(), ann_);
  ImportTheBridge();  // the same once more, or later arrivals: they do not glue them together again
  EXPECT_EQ(story_.PersonOf(kBeaRecord).name(), bea_);
  Revoke(unlinked.assertion().name());
  EXPECT_EQ(AllOf(ann_), before);
  EXPECT_EQ(story_.GetPerson(bea_).name(), ann_);
}

TEST_F(LinkingLosesNothing, AnOptOutWhileLinkedAppliesToBothSidesAfterUnlinking) {
  ImportTwo();
  const customer::v1::Assertion link = Same(ann_, bea_);
  ASSERT_TRUE(story_.Withdraw(bea_, type::v1::SCOPE_EVERYTHING).ok());
  Revoke(link.name());
  EXPECT_NE(story_.PersonOf(kAnnRecord).name(), story_.PersonOf(kBeaRecord).name());
  EXPECT_EQ(story_.Judge(ann_).reason(), type::v1::OPTED_OUT);
  EXPECT_EQ(story_.Judge(bea_).reason(), type::v1::OPTED_OUT);
}

TEST_F(LinkingLosesNothing, TwoMembersWhoTurnOutToBeOnePersonGetOneMessage) {
  ImportTwo();
  story_.ImportAll(kQuit, FileOf({{.id = "cal", .given = "Cal", .phone = Phone(3)}}));
  EXPECT_EQ(story_.Run("quit").members(), 3);
  ASSERT_TRUE(Eventually([&] { return story_.Report("quit").pending() == 3; }));
  story_.Steer<campaign::v1::PauseCampaignRequest>("PauseCampaign", "quit");
  system_.smpp().Start();
  ImportTheBridge();
  story_.Steer<campaign::v1::ResumeCampaignRequest>("ResumeCampaign", "quit");
  ASSERT_TRUE(story_.Finished("quit"));
  const campaign::v1::Report report = story_.Report("quit");
  ExpectItAddsUp(report);
  EXPECT_EQ(report.members(), 3);
  EXPECT_EQ(report.delivered(), 2);
  ASSERT_EQ(report.withheld().size(), 1u);
  EXPECT_EQ(report.withheld().at("DUPLICATE_PERSON"), 1);
  const Network network = ReadNetwork(system_.journal());
  EXPECT_EQ(network.MessagesTo(Number(1)) + network.MessagesTo(Number(2)), 1);
  EXPECT_EQ(network.MessagesTo(Number(3)), 1);
}

}  // namespace
}  // namespace pharos::tests
