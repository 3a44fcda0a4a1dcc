// Promise 8, for numbers: who may know numbers and nobody's row learns nothing of fewer than eight people,
// not from one answer and not from two. Made true by services/audience/disclosure.cc and suppression.cc (what
// may be told of a number and of a table), services/audience/differencing.cc (what two answers would tell),
// services/audience/told_memory.cc (also after a restart) and services/rpc/policy.cc (rows are refused, with
// what to ask for instead).
//
// PHAROS_ATTACK_PAIRS: how many pairs of overlapping questions are asked (60 unless set).
#include <fmt/format.h>

#include <cstdlib>
#include <random>

#include "gmock/gmock.h"
#include "pharos/audience/v1/query_service.pb.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

using audience::v1::BreakDownAudienceRequest;
using audience::v1::BreakDownAudienceResponse;
using audience::v1::CountAudienceRequest;
using audience::v1::CountAudienceResponse;
using audience::v1::Figure;
using ::testing::HasSubstr;

constexpr int kPeople = 400;
constexpr int64_t kFewest = 8;  // people who may be told of
const char* const kAreas[] = {"ash", "birch", "cedar", "dogwood"};
const char* const kLanguages[] = {"en", "en", "en", "en", "pl", "cy"};
const char* const kInterests[] = {"walking", "running", "swimming", ""};

int Pairs() {
  const char* wanted = std::getenv("PHAROS_ATTACK_PAIRS");
  return wanted == nullptr ? 60 : std::atoi(wanted);
}

// Letters only, another word for each number.
std::string Word(int n) {
  std::string word = "Q";
  for (; n > 0; n /= 20) word += static_cast<char>('a' + n % 20);
  return word + "son";
}

std::string Population() {
  std::mt19937 random(1854);
  std::string file = "record_id,given_name,family_name,phone,area,language,date_of_birth,interests\n";
  for (int i = 0; i < kPeople; ++i) {
    file += fmt::format("r{},{},{},{},{},{},{}-{:02}-{:02},{}\n", i, Word(i * 7 + 1), Word(i + 3), Phone(i),
                        kAreas[random() % 4], kLanguages[random() % 6], 1940 + random() % 65,
                        1 + random() % 12, 1 + random() % 28, kInterests[random() % 4]);
  }
  return file;
}

// What a reader knows of a number, from what was told and from the rules, which are no secret.
struct Range {
  int64_t low = 0, high = 0;
};
Range Known(const Figure& figure) {
  constexpr int64_t kNothing = 1'000'000;
  if (figure.rule() == "hes/primary") return {1, kFewest - 1};
  if (figure.certainty() == Figure::SUPPRESSED) return {0, kNothing};
  if (figure.certainty() == Figure::EXACT) return {figure.value(), figure.value()};
  // Of almost the same people: fewer than eight of them are others.
  const int64_t others = figure.rule() == "hes/differencing" ? kFewest - 1 : 0;
  return {std::max(kFewest, figure.value() - 2) - others, figure.value() + 2 + others};
}

class NumbersDiscloseNobody : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(system_.ok());
    story_.ImportAll(kQuit, Population());
    ASSERT_GT(Truth(""), kPeople * 9 / 10) << "some may be linked";
  }

  absl::StatusOr<CountAudienceResponse> Count(const Client& who, const std::string& filter) const {
    CountAudienceRequest request;
    request.set_filter(filter);
    return who.Call<CountAudienceResponse>("audience.v1.AudienceService/CountAudience", request);
  }
  int64_t Truth(const std::string& filter) const { return Must(Count(story_.governance, filter)).matched(); }
  Figure Told(const std::string& filter) const { return Must(Count(analyst_, filter)).figure(); }
  BreakDownAudienceResponse Table(const Client& who, const std::string& filter,
                                  const std::vector<std::string>& fields) const {
    BreakDownAudienceRequest request;
    request.set_filter(filter);
    for (const std::string& field : fields) request.add_dimensions()->set_field(field);
    return Must(
        who.Call<BreakDownAudienceResponse>("audience.v1.AudienceService/BreakDownAudience", request));
  }

  System system_{{.start_connector = false}};
  Story story_{system_};
  const Client analyst_ = system_.As("analyst");
};

// A question of an analyst, with one condition or two.
std::string Question(std::mt19937& random) {
  std::string filter = fmt::format("age >= {}", 18 + random() % 30);
  if (random() % 2 == 0) filter += fmt::format(" AND area = {}", kAreas[random() % 4]);
  if (random() % 3 == 0) filter += fmt::format(" AND interests:{}", kInterests[random() % 3]);
  return filter;
}

// What few of them share.
std::string Few(std::mt19937& random) {
  const int age = 20 + static_cast<int>(random() % 60);
  if (random() % 2 == 0) return fmt::format("age = {}", age);
  return fmt::format("(age >= {} AND age < {} AND language = {})", age, age + 4,
                     kLanguages[4 + random() % 2]);
}

