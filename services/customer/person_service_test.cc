// People as stewards see and change them, on a real store in memory: corrections, erasure, what we knew then,
// the timeline, facts, and whose an opt-out was.
#include "services/customer/person_service.h"

#include <gtest/gtest.h>

#include "services/base/errors.h"
#include "services/customer/correction.h"
#include "services/customer/memory_keys.h"
#include "services/customer/organisation_service.h"
#include "services/customer/permit_fixture.h"

namespace pharos::customer {
namespace {

const std::string kPhone = "447700900001";
const std::string kOtherPhone = "447700900002";

struct PersonServiceTest : testing::Test {
  base::FakeClock clock;
  PermitFixture at{clock};
  PersonService service{*at.store, at.people, clock, at.linker.get(), &at.opt_outs};
  TestCall call;

  PersonServiceTest() { call.caller_.roles = {"governance"}; }

  static std::string Feed(const std::string& id) { return "sources/feed/records/" + id; }
  ChangeMaker Change() {
    return [this](std::string_view resource, std::string_view kind, uint64_t version) {
      return rpc::ChangeBy(call, resource, kind, version, clock.WallMicros());
    };
  }
  v1::Person Get(const std::string& person, v1::PersonView view = v1::PERSON_VIEW_FULL, int64_t then = 0) {
    v1::GetPersonRequest request;
    request.set_name(person);
    request.set_view(view);
    request.set_as_of_time_us(then);
    v1::Person shown;
    const absl::Status status = service.GetPerson(call, request, shown);
    EXPECT_TRUE(status.ok()) << status;
    return shown;
  }
  static v1::GoldenField Field(const v1::Person& person, const std::string& name) {
    for (const auto& field : person.fields()) {
      if (field.field() == name) return field;
    }
    return {};
  }
  std::string Value(const std::string& person, const std::string& field) {
    return Field(Get(person), field).value();
  }

