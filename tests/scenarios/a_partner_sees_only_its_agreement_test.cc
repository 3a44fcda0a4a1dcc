// Promise 8 for partners: a partner brings, learns and counts what its data-sharing agreement says, while it
// is in force, and nothing else. Made true by services/customer/agreement.cc (who may what until when),
// services/customer/agreement_book.cc (an end waits for what was begun), services/customer/sync_item.cc and
// services/customer/import.cc (what may be brought), services/customer/feed_out.cc and
// services/customer/feed_out_view.cc (what is shown). Many random calls with canaries:
// tests/partner/canary_test.cc.
#include "gmock/gmock.h"
#include "tests/support/partner.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

using customer::v1::FollowChangesResponse;
using customer::v1::FollowConsentsResponse;
using customer::v1::SyncResult;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kAgreement[] = "agreements/news";

class APartnerSees : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(system_.ok());
    // Somebody else's people, and one whom both know.
    story_.ImportAll(kQuit, FileOf({{.id = "other", .given = "Canary", .family = "Canary", .phone = Phone(1)},
                                    {.id = "both",
                                     .given = "Ann",
                                     .family = "Archer",
                                     .email = "canary@example.org",
                                     .phone = Phone(2)}}));
    MakeAgreement(system_, "news");
  }
  static customer::v1::SyncHeader Header(const std::string& source = kNews,
                                         const std::string& agreement = kAgreement) {
    customer::v1::SyncHeader header;
    header.set_source(source);
    header.set_agreement(agreement);
    return header;
  }
  std::string RefusedSync(const customer::v1::SyncHeader& header) {
    return base::ReasonOf(Sync(system_, "partner", header, {Upsert("1", {{"given_name", "Ann"}})}).status);
  }
  std::string ReasonOf(const std::string& method, const google::protobuf::Message& request,
                       google::protobuf::Message& response) {
    return base::ReasonOf(system_.As("partner").CallInto("customer.v1." + method, request, response));
  }

  System system_{{.start_connector = false}};
  Story story_{system_};
};

TEST_F(APartnerSees, NothingWithoutOne) {
  for (const auto& header :
       {Header(kQuit), Header(kNews, ""), Header("sources/nowhere"), Header(kNews, "agreements/none")}) {
    EXPECT_EQ(RefusedSync(header), "AGREEMENT_MISSING") << header.ShortDebugString();
  }
  customer::v1::ImportHeader import;
  import.set_source(kNews);
  EXPECT_EQ(base::ReasonOf(system_.As("partner").Import(import, "record_id,given_name\n1,Ann\n").status),
            "AGREEMENT_MISSING");
  customer::v1::CountRecordsRequest count;
  count.set_source(kQuit);
  customer::v1::CountRecordsResponse counted;
  EXPECT_EQ(ReasonOf("SyncService/CountRecords", count, counted), "AGREEMENT_MISSING");
  const auto never = [](const auto&) { return true; };
  EXPECT_EQ(base::ReasonOf(FollowChanges(system_, "partner", "agreements/none", never)), "AGREEMENT_MISSING");
  EXPECT_EQ(base::ReasonOf(FollowChanges(system_, "operator", kAgreement, never)), "AGREEMENT_MISSING");
}

TEST_F(APartnerSees, OnlyAgreedFieldsOfItsOwnPeople) {
  const SyncAnswer sent =
      Sync(system_, "partner", Header(),
           {Upsert("1", {{"given_name", "Ann"}, {"family_name", "Archer"}, {"phone", Phone(2)}}),
            Upsert("2", {{"given_name", "Bob"}, {"nhs_number", "9434765919"}})});
  ASSERT_TRUE(sent.status.ok()) << sent.status;
  ASSERT_EQ(sent.results.size(), 2u);
  EXPECT_EQ(sent.results[0].outcome(), SyncResult::STORED);
  EXPECT_EQ(sent.results[1].reason(), "FIELD_NOT_AGREED");
  std::string said;
  const absl::Status followed =
      FollowChanges(system_, "partner", kAgreement, [&](const FollowChangesResponse& message) {
        said += message.ShortDebugString();
        return message.changes_size() > 0;
      });
  EXPECT_TRUE(followed.ok()) << followed;
  EXPECT_THAT(said, HasSubstr("sources/news/records/1"));
  EXPECT_THAT(said, HasSubstr("Ann"));
  for (const std::string& others :
       {std::string("anary"), std::string("sources/quit"), Number(1), Number(2), std::string("Archer")}) {
    EXPECT_THAT(said, Not(HasSubstr(others)));
  }
}

TEST_F(APartnerSees, OptOutsWithinSecondsAndNothingOfWhoSaidWhat) {
  customer::v1::SyncItem item = Upsert("1", {{"given_name", "Ann"}, {"phone", Phone(3)}});
  Said(item, type::v1::GRANTED, 1'000'000);
  ASSERT_TRUE(Sync(system_, "partner", Header(), {item}).status.ok());
  const auto reason_is = [](type::v1::GateReason reason) {
    return [reason](const FollowConsentsResponse& message) {
      return std::any_of(message.states().begin(), message.states().end(), [&](const auto& state) {
        return state.channel() == type::v1::CHANNEL_SMS && state.reason() == reason;
      });
    };
  };
  EXPECT_TRUE(FollowConsents(system_, "partner", kAgreement, reason_is(type::v1::ALLOW)).ok());
  ASSERT_TRUE(
      story_.Withdraw(story_.PersonOf("sources/news/records/1").name(), type::v1::SCOPE_EVERYTHING).ok());
  const int64_t began = WallNanos();
  EXPECT_TRUE(FollowConsents(system_, "partner", kAgreement, reason_is(type::v1::OPTED_OUT)).ok());
  EXPECT_LT(WallNanos() - began, int64_t{5} * 1'000'000'000);
}

TEST_F(APartnerSees, NothingFromTheMomentItIsEnded) {
  ASSERT_TRUE(Sync(system_, "partner", Header(), {Upsert("1", {{"given_name", "Ann"}})}).status.ok());
  customer::v1::EndAgreementRequest request;
  request.set_name(kAgreement);
  Must(system_.As("governance")
           .Call<customer::v1::Agreement>("customer.v1.AgreementService/EndAgreement", request));
  EXPECT_EQ(RefusedSync(Header()), "AGREEMENT_ENDED");
  const auto never = [](const auto&) { return true; };
  EXPECT_EQ(base::ReasonOf(FollowChanges(system_, "partner", kAgreement, never)), "AGREEMENT_ENDED");
  EXPECT_EQ(base::ReasonOf(FollowConsents(system_, "partner", kAgreement, never)), "AGREEMENT_ENDED");
  customer::v1::CountRecordsRequest count;
  count.set_source(kNews);
  customer::v1::CountRecordsResponse counted;
  EXPECT_EQ(ReasonOf("SyncService/CountRecords", count, counted), "AGREEMENT_ENDED");
}

}  // namespace
}  // namespace pharos::tests
