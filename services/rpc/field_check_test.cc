// What the protos say about fields, on real requests.
#include "services/rpc/field_check.h"

#include "gmock/gmock.h"
#include "pharos/audience/v1/audience_service.pb.h"
#include "pharos/campaign/v1/campaign_service.pb.h"
#include "pharos/campaign/v1/template_service.pb.h"
#include "pharos/customer/v1/person_service.pb.h"
#include "pharos/dispatch/internal/v1/work_service.pb.h"
#include "services/base/errors.h"

namespace pharos::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> WrongFields(google::protobuf::Message& message) {
  std::vector<std::string> fields;
  const base::ErrorFacts facts = base::FactsOf(CheckFields(message)).value_or(base::ErrorFacts{});
  for (const auto& violation : facts.violations) fields.push_back(violation.field);
  return fields;
}

customer::v1::JudgePersonRequest GoodJudge() {
  customer::v1::JudgePersonRequest request;
  request.set_person("people/01jd3v7m8q0000000000000000");
  request.set_purpose("purposes/stop-smoking");
  request.add_channels(type::v1::CHANNEL_SMS);
  return request;
}

TEST(Fields, ThatAreRightPass) {
  auto request = GoodJudge();
  EXPECT_THAT(WrongFields(request), IsEmpty());
}

TEST(Fields, ListsHaveALimit) {
  auto request = GoodJudge();
  for (int i = 0; i < 4; ++i) request.add_channels(type::v1::CHANNEL_EMAIL);
  EXPECT_THAT(WrongFields(request), ElementsAre("channels"));
  request.clear_channels();
  EXPECT_THAT(WrongFields(request), ElementsAre("channels"));  // required
}

TEST(Fields, EnumsMustBeKnown) {
  auto request = GoodJudge();
  request.set_channels(0, static_cast<type::v1::Channel>(77));
  EXPECT_THAT(WrongFields(request), ElementsAre("channels[0]"));
}

TEST(Fields, ASegmentIsShortAndPlain) {
  auto request = GoodJudge();
  request.set_person("people/" + std::string(128, 'a'));
  EXPECT_THAT(WrongFields(request), IsEmpty());
  request.set_person("people/" + std::string(129, 'a'));
  EXPECT_THAT(WrongFields(request), ElementsAre("person"));
}

TEST(Fields, AChoiceIsCheckedOnlyWhereItIsMade) {
  audience::v1::CountAudienceRequest request;
  EXPECT_THAT(WrongFields(request), IsEmpty());
  request.set_filter(std::string(4096, 'x'));
  EXPECT_THAT(WrongFields(request), IsEmpty());
  request.set_filter(std::string(4097, 'x'));
  EXPECT_THAT(WrongFields(request), ElementsAre("filter"));
}

TEST(Fields, MapsAreNamedByPositionSoThatNoKeyIsQuoted) {
  campaign::v1::PreviewTemplateRequest request;
  request.set_name("templates/x");
  (*request.mutable_values())["given_name"] = std::string(1025, 'x');
  EXPECT_THAT(WrongFields(request), ElementsAre("values[0].value"));
}

TEST(Fields, RequestIdsTravelInHeaders) {
  campaign::v1::SubmitCampaignRequest request;
  request.set_name("campaigns/x");
  request.set_request_id("with a space");
  EXPECT_THAT(WrongFields(request), ElementsAre("request_id"));
  request.set_request_id("7d44-plain");
  EXPECT_THAT(WrongFields(request), IsEmpty());
}

TEST(Fields, NestedMessagesAreCheckedAndOutputIsCleared) {
  campaign::v1::CreateCampaignRequest request;
  request.set_campaign_id("x");
  request.mutable_campaign()->set_audience("audiences/x");
  request.mutable_campaign()->set_template_("templates/x");
  request.mutable_campaign()->set_purpose("purpose/x");
  request.mutable_campaign()->add_channels(type::v1::CHANNEL_SMS);
  request.mutable_campaign()->set_approver("principals/mallory");
  (*request.mutable_campaign()->mutable_excluded())["OPTED_OUT"] = 1;
  EXPECT_THAT(WrongFields(request), ElementsAre("campaign.purpose"));
  EXPECT_EQ(request.campaign().approver(), "");
  EXPECT_TRUE(request.campaign().excluded().empty());
}

TEST(Fields, AnInboundMessageMayHaveManyParts) {
  dispatch::internal::v1::WorkRequest request;
  request.mutable_inbound()->add_messages()->set_text(std::string(40'000, 'x'));
  EXPECT_THAT(WrongFields(request), IsEmpty());
}

TEST(Fields, NoMoreFaultsThanFitATrailer) {
  dispatch::internal::v1::WorkRequest request;
  for (int i = 0; i < 200; ++i) request.mutable_outcomes()->add_outcomes()->set_id(std::string(2000, 'x'));
  EXPECT_EQ(WrongFields(request).size(), 16u);
}

}  // namespace
}  // namespace pharos::rpc
