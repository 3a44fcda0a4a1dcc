#include "services/customer/consent_service.h"

#include <gtest/gtest.h>

#include "pharos/customer/v1/endpoint_service.pb.h"
#include "services/base/errors.h"
#include "services/customer/entry_index.h"
#include "services/customer/permit_fixture.h"

namespace pharos::customer {
namespace {

const std::string kPhone = "447700900001";

struct ConsentTest : testing::Test {
  base::FakeClock clock;
  PermitFixture at{clock};
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  TestCall call;

  type::v1::GateReason Reason(const std::string& purpose) {
    const auto answer = at.Issue(at.Wanted(base::NewId(clock.WallMicros()), anna, kPhone, purpose));
    if (answer.has_granted()) at.permits->Release(answer.id());
    return answer.has_granted() ? type::v1::ALLOW : answer.denied();
  }
  v1::WithdrawConsentRequest Withdrawal(type::v1::EntryScope scope) {
    v1::WithdrawConsentRequest request;
    request.set_person(anna);
    request.set_scope(scope);
    request.set_how("phone call");
    request.set_request_id("w1");
    if (scope == type::v1::SCOPE_PURPOSE) request.set_purpose("purposes/marketing");
    if (scope == type::v1::SCOPE_ENDPOINT) request.set_endpoint(EndpointName(at.Phone(kPhone)));
    return request;
  }
  void Agree(type::v1::Channel channel = type::v1::CHANNEL_SMS) {
    v1::GrantConsentRequest request;
    request.set_person(anna);
    request.set_purpose("purposes/marketing");
    request.set_channel(channel);
    request.set_how("page");
    request.set_wording("Yes, send me texts.");
    v1::ConsentEntry entry;
    const absl::Status status = at.consents.GrantConsent(call, request, entry);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(entry.kind(), type::v1::GRANTED);
  }
  v1::ConsentEntry Withdraw(const v1::WithdrawConsentRequest& request) {
    v1::ConsentEntry entry;
    const absl::Status status = at.consents.WithdrawConsent(call, request, entry);
    EXPECT_TRUE(status.ok()) << status;
    return entry;
  }
};

TEST_F(ConsentTest, AGrantOpensAndAWithdrawalCloses) {
  EXPECT_EQ(Reason("purposes/marketing"), type::v1::NO_CONSENT);
  Agree();
  EXPECT_EQ(Reason("purposes/marketing"), type::v1::ALLOW);
  const v1::ConsentEntry entry =
      Withdraw(Withdrawal(type::v1::SCOPE_PURPOSE));  // at the same moment: the opt-out wins
  EXPECT_TRUE(entry.record().starts_with("sources/direct/records/for-"));
  EXPECT_FALSE(entry.opt_out().empty());
  EXPECT_EQ(Reason("purposes/marketing"), type::v1::OPTED_OUT);
  EXPECT_EQ(Reason("purposes/service"), type::v1::ALLOW);
  clock.Advance(1);
  Agree();
  EXPECT_EQ(Reason("purposes/marketing"), type::v1::ALLOW);
}

TEST_F(ConsentTest, ScopesCoverWhatTheySay) {
  Withdraw(Withdrawal(type::v1::SCOPE_ENDPOINT));
  EXPECT_EQ(Reason("purposes/service"), type::v1::OPTED_OUT);
  at.AddPurpose("purposes/urgent", type::v1::PURPOSE_CLASS_URGENT, type::v1::LAWFUL_BASIS_VITAL_INTERESTS);
  EXPECT_EQ(Reason("purposes/urgent"), type::v1::ALLOW);
  auto everything = Withdrawal(type::v1::SCOPE_EVERYTHING);
  everything.set_request_id("w2");
  Withdraw(everything);
  EXPECT_EQ(Reason("purposes/urgent"), type::v1::OPTED_OUT);
}

TEST_F(ConsentTest, AnObjectionIsNamedAsOne) {
  auto request = Withdrawal(type::v1::SCOPE_PURPOSE);
  request.set_purpose("purposes/service");
  request.set_objection(true);
  Withdraw(request);
  EXPECT_EQ(Reason("purposes/service"), type::v1::OBJECTED);
}

TEST_F(ConsentTest, AWithdrawalWaitsAndSoDoesItsRepeat) {
  ASSERT_TRUE(at.Issue(at.Wanted("1", anna, kPhone)).has_granted());
  const auto request = Withdrawal(type::v1::SCOPE_EVERYTHING);
  v1::ConsentEntry entries[2];
  Waiting first([&] { entries[0] = Withdraw(request); });
  EXPECT_TRUE(first.StaysOpen());
  Waiting repeat([&] { entries[1] = Withdraw(request); });
  EXPECT_TRUE(repeat.StaysOpen());
  at.Release("1");
  EXPECT_TRUE(first.Ends());
  EXPECT_TRUE(repeat.Ends());
  first.Join();
  repeat.Join();
  EXPECT_EQ(entries[0].name(), entries[1].name());
}

TEST_F(ConsentTest, WaitsForAPermitUnderAFormerName) {
  const std::string second = at.AddPerson("2", "Anna", "", "anna@example.org");
  const std::string third = at.AddPerson("3", "Anna", kPhone, "anna@example.org");
  ASSERT_EQ(third, anna);
  ASSERT_NE(second, anna);
  ASSERT_TRUE(at.Issue(at.Wanted("1", second, kPhone)).has_granted());
  Waiting withdrawal([&] { Withdraw(Withdrawal(type::v1::SCOPE_PURPOSE)); });
  EXPECT_TRUE(withdrawal.StaysOpen());
  at.Release("1");
  EXPECT_TRUE(withdrawal.Ends());
}

TEST_F(ConsentTest, NamesWhatIsMissing) {
  v1::ConsentEntry entry;
  auto request = Withdrawal(type::v1::SCOPE_PURPOSE);
  request.set_purpose("purposes/unknown");
  EXPECT_EQ(base::ReasonOf(at.consents.WithdrawConsent(call, request, entry)), "PURPOSE_NOT_FOUND");
  request.set_purpose("");
  EXPECT_EQ(at.consents.WithdrawConsent(call, request, entry).code(), absl::StatusCode::kInvalidArgument);
  request = Withdrawal(type::v1::SCOPE_EVERYTHING);
  request.set_person("people/nobody");
  EXPECT_EQ(base::ReasonOf(at.consents.WithdrawConsent(call, request, entry)), "PERSON_NOT_FOUND");
}

TEST_F(ConsentTest, ListsEverythingThatWasSaidOldestFirst) {
  Agree();
  clock.Advance(1);
  Withdraw(Withdrawal(type::v1::SCOPE_PURPOSE));
  clock.Advance(1);
  Agree();  // overtakes both on the record; the ledger keeps all three
  clock.Advance(1);
  at.Say(at.Reply("r", kPhone, internal::v1::STOP));
  v1::ListConsentEntriesRequest request;
  request.set_person(anna);
  v1::ListConsentEntriesResponse response;
  ASSERT_TRUE(at.consents.ListConsentEntries(call, request, response).ok());
  ASSERT_EQ(response.entries_size(), 4);
  EXPECT_EQ(response.entries(1).kind(), type::v1::WITHDRAWN);
  EXPECT_EQ(response.entries(2).wording(), "Yes, send me texts.");
  EXPECT_EQ(response.entries(3).scope(), type::v1::SCOPE_ENDPOINT);
}

TEST_F(ConsentTest, AFactThatMakesItStricterWaits) {
  ASSERT_TRUE(at.Issue(at.Wanted("1", anna, kPhone)).has_granted());
  v1::SetPersonFactRequest request;
  request.set_person(anna);
  request.set_fact(v1::SetPersonFactRequest::FACT_DECEASED);
  request.set_holds(true);
  request.set_how("registrar");
  v1::SetPersonFactResponse response;
  Waiting fact([&] { EXPECT_TRUE(at.consents.SetPersonFact(call, request, response).ok()); });
  EXPECT_TRUE(fact.StaysOpen());
  at.Release("1");
  EXPECT_TRUE(fact.Ends());
  EXPECT_EQ(Reason("purposes/service"), type::v1::DECEASED);
}

TEST_F(ConsentTest, SuppressingAnEndpointWaits) {
  ASSERT_TRUE(at.Issue(at.Wanted("1", anna, kPhone)).has_granted());
  v1::ResolveEndpointsRequest resolve;
  resolve.set_channel(type::v1::CHANNEL_SMS);
  resolve.add_addresses("07700 900001");
  resolve.add_addresses("not a number");
  v1::ResolveEndpointsResponse names;
  ASSERT_TRUE(at.endpoints.ResolveEndpoints(call, resolve, names).ok());
  EXPECT_EQ(names.endpoints(0), EndpointName(at.Phone(kPhone)));
  EXPECT_EQ(names.endpoints(1), "");
  v1::SuppressEndpointRequest request;
  request.set_endpoint(names.endpoints(0));
  request.set_reason(type::v1::COMPLAINT);
  v1::SuppressEndpointResponse response;
  Waiting suppression([&] { EXPECT_TRUE(at.endpoints.SuppressEndpoint(call, request, response).ok()); });
  EXPECT_TRUE(suppression.StaysOpen());
  at.Release("1");
  EXPECT_TRUE(suppression.Ends());
  EXPECT_EQ(Reason("purposes/service"), type::v1::ENDPOINT_SUPPRESSED);
}

TEST_F(ConsentTest, AnOldLedgerIsIndexedOnceAtTheStart) {
  Agree();
  const auto listed = [&] {
    v1::ListConsentEntriesRequest request;
    request.set_person(anna);
    v1::ListConsentEntriesResponse response;
    EXPECT_TRUE(at.consents.ListConsentEntries(call, request, response).ok());
    return response.entries_size();
  };
  ASSERT_EQ(listed(), 1);
  // A store from before there was an index.
  const std::string index = RecordEntriesPrefix({"feed", "1"});
  std::vector<std::string> keys;
  ASSERT_TRUE(at.store->Read()
                  ->Scan(storage::PrefixRange(index),
                         [&](std::string_view key, std::string_view) {
                           keys.emplace_back(key);
                           return true;
                         })
                  .ok());
  ASSERT_TRUE(at.store
                  ->Transact([&](storage::Transaction& tx) {
                    for (const auto& key : keys) tx.Delete(key);
                    return absl::OkStatus();
                  })
                  .ok());
  ASSERT_EQ(listed(), 0);
  ASSERT_TRUE(IndexOldEntries(*at.store).ok());
  EXPECT_EQ(listed(), 1);
}

}  // namespace
}  // namespace pharos::customer
