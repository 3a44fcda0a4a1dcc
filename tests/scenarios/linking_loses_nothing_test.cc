// Promise 5: linking loses nothing and grants nothing. Records stay as received, former ids resolve, linked
// people have the strictest consent of their parts, and one person gets one message. Made true by
// services/customer/linking.cc (the rule), services/customer/person_writer.cc (links, former ids),
// services/gate/gate.cc (strictest of the records) and services/dispatch/desk_handover.cc (claims on person
// and endpoint).
#include "gmock/gmock.h"
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