TEST_F(NumbersDiscloseNobody, ARowIsRefusedWithWhatToAskForInstead) {
  audience::v1::PreviewAudienceRequest preview;
  preview.set_filter("");
  const auto refused =
      analyst_
          .Call<audience::v1::PreviewAudienceResponse>("audience.v1.AudienceService/PreviewAudience", preview)
          .status();
  EXPECT_EQ(base::ReasonOf(refused), "PERMISSION_MISSING");
  EXPECT_THAT(std::string(refused.message()),
              HasSubstr("ask for numbers: CountAudience, or BreakDownAudience"));
  for (const char* method : {"StreamAudience", "ExportAudience"}) {
    const auto rows = analyst_.CallRaw(fmt::format("audience.v1.AudienceService/{}", method), "");
    EXPECT_EQ(base::ReasonOf(rows), "PERMISSION_MISSING") << method;
    EXPECT_THAT(std::string(rows.message()), HasSubstr("BreakDownAudience")) << method;
  }
  EXPECT_EQ(base::ReasonOf(analyst_.CallRaw("audience.v1.QueryService/ListQueries", "")),
            "PERMISSION_MISSING");
}

TEST_F(NumbersDiscloseNobody, TwoOverlappingAnswersTellNoMoreThanOne) {
  std::mt19937 random(1);
  int small = 0, derivable = 0;
  for (int pair = 0; pair < Pairs(); ++pair) {
    const std::string all = Question(random), few = Few(random);
    const std::string without = fmt::format("{} AND NOT {}", all, few);
    const int64_t differ = Truth(all) - Truth(without);
    const bool other_way = random() % 2 == 0;
    const Figure first = Told(other_way ? without : all), second = Told(other_way ? all : without);
    const Range more = Known(other_way ? second : first), less = Known(other_way ? first : second);
    if (differ < 1 || differ >= kFewest) continue;
    ++small;
    // What is told of them alone is that there are from one to seven.
    const int64_t least = more.low - less.high, most = more.high - less.low;
    EXPECT_LE(least, differ);
    EXPECT_GE(most, differ);
    const bool told_both = first.rule() == "hes/rounding" && second.rule() == "hes/rounding";
    if (least <= 1 && most >= kFewest - 1 && !told_both) continue;
    ++derivable;
    ADD_FAILURE() << differ << " people: " << all << " and " << without << " were told as "
                  << first.ShortDebugString() << " and " << second.ShortDebugString();
  }
  EXPECT_EQ(derivable, 0);
  EXPECT_GT(small, Pairs() / 10) << "the attack has something to find";
}

TEST_F(NumbersDiscloseNobody, WhatATableKeepsBackCannotBeSubtracted) {
  std::mt19937 random(2);
  const std::vector<std::vector<std::string>> kTables = {
      {"area"}, {"language"}, {"area", "language"}, {"language", "interests"}};
  for (int i = 0; i < std::max(8, Pairs() / 10); ++i) {
    const std::string filter = Question(random);
    const std::vector<std::string>& fields = kTables[random() % kTables.size()];
    const auto truth = Table(story_.governance, filter, fields);
    const auto told = Table(analyst_, filter, fields);
    ASSERT_EQ(told.cells_size(), truth.cells_size());
    // Who is told the sum as well might subtract.
    if (Told(filter).rule() != "hes/rounding") continue;
    int64_t kept_back = 0, told_of = 0;
    for (int c = 0; c < told.cells_size(); ++c) {
      const int64_t people = truth.cells(c).people().value();
      const Figure& figure = told.cells(c).people();
      if (figure.certainty() == Figure::SUPPRESSED || figure.rule() == "hes/differencing") {
        kept_back += people;  // what is told is not this number
      } else {
        told_of += people;
        EXPECT_GE(people, kFewest) << filter << ": " << told.cells(c).ShortDebugString();
      }
    }
    EXPECT_TRUE(kept_back == 0 || kept_back >= kFewest || told_of == 0) << filter << ": " << kept_back;
  }
}

TEST_F(NumbersDiscloseNobody, ARestartForgetsNothing) {
  const Figure all = Told("area = ash");
  ASSERT_EQ(all.rule(), "hes/rounding");
  const int64_t everyone = Truth("area = ash");
  std::string without;
  for (int age = 20; without.empty() && age < 80; ++age) {
    const std::string filter = fmt::format("area = ash AND NOT age = {}", age);
    const int64_t differ = everyone - Truth(filter);
    if (differ >= 1 && differ < kFewest) without = filter;
  }
  ASSERT_NE(without, "");
  system_.KillAndRestartPharosd();
  const Figure answer = Told(without);
  EXPECT_EQ(answer.rule(), "hes/differencing");
  EXPECT_TRUE(answer.certainty() == Figure::SUPPRESSED || answer.value() == all.value());
}

TEST_F(NumbersDiscloseNobody, EveryQuestionIsOnRecordWithItsAnswer) {
  const CountAudienceResponse count = Must(Count(analyst_, "area = birch"));
  audience::v1::GetQueryRequest get;
  get.set_name(count.query());
  const auto kept =
      Must(story_.governance.Call<audience::v1::Query>("audience.v1.QueryService/GetQuery", get));
  EXPECT_EQ(kept.filter(), "area = birch");
  EXPECT_EQ(kept.principal(), "principals/analyst");
  EXPECT_THAT(kept.answer(), HasSubstr(std::to_string(count.matched())));
}

}  // namespace
}  // namespace pharos::tests
