#include "services/customer/agreement_service.h"

#include "services/customer/sync_fixture.h"

namespace pharos::customer {
namespace {

struct AgreementServiceTest : testing::Test {
  SyncFixture at;
  SyncCall governance{"governance", {"governance"}};

  std::vector<std::string> List(SyncCall& call, int page_size = 0) {
    std::vector<std::string> names;
    v1::ListAgreementsRequest request;
    request.set_page_size(page_size);
    do {
      v1::ListAgreementsResponse response;
      EXPECT_TRUE(at.agreements.ListAgreements(call, request, response).ok());
      for (const auto& agreement : response.agreements()) names.push_back(agreement.name());
      request.set_page_token(response.next_page_token());
    } while (!request.page_token().empty());
    return names;
  }
  std::string Get(SyncCall& call, const std::string& name) {
    v1::GetAgreementRequest request;
    request.set_name(name);
    v1::Agreement response;
    return base::ReasonOf(at.agreements.GetAgreement(call, request, response));
  }
};

TEST_F(AgreementServiceTest, APartnerSeesItsOwn) {
  at.MakeAgreement("leeds-2", "leeds-crm", "leeds");
  SyncCall leeds = Partner();
  for (int page : {0, 1}) {
    EXPECT_THAT(List(leeds, page), testing::ElementsAre("agreements/leeds", "agreements/leeds-2"));
    EXPECT_THAT(List(governance, page),
                testing::ElementsAre("agreements/leeds", "agreements/leeds-2", "agreements/york"));
  }
  EXPECT_EQ(Get(leeds, "agreements/leeds"), "");
  EXPECT_EQ(Get(leeds, "agreements/york"), "AGREEMENT_NOT_FOUND");
  EXPECT_EQ(Get(leeds, "agreements/none"), "AGREEMENT_NOT_FOUND");
}

TEST_F(AgreementServiceTest, NamesWhatIsNotRegistered) {
  v1::CreateAgreementRequest request;
  request.set_agreement_id("new");
  auto& agreement = *request.mutable_agreement();
  agreement.add_principals("principals/p");
  agreement.add_sources("sources/nowhere");
  agreement.set_expire_time_us(at.clock.WallMicros() + 1);
  v1::Agreement made;
  EXPECT_EQ(base::ReasonOf(at.agreements.CreateAgreement(governance, request, made)), "SOURCE_NOT_FOUND");
  agreement.set_sources(0, "sources/leeds");
  agreement.add_purposes("purposes/nothing");
  EXPECT_EQ(base::ReasonOf(at.agreements.CreateAgreement(governance, request, made)), "PURPOSE_NOT_FOUND");
  agreement.clear_purposes();
  EXPECT_TRUE(at.agreements.CreateAgreement(governance, request, made).ok());
  EXPECT_EQ(base::ReasonOf(at.agreements.CreateAgreement(governance, request, made)), "AGREEMENT_EXISTS");
}

TEST_F(AgreementServiceTest, EndsOnceAndWaitsForWhatWasBegun) {
  auto use = at.book.Follow({"principals/leeds-crm", true}, "agreements/leeds");
  ASSERT_TRUE(use.ok());
  std::atomic<bool> ended = false;
  std::thread end([&] {
    EXPECT_TRUE(at.EndAgreement("leeds").ok());
    ended = true;
  });
  while (at.book.Follow({"principals/leeds-crm", true}, "agreements/leeds").ok()) {
  }  // nothing new begins
  EXPECT_FALSE(ended);
  use->Release();
  end.join();
  SyncCall call = Partner();
  EXPECT_EQ(Get(call, "agreements/leeds"), "");  // it stays to be seen
  EXPECT_TRUE(at.EndAgreement("leeds").ok());
}

}  // namespace
}  // namespace pharos::customer
