#include "services/customer/recipient_service.h"

#include <gtest/gtest.h>

#include "services/base/errors.h"
#include "services/customer/permit_fixture.h"

namespace pharos::customer {
namespace {

using internal::v1::Recipient;

struct RecipientServiceTest : testing::Test {
  RecipientServiceTest() {
    record::v1::SourceRow source;
    source.set_name("sources/booking");
    source.set_audience_kind(type::v1::AUDIENCE_KIND_PUBLIC);
    EXPECT_TRUE(at.store
                    ->Transact([&](storage::Transaction& tx) {
                      storage::PutRecord(tx, SourceKey(source.name()), source);
                      return absl::OkStatus();
                    })
                    .ok());
  }
  std::vector<Recipient> Resolve(const std::vector<std::string>& addresses,
                                 type::v1::Channel channel = type::v1::CHANNEL_SMS) {
    TestCall call;
    internal::v1::ResolveRecipientsRequest request;
    request.set_channel(channel);
    request.set_source("sources/booking");
    for (const auto& address : addresses) request.add_addresses(address);
    internal::v1::ResolveRecipientsResponse response;
    const absl::Status status = recipients.ResolveRecipients(call, request, response);
    EXPECT_TRUE(status.ok()) << status;
    return {response.recipients().begin(), response.recipients().end()};
  }

  base::FakeClock clock;
  PermitFixture at{clock};
  RecipientService recipients{*at.store, at.people, *at.linker, at.opt_outs, clock};
  const std::string anna = at.AddPerson("1", "Anna", "447700900001");
};

TEST_F(RecipientServiceTest, IsWhoeverHasTheAddress) {
  const auto found = Resolve({"07700 900001"});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].person(), anna);
  EXPECT_EQ(found[0].address(), "447700900001");
  EXPECT_EQ(found[0].endpoint(), at.Phone("447700900001"));
}

TEST_F(RecipientServiceTest, WhomNobodyKnowsBecomesARecordThatStopCovers) {
  const auto first = Resolve({"07700900777", "07700900777"});
  ASSERT_EQ(first.size(), 2u);
  ASSERT_FALSE(first[0].person().empty()) << first[0].refused();
  EXPECT_EQ(first[0].person(), first[1].person());
  EXPECT_EQ(Resolve({"+447700900777"})[0].person(), first[0].person());
  EXPECT_TRUE(at.Issue(at.Wanted("1", first[0].person(), "447700900777")).has_granted());
  at.Release("1");
  at.Say(at.Reply("r", "447700900777", internal::v1::STOP));
  EXPECT_EQ(at.Issue(at.Wanted("2", first[0].person(), "447700900777")).denied(), type::v1::OPTED_OUT);
}

TEST_F(RecipientServiceTest, EmailAddressesToo) {
  const auto found = Resolve({"Bob@Example.org", "bob at example"}, type::v1::CHANNEL_EMAIL);
  EXPECT_EQ(found[0].address(), "bob@example.org");
  EXPECT_FALSE(found[0].person().empty());
  EXPECT_EQ(found[1].refused(), "ADDRESS_WRONG");
}

TEST_F(RecipientServiceTest, RefusesWhatNoTextReaches) {
  const auto found = Resolve({"banana", "020 7946 0000"});
  EXPECT_EQ(found[0].refused(), "ADDRESS_WRONG");
  EXPECT_EQ(found[1].refused(), "NOT_A_MOBILE");
}

TEST_F(RecipientServiceTest, MakesNoRecordForASuppressedAddressThatNobodyHas) {
  at.Say(at.Reply("r", "447700900888", internal::v1::WRONG_PERSON_REPLY));
  const auto found = Resolve({"07700900888"});
  EXPECT_EQ(found[0].refused(), "ENDPOINT_SUPPRESSED");
  EXPECT_EQ(found[0].person(), "");
}

TEST_F(RecipientServiceTest, NeedsARegisteredSourceThatOthersMayWrite) {
  TestCall call;
  internal::v1::ResolveRecipientsRequest request;
  request.set_channel(type::v1::CHANNEL_SMS);
  request.add_addresses("07700900777");
  internal::v1::ResolveRecipientsResponse response;
  for (const char* source : {"sources/unknown", "sources/direct"}) {
    request.set_source(source);
    EXPECT_EQ(base::ReasonOf(recipients.ResolveRecipients(call, request, response)), "SOURCE_NOT_FOUND")
        << source;
  }
}

}  // namespace
}  // namespace pharos::customer
