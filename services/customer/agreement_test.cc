#include "services/customer/agreement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/base/errors.h"

namespace pharos::customer {
namespace {

using record::v1::AgreementRow;
using testing::ElementsAre;

constexpr int64_t kNow = 1'700'000'000'000'000, kEnd = kNow + 1'000'000;

v1::CreateAgreementRequest Request() {
  v1::CreateAgreementRequest request;
  request.set_agreement_id("leeds-2026");
  auto& agreement = *request.mutable_agreement();
  agreement.add_principals("principals/leeds-crm");
  agreement.add_sources("sources/leeds");
  agreement.add_purposes("purposes/quit");
  for (const char* field : {"phone", "given_name", "phone"}) agreement.add_write_fields(field);
  agreement.add_read_fields("email");
  agreement.set_expire_time_us(kEnd);
  return request;
}
AgreementRow Row() {
  return *NewAgreement(Request(), "principals/governance", kNow);
}
std::string ReasonOf(const v1::CreateAgreementRequest& request) {
  return base::ReasonOf(NewAgreement(request, "principals/governance", kNow).status());
}

const Asker kParty{"principals/leeds-crm", true};
const Asker kOtherPartner{"principals/york-crm", true};
const Asker kOperator{"principals/operator", false};

std::string Bring(const AgreementRow* row, bool named, const Asker& asker, std::string_view source,
                  int64_t now) {
  return base::ReasonOf(MayBring(row, named, asker, source, now));
}

TEST(Agreement, KeepsEachWordOnceAndSorted) {
  const AgreementRow row = Row();
  EXPECT_EQ(row.name(), "agreements/leeds-2026");
  EXPECT_THAT(row.write_fields(), ElementsAre("given_name", "phone"));
  EXPECT_EQ(row.principal(), "principals/governance");
}

TEST(Agreement, NeedsPartiesSourcesAndAnEnd) {
  auto request = Request();
  request.mutable_agreement()->clear_principals();
  EXPECT_EQ(ReasonOf(request), "FIELD_MISSING");
  request = Request();
  request.mutable_agreement()->clear_sources();
  EXPECT_EQ(ReasonOf(request), "FIELD_MISSING");
  request = Request();
  request.mutable_agreement()->set_expire_time_us(kNow);
  EXPECT_EQ(ReasonOf(request), "TIME_WRONG");
  request = Request();
  request.set_agreement_id("Leeds 2026");
  EXPECT_EQ(ReasonOf(request), "ID_WRONG");
}

TEST(Agreement, KnowsItsFieldsAndKeepsOurOwnSourcesOut) {
  auto request = Request();
  request.mutable_agreement()->add_read_fields("emial");
  const absl::Status status = NewAgreement(request, "principals/governance", kNow).status();
  EXPECT_EQ(base::ReasonOf(status), "FIELD_UNKNOWN");
  EXPECT_THAT(std::string(status.message().data(), status.message().size()), testing::HasSubstr("\"email\""));
  for (const char* source : {"sources/direct", "sources/stewards"}) {
    request = Request();
    request.mutable_agreement()->add_sources(source);
    EXPECT_EQ(ReasonOf(request), "SOURCE_RESERVED") << source;
  }
}

TEST(Agreement, LetsItsPartyBringItsSourcesUntilItEnds) {
  const AgreementRow row = Row();
  EXPECT_EQ(Bring(&row, true, kParty, "sources/leeds", kNow), "");
  EXPECT_EQ(Bring(&row, true, kParty, "sources/york", kNow), "AGREEMENT_MISSING");
  EXPECT_EQ(Bring(&row, true, kParty, "sources/leeds", kEnd), "AGREEMENT_ENDED");
  const AgreementRow ended = EndedAgreement(row, kNow + 5);
  EXPECT_EQ(Bring(&ended, true, kParty, "sources/leeds", kNow + 5), "AGREEMENT_ENDED");
  EXPECT_EQ(EndedAgreement(ended, kNow + 9).end_time_us(), kNow + 5);
}

TEST(Agreement, GivesOtherPartnersTheSameAnswerAsIfItWereNotThere) {
  const AgreementRow row = Row();
  EXPECT_EQ(Bring(&row, true, kOtherPartner, "sources/leeds", kNow), "AGREEMENT_MISSING");
  EXPECT_EQ(Bring(nullptr, true, kOtherPartner, "sources/leeds", kNow), "AGREEMENT_MISSING");
  EXPECT_EQ(Bring(nullptr, false, kOtherPartner, "sources/leeds", kNow), "AGREEMENT_MISSING");
  EXPECT_EQ(Bring(&row, true, kOtherPartner, "sources/leeds", kEnd),
            "AGREEMENT_MISSING");  // nor that it has ended
  EXPECT_FALSE(MaySee(row, kOtherPartner));
  EXPECT_TRUE(MaySee(row, kParty));
}

TEST(Agreement, IsNotNeededByWhoeverMayImportButHoldsThoseWhoNameIt) {
  const AgreementRow row = Row();
  EXPECT_EQ(Bring(nullptr, false, kOperator, "sources/york", kNow), "");
  EXPECT_EQ(Bring(&row, true, kOperator, "sources/leeds", kNow), "");
  EXPECT_EQ(Bring(&row, true, kOperator, "sources/york", kNow), "AGREEMENT_MISSING");
}

TEST(Agreement, FeedsAreForItsPartiesOnly) {
  const AgreementRow row = Row();
  EXPECT_TRUE(MayFollow(&row, kParty, kNow).ok());
  for (const Asker& asker : {kOtherPartner, kOperator}) {
    EXPECT_EQ(base::ReasonOf(MayFollow(&row, asker, kNow)), "AGREEMENT_MISSING") << asker.principal;
  }
  EXPECT_EQ(base::ReasonOf(MayFollow(&row, kParty, kEnd)), "AGREEMENT_ENDED");
}

TEST(Agreement, APartnerAsksAboutItsOwnSources) {
  const std::vector<AgreementRow> rows = {Row()};
  EXPECT_TRUE(MayAskAbout(rows, kParty, "sources/leeds", kNow).ok());
  EXPECT_TRUE(MayAskAbout({}, kOperator, "sources/york", kNow).ok());
  EXPECT_EQ(base::ReasonOf(MayAskAbout(rows, kParty, "sources/york", kNow)), "AGREEMENT_MISSING");
  EXPECT_EQ(base::ReasonOf(MayAskAbout(rows, kParty, "sources/leeds", kEnd)), "AGREEMENT_ENDED");
}

}  // namespace
}  // namespace pharos::customer
