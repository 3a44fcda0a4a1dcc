// The customer service through its handlers on a real store in memory: import, links, old ids, consent,
// people. (Not yet over gRPC: the handlers are what rpc::Serve calls.)
#include "services/customer/customer.h"

#include <fmt/format.h>

#include <deque>
#include <map>

#include "gtest/gtest.h"
#include "services/base/errors.h"
#include "services/base/fake_clock.h"
#include "services/customer/import_service.h"
#include "services/customer/keys.h"
#include "services/customer/linker.h"
#include "services/customer/person_service.h"
#include "services/customer/person_store.h"
#include "services/customer/purpose_service.h"
#include "services/customer/source_service.h"
#include "storage/open.h"

namespace pharos::customer {
namespace {

constexpr char kHeader[] =
    "record_id,updated_at,given_name,family_name,date_of_birth,sex,email,phone,postcode,area,nhs_number,"
    "language,organisation_id,"
    "role,interests,consent_sms,consent_email,consent_at\n";

class TestCall : public rpc::Call {
 public:
  TestCall() {
    caller_.principal = "principals/tester";
    caller_.roles = {"service"};
    caller_.internal = true;
    method_ = "/test";
  }
  int64_t RemainingMicros() const override { return 1'000'000; }
  bool cancelled() const override { return cancelled_; }
  bool cancelled_ = false;
};

// A client that has sent everything already.
class TestStream : public rpc::Stream<v1::ImportContactsRequest, v1::ImportContactsResponse> {
 public:
  bool Read(v1::ImportContactsRequest& request) override {
    if (requests.empty()) return false;
    request = requests.front();
    requests.pop_front();
    return true;
  }
  bool Write(const v1::ImportContactsResponse& response) override {
    if (response.has_row_error()) errors.push_back(response.row_error());
    if (response.has_summary()) summary = response.summary();
    return true;
  }
  std::deque<v1::ImportContactsRequest> requests;
  std::vector<v1::RowError> errors;
  v1::ImportProgress summary;
};

class CustomerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    storage::OpenOptions options;
    options.folder = "/customer";
    options.name = "customer";
    options.in_memory = true;
    auto opened = storage::Open(options);
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = std::move(*opened);
    people_ = std::make_unique<PersonStore>(*store_, blind_, &clock_);
    sources_ = std::make_unique<SourceService>(*store_, clock_);
    purposes_ = std::make_unique<PurposeService>(*store_, clock_);
    persons_ = std::make_unique<PersonService>(*store_, *people_);
    linker_ = Linker::Make(*store_, *people_, clock_, {.background = false});
    imports_ = std::make_unique<ImportService>(*store_, *people_, *linker_, clock_, [this] { ++settled_; });
    CreateSource("screening", 60);
    CreateSource("quit", 40);
    v1::CreatePurposeRequest purpose;
    purpose.set_purpose_id("quit");
    purpose.mutable_purpose()->set_purpose_class(type::v1::PURPOSE_CLASS_MARKETING);
    purpose.mutable_purpose()->set_lawful_basis(type::v1::LAWFUL_BASIS_CONSENT);
    purpose.mutable_purpose()->set_controller("Council");
    v1::Purpose made;
    ASSERT_TRUE(purposes_->CreatePurpose(call_, purpose, made).ok());
  }

  void CreateSource(const std::string& id, int trust) {
    v1::CreateSourceRequest request;
    request.set_source_id(id);
    request.mutable_source()->set_audience_kind(type::v1::AUDIENCE_KIND_PUBLIC);
    request.mutable_source()->set_trust(trust);
    v1::Source made;
    ASSERT_TRUE(sources_->CreateSource(call_, request, made).ok());
  }

