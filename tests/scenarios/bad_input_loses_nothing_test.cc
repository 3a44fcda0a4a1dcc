// Bad input gets a clear error and loses nothing (promises 4 and 7): what was stored before is still there,
// the good rows of a bad file are stored, and rows = stored + unchanged + rejected, each rejected row named
// with its line. Made true by services/customer/csv.cc and services/customer/import.cc (rows),
// services/rpc/field_check.cc and services/rpc/limits.h (requests), services/content/template.cc and
// services/audience/filter_check.cc (the nearest word) and storage/rocksdb/folder.cc (one process a folder).
#include <fmt/format.h>

#include "gmock/gmock.h"
#include "pharos/campaign/v1/template_service.pb.h"
#include "pharos/customer/v1/endpoint_service.pb.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kBefore = 20;
constexpr int kFiveMebibytes = 5 << 20;

class BadInputLosesNothing : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(system_.ok());
    story_.ImportAll(kQuit, FileOf(kBefore));
    before_ = Everything();
    records_ = kBefore;
  }
  // Whatever a test did, nothing that was there is lost.
  void TearDown() override {
    EXPECT_EQ(story_.Counts().records(), records_);
    EXPECT_EQ(Everything(), before_);
  }
  std::string Everything() {
    std::string all;
    for (int i = 0; i < kBefore; i += 5) all += story_.PersonWithPhone(Phone(i)).SerializeAsString();
    return all;
  }
  // Imports a file of `good` and other rows.
  ImportResult Import(const std::string& file, int good) {
    const ImportResult result = story_.Import(kNews, file);
    EXPECT_TRUE(result.complete) << result.status;
    const auto& s = result.summary;
    EXPECT_EQ(s.rows(), s.stored() + s.unchanged() + s.rejected());
    EXPECT_EQ(s.stored(), good);
    EXPECT_EQ(s.rejected(), static_cast<int64_t>(result.errors.size()));
    records_ += good;
    return result;
  }

  System system_{{.start_connector = false}};
  Story story_{system_};
  std::string before_;
  int records_ = 0;
};

TEST_F(BadInputLosesNothing, ATruncatedFile) {
  const std::string whole = "record_id,given_name,phone\nn1,Kim,07700200001\nn2,Lee,07700200002\nn3,Mo";
  const ImportResult result = Import(whole, 2);
  ASSERT_EQ(result.errors.size(), 1u);
  EXPECT_EQ(result.errors[0].reason(), "ROW_TRUNCATED");
  EXPECT_EQ(result.errors[0].line(), 4);
  EXPECT_EQ(result.errors[0].record_id(), "n3");
}

TEST_F(BadInputLosesNothing, AQuotationMarkThatIsNotClosed) {
  const ImportResult result = Import("record_id,given_name\nn1,Kim\nn2,\"Lee\nn3,Mo\nn4,Pat\n", 3);
  ASSERT_EQ(result.errors.size(), 1u);
  EXPECT_EQ(result.errors[0].line(), 3);
}

TEST_F(BadInputLosesNothing, AWrongHeader) {
  const ImportResult result = story_.Import(kNews, "record_id,given_nam,fone\nn1,Kim,07700200001\n");
  EXPECT_EQ(base::ReasonOf(result.status), "IMPORT_HEADER_WRONG");
  EXPECT_THAT(std::string(result.status.message()), HasSubstr("given_name"));
  const ImportResult no_header = story_.Import(kNews, "n1,Kim,07700200001\n");
  EXPECT_EQ(base::ReasonOf(no_header.status), "IMPORT_HEADER_WRONG");
  EXPECT_THAT(std::string(no_header.status.message()),
              Not(HasSubstr("07700200001")));  // may be somebody's data
  EXPECT_EQ(base::ReasonOf(story_.Import(kNews, "").status), "IMPORT_HEADER_WRONG");
}

TEST_F(BadInputLosesNothing, BytesThatAreNotUtf8) {
  const ImportResult result = Import("record_id,given_name\nn1,Kim\nn2,L\xe9o\nn3,L\xc3\xa9o\n", 2);
  ASSERT_EQ(result.errors.size(), 1u);
  EXPECT_EQ(result.errors[0].reason(), "NOT_UTF8");
  EXPECT_EQ(result.errors[0].line(), 3);
}

