#include "ops/cli/client.h"

#include "gmock/gmock.h"
#include "pharos/campaign/v1/campaign_service.pb.h"
#include "pharos/customer/v1/person_service.pb.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

TEST(Client, TheMethodIsKnownByItsRequest) {
  EXPECT_EQ(MethodOf(customer::v1::GetPersonRequest()), "/pharos.customer.v1.PersonService/GetPerson");
  EXPECT_EQ(MethodOf(campaign::v1::LaunchCampaignRequest()),
            "/pharos.campaign.v1.CampaignService/LaunchCampaign");
  EXPECT_EQ(MethodOf(customer::v1::Person()), "");
}

TEST(Client, ATokenFileThatIsNotThereIsNamed) {
  Client client({.server = "127.0.0.1:1", .token_file = "/nonexistent/token"});
  customer::v1::Counts counts;
  absl::Status status = client.Call(customer::v1::GetCountsRequest(), &counts);
  EXPECT_TRUE(absl::IsUnauthenticated(status));
  EXPECT_EQ(base::ReasonOf(status), "TOKEN_FILE_UNREADABLE");
}

TEST(Client, NobodyThereIsUnavailableAfterItsPatience) {
  Client client({.server = "127.0.0.1:1", .patience_s = 0.2});
  int waits = 0;
  client.on_wait = [&](const std::string&) { ++waits; };
  customer::v1::Counts counts;
  EXPECT_TRUE(absl::IsUnavailable(client.Call(customer::v1::GetCountsRequest(), &counts)));
  EXPECT_EQ(waits, 1);
}

}  // namespace
}  // namespace pharos::cli
