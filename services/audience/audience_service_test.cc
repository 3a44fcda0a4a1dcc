// The handlers over a real store: numbers by role, the guard across answers and restarts, lists and exports,
// versions, and the record of questions.
#include "services/audience/audience_service.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "pharos/audience/v1/query_service.pb.h"
#include "services/audience/query_service.h"
#include "services/audience/tables.h"
#include "services/base/errors.h"
#include "services/base/fake_clock.h"
#include "services/base/ids.h"
#include "storage/open.h"

namespace pharos::audience {
namespace {

using customer::internal::v1::FollowPeopleResponse;
using customer::internal::v1::PersonState;
using testing::ElementsAre;
using testing::HasSubstr;
using v1::Figure;

class TestCall : public rpc::Call {
 public:
  TestCall(std::string role, std::string method) {
    caller_.principal = "principals/" + role;
    caller_.roles = {role};
    method_ = "/pharos.audience.v1.AudienceService/" + method;
  }
  int64_t RemainingMicros() const override { return 10'000'000; }
  bool cancelled() const override { return false; }
};

template <typename Message>
class Collector : public rpc::Writer<Message> {
 public:
  bool Write(const Message& message) override {
    messages.push_back(message);
    return true;
  }
  std::vector<Message> messages;
};

// 1,000 people: area North (700) or South; 3 of the North speak Welsh, the others English; one in ten is
// interested in walking; ages from 20 to 69.
PersonState Person(int n) {
  PersonState state;
  state.set_person(fmt::format("people/{:026}", n));
  auto& fields = *state.mutable_fields();
  fields["area"] = n < 700 ? "North" : "South";
  fields["language"] = n < 3 ? "cy" : "en";
  fields["organisation"] = n == 5 ? "=1+1" : "";
  fields["date_of_birth"] = fmt::format("{}-01-01", 1950 + n % 50);
  if (n % 10 == 0) fields["interests"] = "walking";
  auto* endpoint = state.mutable_gate()->add_endpoints();
  endpoint->set_channel(type::v1::CHANNEL_SMS);
  endpoint->set_endpoint(base::Sha256(state.person()).substr(0, 16));
  return state;
}

class AudienceServiceTest : public testing::Test {
 protected:
  AudienceServiceTest() {
    storage::OpenOptions options;
    options.folder = testing::TempDir() + "audience_service_test";
    options.name = "audience";
    options.in_memory = true;
    store_ = *storage::Open(options);
    FollowPeopleResponse response;
    for (int n = 0; n < 1000; ++n) *response.add_people() = Person(n);
    response.set_cursor(committed_);
    index_->Apply(response);
    Serve();
  }
  void Serve() {
    audiences_ = std::make_unique<AudienceService>(*store_, *index_, Asker(), clock_);
    queries_ = std::make_unique<QueryService>(*store_, *index_, Asker(), clock_);
  }
  AskFreshness Asker() {
    return [this](bool, int64_t) -> absl::StatusOr<Freshness> {
      Freshness fresh;
      fresh.position = committed_;
      fresh.purposes["purposes/news"] = {"purposes/news", type::v1::PURPOSE_CLASS_SERVICE,
                                         type::v1::LAWFUL_BASIS_CONTRACT};
      fresh.purposes["purposes/study"] = fresh.purposes["purposes/news"];
      return fresh;
    };
  }
  void Add(int n) {
    FollowPeopleResponse response;
    *response.add_people() = Person(n);
    response.set_cursor(++committed_);
    index_->Apply(response);
  }

  absl::StatusOr<v1::CountAudienceResponse> Count(const std::string& role, const std::string& filter,
                                                  const std::string& purpose = "") {
    v1::CountAudienceRequest request;
    request.set_filter(filter);
    request.set_purpose(purpose);
    if (!purpose.empty()) request.add_channels(type::v1::CHANNEL_SMS);
    v1::CountAudienceResponse response;
    TestCall call(role, "CountAudience");
    PHAROS_RETURN_IF_ERROR(audiences_->CountAudience(call, request, response));
    return response;
  }
  Figure Told(const std::string& filter) { return Count("analyst", filter)->figure(); }