TEST_F(BadInputLosesNothing, RowsOfEveryWrongKind) {
  const ImportResult result = Import(
      "record_id,given_name,phone,consent_sms,consent_at\n"
      "n1,Kim,07700200001,granted,2026-01-01T09:00:00Z\n"
      ",Nobody,07700200002,,\n"
      "n3,Lee,07700200003,perhaps,\n"
      "n4,Mo,07700200004,granted,yesterday\n"
      "n5,Pat\n"
      "n6,Sam,07700200006,,,,surplus\n"
      "n7,Tay,12345,,\n",
      2);  // the last is kept as received, with a warning
  EXPECT_EQ(result.errors.size(), 5u);
  EXPECT_EQ(result.summary.warnings(), 1);
  for (const auto& error : result.errors) {
    EXPECT_GT(error.line(), 2);
    EXPECT_FALSE(error.message().empty());
    EXPECT_THAT(error.ShortDebugString(), Not(HasSubstr("077002")));
  }
}

TEST_F(BadInputLosesNothing, AMessageOfFiveMebibytes) {
  customer::v1::ResolveEndpointsRequest request;
  request.set_channel(type::v1::CHANNEL_SMS);
  request.add_addresses(std::string(kFiveMebibytes, '7'));
  const auto status = story_.governance
                          .Call<customer::v1::ResolveEndpointsResponse>(
                              "customer.v1.EndpointService/ResolveEndpoints", request)
                          .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  // A cell of that size costs its row only.
  const ImportResult result =
      Import("record_id,given_name\nn1,Kim\nn2," + std::string(kFiveMebibytes, 'x') + "\nn3,Mo\n", 2);
  ASSERT_GE(result.errors.size(), 1u);
  EXPECT_EQ(result.errors[0].line(), 3);
}

TEST_F(BadInputLosesNothing, BytesThatAreNoRequest) {
  EXPECT_FALSE(
      story_.governance.CallRaw("customer.v1.PersonService/GetPerson", "\xff\xff\xff\xff not a message")
          .ok());
  EXPECT_FALSE(story_.governance.CallRaw("customer.v1.PersonService/NoSuchMethod", "").ok());
}

TEST_F(BadInputLosesNothing, AnUnknownPlaceholder) {
  campaign::v1::CreateTemplateRequest request;
  request.set_template_id("typo");
  request.mutable_template_()->set_sms_body("Hello ((given nam)), come.");
  const auto status =
      story_.marketing.Call<campaign::v1::Template>("campaign.v1.TemplateService/CreateTemplate", request)
          .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("given_name"));
  request.mutable_template_()->set_sms_body("Hello ((given_name, come.");
  EXPECT_EQ(
      base::ReasonOf(
          story_.marketing.Call<campaign::v1::Template>("campaign.v1.TemplateService/CreateTemplate", request)
              .status()),
      "TEMPLATE_WRONG");
}

TEST_F(BadInputLosesNothing, AnUnknownFilterField) {
  audience::v1::CountAudienceRequest request;
  request.set_filter("postcod = \"SW1\"");
  const auto status =
      story_.marketing
          .Call<audience::v1::CountAudienceResponse>("audience.v1.AudienceService/CountAudience", request)
          .status();
  EXPECT_EQ(base::ReasonOf(status), "FILTER_WRONG");
  EXPECT_THAT(std::string(status.message()), HasSubstr("\"postcode\""));
  request.set_filter("sex = \"F\" AND (");
  EXPECT_EQ(base::ReasonOf(story_.marketing
                               .Call<audience::v1::CountAudienceResponse>(
                                   "audience.v1.AudienceService/CountAudience", request)
                               .status()),
            "FILTER_WRONG");
}

TEST_F(BadInputLosesNothing, ASecondPharosdOnTheSameFolder) {
  const char* bin = std::getenv("PHAROS_BIN");
  Process second({fmt::format("{}/pharosd", bin == nullptr ? "bin" : bin), "--data=" + system_.data()},
                 system_.folder() + "/second.log");
  second.Start();
  EXPECT_EQ(second.Wait(15), 1);
  EXPECT_THAT(second.Log(), HasSubstr("pharosd: "));
  EXPECT_TRUE(system_.pharosd().Alive());
}

}  // namespace
}  // namespace pharos::tests