  absl::Status Import(const std::string& source, const std::string& file, TestStream& stream,
                      bool validate_only = false) {
    clock_.Advance(1'000);
    auto* header = stream.requests.emplace_back().mutable_header();
    header->set_source("sources/" + source);
    header->set_consent_purpose("purposes/quit");
    header->set_validate_only(validate_only);
    for (size_t at = 0; at < file.size(); at += 100)
      stream.requests.emplace_back().set_data(file.substr(at, 100));
    return imports_->ImportContacts(call_, stream);
  }
  v1::ImportProgress Imported(const std::string& source, const std::string& rows) {
    TestStream stream;
    const auto status = Import(source, kHeader + rows, stream);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(stream.summary.rows(),
              stream.summary.stored() + stream.summary.unchanged() + stream.summary.rejected());
    return stream.summary;
  }
  v1::Person PersonOf(const std::string& record) {
    v1::LookupPeopleRequest request;
    request.set_record(record);
    request.set_view(v1::PERSON_VIEW_FULL);
    v1::LookupPeopleResponse response;
    EXPECT_TRUE(persons_->LookupPeople(call_, request, response).ok());
    return response.people_size() == 1 ? response.people(0) : v1::Person();
  }
  v1::Counts Counts() {
    v1::Counts counts;
    EXPECT_TRUE(persons_->GetCounts(call_, {}, counts).ok());
    return counts;
  }
  type::v1::GateReason Judge(const std::string& person) {
    v1::JudgePersonRequest request;
    request.set_person(person);
    request.set_purpose("purposes/quit");
    request.add_channels(type::v1::CHANNEL_SMS);
    v1::Judgement judgement;
    const auto status = persons_->JudgePerson(call_, request, judgement);
    EXPECT_TRUE(status.ok()) << status;
    return judgement.reason();
  }

  base::FakeClock clock_;
  storage::BlindIndex blind_{std::string(32, 'k')};
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<PersonStore> people_;
  std::unique_ptr<Linker> linker_;
  std::unique_ptr<SourceService> sources_;
  std::unique_ptr<PurposeService> purposes_;
  std::unique_ptr<PersonService> persons_;
  std::unique_ptr<ImportService> imports_;
  TestCall call_;
  int settled_ = 0;
};

constexpr char kAnnQuit[] =
    "q1,2025-01-01T00:00:00Z,Ann,Lee,1980-05-06,F,ann@x.example,07700 "
    "900001,,,,en,,,diet,granted,,2025-01-01T00:00:00Z\n";
constexpr char kAnnScreening[] =
    "s1,2025-02-01T00:00:00Z,ANN,LEE,1980-05-06,F,,+44 7700 900001,M1 7XA,,9320675082,en,,,,,,\n";

TEST_F(CustomerTest, TwoSourcesOnePerson) {
  EXPECT_EQ(Imported("quit", kAnnQuit).stored(), 1);
  EXPECT_EQ(Imported("screening", kAnnScreening).stored(), 1);
  EXPECT_EQ(Counts().people(), 1);
  EXPECT_EQ(Counts().records(), 2);
  const v1::Person ann = PersonOf("sources/quit/records/q1");
  EXPECT_EQ(ann.records_size(), 2);
  EXPECT_EQ(ann.endpoints_size(), 2);
  EXPECT_EQ(Judge(ann.name()), type::v1::ALLOW);
  EXPECT_EQ(settled_, 2);
  v1::ListPersonRecordsRequest request;
  request.set_person(ann.name());
  v1::ListPersonRecordsResponse records;
  ASSERT_TRUE(persons_->ListPersonRecords(call_, request, records).ok());
  EXPECT_NE(records.records(0).link_rule().find("with sources/screening/records/s1"), std::string::npos)
      << records.records(0).link_rule();
}

TEST_F(CustomerTest, TheSameFileTwiceChangesNothing) {
  Imported("quit", kAnnQuit);
  const uint64_t position = store_->LastPosition();
  EXPECT_EQ(Imported("quit", kAnnQuit).unchanged(), 1);
  EXPECT_EQ(store_->LastPosition(), position);
}

TEST_F(CustomerTest, AnOlderVersionIsKeptButNotCurrent) {
  Imported("quit", kAnnQuit);
  const std::string older = "q1,2024-01-01T00:00:00Z,Anna,Lee,,,,,,,,,,,,,,\n";
  EXPECT_EQ(Imported("quit", older).stored(), 1);
  EXPECT_EQ(Imported("quit", older).unchanged(), 1);
  const v1::Person person = PersonOf("sources/quit/records/q1");
  for (const auto& field : person.fields()) {
    if (field.field() == "given_name") {
      EXPECT_EQ(field.value(), "Ann");
    }
  }
}

TEST_F(CustomerTest, LinkingTwoPeopleKeepsTheEldersIdAndOldIdsResolve) {
  Imported("quit", "q1,2025-01-01T00:00:00Z,Ann,Lee,,,ann@x.example,,,,,,,,,,,\n");
  Imported("quit", "q2,2025-01-01T00:00:00Z,Ann,Lee,,,,07700900001,,,,,,,,,,\n");
  const std::string elder = PersonOf("sources/quit/records/q1").name(),
                    younger = PersonOf("sources/quit/records/q2").name();
  ASSERT_NE(elder, younger);
  Imported("screening", "s1,2025-01-01T00:00:00Z,Ann,Lee,,,ann@x.example,07700900001,,,,,,,,,,\n");
  EXPECT_EQ(Counts().people(), 1);
  EXPECT_EQ(PersonOf("sources/quit/records/q2").name(), elder);
  v1::GetPersonRequest request;
  request.set_name(younger);
  v1::Person person;
  ASSERT_TRUE(persons_->GetPerson(call_, request, person).ok());
  EXPECT_EQ(person.name(), elder);
  ASSERT_EQ(person.former_names_size(), 1);
  EXPECT_EQ(person.former_names(0), younger);
}

TEST_F(CustomerTest, ARecordThatChangesItsAddressLeaves) {
  Imported("quit", kAnnQuit);
  Imported("screening", kAnnScreening);
  const std::string ann = PersonOf("sources/quit/records/q1").name();
  Imported("screening", "s1,2025-03-01T00:00:00Z,Bob,Ray,1950-01-02,M,,07700900002,,,,,,,,,,\n");
  EXPECT_EQ(Counts().people(), 2);
  EXPECT_EQ(PersonOf("sources/quit/records/q1").name(), ann);
  EXPECT_NE(PersonOf("sources/screening/records/s1").name(), ann);
}

TEST_F(CustomerTest, AFeedsWithdrawalCounts) {
  Imported("quit", kAnnQuit);
  const std::string ann = PersonOf("sources/quit/records/q1").name();
  EXPECT_EQ(Judge(ann), type::v1::ALLOW);
  Imported("quit",
           "q1,2025-06-01T00:00:00Z,Ann,Lee,1980-05-06,F,ann@x.example,07700 "
           "900001,,,,,,,,withdrawn,,2025-06-01T00:00:00Z\n");
  EXPECT_NE(Judge(ann), type::v1::ALLOW);
}

TEST_F(CustomerTest, LinkingNeverLoosens) {
  Imported("quit", kAnnQuit);
  Imported(
      "screening",
      "s1,2025-02-01T00:00:00Z,Ann,Lee,1980-05-06,F,,07700 900001,,,,,,,,withdrawn,,2024-01-01T00:00:00Z\n");
  EXPECT_EQ(Counts().people(), 1);
  EXPECT_NE(Judge(PersonOf("sources/quit/records/q1").name()), type::v1::ALLOW)
      << "one record's withdrawal, though older";
}

TEST_F(CustomerTest, BadRowsAreNamedAndTheRestIsStored) {
  TestStream stream;
  const std::string rows = std::string(kAnnQuit) +
                           ",2025-01-01T00:00:00Z,No,Id,,,,,,,,,,,,,,\n"
                           "q3,yesterday,Bad,Date,,,,,,,,,,,,,,\n"
                           "q4,2025-01-01T00:00:00Z,Bad,Consent,,,,,,,,,,,,maybe,,\n"
                           "q5,2025-01-01T00:00:00Z,Few\n"
                           "q6,2025-01-01T00:00:00Z,\xFF,X,,,,,,,,,,,,,,\n"
                           "q7,2025-01-01T00:00:00Z,Warn,Ed,31/02/1990,,not-an-address,0770,,,,,,,,,,\n"
                           "q8,2025-01-01T00:00:00Z,Cut";
  ASSERT_TRUE(Import("quit", kHeader + rows, stream).ok());
  std::map<int64_t, std::string> wrong;
  for (const auto& error : stream.errors) wrong[error.line()] = error.reason();
  EXPECT_EQ(wrong, (std::map<int64_t, std::string>{{3, "RECORD_ID_MISSING"},
                                                   {4, "DATE_WRONG"},
                                                   {5, "CONSENT_WRONG"},
                                                   {6, "ROW_TOO_FEW_FIELDS"},
                                                   {7, "NOT_UTF8"},
                                                   {9, "ROW_TRUNCATED"}}));
  EXPECT_EQ(stream.summary.rows(), 8);
  EXPECT_EQ(stream.summary.stored(), 2);
  EXPECT_EQ(stream.summary.rejected(), 6);
  EXPECT_EQ(stream.summary.warnings(), 3);
}

TEST_F(CustomerTest, WrongHeaderNamesTheNearestColumns) {
  TestStream stream;
  const auto status = Import("quit", "recordid,phone\n1,2\n", stream);
  EXPECT_EQ(base::ReasonOf(status), "IMPORT_HEADER_WRONG");
  EXPECT_NE(std::string(status.message()).find("record_id"), std::string::npos);
  TestStream unknown;
  EXPECT_EQ(base::ReasonOf(Import("nowhere", kHeader, unknown)), "SOURCE_NOT_FOUND");
  TestStream empty;
  EXPECT_EQ(base::ReasonOf(Import("quit", "", empty)), "IMPORT_HEADER_WRONG");
}

TEST_F(CustomerTest, ValidateOnlyStoresNothing) {
  TestStream stream;
  ASSERT_TRUE(Import("quit", std::string(kHeader) + kAnnQuit, stream, true).ok());
  EXPECT_EQ(stream.summary.stored(), 1);
  EXPECT_EQ(Counts().records(), 0);
}

TEST_F(CustomerTest, ManyRecordsOfOneAddressLinkNobody) {
  // Names that nobody would take for each other's slip of the finger.
  const std::vector<std::string> starts = {"Bal", "Dor", "Ken", "Lim", "Mug", "Nyx", "Pet", "Rus"};
  const std::vector<std::string> ends = {"dwinus", "nmerf",  "ghtya",  "ssopor", "akkin",
                                         "uvela",  "irbert", "oquass", "ethor",  "yzzima"};
  std::string rows;
  for (size_t at = 0; at < 80; ++at) {
    rows += fmt::format("q{},,{}{},{}{},,,all@x.example,,,,,,,,,,,\n", at, starts[at % 8], ends[at / 8],
                        ends[at / 8], starts[at % 8]);
  }
  Imported("quit", rows);
  Imported("quit", "last,,Zachary,Quill,,,all@x.example,,,,,,,,,,,\n");
  EXPECT_GE(Counts().people(), 80);
}

TEST_F(CustomerTest, MarketingNeedsConsentAndIdsAreTakenOnce) {
  v1::CreatePurposeRequest request;
  request.set_purpose_id("news");
  request.mutable_purpose()->set_purpose_class(type::v1::PURPOSE_CLASS_MARKETING);
  request.mutable_purpose()->set_lawful_basis(type::v1::LAWFUL_BASIS_PUBLIC_TASK);
  request.mutable_purpose()->set_controller("Council");
  v1::Purpose purpose;
  EXPECT_EQ(base::ReasonOf(purposes_->CreatePurpose(call_, request, purpose)), "MARKETING_NEEDS_CONSENT");
  v1::CreateSourceRequest direct;
  direct.set_source_id("direct");
  direct.mutable_source()->set_audience_kind(type::v1::AUDIENCE_KIND_PUBLIC);
  v1::Source source;
  EXPECT_EQ(base::ReasonOf(sources_->CreateSource(call_, direct, source)), "SOURCE_EXISTS");
  v1::ListSourcesRequest list;
  list.set_page_size(1);
  v1::ListSourcesResponse page;
  ASSERT_TRUE(sources_->ListSources(call_, list, page).ok());
  EXPECT_EQ(page.sources(0).name(), "sources/quit");
  list.set_page_token(page.next_page_token());
  page.Clear();
  ASSERT_TRUE(sources_->ListSources(call_, list, page).ok());
  EXPECT_EQ(page.sources(0).name(), "sources/screening");
  EXPECT_EQ(page.next_page_token(), "");
}

TEST_F(CustomerTest, FullViewNeedsItsPermission) {
  Imported("quit", kAnnQuit);
  TestCall stranger;
  stranger.caller_ = {};
  v1::GetPersonRequest request;
  request.set_name(PersonOf("sources/quit/records/q1").name());
  v1::Person person;
  request.set_view(v1::PERSON_VIEW_FULL);
  EXPECT_EQ(base::ReasonOf(persons_->GetPerson(stranger, request, person)), "PERSONAL_DATA_DENIED");
  request.set_view(v1::PERSON_VIEW_BASIC);
  ASSERT_TRUE(persons_->GetPerson(stranger, request, person).ok());
  EXPECT_EQ(person.fields_size(), 0);
  EXPECT_EQ(person.endpoints(0).address(), "");
}

TEST(Customer, OpensWithAllItsServicesAndStopsTwice) {
  base::FakeClock clock;
  CustomerOptions options;
  options.folder = "/customer";
  options.in_memory = true;
  options.clock = &clock;
  auto customer = Customer::Open(options);
  ASSERT_TRUE(customer.ok()) << customer.status();
  EXPECT_EQ((*customer)->Services().size(), 14u);
  (*customer)->Stop();
  (*customer)->Stop();
}

}  // namespace
}  // namespace pharos::customer