  // A new version of a record of the feed.
  RecordResult Put(const std::string& id, const std::map<std::string, std::string>& fields) {
    std::vector<RecordChange> changes(1);
    changes[0].row.set_name(Feed(id));
    changes[0].row.set_update_time_us(clock.WallMicros());
    for (const auto& [field, value] : fields) {
      (*changes[0].row.mutable_fields())[field] = value;
      (*changes[0].row.mutable_clean())[field] = value;
    }
    auto results = at.linker->Apply(std::move(changes), Change(), {});
    EXPECT_TRUE(results.ok()) << results.status();
    return results.ok() ? (*results)[0] : RecordResult();
  }
  // "same" of one side, "different" of several.
  std::string Decide(const std::vector<std::vector<std::string>>& sides) {
    record::v1::AssertionRow row;
    row.set_name("assertions/" + base::NewId(clock.WallMicros()));
    for (const auto& side : sides) {
      auto& one = *row.add_sides();
      for (const auto& record : side) one.add_records(Feed(record));
    }
    row.set_principal("principals/steward");
    row.set_create_time_us(clock.WallMicros());
    const absl::Status status = at.linker->Assert(row, Change(), nullptr);
    EXPECT_TRUE(status.ok()) << status;
    return row.name();
  }
  void Revoke(const std::string& assertion) {
    record::v1::AssertionRow row;
    EXPECT_TRUE(*storage::GetRecord(*at.store, AssertionKey(assertion), row));
    row.set_revoke_time_us(clock.WallMicros());
    row.set_revoke_principal("principals/steward");
    const absl::Status status = at.linker->Revoke(row, Change(), nullptr);
    EXPECT_TRUE(status.ok()) << status;
  }
  std::string PersonOf(const std::string& id) {
    record::v1::RecordRow row;
    EXPECT_TRUE(*storage::GetRecord(*at.store, RecordKey(*ParseRecordName(Feed(id))), row));
    return row.person();
  }
  std::string Correct(const std::string& person, const std::map<std::string, std::string>& fields,
                      const std::string& request_id = "") {
    v1::CorrectPersonRequest request;
    request.set_person(person);
    for (const auto& [field, value] : fields) (*request.mutable_fields())[field] = value;
    request.set_reason("birth certificate seen");
    request.set_request_id(request_id);
    v1::Person shown;
    return base::ReasonOf(service.CorrectPerson(call, request, shown));
  }
  absl::StatusOr<v1::ErasePersonResponse> Erase(const std::string& person,
                                                const std::string& request_id = "e") {
    v1::ErasePersonRequest request;
    request.set_person(person);
    request.set_reason("letter of 1 March");
    request.set_request_id(request_id);
    v1::ErasePersonResponse response;
    const absl::Status status = service.ErasePerson(call, request, response);
    if (!status.ok()) return status;
    return response;
  }
  type::v1::GateReason Judge(const std::string& person, const std::string& purpose = "purposes/service") {
    v1::JudgePersonRequest request;
    request.set_person(person);
    request.set_purpose(purpose);
    request.add_channels(type::v1::CHANNEL_SMS);
    v1::Judgement judgement;
    const absl::Status status = service.JudgePerson(call, request, judgement);
    EXPECT_TRUE(status.ok()) << status;
    return judgement.reason();
  }
  v1::ConsentEntry Withdraw(const std::string& person, const std::string& endpoint = "") {
    v1::WithdrawConsentRequest request;
    request.set_person(person);
    request.set_scope(type::v1::SCOPE_PURPOSE);
    request.set_purpose("purposes/service");
    request.set_endpoint(endpoint);
    request.set_how("phone call");
    v1::ConsentEntry entry;
    const absl::Status status = at.consents.WithdrawConsent(call, request, entry);
    EXPECT_TRUE(status.ok()) << status;
    return entry;
  }
  std::string Resolve(const std::string& entry, const std::string& person) {
    v1::ResolveOptOutRequest request;
    request.set_entry(entry);
    request.set_person(person);
    request.set_how("asked both");
    return base::ReasonOf(at.consents.ResolveOptOut(call, request, resolved));
  }
  void State(const std::string& person, v1::SetPersonFactRequest::Fact fact, bool holds = true) {
    v1::SetPersonFactRequest request;
    request.set_person(person);
    request.set_fact(fact);
    request.set_holds(holds);
    request.set_how("registrar");
    v1::SetPersonFactResponse response;
    const absl::Status status = at.consents.SetPersonFact(call, request, response);
    EXPECT_TRUE(status.ok()) << status;
  }
  v1::ListTimelineResponse Timeline(const v1::ListTimelineRequest& request) {
    v1::ListTimelineResponse response;
    const absl::Status status = service.ListTimeline(call, request, response);
    EXPECT_TRUE(status.ok()) << status;
    return response;
  }
  v1::ListTimelineResponse Timeline(const std::string& person, std::vector<v1::TimelineKind> kinds = {}) {
    v1::ListTimelineRequest request;
    request.set_person(person);
    for (const auto kind : kinds) request.add_kinds(kind);
    return Timeline(request);
  }

