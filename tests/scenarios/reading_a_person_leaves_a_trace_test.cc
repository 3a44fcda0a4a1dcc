// Promise 9, for those who only look: whoever reads data of a person leaves an entry in the change log, on
// disk before the answer: who, by which call, for which purpose, whom. Made true by services/rpc/audit.cc
// (the entry and its sync), services/rpc/serve.cc (no answer of such a call without one), services/customer/
// person_service.cc, services/customer/consent_service.cc (who reads) and storage/rocksdb/committer.cc (one
// sync for several callers).
#include "gmock/gmock.h"
#include "pharos/record/v1/change.pb.h"
#include "services/customer/tables.h"
#include "storage/open.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

using record::v1::ChangeEntry;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr size_t kMost = 10'000;  // more than the story writes

class ReadingLeavesATrace : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(system_.ok());
    story_.ImportAll(kQuit, FileOf({{.id = "a", .given = "Quillabrix", .phone = "07700900777"},
                                    {.id = "b", .given = "Zanthorpe", .phone = "07700900778"}}));
    person_ = story_.PersonWithPhone("07700900777").name();
  }
  // Governance, with a call of its own name, for a purpose.
  Client Calling(const std::string& request_id, const std::string& purpose = kPurpose) {
    Client client = system_.As("governance");
    client.request_id = request_id;
    client.purpose = purpose;
    return client;
  }
  customer::v1::LookupPeopleResponse Lookup(const std::string& request_id, const std::string& phone) {
    customer::v1::LookupPeopleRequest request;
    request.set_phone(phone);
    request.set_view(customer::v1::PERSON_VIEW_FULL);
    return Must(
        Calling(request_id)
            .Call<customer::v1::LookupPeopleResponse>("customer.v1.PersonService/LookupPeople", request));
  }
  absl::StatusOr<customer::v1::Person> Get(const Client& client, const std::string& person) {
    customer::v1::GetPersonRequest request;
    request.set_name(person);
    request.set_view(customer::v1::PERSON_VIEW_FULL);
    return client.Call<customer::v1::Person>("customer.v1.PersonService/GetPerson", request);
  }

  // The change log of the customer store, as it lies on disk: pharosd must be dead.
  std::vector<ChangeEntry> Log() {
    storage::OpenOptions options;
    options.folder = system_.data() + "/customer";
    options.name = "customer";
    options.format = customer::kFormat;
    const auto store = storage::Open(options);
    EXPECT_TRUE(store.ok()) << store.status();
    std::vector<ChangeEntry> entries;
    if (!store.ok()) return entries;
    for (const auto& change : Must((*store)->ReadChanges(0, kMost)))
      EXPECT_TRUE(entries.emplace_back().ParseFromString(change.entry));
    return entries;
  }
  std::vector<ChangeEntry> TracesOf(const std::string& request_id) {
    std::vector<ChangeEntry> found;
    for (const ChangeEntry& entry : log_) {
      if (entry.request_id() == request_id) found.push_back(entry);
    }
    return found;
  }
  // Exactly one, that says everything.
  void ExpectTrace(const std::string& request_id, const char* rpc, const std::string& resource) {
    const auto traces = TracesOf(request_id);
    ASSERT_EQ(traces.size(), 1u) << request_id;
    EXPECT_EQ(traces[0].principal(), "principals/governance");
    EXPECT_EQ(traces[0].rpc(), std::string("/pharos.customer.v1.") + rpc);
    EXPECT_EQ(traces[0].purpose(), kPurpose);
    EXPECT_EQ(traces[0].resource(), resource);
    EXPECT_NE(traces[0].kind(), "");
    EXPECT_GT(traces[0].time_us(), before_us_);
  }

  System system_{{.start_connector = false}};
  Story story_{system_};
  const int64_t before_us_ = WallNanos() / 1000;
  std::string person_;
  std::vector<ChangeEntry> log_;
};