  using Fields = std::vector<std::pair<std::string, std::vector<std::string>>>;
  static v1::BreakDownAudienceRequest Table(const std::string& filter, const Fields& fields) {
    v1::BreakDownAudienceRequest request;
    request.set_filter(filter);
    for (const auto& [field, edges] : fields) {
      v1::Dimension& dimension = *request.add_dimensions();
      dimension.set_field(field);
      for (const std::string& edge : edges) dimension.add_edges(edge);
    }
    return request;
  }
  absl::StatusOr<v1::BreakDownAudienceResponse> BreakDown(const std::string& role,
                                                          const v1::BreakDownAudienceRequest& request) {
    v1::BreakDownAudienceResponse response;
    TestCall call(role, "BreakDownAudience");
    PHAROS_RETURN_IF_ERROR(audiences_->BreakDownAudience(call, request, response));
    return response;
  }
  // "North:~700", "cy:*" …
  static std::vector<std::string> Cells(const v1::BreakDownAudienceResponse& table) {
    std::vector<std::string> cells;
    for (const v1::Cell& cell : table.cells()) {
      std::string text;
      for (const std::string& key : cell.keys()) text += key + ":";
      const Figure& figure = cell.people();
      cells.push_back(text + (figure.certainty() == Figure::SUPPRESSED ? "*"
                              : figure.certainty() == Figure::ROUNDED  ? "~" + std::to_string(figure.value())
                                                                       : std::to_string(figure.value())));
    }
    return cells;
  }

  std::vector<std::string> Pseudonyms(const std::string& role, const std::string& purpose,
                                      const std::string& filter = "") {
    v1::StreamAudienceRequest request;
    request.set_filter(filter);
    request.set_purpose(purpose);
    Collector<v1::StreamAudienceResponse> writer;
    TestCall call(role, "StreamAudience");
    EXPECT_TRUE(audiences_->StreamAudience(call, request, writer).ok());
    EXPECT_TRUE(call.audited());
    std::vector<std::string> pseudonyms;
    for (const auto& batch : writer.messages) {
      for (size_t at = 0; at < batch.pseudonyms().size(); at += 16)
        pseudonyms.push_back(batch.pseudonyms().substr(at, 16));
    }
    return pseudonyms;
  }
  v1::Query Newest() {
    v1::ListQueriesRequest request;
    v1::ListQueriesResponse response;
    TestCall call("governance", "ListQueries");
    EXPECT_TRUE(queries_->ListQueries(call, request, response).ok());
    return response.queries_size() == 0 ? v1::Query() : response.queries(0);
  }

