#include <fmt/format.h>
#include <gmock/gmock.h>

#include <deque>

#include "pharos/audience/v1/reference_service.pb.h"
#include "services/audience/reference_data.h"
#include "services/audience/reference_service.h"
#include "services/audience/tables.h"
#include "services/base/errors.h"
#include "services/base/fake_clock.h"
#include "storage/open.h"

namespace pharos::audience {
namespace {

using ::testing::HasSubstr;
using Request = v1::LoadReferenceRequest;
using Response = v1::LoadReferenceResponse;

TEST(NormalPostcode, SpacesAndCaseDoNotMatter) {
  EXPECT_EQ(NormalPostcode(" ls1 4ap"), "LS14AP");
  EXPECT_EQ(NormalPostcode("M1"), "M1");
  for (const char* wrong : {"", "M", "LS1-4AP", "LS1 4APXX", "Caf\xc3\xa9"})
    EXPECT_EQ(NormalPostcode(wrong), "") << wrong;
}

// A caller who streams these and reads one answer.
class Caller : public ReferenceService::Stream {
 public:
  explicit Caller(std::vector<Request> requests) : requests_(requests.begin(), requests.end()) {}
  bool Read(Request& request) override {
    if (requests_.empty()) return false;
    request = requests_.front();
    requests_.pop_front();
    return true;
  }
  bool Write(const Response& response) override {
    answer = response;
    return true;
  }
  std::optional<Response> answer;

 private:
  std::deque<Request> requests_;
};

class TestCall : public rpc::Call {
 public:
  int64_t RemainingMicros() const override { return 1'000'000; }
  bool cancelled() const override { return gone; }
  bool gone = false;
};

Request AreasRequest() {
  Request request;
  request.set_kind(Request::AREAS);
  request.set_attribution("Office for National Statistics, OGL v3.0");
  auto& leeds = *request.add_areas();
  leeds.set_code("E08000035");
  leeds.set_display_name("Leeds");
  leeds.set_upper_tier("E08000035");
  leeds.set_region("E12000003");
  leeds.set_region_name("Yorkshire and The Humber");
  leeds.set_deprivation_decile(3);
  auto& hart = *request.add_areas();
  hart.set_code("E07000089");
  hart.set_display_name("Hart");
  hart.set_region("E12000008");
  hart.set_deprivation_decile(10);
  return request;
}

Request PostcodesRequest() {
  Request request;
  request.set_kind(Request::POSTCODES);
  for (const auto& [code, area, decile] :
       {std::tuple("LS1 4AP", "E08000035", 1u), std::tuple("gu51 1aa", "E07000089", 0u),
        std::tuple("AB10AD", "S12000033", 0u)}) {
    auto& postcode = *request.add_postcodes();
    postcode.set_postcode(code);
    postcode.set_area(area);
    postcode.set_deprivation_decile(decile);
  }
  return request;
}

class ReferenceTest : public ::testing::Test {
 protected:
  ReferenceTest() : store_(*storage::Open(Options())) { Restart(); }
  static storage::OpenOptions Options() {
    storage::OpenOptions options;
    options.name = "audience";
    options.format = kFormat;
    options.in_memory = true;
    return options;
  }
  void Restart() {
    published_ = nullptr;
    service_ = std::make_unique<ReferenceService>(
        *store_, clock_, [this](std::shared_ptr<const Reference> data) { published_ = data; });
    ASSERT_TRUE(service_->Open().ok());
  }
  absl::StatusOr<Response> Load(std::vector<Request> requests) {
    Caller caller(std::move(requests));
    PHAROS_RETURN_IF_ERROR(service_->LoadReference(call_, caller));
    EXPECT_TRUE(caller.answer.has_value());
    return *caller.answer;
  }
  v1::ReferenceState State() {
    v1::ReferenceState state;
    EXPECT_TRUE(service_->GetReferenceState(call_, {}, state).ok());
    return state;
  }
  std::vector<std::string> AreaCodes(const std::string& region, int page) {
    std::vector<std::string> codes;
    v1::ListAreasRequest request;
    request.set_region(region);
    request.set_page_size(page);
    do {
      v1::ListAreasResponse response;
      EXPECT_TRUE(service_->ListAreas(call_, request, response).ok());
      for (const auto& area : response.areas()) codes.push_back(area.code());
      request.set_page_token(response.next_page_token());
    } while (!request.page_token().empty());
    return codes;
  }

