// Personal values lie sealed, one key a record; what needs none works without access; an erased record is
// gone and nothing else is. And the audit of reads.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "services/base/errors.h"
#include "services/customer/feed_service.h"
#include "services/customer/import_service.h"
#include "services/customer/memory_keys.h"
#include "services/customer/permit_fixture.h"
#include "services/customer/person_service.h"
#include "services/customer/purpose_service.h"
#include "services/customer/source_service.h"

namespace pharos::customer {
namespace {

using internal::v1::PermitAnswer;

const std::string kPhone = "447700900001", kOtherPhone = "447700900002", kEmail = "anna@example.org";

struct SealingTest : testing::Test {
  SealingTest() {
    call.caller_.roles = {"service"};
    call.caller_.internal = true;
    keys.Bind(memory.Source());
  }

  v1::Person Person(PersonService& service, const std::string& name) {
    v1::GetPersonRequest request;
    request.set_name(name);
    request.set_view(v1::PERSON_VIEW_FULL);
    v1::Person person;
    const absl::Status status = service.GetPerson(call, request, person);
    EXPECT_TRUE(status.ok()) << status;
    return person;
  }
  static std::string Value(const v1::Person& person, const std::string& field) {
    for (const auto& row : person.fields()) {
      if (row.field() == field) return row.value();
    }
    return "";
  }
  record::v1::RecordRow OnDisk(const std::string& record) {
    record::v1::RecordRow row;
    EXPECT_TRUE(*storage::GetRecord(*at.store, RecordKey(*ParseRecordName(record)), row));
    return row;
  }
  record::v1::PersonRow PersonOnDisk(const std::string& person) {
    record::v1::PersonRow row;
    EXPECT_TRUE(*storage::GetRecord(*at.store, PersonKey(person), row));
    return row;
  }
  uint64_t KeyOf(const std::string& record) { return *storage::KeyIdOf(OnDisk(record).sealed()); }
  void Erase(const std::string& record) {
    memory.Destroy(KeyOf(record));
    keys.ring().Forget(KeyOf(record));
  }
  // Everything that lies in the store, its change log among it.
  std::string Everything() {
    std::string all;
    EXPECT_TRUE(at.store->Read()
                    ->Scan({},
                           [&](std::string_view key, std::string_view value) {
                             all.append(key).append(value);
                             return true;
                           })
                    .ok());
    return all;
  }
  absl::StatusOr<bool> Put(const std::string& record, const std::map<std::string, std::string>& fields,
                           int64_t time = 0) {
    record::v1::RecordRow row;
    row.set_name("sources/feed/records/" + record);
    row.set_update_time_us(time);
    for (const auto& [field, value] : fields)
      (*row.mutable_fields())[field] = (*row.mutable_clean())[field] = value;
    const ChangeMaker change = [&](std::string_view resource, std::string_view kind, uint64_t version) {
      return rpc::ChangeByLoop("internal:test", resource, kind, version, 1);
    };
    std::vector<RecordChange> changes(1);
    changes[0].row = std::move(row);
    PHAROS_ASSIGN_OR_RETURN(const auto results, at.linker->Apply(std::move(changes), change, {}));
    return results[0].outcome == RecordOutcome::kStored;
  }