  base::FakeClock clock_;
  uint64_t committed_ = 9;
  const std::unique_ptr<PeopleIndex> index_ = PeopleIndex::New();
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<AudienceService> audiences_;
  std::unique_ptr<QueryService> queries_;
};

TEST_F(AudienceServiceTest, WhoMayKnowExactNumbersGetsThemWithTheFunnel) {
  const auto count = Count("marketing", "area = North", "purposes/news");
  ASSERT_TRUE(count.ok()) << count.status();
  EXPECT_EQ(count->matched(), 700);
  EXPECT_EQ(count->members(), 700);
  EXPECT_EQ(count->figure().certainty(), Figure::EXACT);
  EXPECT_EQ(count->query(), "");
  EXPECT_EQ(Newest().name(), "") << "an operational count is not kept";
}

TEST_F(AudienceServiceTest, OthersGetRoundedNumbersAndNoFunnel) {
  const auto count = Count("analyst", "age >= 21 AND area = North", "purposes/news");
  ASSERT_TRUE(count.ok()) << count.status();
  EXPECT_EQ(count->figure().certainty(), Figure::ROUNDED);
  EXPECT_EQ(count->matched() % 5, 0);
  EXPECT_EQ(count->members(), 0);
  EXPECT_EQ(count->excluded_size(), 0);
  const Figure few = Told("language = cy");
  EXPECT_EQ(few.certainty(), Figure::SUPPRESSED);
  EXPECT_EQ(few.value(), -1);
  EXPECT_EQ(few.rule(), "hes/primary");
  EXPECT_EQ(Told("language = fr").value(), 0);
}

TEST_F(AudienceServiceTest, AWriteThatIsAskedForIsSeen) {
  v1::CountAudienceRequest request;
  request.set_filter("area = South");
  Add(1000);
  request.set_min_position(committed_);
  v1::CountAudienceResponse response;
  TestCall call("marketing", "CountAudience");
  ASSERT_TRUE(audiences_->CountAudience(call, request, response).ok());
  EXPECT_EQ(response.matched(), 301);
  EXPECT_EQ(response.position(), committed_);
}

TEST_F(AudienceServiceTest, TheThreeWhoDifferCannotBeWorkedOut) {
  const Figure all = Told("area = North");
  EXPECT_EQ(all.value(), 700);
  const Figure without = Told("area = North AND language = en");
  EXPECT_EQ(without.certainty(), Figure::SUPPRESSED) << "697 and 700 would tell the three";
  EXPECT_EQ(without.rule(), "hes/differencing");
  EXPECT_EQ(Told("area = North AND interests:walking").value(), 70);
}

TEST_F(AudienceServiceTest, TheSameQuestionAFewPeopleLaterHasTheSameAnswer) {
  ASSERT_EQ(Told("area = South").value(), 300);
  for (int n = 1000; n < 1004; ++n) Add(n);
  EXPECT_EQ(Told("area = South").value(), 300) << "304 would be told as 305";
  EXPECT_EQ(Told("area = South").rule(), "hes/differencing");
  for (int n = 1004; n < 1010; ++n) Add(n);
  EXPECT_EQ(Told("area = South").value(), 310);
}

TEST_F(AudienceServiceTest, WhatWasToldIsRememberedAfterARestart) {
  ASSERT_EQ(Told("area = North").value(), 700);
  ASSERT_TRUE(BreakDown("analyst", Table("", {{"area", {}}})).ok());
  Serve();
  EXPECT_EQ(Told("area = North AND language = en").rule(), "hes/differencing");
  EXPECT_EQ(Told("language = en").rule(), "hes/differencing") << "1,000 were told in the table";
}

TEST_F(AudienceServiceTest, ATableByRole) {
  const auto exact = BreakDown("governance", Table("", {{"area", {}}, {"language", {}}}));
  ASSERT_TRUE(exact.ok()) << exact.status();
  EXPECT_THAT(Cells(*exact), ElementsAre("North:cy:3", "North:en:697", "South:en:300"));
  EXPECT_EQ(exact->total().value(), 1000);
  EXPECT_EQ(exact->rule_set(), "");
  const auto told = BreakDown("analyst", Table("", {{"language", {}}}));
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_EQ(told->rule_set(), "hes");
  for (const v1::Cell& cell : told->cells()) {
    if (cell.keys(0) == "cy") {
      EXPECT_EQ(cell.people().certainty(), Figure::SUPPRESSED);
    }
  }
}

TEST_F(AudienceServiceTest, BandsAndMeasures) {
  v1::BreakDownAudienceRequest request = Table("", {{"age", {"40", "60"}}});
  v1::Measure& walkers = *request.add_measures();
  walkers.set_name("walkers");
  walkers.set_filter("interests:walking");
  const auto exact = BreakDown("marketing", request);
  ASSERT_TRUE(exact.ok()) << exact.status();
  int64_t people = 0, walking = 0;
  for (const v1::Cell& cell : exact->cells()) {
    people += cell.people().value();
    walking += cell.measures(0).value();
  }
  EXPECT_EQ(people, 1000);
  EXPECT_EQ(walking, 100);
  *request.add_measures() = walkers;
  EXPECT_EQ(base::ReasonOf(BreakDown("marketing", request).status()), "MEASURE_REPEATED");
}

TEST_F(AudienceServiceTest, AWrongDimensionNamesTheNearestField) {
  const auto wrong = BreakDown("analyst", Table("", {{"aera", {}}})).status();
  EXPECT_EQ(base::ReasonOf(wrong), "DIMENSION_WRONG");
  EXPECT_EQ(base::FactsOf(wrong)->metadata.at("nearest"), "area");
  const auto reason = [&](const Fields& fields) {
    return base::ReasonOf(BreakDown("analyst", Table("", fields)).status());
  };
  EXPECT_EQ(reason({{"person", {}}}), "DIMENSION_WRONG");
  EXPECT_EQ(reason({{"area", {}}, {"area", {}}}), "DIMENSION_WRONG");
  EXPECT_EQ(reason({{"age", {}}}), "EDGES_WRONG");
  EXPECT_EQ(reason({{"age", {"40", "18"}}}), "EDGES_WRONG");
  EXPECT_EQ(reason({{"age", {"young"}}}), "EDGES_WRONG");
  EXPECT_EQ(reason({{"date_of_birth", {"1960-02-30"}}}), "EDGES_WRONG");
  EXPECT_EQ(reason({{"area", {"A"}}}), "EDGES_WRONG");
}

TEST_F(AudienceServiceTest, APreviewIsTheSameAllDayAndShowsNoPersonalValue) {
  const auto preview = [&](const std::string& filter) {
    v1::PreviewAudienceRequest request;
    request.set_filter(filter);
    request.set_size(5);
    request.set_purpose("purposes/news");
    request.add_channels(type::v1::CHANNEL_SMS);
    v1::PreviewAudienceResponse response;
    TestCall call("marketing", "PreviewAudience");
    EXPECT_TRUE(audiences_->PreviewAudience(call, request, response).ok());
    EXPECT_TRUE(call.audited());
    return response;
  };
  const auto first = preview("area = North");
  EXPECT_EQ(first.matched(), 700);
  ASSERT_EQ(first.people_size(), 5);
  EXPECT_EQ(preview("area = North").SerializeAsString().size(), first.SerializeAsString().size());
  EXPECT_EQ(preview("area = North").people(4).person(), first.people(4).person());
  EXPECT_NE(preview("area = South").people(0).person(), first.people(0).person());
  EXPECT_EQ(first.people(0).reason(), type::v1::ALLOW);
  for (const auto& person : first.people()) {
    EXPECT_EQ(person.fields().at("area"), "North");
    EXPECT_THAT(person.fields().at("age_band"), testing::MatchesRegex("[0-9]0-[0-9]9"));
    EXPECT_FALSE(person.fields().contains("date_of_birth"));
  }
}

TEST_F(AudienceServiceTest, APseudonymIsTheSameForOnePurposeOfOnePrincipal) {
  const auto first = Pseudonyms("governance", "purposes/news");
  EXPECT_EQ(first.size(), 1000u);
  EXPECT_EQ(std::set<std::string>(first.begin(), first.end()).size(), 1000u);
  Serve();
  EXPECT_EQ(Pseudonyms("governance", "purposes/news"), first);
  const auto other = Pseudonyms("governance", "purposes/study");
  const std::set<std::string> known(first.begin(), first.end());
  for (const std::string& pseudonym : other) EXPECT_FALSE(known.contains(pseudonym));
  for (const std::string& pseudonym : Pseudonyms("service", "purposes/news"))
    EXPECT_FALSE(known.contains(pseudonym));
}

TEST_F(AudienceServiceTest, NamesOfPeopleAreForThoseWhoMayReadPeople) {
  v1::StreamAudienceRequest request;
  request.set_filter("language = cy");
  request.set_purpose("purposes/news");
  request.set_form(v1::StreamAudienceRequest::PEOPLE);
  Collector<v1::StreamAudienceResponse> writer;
  TestCall marketing("marketing", "StreamAudience");
  EXPECT_EQ(base::ReasonOf(audiences_->StreamAudience(marketing, request, writer)), "PERMISSION_MISSING");
  EXPECT_TRUE(writer.messages.empty());
  TestCall governance("governance", "StreamAudience");
  ASSERT_TRUE(audiences_->StreamAudience(governance, request, writer).ok());
  ASSERT_EQ(writer.messages.size(), 1u);
  EXPECT_EQ(writer.messages[0].matched(), 3);
  EXPECT_EQ(writer.messages[0].people_size(), 3);
}

TEST_F(AudienceServiceTest, AnExportIsAFileThatNoSpreadsheetRuns) {
  const auto file = [&](v1::ExportAudienceRequest::Format format) {
    v1::ExportAudienceRequest request;
    request.set_filter("organisation:*");
    request.set_purpose("purposes/study");
    request.add_fields("area");
    request.add_fields("organisation");
    request.set_format(format);
    Collector<v1::ExportAudienceResponse> writer;
    TestCall call("governance", "ExportAudience");
    EXPECT_TRUE(audiences_->ExportAudience(call, request, writer).ok());
    EXPECT_TRUE(call.audited());
    std::string text;
    for (const auto& piece : writer.messages) text += piece.data();
    return text;
  };
  EXPECT_THAT(file(v1::ExportAudienceRequest::CSV),
              testing::MatchesRegex("pseudonym,area,organisation\r\n[0-9a-f]+,North,'=1\\+1\r\n"));
  EXPECT_THAT(file(v1::ExportAudienceRequest::NDJSON),
              testing::MatchesRegex("\\{\"pseudonym\":\"[0-9a-f]+\",\"area\":\"North\","
                                    "\"organisation\":\"=1\\+1\"\\}\n"));
}

TEST_F(AudienceServiceTest, OnlyFieldsThatNameNobodyAreExported) {
  v1::ExportAudienceRequest request;
  request.set_filter("");
  request.set_purpose("purposes/study");
  Collector<v1::ExportAudienceResponse> writer;
  TestCall call("governance", "ExportAudience");
  for (const char* field : {"person", "langauge"}) {
    request.clear_fields();
    request.add_fields(field);
    EXPECT_EQ(base::ReasonOf(audiences_->ExportAudience(call, request, writer)), "FIELD_WRONG") << field;
  }
  EXPECT_TRUE(writer.messages.empty());
}

TEST_F(AudienceServiceTest, EveryVersionStays) {
  v1::CreateAudienceRequest create;
  create.set_audience_id("north");
  create.mutable_audience()->set_filter("area = North");
  v1::Audience audience;
  TestCall call("marketing", "CreateAudience");
  ASSERT_TRUE(audiences_->CreateAudience(call, create, audience).ok());
  EXPECT_EQ(audience.version(), 1u);
  v1::UpdateAudienceRequest update;
  *update.mutable_audience() = audience;
  update.mutable_audience()->set_filter("area = South");
  update.set_expected_version(1);
  ASSERT_TRUE(audiences_->UpdateAudience(call, update, audience).ok());
  EXPECT_EQ(audience.version(), 2u);
  EXPECT_EQ(base::ReasonOf(audiences_->UpdateAudience(call, update, audience)), "AUDIENCE_CHANGED");
  update.set_expected_version(2);
  EXPECT_EQ(base::ReasonOf(audiences_->UpdateAudience(call, update, audience)), "NOTHING_TO_UPDATE");
  update.mutable_audience()->set_filter("aera = South");
  EXPECT_EQ(base::ReasonOf(audiences_->UpdateAudience(call, update, audience)), "FILTER_WRONG");
  v1::ListAudienceVersionsRequest list;
  list.set_audience("audiences/north");
  v1::ListAudienceVersionsResponse versions;
  ASSERT_TRUE(audiences_->ListAudienceVersions(call, list, versions).ok());
  ASSERT_EQ(versions.versions_size(), 2);
  EXPECT_EQ(versions.versions(0).filter(), "area = South");
  EXPECT_EQ(versions.versions(1).filter(), "area = North");
  v1::CountAudienceRequest count;
  count.set_audience("audiences/north");
  v1::CountAudienceResponse response;
  ASSERT_TRUE(audiences_->CountAudience(call, count, response).ok());
  EXPECT_EQ(response.matched(), 300);
}

TEST_F(AudienceServiceTest, AStatisticalQuestionIsKeptAndCanBeAskedAgain) {
  const auto count = Count("analyst", "area = South");
  ASSERT_TRUE(count.ok());
  const v1::Query kept = Newest();
  EXPECT_EQ(kept.name(), count->query());
  EXPECT_EQ(kept.principal(), "principals/analyst");
  EXPECT_EQ(kept.filter(), "area = South");
  EXPECT_EQ(kept.rule_set(), "hes");
  EXPECT_EQ(kept.answer(), "") << "a list is without answers";
  const auto replay = [&] {
    v1::ReplayQueryRequest request;
    request.set_name(kept.name());
    v1::ReplayQueryResponse response;
    TestCall call("governance", "ReplayQuery");
    EXPECT_TRUE(queries_->ReplayQuery(call, request, response).ok());
    return response;
  };
  EXPECT_THAT(replay().then().answer(), HasSubstr("300"));
  EXPECT_TRUE(replay().same());
  for (int n = 1000; n < 1010; ++n) Add(n);
  EXPECT_FALSE(replay().same());
  EXPECT_THAT(replay().answer(), HasSubstr("310"));
}

TEST_F(AudienceServiceTest, TablesAndListsAreKeptToo) {
  ASSERT_TRUE(BreakDown("analyst", Table("", {{"area", {}}})).ok());
  const v1::Query table = Newest();
  EXPECT_THAT(table.method(), HasSubstr("BreakDownAudience"));
  Pseudonyms("governance", "purposes/study", "area = South");
  const v1::Query list = Newest();
  EXPECT_THAT(list.method(), HasSubstr("StreamAudience"));
  EXPECT_EQ(list.purpose(), "purposes/study");
  for (const std::string& name : {table.name(), list.name()}) {
    v1::ReplayQueryRequest request;
    request.set_name(name);
    v1::ReplayQueryResponse response;
    TestCall call("governance", "ReplayQuery");
    ASSERT_TRUE(queries_->ReplayQuery(call, request, response).ok());
    EXPECT_TRUE(response.same()) << name;
  }
}

TEST_F(AudienceServiceTest, QuestionsComeNewestFirstPageByPage) {
  for (int i = 0; i < 25; ++i) {
    ASSERT_TRUE(Count("analyst", fmt::format("age >= {}", i)).ok());
    if (i % 5 == 0) clock_.Advance(3'600'000'000);
  }
  v1::ListQueriesRequest request;
  request.set_page_size(7);
  request.set_principal("principals/analyst");
  std::vector<std::string> names;
  TestCall call("governance", "ListQueries");
  do {
    v1::ListQueriesResponse page;
    ASSERT_TRUE(queries_->ListQueries(call, request, page).ok());
    for (const v1::Query& query : page.queries()) names.push_back(query.name());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(names.size(), 25u);
  EXPECT_TRUE(std::is_sorted(names.rbegin(), names.rend()));
  request.set_principal("principals/nobody");
  v1::ListQueriesResponse none;
  ASSERT_TRUE(queries_->ListQueries(call, request, none).ok());
  EXPECT_EQ(none.queries_size(), 0);
  v1::GetQueryRequest get;
  get.set_name("queries/none");
  v1::Query query;
  EXPECT_EQ(base::ReasonOf(queries_->GetQuery(call, get, query)), "QUERY_NOT_FOUND");
}

}  // namespace
}  // namespace pharos::audience