  base::FakeClock clock_;
  TestCall call_;
  std::unique_ptr<storage::Store> store_;
  std::shared_ptr<const Reference> published_;
  std::unique_ptr<ReferenceService> service_;
};

TEST_F(ReferenceTest, APostcodeSaysWhereElseTheSourceDoes) {
  EXPECT_EQ(published_, nullptr);
  ASSERT_TRUE(Load({AreasRequest()}).ok());
  ASSERT_TRUE(Load({PostcodesRequest()}).ok());
  Place place = published_->PlaceOf("ls14ap", "E07000089");
  EXPECT_EQ(place.area, "E08000035");
  EXPECT_EQ(place.region_name, "Yorkshire and The Humber");
  EXPECT_EQ(place.deprivation, 1) << "the postcode's own decile";
  EXPECT_EQ(published_->PlaceOf("GU51 1AA", "").deprivation, 10) << "else its area's";
  EXPECT_EQ(published_->PlaceOf("ZZ9 9ZZ", "hart").area, "E07000089") << "by name";
  EXPECT_EQ(published_->PlaceOf("", "E08000035").region, "E12000003");
  EXPECT_EQ(published_->PlaceOf("AB1 0AD", "").area, "S12000033") << "an area of which nothing else is known";
  EXPECT_EQ(published_->PlaceOf("", "The Shire").area, "The Shire") << "kept as the source said it";
}

TEST_F(ReferenceTest, ReplacedCodesLeadToTheAreaOfToday) {
  ASSERT_TRUE(Load({AreasRequest()}).ok());
  Request changes;
  changes.set_kind(Request::AREA_CODE_CHANGES);
  for (const auto& [before, now] :
       {std::pair("E00000001", "E00000002"), std::pair("E00000002", "E08000035"),
        std::pair("E00000008", "E00000009"), std::pair("E00000009", "E00000008")}) {
    auto& change = *changes.add_changes();
    change.set_code(before);
    change.set_code_now(now);
  }
  ASSERT_TRUE(Load({changes}).ok());
  EXPECT_EQ(published_->PlaceOf("", "E00000001").area, "E08000035");
  EXPECT_EQ(published_->PlaceOf("", "E00000008").area, "E00000008") << "a circle leads nowhere";
}

TEST_F(ReferenceTest, AWrongRowChangesNothing) {
  ASSERT_TRUE(Load({AreasRequest()}).ok());
  Request wrong = AreasRequest();
  wrong.mutable_areas(1)->set_deprivation_decile(11);
  const absl::Status status = Load({wrong}).status();
  EXPECT_EQ(base::ReasonOf(status), "REFERENCE_ROW_WRONG");
  EXPECT_THAT(std::string(status.message()), HasSubstr("Row 2, deprivation_decile"));
  Request twice = AreasRequest();
  *twice.add_areas() = twice.areas(0);
  EXPECT_THAT(std::string(Load({twice}).status().message()), HasSubstr("there twice"));
  Request other = AreasRequest();
  *other.add_postcodes() = PostcodesRequest().postcodes(0);
  EXPECT_EQ(base::ReasonOf(Load({other}).status()), "REFERENCE_ROW_WRONG");
  EXPECT_EQ(base::ReasonOf(Load({Request()}).status()), "REFERENCE_KIND_MISSING");
  EXPECT_EQ(published_->PlaceOf("", "Leeds").deprivation, 3);
  EXPECT_EQ(AreaCodes("", 0).size(), 2u);
  Restart();
  EXPECT_EQ(published_->PlaceOf("", "Leeds").deprivation, 3);
}

TEST_F(ReferenceTest, ACallerWhoGoesChangesNothing) {
  ASSERT_TRUE(Load({AreasRequest()}).ok());
  call_.gone = true;
  Request shorter = AreasRequest();
  shorter.mutable_areas()->RemoveLast();
  EXPECT_TRUE(absl::IsCancelled(Load({shorter}).status()));
  EXPECT_EQ(AreaCodes("", 0).size(), 2u);
}

TEST_F(ReferenceTest, TheSameAgainIsUnchangedAndANewLoadReplaces) {
  EXPECT_FALSE(Load({AreasRequest()})->unchanged());
  EXPECT_TRUE(Load({AreasRequest()})->unchanged());
  Request shorter = AreasRequest();
  shorter.mutable_areas()->RemoveLast();
  const auto loaded = Load({shorter});
  ASSERT_TRUE(loaded.ok());
  EXPECT_FALSE(loaded->unchanged());
  EXPECT_EQ(loaded->rows(), 1);
  EXPECT_EQ(published_->PlaceOf("", "Hart").deprivation, 0);
  ASSERT_EQ(State().loaded_size(), 1);
  EXPECT_EQ(State().loaded(0).rows(), 1);
  EXPECT_EQ(State().loaded(0).attribution(), "Office for National Statistics, OGL v3.0");
}

TEST_F(ReferenceTest, ManyChunksComeBackAfterARestart) {
  Request request;
  request.set_kind(Request::POSTCODES);
  std::vector<Request> requests;
  constexpr int kRows = 2'500;
  for (int i = 0; i < kRows; ++i) {
    auto& postcode = *request.add_postcodes();
    postcode.set_postcode(fmt::format("A{}", 10'000 + i));
    postcode.set_area("E08000035");
    postcode.set_deprivation_decile(static_cast<uint32_t>(i % 11));
    if (request.postcodes_size() < 700) continue;
    requests.push_back(request);
    request.clear_postcodes();
  }
  requests.push_back(request);
  ASSERT_EQ(Load(requests)->rows(), kRows);
  Restart();
  for (int i : {0, 999, 1000, 2499})
    EXPECT_EQ(published_->PlaceOf(fmt::format("A{}", 10'000 + i), "").deprivation, i % 11) << i;
  EXPECT_EQ(published_->PlaceOf("A12500", "").area, "");
}

TEST_F(ReferenceTest, AreasComeInPages) {
  ASSERT_TRUE(Load({AreasRequest()}).ok());
  EXPECT_THAT(AreaCodes("", 1), ::testing::ElementsAre("E07000089", "E08000035"));
  EXPECT_THAT(AreaCodes("E12000003", 0), ::testing::ElementsAre("E08000035"));
}

}  // namespace
}  // namespace pharos::audience