  v1::ConsentEntry resolved;
};

TEST_F(PersonServiceTest, ACorrectionWinsAndIsTakenBack) {
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  EXPECT_EQ(Correct(anna, {{"family_name", "Smyth"}}), "");
  const v1::Person corrected = Get(anna);
  EXPECT_EQ(Field(corrected, "family_name").value(), "Smyth");
  EXPECT_EQ(Field(corrected, "family_name").rule(), "steward");
  ASSERT_EQ(Field(corrected, "family_name").alternatives_size(), 1);
  EXPECT_EQ(Field(corrected, "family_name").alternatives(0).value(), "Smith");
  EXPECT_EQ(Field(corrected, "given_name").value(), "Anna");
  EXPECT_EQ(corrected.records_size(), 2);
  clock.Advance(1'000'000);
  Put("1", {{"given_name", "Anna"}, {"family_name", "Smithe"}, {"phone", kPhone}});
  EXPECT_EQ(Value(anna, "family_name"), "Smyth") << "no feed undoes it";
  EXPECT_EQ(Correct(anna, {{"given_name", "Anne"}}), "");
  EXPECT_EQ(Get(anna).records_size(), 2) << "one record of the stewards";
  EXPECT_EQ(Correct(anna, {{"family_name", ""}}), "");
  EXPECT_EQ(Value(anna, "family_name"), "Smithe");
  EXPECT_EQ(Value(anna, "given_name"), "Anne");
  EXPECT_EQ(Correct(anna, {{"given_name", ""}}), "");
  EXPECT_EQ(Value(anna, "given_name"), "Anna");
}

TEST_F(PersonServiceTest, ACorrectionThatComesTwiceIsMadeOnce) {
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  EXPECT_EQ(Correct(anna, {{"family_name", "Smyth"}}, "c1"), "");
  EXPECT_EQ(Correct(anna, {{"family_name", "Smythe"}}, "c2"), "");
  EXPECT_EQ(Correct(anna, {{"family_name", "Smyth"}}, "c1"), "");
  EXPECT_EQ(Value(anna, "family_name"), "Smythe") << "the repeat changes nothing";
}

TEST_F(PersonServiceTest, ACorrectionDoesNotHoldRecordsTogether) {
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  clock.Advance(1'000'000);
  const std::string bea = at.AddPerson("2", "Bea", kOtherPhone);
  const std::string same = Decide({{"1", "2"}});
  EXPECT_EQ(Correct(anna, {{"family_name", "Smyth"}}), "");
  EXPECT_EQ(Get(anna).records_size(), 3);
  Revoke(same);
  ASSERT_EQ(PersonOf("2"), bea);
  EXPECT_EQ(Value(anna, "family_name"), "Smyth") << "it stays with the eldest record";
  EXPECT_EQ(Value(bea, "family_name"), "Smith");
}

TEST_F(PersonServiceTest, CorrectsNobodyWhoIsNotThere) {
  EXPECT_EQ(Correct("people/nobody", {{"family_name", "Smyth"}}), "PERSON_NOT_FOUND");
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  EXPECT_EQ(Correct(anna, {{"surname", "Smyth"}}), "FIELD_UNKNOWN");
  ASSERT_TRUE(Erase(anna).ok());
  EXPECT_EQ(Correct(anna, {{"family_name", "Smyth"}}), "PERSON_ERASED");
}

TEST_F(PersonServiceTest, AnErasedPersonIsNeitherKnownNorReachedAgain) {
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  Withdraw(anna);
  State(anna, v1::SetPersonFactRequest::FACT_PAUSED);
  const auto erased = Erase(anna);
  ASSERT_TRUE(erased.ok()) << erased.status();
  EXPECT_EQ(erased->records(), 1);
  EXPECT_EQ(erased->endpoints(), 1);
  const v1::Person person = Get(anna);
  EXPECT_EQ(person.name(), anna) << "the id resolves";
  EXPECT_TRUE(person.erased());
  EXPECT_EQ(person.fields_size(), 0);
  EXPECT_EQ(person.endpoints_size(), 0);
  // The same feed again, and the same number under another record.
  clock.Advance(1'000'000);
  EXPECT_EQ(Put("1", {{"given_name", "Anna"}, {"family_name", "Smith"}, {"phone", kPhone}}).outcome,
            RecordOutcome::kRefused);
  EXPECT_EQ(Get(anna).fields_size(), 0);
  const std::string again = at.AddPerson("2", "Anna", kPhone);
  EXPECT_NE(again, anna);
  EXPECT_EQ(Judge(again), type::v1::ENDPOINT_SUPPRESSED);
  // What is left of the entries: that there were some, without the words.
  v1::ListConsentEntriesRequest request;
  request.set_person(anna);
  v1::ListConsentEntriesResponse entries;
  ASSERT_TRUE(at.consents.ListConsentEntries(call, request, entries).ok());
  ASSERT_EQ(entries.entries_size(), 1);
  EXPECT_EQ(entries.entries(0).kind(), type::v1::WITHDRAWN);
  EXPECT_EQ(entries.entries(0).how(), "");
  EXPECT_EQ(at.Entries("person.erased").size(), 1u);
}

TEST_F(PersonServiceTest, NothingOfAnErasedPersonStandsInTheStore) {
  const std::string anna = at.AddPerson("1", "Annabelle", kPhone, "annabelle@example.org");
  clock.Advance(1'000'000);
  Put("1", {{"given_name", "Annabelle"}, {"family_name", "Fotheringay"}, {"phone", kPhone}});
  ASSERT_TRUE(Erase(anna).ok());
  const auto view = at.store->Read();
  int rows = 0;
  ASSERT_TRUE(view->Scan({"", ""},
                         [&](std::string_view, std::string_view value) {
                           ++rows;
                           for (const char* word : {"Annabelle", "Fotheringay", "annabelle@", "447700900001"})
                             EXPECT_EQ(value.find(word), std::string_view::npos) << word;
                           return true;
                         })
                  .ok());
  EXPECT_GT(rows, 3);
}

TEST_F(PersonServiceTest, ErasureWaitsForPermitsAndSoDoesItsRepeat) {
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  ASSERT_TRUE(at.Issue(at.Wanted("1", anna, kPhone)).has_granted());
  Waiting first([&] { EXPECT_TRUE(Erase(anna).ok()); });
  EXPECT_TRUE(first.StaysOpen());
  Waiting repeat([&] { EXPECT_TRUE(Erase(anna).ok()); });
  EXPECT_TRUE(repeat.StaysOpen());
  at.Release("1");
  EXPECT_TRUE(first.Ends());
  EXPECT_TRUE(repeat.Ends());
}

// Access is away when the records are to go: what keeps us from writing to them is there already, and the
// same call goes on later.
TEST(Erasure, CutShortGoesOnWhenAskedForAgain) {
  base::FakeClock clock;
  MemoryKeys access;
  RecordKeys keys(true);
  keys.Bind(access.Source());
  PermitFixture at(clock, kTerm, &keys);
  PersonService service(*at.store, at.people, clock, at.linker.get(), &at.opt_outs);
  TestCall call;
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  access.SetAway(true);
  for (uint64_t id = 1; id <= storage::KeyRing::kFreshBatch; ++id) keys.ring().Forget(id);
  v1::ErasePersonRequest request;
  request.set_person(anna);
  request.set_reason("letter");
  request.set_request_id("e1");
  v1::ErasePersonResponse response;
  EXPECT_EQ(base::ReasonOf(service.ErasePerson(call, request, response)), "ACCESS_AWAY");
  EXPECT_EQ(at.people.LoadEndpoint(*at.store->Read(), at.Phone(kPhone))->suppressed(), type::v1::ERASED);
  EXPECT_FALSE((*at.people.Load(*at.store->Read(), anna))->erased());
  access.SetAway(false);
  const absl::Status status = service.ErasePerson(call, request, response);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(response.records(), 1);
  EXPECT_EQ(response.endpoints(), 1);
  EXPECT_TRUE((*at.people.Load(*at.store->Read(), anna))->erased());
  EXPECT_EQ(at.Entries("person.erasing").size(), 2u);
  EXPECT_EQ(at.Entries("person.erased").size(), 1u);
}

TEST_F(PersonServiceTest, WhatWeKnewThen) {
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  const int64_t first = clock.WallMicros() + 10;
  clock.Advance(1'000'000);
  Put("1", {{"given_name", "Anna"}, {"family_name", "Jones"}, {"phone", kOtherPhone}});
  const int64_t second = clock.WallMicros() + 10;
  EXPECT_EQ(Field(Get(anna, v1::PERSON_VIEW_FULL, first), "family_name").value(), "Smith");
  EXPECT_EQ(Field(Get(anna, v1::PERSON_VIEW_FULL, first), "phone").value(), kPhone);
  EXPECT_EQ(Field(Get(anna, v1::PERSON_VIEW_FULL, second), "family_name").value(), "Jones");
  EXPECT_TRUE(Get(anna, v1::PERSON_VIEW_BASIC, first).fields().empty());
  v1::GetPersonRequest request;
  request.set_name(anna);
  request.set_as_of_time_us(1);
  v1::Person nobody;
  EXPECT_EQ(base::ReasonOf(service.GetPerson(call, request, nobody)), "PERSON_NOT_KNOWN_THEN");
}

TEST_F(PersonServiceTest, WhoBelongedToWhomThen) {
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  clock.Advance(1'000'000);
  const std::string bea = at.AddPerson("2", "Bea", kOtherPhone);
  ASSERT_NE(anna, bea);
  const int64_t apart = clock.WallMicros() + 500'000;
  clock.Advance(1'000'000);
  Decide({{"1", "2"}});
  const int64_t linked = clock.WallMicros() + 500'000;
  EXPECT_EQ(Get(bea).name(), anna);
  EXPECT_EQ(Get(bea, v1::PERSON_VIEW_FULL, apart).name(), bea);
  EXPECT_EQ(Field(Get(bea, v1::PERSON_VIEW_FULL, apart), "given_name").value(), "Bea");
  EXPECT_EQ(Get(anna, v1::PERSON_VIEW_FULL, apart).records_size(), 1);
  EXPECT_EQ(Get(bea, v1::PERSON_VIEW_FULL, linked).name(), anna);
  EXPECT_EQ(Get(bea, v1::PERSON_VIEW_FULL, linked).records_size(), 2);
}

TEST_F(PersonServiceTest, FactsHoldAtOnceForEveryRecordAndAreKnownAsOfThen) {
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  const int64_t before = clock.WallMicros() + 10;
  clock.Advance(1'000'000);
  State(anna, v1::SetPersonFactRequest::FACT_PAUSED);
  EXPECT_EQ(Judge(anna), type::v1::PAUSED);
  State(anna, v1::SetPersonFactRequest::FACT_DECEASED);
  EXPECT_EQ(Judge(anna), type::v1::DECEASED);
  clock.Advance(1'000'000);
  const int64_t dead = clock.WallMicros();
  State(anna, v1::SetPersonFactRequest::FACT_DECEASED, false);
  State(anna, v1::SetPersonFactRequest::FACT_PAUSED, false);
  EXPECT_EQ(Judge(anna), type::v1::ALLOW);
  EXPECT_FALSE(Get(anna, v1::PERSON_VIEW_BASIC, before).deceased());
  EXPECT_TRUE(Get(anna, v1::PERSON_VIEW_BASIC, dead - 1).deceased());
  EXPECT_FALSE(Get(anna).deceased());
}

TEST_F(PersonServiceTest, AddressesOfASensitivePersonAreForGovernanceOnly) {
  const std::string anna = at.AddPerson("1", "Anna", kPhone, "anna@example.org", "LS1 1AA");
  State(anna, v1::SetPersonFactRequest::FACT_SENSITIVE);
  EXPECT_EQ(Judge(anna), type::v1::ALLOW) << "messages may go";
  EXPECT_EQ(Value(anna, "phone"), kPhone) << "governance sees them";
  EXPECT_TRUE(call.Has("facts.write"));
  // Who may read personal data, but states no facts.
  const auto view = at.store->Read();
  v1::Person shown;
  ASSERT_TRUE(ShowPerson(*view, at.people, **at.people.Load(*view, anna),
                         {.values = true, .alternatives = true}, shown)
                  .ok());
  EXPECT_TRUE(shown.sensitive());
  EXPECT_EQ(Field(shown, "given_name").value(), "Anna");
  for (const char* field : {"phone", "email", "postcode"})
    EXPECT_EQ(Field(shown, field).field(), "") << field;
  ASSERT_EQ(shown.endpoints_size(), 2);
  for (const auto& endpoint : shown.endpoints()) EXPECT_EQ(endpoint.address(), "");
}

TEST_F(PersonServiceTest, ASuppressedAddressLosesAndAConfirmedOneWins) {
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  clock.Advance(1'000'000);
  at.AddPerson("2", "Anna", kOtherPhone);
  Decide({{"1", "2"}});
  const std::string before = Value(anna, "phone");
  const std::string other = before == kPhone ? kOtherPhone : kPhone;
  at.Say(at.Reply("s", other, internal::v1::START));
  const auto confirmed = Field(Get(anna), "phone");
  EXPECT_EQ(confirmed.value(), other);
  EXPECT_EQ(confirmed.rule(), "verified");
  EXPECT_TRUE(confirmed.verified());
  at.Say(at.Reply("w", other, internal::v1::WRONG_PERSON_REPLY));
  EXPECT_EQ(Value(anna, "phone"), before);
  EXPECT_EQ(Field(Get(anna), "phone").rule(), "suppressed");
}

TEST_F(PersonServiceTest, AnOptOutOfBothIsLiftedFromTheOneWhoseItWasNot) {
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  clock.Advance(1'000'000);
  const std::string bea = at.AddPerson("2", "Bea", kOtherPhone);
  const std::string same = Decide({{"1", "2"}});
  const v1::ConsentEntry entry = Withdraw(anna);
  EXPECT_EQ(Resolve(entry.name(), anna), "OPT_OUT_DIRECT") << "one person still";
  clock.Advance(1'000'000);
  Revoke(same);
  ASSERT_EQ(PersonOf("1"), anna);
  ASSERT_EQ(PersonOf("2"), bea);
  EXPECT_EQ(Judge(anna), type::v1::OPTED_OUT);
  EXPECT_EQ(Judge(bea), type::v1::OPTED_OUT) << "for both sides until decided";
  EXPECT_EQ(Resolve("consentEntries/none", bea), "ENTRY_NOT_FOUND");
  EXPECT_EQ(Resolve(entry.name(), bea), "");
  EXPECT_EQ(resolved.kind(), type::v1::LIFTED);
  EXPECT_EQ(resolved.lifts(), entry.name());
  EXPECT_EQ(Judge(bea), type::v1::ALLOW);
  EXPECT_EQ(Judge(bea, "purposes/marketing"), type::v1::NO_CONSENT) << "nothing is granted";
  EXPECT_EQ(Judge(anna), type::v1::OPTED_OUT);
  EXPECT_EQ(Resolve(entry.name(), anna), "OPT_OUT_DIRECT") << "it stays with somebody";
  EXPECT_EQ(Resolve(entry.name(), bea), "OPT_OUT_NOT_THERE") << "once";
  // Linked again they have the strictest of both.
  Decide({{"1", "2"}});
  EXPECT_EQ(Judge(bea), type::v1::OPTED_OUT);
}

TEST_F(PersonServiceTest, WhatWasSaidAtOnesOwnAddressIsNotLifted) {
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  clock.Advance(1'000'000);
  const std::string bea = at.AddPerson("2", "Bea", kOtherPhone);
  const std::string same = Decide({{"1", "2"}});
  const v1::ConsentEntry entry = Withdraw(anna, EndpointName(at.Phone(kOtherPhone)));
  Revoke(same);
  EXPECT_EQ(Resolve(entry.name(), bea), "OPT_OUT_DIRECT");
  EXPECT_EQ(Resolve(entry.name(), anna), "") << "the other one never had that number";
}

TEST_F(PersonServiceTest, TheTimelineHasEverythingNewestFirst) {
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  clock.Advance(1'000'000);
  at.AddPerson("2", "Bea", kOtherPhone);
  clock.Advance(1'000'000);
  Decide({{"1", "2"}});
  clock.Advance(1'000'000);
  Withdraw(anna);
  const int64_t until = clock.WallMicros() + 10;
  clock.Advance(1'000'000);
  State(anna, v1::SetPersonFactRequest::FACT_PAUSED);
  clock.Advance(1'000'000);
  Put("1", {{"given_name", "Anna"}, {"family_name", "Jones"}, {"phone", kPhone}});
  const auto all = Timeline(anna);
  std::set<int> kinds;
  for (int i = 0; i < all.events_size(); ++i) {
    kinds.insert(all.events(i).kind());
    EXPECT_LE(all.events(i).record_time_us(), all.events(std::max(i - 1, 0)).record_time_us());
    EXPECT_EQ(all.events(i).text().find("Anna"), std::string::npos);
  }
  EXPECT_EQ(kinds, (std::set<int>{v1::RECORD_CHANGED, v1::LINK_CHANGED, v1::CONSENT_CHANGED, v1::FACT_CHANGED,
                                  v1::IDENTITY_DECIDED}));
  ASSERT_GT(all.events_size(), 5);
  EXPECT_EQ(all.events(0).kind(), v1::RECORD_CHANGED);
  EXPECT_EQ(all.events(1).kind(), v1::FACT_CHANGED);
  EXPECT_EQ(all.events(1).text(), "paused");
  const auto links = Timeline(anna, {v1::LINK_CHANGED});
  ASSERT_EQ(links.events_size(), 1);
  EXPECT_EQ(links.events(0).subject(), Feed("2"));
  EXPECT_EQ(links.events(0).principal(), "principals/steward");
  EXPECT_EQ(Timeline(anna, {v1::FACT_CHANGED}).events_size(), 1)
      << "one statement, though it stands on two records";
  v1::ListTimelineRequest earlier;
  earlier.set_person(anna);
  earlier.set_as_of_time_us(until);
  const auto then = Timeline(earlier);
  EXPECT_EQ(then.events(0).kind(), v1::CONSENT_CHANGED);
}

TEST_F(PersonServiceTest, TimelinePagesDoNotMoveWhileThingsHappen) {
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  for (int i = 0; i < 7; ++i) {
    clock.Advance(1'000'000);
    Put("1",
        {{"given_name", "Anna"}, {"family_name", "Smith"}, {"phone", kPhone}, {"street", std::to_string(i)}});
  }
  v1::ListTimelineRequest request;
  request.set_person(anna);
  request.set_page_size(3);
  std::vector<int64_t> seen;
  do {
    const auto page = Timeline(request);
    for (const auto& event : page.events()) seen.push_back(event.record_time_us());
    request.set_page_token(page.next_page_token());
    clock.Advance(1'000'000);
    State(anna, v1::SetPersonFactRequest::FACT_PAUSED);
  } while (!request.page_token().empty());
  EXPECT_EQ(seen.size(), 8u);
  EXPECT_TRUE(std::is_sorted(seen.rbegin(), seen.rend()));
  request.set_page_token("ffff");
  v1::ListTimelineResponse response;
  EXPECT_EQ(base::ReasonOf(service.ListTimeline(call, request, response)), "PAGE_TOKEN_WRONG");
}

TEST_F(PersonServiceTest, RolesStandInTheTimelineUnderEveryIdOfThePerson) {
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  clock.Advance(1'000'000);
  const std::string bea = at.AddPerson("2", "Bea", kOtherPhone);
  OrganisationService organisations{*at.store, at.people, clock};
  v1::CreateOrganisationRequest create;
  create.set_organisation_id("leeds");
  create.mutable_organisation()->set_display_name("Leeds");
  create.mutable_organisation()->set_kind(v1::COUNCIL);
  v1::Organisation made;
  ASSERT_TRUE(organisations.CreateOrganisation(call, create, made).ok());
  v1::AssignRoleRequest assign;
  assign.set_parent("organisations/leeds");
  assign.set_person(bea);
  assign.set_title("Director of Public Health");
  v1::Role role;
  ASSERT_TRUE(organisations.AssignRole(call, assign, role).ok());
  Decide({{"1", "2"}});
  const auto roles = Timeline(anna, {v1::ROLE_CHANGED});
  ASSERT_EQ(roles.events_size(), 1);
  EXPECT_EQ(roles.events(0).subject(), role.name());
  EXPECT_EQ(roles.events(0).audience_kind(), type::v1::AUDIENCE_KIND_PARTNER);
}

}  // namespace
}  // namespace pharos::customer