TEST_F(ReadingLeavesATrace, OnDiskBeforeTheAnswer) {
  EXPECT_EQ(Lookup("lookup-1", "07700900777").people_size(), 1);
  EXPECT_EQ(Lookup("lookup-nobody", "07700900779").people_size(), 0);
  customer::v1::JudgePersonRequest judge;
  judge.set_person(person_);
  judge.set_purpose(kPurpose);
  judge.add_channels(type::v1::CHANNEL_SMS);
  Must(Calling("judge-1").Call<customer::v1::Judgement>("customer.v1.PersonService/JudgePerson", judge));
  customer::v1::ListPersonRecordsRequest records;
  records.set_person(person_);
  Must(Calling("records-1")
           .Call<customer::v1::ListPersonRecordsResponse>("customer.v1.PersonService/ListPersonRecords",
                                                          records));
  customer::v1::ListConsentEntriesRequest entries;
  entries.set_person(person_);
  Must(Calling("entries-1")
           .Call<customer::v1::ListConsentEntriesResponse>("customer.v1.ConsentService/ListConsentEntries",
                                                           entries));
  Must(Get(Calling("get-1"), person_));
  system_.pharosd().Kill();  // at once after the last answer
  log_ = Log();

  ExpectTrace("get-1", "PersonService/GetPerson", person_);
  ExpectTrace("lookup-1", "PersonService/LookupPeople", person_);
  ExpectTrace("lookup-nobody", "PersonService/LookupPeople", "");
  ExpectTrace("judge-1", "PersonService/JudgePerson", person_);
  ExpectTrace("records-1", "PersonService/ListPersonRecords", person_);
  ExpectTrace("entries-1", "ConsentService/ListConsentEntries", person_);
  for (const ChangeEntry& entry : log_) {
    for (const char* canary : {"Quillabrix", "Zanthorpe", "7700900777", "7700900778", "7700900779"})
      EXPECT_THAT(entry.SerializeAsString(), Not(HasSubstr(canary)));
  }
}

TEST_F(ReadingLeavesATrace, OncePerReadAndNoneWhereNothingWasShown) {
  Must(Get(Calling("twice"), person_));
  Must(Get(Calling("twice"), person_));  // a read is not remembered: it was read again
  Client marketing = story_.marketing;
  marketing.request_id = "denied";
  EXPECT_EQ(base::ReasonOf(Get(marketing, person_).status()), "PERMISSION_MISSING");
  EXPECT_EQ(base::ReasonOf(Get(Calling("missing"), "people/01900000000000000000000000000000").status()),
            "PERSON_NOT_FOUND");
  const Client counter = Calling("counts");
  Must(counter.Call<customer::v1::Counts>("customer.v1.PersonService/GetCounts",
                                          customer::v1::GetCountsRequest()));
  Must(Get(Calling("no-purpose", ""), person_));
  system_.pharosd().Kill();
  log_ = Log();

  EXPECT_EQ(TracesOf("twice").size(), 2u);
  EXPECT_THAT(TracesOf("denied"), IsEmpty());
  EXPECT_THAT(TracesOf("missing"), IsEmpty());
  EXPECT_THAT(TracesOf("counts"), IsEmpty()) << "numbers are nobody's";
  ASSERT_EQ(TracesOf("no-purpose").size(), 1u);
  EXPECT_EQ(TracesOf("no-purpose")[0].purpose(), "");
}

// The same log says who changed what.
TEST_F(ReadingLeavesATrace, SoDoesWhoeverChangesOne) {
  customer::v1::WithdrawConsentRequest request;
  request.set_person(person_);
  request.set_scope(type::v1::SCOPE_PURPOSE);
  request.set_purpose(kPurpose);
  request.set_how("phone call");
  request.set_request_id("withdraw-1");
  Must(story_.governance.Call<customer::v1::ConsentEntry>("customer.v1.ConsentService/WithdrawConsent",
                                                          request));
  system_.pharosd().Kill();
  log_ = Log();
  const auto traces = TracesOf("withdraw-1");
  ASSERT_FALSE(traces.empty());
  for (const ChangeEntry& entry : traces) {
    EXPECT_EQ(entry.principal(), "principals/governance");
    EXPECT_EQ(entry.rpc(), "/pharos.customer.v1.ConsentService/WithdrawConsent");
    EXPECT_EQ(entry.purpose(), kPurpose);
  }
}

}  // namespace
}  // namespace pharos::tests