  base::FakeClock clock;
  MemoryKeys memory;
  RecordKeys keys{true};
  PermitFixture at{clock, kTerm, &keys};
  PersonService persons{*at.store, at.people, clock};
  TestCall call;
};

TEST_F(SealingTest, NoPersonalValueLiesInTheStoreAndAllAreRead) {
  const std::string anna = at.AddPerson("1", "Annabella", kPhone, kEmail);
  ASSERT_TRUE(*Put("1", {{"given_name", "Annabella"}, {"family_name", "Smith"}, {"phone", kOtherPhone}}, 5));
  const std::string all = Everything();
  for (const auto& value : {std::string("Annabella"), std::string("Smith"), kPhone, kOtherPhone, kEmail})
    EXPECT_EQ(all.find(value), std::string::npos) << value;
  const v1::Person person = Person(persons, anna);
  EXPECT_EQ(Value(person, "given_name"), "Annabella");
  EXPECT_EQ(Value(person, "phone"), kOtherPhone);
  EXPECT_EQ(person.endpoints(0).address(), kOtherPhone);
}

TEST_F(SealingTest, WithoutKeysTheEnvelopeIsTheSameWithKeyIdZero) {
  PermitFixture clear{clock};
  const std::string anna = clear.AddPerson("1", "Anna", kPhone);
  record::v1::RecordRow row;
  ASSERT_TRUE(*storage::GetRecord(*clear.store, RecordKey({"feed", "1"}), row));
  EXPECT_EQ(row.fields_size(), 0);
  EXPECT_EQ(*storage::KeyIdOf(row.sealed()), 0u);
  PersonService service(*clear.store, clear.people, clock);
  EXPECT_EQ(Value(Person(service, anna), "given_name"), "Anna");
}

TEST_F(SealingTest, ARecordKeepsItsKeyAndSharesItWithNobody) {
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  at.AddPerson("2", "Anna", kPhone);  // the same person
  const uint64_t key = KeyOf("sources/feed/records/1");
  EXPECT_NE(key, 0u);
  EXPECT_NE(key, KeyOf("sources/feed/records/2"));
  ASSERT_TRUE(*Put("1", {{"given_name", "Anna"}, {"family_name", "Smyth"}, {"phone", kPhone}}, 5));
  EXPECT_EQ(KeyOf("sources/feed/records/1"), key);
  record::v1::RecordRow version;
  ASSERT_TRUE(*storage::GetRecord(*at.store, RecordVersionKey({"feed", "1"}, 2), version));
  EXPECT_EQ(*storage::KeyIdOf(version.sealed()), key);
}

TEST_F(SealingTest, TheSameContentAgainIsKnownThoughItLiesSealed) {
  const std::map<std::string, std::string> fields = {{"given_name", "Anna"}, {"phone", kPhone}};
  EXPECT_TRUE(*Put("1", fields));
  EXPECT_FALSE(*Put("1", fields));
  EXPECT_TRUE(*Put("1", {{"given_name", "Ann"}, {"phone", kPhone}}));
  EXPECT_FALSE(*Put("1", fields));  // an earlier version
}

TEST_F(SealingTest, WhatMakesTheGateStricterNeedsNoKey) {
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  const std::string before = PersonOnDisk(anna).parts(0).sealed();
  memory.SetAway(true);
  keys.ring().Forget(KeyOf("sources/feed/records/1"));
  EXPECT_TRUE(at.Say(at.Reply("r", kPhone, internal::v1::STOP)).changed());
  EXPECT_EQ(at.Issue(at.Wanted("1", anna, kPhone)).denied(), type::v1::OPTED_OUT);
  v1::WithdrawConsentRequest withdrawal;
  withdrawal.set_person(anna);
  withdrawal.set_scope(type::v1::SCOPE_EVERYTHING);
  v1::ConsentEntry entry;
  EXPECT_TRUE(at.consents.WithdrawConsent(call, withdrawal, entry).ok());
  v1::JudgePersonRequest judge;
  judge.set_person(anna);
  judge.set_purpose("purposes/service");
  judge.add_channels(type::v1::CHANNEL_SMS);
  v1::Judgement judgement;
  ASSERT_TRUE(persons.JudgePerson(call, judge, judgement).ok());
  EXPECT_EQ(judgement.reason(), type::v1::OPTED_OUT);
  EXPECT_EQ(PersonOnDisk(anna).parts(0).sealed(), before);
  memory.SetAway(false);
  EXPECT_EQ(Value(Person(persons, anna), "phone"), kPhone);
}

TEST_F(SealingTest, AGrantWaitsForAccess) {
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  memory.SetAway(true);
  keys.ring().Forget(KeyOf("sources/feed/records/1"));
  internal::v1::IssuePermitsRequest request;
  *request.add_requests() = at.Wanted("1", anna, kPhone);
  internal::v1::IssuePermitsResponse response;
  EXPECT_EQ(at.permit_service.IssuePermits(call, request, response).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(at.permits->size(), 0u);
  memory.SetAway(false);
  EXPECT_EQ(at.Issue(at.Wanted("1", anna, kPhone)).granted().address(), kPhone);
}

TEST_F(SealingTest, BeforeTheStartAccessIsAway) {
  RecordKeys early(true);
  EXPECT_EQ(base::ReasonOf(early.ring().Fresh().status()), "ACCESS_AWAY");
}

TEST_F(SealingTest, AnErasedRecordIsGoneAndNothingElse) {
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  ASSERT_TRUE(*Put("2", {{"given_name", "Anna"},
                         {"family_name", "Smith"},
                         {"phone", kPhone},
                         {"email", kEmail},
                         {"postcode", "M1 7XA"},
                         {"interests", "diet;running"}}));
  ASSERT_TRUE(*Put(
      "1",
      {{"given_name", "Anna"}, {"family_name", "Smith"}, {"phone", kPhone}, {"interests", "running;sleep"}},
      7));
  ASSERT_EQ(PersonOnDisk(anna).records_size(), 2);
  EXPECT_EQ(Value(Person(persons, anna), "interests"), "diet;running;sleep");
  Erase("sources/feed/records/2");

  const v1::Person person = Person(persons, anna);
  EXPECT_EQ(Value(person, "given_name"), "Anna");
  EXPECT_EQ(Value(person, "postcode"), "");
  EXPECT_EQ(Value(person, "interests"), "running;sleep");
  ASSERT_EQ(person.endpoints_size(), 2);
  EXPECT_EQ(person.endpoints(0).address(), kPhone);  // the other record gave it too
  EXPECT_EQ(person.endpoints(1).address(), "");

  v1::ListPersonRecordsRequest request;
  request.set_person(anna);
  v1::ListPersonRecordsResponse records;
  ASSERT_TRUE(persons.ListPersonRecords(call, request, records).ok());
  ASSERT_EQ(records.records_size(), 2);
  EXPECT_GT(records.records(0).fields_size(), 0);
  EXPECT_EQ(records.records(1).fields_size(), 0);

  auto email = at.Wanted("1", anna, kPhone);
  email.set_channel(type::v1::CHANNEL_EMAIL);
  email.set_endpoint(at.people.EndpointOf(type::v1::CHANNEL_EMAIL, kEmail));
  EXPECT_EQ(at.Issue(email).denied(), type::v1::NO_ENDPOINT);
  EXPECT_TRUE(at.Issue(at.Wanted("2", anna, kPhone)).has_granted());
}

TEST_F(SealingTest, AFeedDoesNotBringAnErasedRecordBack) {
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  Erase("sources/feed/records/1");
  EXPECT_FALSE(*Put("1", {{"given_name", "Anna"}, {"phone", kPhone}}, 9));
  EXPECT_EQ(Person(persons, anna).fields_size(), 0);
  EXPECT_TRUE(
      *Put("2", {{"given_name", "Anna"}, {"family_name", "Smith"}, {"phone", kPhone}}));  // others go on
}

TEST_F(SealingTest, AnErasedRecordStaysWithItsPersonWhenAnotherChanges) {
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  ASSERT_TRUE(*Put("2", {{"given_name", "Anna"}, {"family_name", "Smith"}, {"phone", kPhone}}));
  ASSERT_EQ(PersonOnDisk(anna).records_size(), 2);
  Erase("sources/feed/records/2");
  ASSERT_TRUE(*Put(
      "1", {{"given_name", "Anna"}, {"family_name", "Smith"}, {"phone", kPhone}, {"postcode", "M1 7XA"}}, 9));
  EXPECT_EQ(PersonOnDisk(anna).records_size(), 2);  // and with it whatever was withdrawn there
  EXPECT_EQ(OnDisk("sources/feed/records/2").person(), anna);
}

TEST_F(SealingTest, ASealedValueThatStandsElsewhereDoesNotOpen) {
  const std::string anna = at.AddPerson("1", "Anna", kPhone), bert = at.AddPerson("2", "Bert", kOtherPhone);
  record::v1::PersonRow moved = PersonOnDisk(bert);
  *moved.mutable_parts() = PersonOnDisk(anna).parts();
  ASSERT_TRUE(at.store
                  ->Transact([&](storage::Transaction& tx) {
                    storage::PutRecord(tx, PersonKey(bert), moved);
                    return absl::OkStatus();
                  })
                  .ok());
  v1::GetPersonRequest request;
  request.set_name(bert);
  request.set_view(v1::PERSON_VIEW_FULL);
  v1::Person person;
  EXPECT_EQ(persons.GetPerson(call, request, person).code(), absl::StatusCode::kDataLoss);
}

TEST_F(SealingTest, ABatchFetchesItsKeysAtOnce) {
  internal::v1::IssuePermitsRequest request;
  for (int i = 0; i < 128; ++i) {
    const std::string phone = std::to_string(447700900100 + i);
    const std::string name = at.AddPerson(std::to_string(i), "Anna", phone);
    *request.add_requests() = at.Wanted(std::to_string(i), name, phone);
  }
  RecordKeys cold(true);  // after a restart
  cold.Bind(memory.Source());
  PersonStore people(*at.store, at.blind, &clock, &cold);
  PermitService permits(*at.store, people, *at.permits, clock);
  const int before = memory.fetches();
  internal::v1::IssuePermitsResponse response;
  ASSERT_TRUE(permits.IssuePermits(call, request, response).ok());
  EXPECT_TRUE(response.answers(127).has_granted());
  EXPECT_EQ(memory.fetches(), before + 1);

  RecordKeys colder(true);
  colder.Bind(memory.Source());
  PersonStore people_again(*at.store, at.blind, &clock, &colder);
  FeedService feed_service(*at.store, people_again, clock);
  Collected<internal::v1::FollowPeopleResponse> feed;
  TestCall follower;
  Waiting following([&] { (void)feed_service.FollowPeople(follower, {}, feed); });
  EXPECT_EQ(feed.Await(1).at(0).people_size(), 128);
  follower.gone = true;
  EXPECT_TRUE(following.Ends());
  EXPECT_EQ(memory.fetches(), before + 2);
}

TEST_F(SealingTest, ATransactionThatRunsAgainGetsTheSameKeys) {
  FreshKeys fresh(keys.ring());
  ASSERT_TRUE(fresh.Reserve(2).ok());
  fresh.Rewind();
  const uint64_t first = fresh.Take()->id;
  fresh.Rewind();
  EXPECT_EQ(fresh.Take()->id, first);
  fresh.Commit();
  ASSERT_TRUE(fresh.Reserve(2).ok());
  EXPECT_NE(fresh.Take()->id, first);
}

// ------------------------------------------------------------------------------------------ reading a file

class FileStream : public rpc::Stream<v1::ImportContactsRequest, v1::ImportContactsResponse> {
 public:
  explicit FileStream(const std::string& rows) {
    requests_.emplace_back().mutable_header()->set_source("sources/feed");
    requests_.back().mutable_header()->set_consent_purpose("purposes/marketing");
    requests_.emplace_back().set_data(
        "record_id,updated_at,given_name,family_name,phone,consent_sms,consent_at\n" + rows);
  }
  bool Read(v1::ImportContactsRequest& request) override {
    if (next_ == requests_.size()) return false;
    request = requests_[next_++];
    return true;
  }
  bool Write(const v1::ImportContactsResponse& response) override {
    if (response.has_summary()) summary = response.summary();
    return true;
  }
  v1::ImportProgress summary;

 private:
  std::vector<v1::ImportContactsRequest> requests_;
  size_t next_ = 0;
};

struct SealedImportTest : SealingTest {
  SealedImportTest() {
    v1::CreateSourceRequest request;
    request.set_source_id("feed");
    request.mutable_source()->set_audience_kind(type::v1::AUDIENCE_KIND_PUBLIC);
    v1::Source made;
    EXPECT_TRUE(SourceService(*at.store, clock).CreateSource(call, request, made).ok());
  }
  v1::ImportProgress Import(const PersonStore& people, const std::string& rows) {
    const auto linker = Linker::Make(*at.store, people, clock, {.background = false});
    ImportService service(*at.store, people, *linker, clock, [] {});
    FileStream stream(rows);
    const absl::Status status = service.ImportContacts(call, stream);
    EXPECT_TRUE(status.ok()) << status;
    return stream.summary;
  }
};

TEST_F(SealedImportTest, TheSameFileAfterARestartFetchesKeysByTheBatch) {
  std::string rows;
  constexpr int kRows = 640;
  for (int i = 0; i < kRows; ++i) {
    rows += fmt::format("r{},2025-01-01T00:00:00Z,Anna,Smith,0770090{:04},granted,2025-01-01T00:00:00Z\n", i,
                        1000 + i);
  }
  EXPECT_EQ(Import(at.people, rows).stored(), kRows);
  EXPECT_EQ(memory.fetches(), 0);  // new records have their keys at hand

  RecordKeys cold(true);
  cold.Bind(memory.Source());
  PersonStore people(*at.store, at.blind, &clock, &cold);
  EXPECT_EQ(Import(people, rows).unchanged(), kRows);
  EXPECT_LE(memory.fetches(), kRows / 64);
}

TEST_F(SealedImportTest, AWithdrawalOfAnErasedRecordStillCounts) {
  const std::string row = "r1,2025-01-01T00:00:00Z,Anna,Smith,07700900001,";
  Import(at.people, row + "granted,2025-01-01T00:00:00Z\n");
  const std::string anna = OnDisk("sources/feed/records/r1").person();
  Erase("sources/feed/records/r1");
  EXPECT_EQ(Import(at.people, row + "withdrawn,2025-02-01T00:00:00Z\n").stored(), 1);
  EXPECT_EQ(PersonOnDisk(anna).entries(0).kind(), type::v1::WITHDRAWN);
  EXPECT_EQ(Person(persons, anna).fields_size(), 0);
}

TEST_F(SealedImportTest, ForARetiredPurposeOnlyWithdrawalsAreTaken) {
  v1::RetirePurposeRequest retire;
  retire.set_name("purposes/marketing");
  v1::Purpose retired;
  ASSERT_TRUE(PurposeService(*at.store, clock).RetirePurpose(call, retire, retired).ok());
  Import(at.people, "r1,,Anna,Smith,07700900001,granted,\nr2,,Bert,Jones,07700900002,withdrawn,\n");
  EXPECT_EQ(PersonOnDisk(OnDisk("sources/feed/records/r1").person()).entries_size(), 0);
  EXPECT_EQ(PersonOnDisk(OnDisk("sources/feed/records/r2").person()).entries_size(), 1);
}

// ------------------------------------------------------------------------------------------ who read whom

struct AuditTest : SealingTest {
  const std::string anna = at.AddPerson("1", "Anna", kPhone);
  FullStore full{*at.store};

  void ExpectAudited(const std::string& kind, size_t count = 1) {
    const auto entries = at.Entries(kind);
    ASSERT_EQ(entries.size(), count) << kind;
    EXPECT_EQ(entries[0].resource(), anna);
    EXPECT_EQ(entries[0].principal(), "principals/tester");
    EXPECT_EQ(entries[0].rpc(), "/test");
    EXPECT_EQ(entries[0].request_id(), "test");
  }
};

TEST_F(AuditTest, EveryReadOfAPersonLeavesAnEntry) {
  Person(persons, anna);
  ExpectAudited("person.read");
  v1::LookupPeopleRequest lookup;
  lookup.set_phone(kPhone);
  v1::LookupPeopleResponse found;
  ASSERT_TRUE(persons.LookupPeople(call, lookup, found).ok());
  ExpectAudited("people.lookedUp");
  lookup.set_phone(kOtherPhone);  // nobody: that somebody looked is kept too
  ASSERT_TRUE(persons.LookupPeople(call, lookup, found).ok());
  ExpectAudited("people.lookedUp", 2);
  v1::ListPersonRecordsRequest list;
  list.set_person(anna);
  v1::ListPersonRecordsResponse records;
  ASSERT_TRUE(persons.ListPersonRecords(call, list, records).ok());
  ExpectAudited("person.records.read");
  v1::JudgePersonRequest judge;
  judge.set_person(anna);
  judge.set_purpose("purposes/service");
  judge.add_channels(type::v1::CHANNEL_SMS);
  v1::Judgement judgement;
  ASSERT_TRUE(persons.JudgePerson(call, judge, judgement).ok());
  ExpectAudited("person.judged");
  v1::ListConsentEntriesRequest consents;
  consents.set_person(anna);
  v1::ListConsentEntriesResponse entries;
  ASSERT_TRUE(at.consents.ListConsentEntries(call, consents, entries).ok());
  ExpectAudited("consents.read");
  const std::string bert = at.AddPerson("2", "Bert", kOtherPhone);
  internal::v1::IssuePermitsRequest permits;
  *permits.add_requests() = at.Wanted("1", anna, kPhone);
  *permits.add_requests() = at.Wanted("2", bert, kOtherPhone);
  *permits.add_requests() = at.Wanted("3", bert, kOtherPhone, "purposes/marketing");  // denied
  internal::v1::IssuePermitsResponse answers;
  ASSERT_TRUE(at.permit_service.IssuePermits(call, permits, answers).ok());
  ASSERT_EQ(at.Entries("permits.issued").size(), 1u);
  EXPECT_THAT(at.Entries("permits.issued")[0].resources(), testing::ElementsAre(anna, bert));
}

TEST_F(AuditTest, NoDataGoesOutWithoutTheEntry) {
  PersonService unaudited(full, at.people, clock);
  v1::GetPersonRequest request;
  request.set_name(anna);
  request.set_view(v1::PERSON_VIEW_FULL);
  v1::Person person;
  EXPECT_EQ(unaudited.GetPerson(call, request, person).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(person.fields_size(), 0);
  v1::LookupPeopleRequest lookup;
  lookup.set_phone(kPhone);
  v1::LookupPeopleResponse found;
  EXPECT_FALSE(unaudited.LookupPeople(call, lookup, found).ok());
  EXPECT_EQ(found.people_size(), 0);

  PermitService permits(full, at.people, *at.permits, clock);
  internal::v1::IssuePermitsRequest wanted;
  *wanted.add_requests() = at.Wanted("1", anna, kPhone);
  internal::v1::IssuePermitsResponse answers;
  EXPECT_FALSE(permits.IssuePermits(call, wanted, answers).ok());
  EXPECT_EQ(at.permits->size(), 0u);

  FeedService feed_service(full, at.people, clock);
  Collected<internal::v1::FollowPeopleResponse> feed;
  EXPECT_FALSE(feed_service.FollowPeople(call, {}, feed).ok());
  EXPECT_TRUE(feed.Await(1, 0).empty());
}

}  // namespace
}  // namespace pharos::customer
