// The filter language: what is accepted, what each wrong filter is told, and that evaluation agrees with a
// plain evaluator.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "services/audience/filter_check.h"
#include "services/audience/filter_eval.h"
#include "services/base/errors.h"
#include "services/base/text.h"

namespace pharos::audience {
namespace {

using customer::internal::v1::PersonState;
using testing::HasSubstr;

constexpr PackedDate kToday = 20261122;

struct Bad {
  std::string filter;
  int position;
  std::string says;
};

class WrongFilter : public testing::TestWithParam<Bad> {};

TEST_P(WrongFilter, IsRefusedWithItsPositionAndTheFix) {
  const auto result = CompileFilter(GetParam().filter);
  ASSERT_FALSE(result.ok()) << GetParam().filter;
  EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
  const auto facts = base::FactsOf(result.status());
  ASSERT_TRUE(facts.has_value());
  EXPECT_EQ(facts->reason, "FILTER_WRONG");
  EXPECT_EQ(facts->metadata.at("position"), std::to_string(GetParam().position)) << result.status();
  EXPECT_THAT(std::string(result.status().message()), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Table, WrongFilter,
    testing::Values(Bad{"aera = \"Leeds\"", 1, "did you mean \"area\"?"},
                    Bad{"area = \"Leeds\" AND agee > 3", 20, "did you mean \"age\"?"},
                    Bad{"shoe_size > 3", 1, "Known: age, area, audience_kinds"},
                    Bad{"area = \"é\" AND agee > 3", 16, "did you mean \"age\"?"},  // characters, not bytes
                    Bad{"age = \"x\"", 7, "whole number without quotes"}, Bad{"age > -1", 7, "whole number"},
                    Bad{"age : 3", 7, ": does not go with age"}, Bad{"age >", 6, "expected a value after >"},
                    Bad{"age", 4, "expected =, !=, <, <=, >, >= or : after \"age\""},
                    Bad{"area Leeds", 6, "expected =, !="}, Bad{"area == \"x\"", 7, "write one \"=\""},
                    Bad{"area ! \"x\"", 6, "expected \"!=\""}, Bad{"area = \"x", 8, "never closed"},
                    Bad{"area = \"a\\nb\"", 10, "after \\ expected"},
                    Bad{"area < \"x\"", 8, "< does not go with area"},
                    Bad{"area = \"L*s\"", 10, "only at the end"}, Bad{"area = \"\"", 8, "NOT area:*"},
                    Bad{"\"Leeds\"", 1, "expected a field before this text"},
                    Bad{"(age > 3", 9, "the \"(\" at character 1 is open"},
                    Bad{"age > 3)", 8, "closes nothing"}, Bad{"()", 2, "expected a comparison"},
                    Bad{"age > 3 AND", 12, "expected a field"}, Bad{"AND age > 3", 1, "expected a field"},
                    Bad{"age > 3 and age < 9", 9, "capitals"}, Bad{"NOT NOT age > 3", 5, "two negations"},
                    Bad{"age > 3 AND sex = f OR area = x", 21,
                        "write age > … AND (sex = … OR area = …) or (age > … AND sex = …) OR area = …"},
                    Bad{"age > 3 OR sex = f area = x", 20, "AND and OR are mixed"},
                    Bad{"audience_kinds = PUBLIC", 18, "e.g. audience_kinds:PUBLIC"},
                    Bad{"audience_kinds:PUBLC", 16, "did you mean \"PUBLIC\"?"},
                    Bad{"interests:walk*", 11, "no * here"}, Bad{"sources = x", 11, "use :"},
                    Bad{"date_of_birth = \"2025-02-29\"", 17, "a date that exists"},
                    Bad{"update_time > yesterday", 15, "a date or a time with its zone"},
                    Bad{"update_time > 2026-01-01T00:00:00Z", 28, "needs quotes"},
                    Bad{"person = \"01jd\"", 10, "expected the name of a person"},
                    Bad{"reachable(FAX)", 11, "there is no channel \"FAX\""},
                    Bad{"reachable(SMS) = true", 16, "true or false by itself"},
                    Bad{"reachable = SMS", 1, "is a function"}, Bad{"reachable()", 1, "takes 1 value"},
                    Bad{"consent(SMS)", 1, "takes 2 values"},
                    Bad{"consent(SMS, \"x\")", 14, "expected the name of a purpose"},
                    Bad{"consent(SMS,, \"x\")", 13, "expected a value in"},
                    Bad{"reachible(SMS)", 1, "did you mean \"reachable\"?"}, Bad{"age(3)", 1, "is a field"},
                    Bad{"has(aera)", 5, "did you mean \"area\"?"}, Bad{"area = AND", 8, "needs quotes"},
                    Bad{"area = f(x)", 9, "expected AND or OR before"}, Bad{"\xff", 1, "not UTF-8"},
                    Bad{std::string(4097, ' '), 1, "at most 4096 bytes"}));

TEST(FilterBounds, DepthTermsAndLengthAreBounded) {
  EXPECT_TRUE(CompileFilter(std::string(31, '(') + "age > 3" + std::string(31, ')')).ok());
  EXPECT_THAT(
      std::string(CompileFilter(std::string(40, '(') + "age > 3" + std::string(40, ')')).status().message()),
      HasSubstr("32 deep"));
  EXPECT_THAT(std::string(CompileFilter(std::string(4096, '(')).status().message()), HasSubstr("32 deep"));
  std::string many = "age>1";
  for (int i = 1; i < 256; ++i) many += " AND age>1";
  EXPECT_TRUE(CompileFilter(many).ok());
  EXPECT_THAT(std::string(CompileFilter(many + " AND age>1").status().message()), HasSubstr("at most 256"));
}

TEST(FilterBounds, EveryTextGivesAnAnswer) {
  std::mt19937 random(7);
  const std::vector<std::string> pieces = {
      "age", "area", "(",  ")", "AND",       "OR",  "NOT", "-", "=", "!=",    "<",    ":",         "*",
      "\"",  "'",    "\\", ",", "reachable", "SMS", "3",   "é", " ", "\"x\"", "\x80", "2026-01-01"};
  for (int i = 0; i < 20'000; ++i) {
    std::string filter;
    for (int n = random() % 12; n > 0; --n)
      filter += pieces[random() % pieces.size()] + (random() % 2 ? " " : "");
    const auto result = CompileFilter(filter);
    if (!result.ok()) {
      ASSERT_EQ(base::ReasonOf(result.status()), "FILTER_WRONG") << filter;
    }
  }
}

TEST(FilterErrors, NeverRepeatAValue) {
  const auto status = CompileFilter("person = \"people/secret\" OR area = \"hidden\" AND age > 3").status();
  EXPECT_EQ(std::string(status.message()).find("secret"), std::string::npos);
  EXPECT_EQ(std::string(status.message()).find("hidden"), std::string::npos);
}

// One person, and whether a filter matches them
// --------------------------------------------------------------------------------

type::v1::GateEntry* AddEntry(PersonState& state, type::v1::EntryKind kind, const std::string& purpose,
                              int64_t time_us) {
  auto* entry = state.mutable_gate()->add_entries();
  entry->set_name("consentEntries/e" + std::to_string(state.gate().entries_size()));
  entry->set_record("sources/gp/records/1");
  entry->set_kind(kind);
  entry->set_scope(type::v1::SCOPE_PURPOSE);
  entry->set_purpose(purpose);
  entry->set_event_time_us(time_us);
  return entry;
}

type::v1::GateEndpoint* AddEndpoint(PersonState& state, type::v1::Channel channel, char fill) {
  auto* endpoint = state.mutable_gate()->add_endpoints();
  endpoint->set_endpoint(std::string(16, fill));
  endpoint->set_channel(channel);
  return endpoint;
}

PersonState Ada() {
  PersonState ada;
  ada.set_person("people/ada");
  ada.add_audience_kinds(type::v1::AUDIENCE_KIND_PUBLIC);
  ada.add_audience_kinds(type::v1::AUDIENCE_KIND_PARTNER);
  auto& fields = *ada.mutable_fields();
  fields["area"] = "Leeds";
  fields["postcode"] = "LS1 4AP";
  fields["language"] = "en";
  fields["sex"] = "female";
  fields["role"] = "Practice \"Lead\" *";
  fields["date_of_birth"] = "1980-11-22";
  fields["interests"] = "Walking; stop-smoking";
  ada.add_sources("sources/gp-leeds");
  ada.set_updated_time_us(LondonMidnight(20260701) + 1);
  AddEndpoint(ada, type::v1::CHANNEL_SMS, 'a');
  AddEndpoint(ada, type::v1::CHANNEL_EMAIL, 'b')->set_suppressed(type::v1::HARD_BOUNCE);
  AddEntry(ada, type::v1::GRANTED, "purposes/news", 10);
  return ada;
}

bool Matches(const std::string& filter, const PersonState& state) {
  StringPool pool;
  const CompactPerson person = MakeCompact(state, pool, *Reference::Nothing());
  auto predicate = CompileFilter(filter);
  EXPECT_TRUE(predicate.ok()) << filter << ": " << predicate.status();
  if (!predicate.ok()) return false;
  FactsReader facts;
  facts.Start(person);
  return BoundFilter(*predicate, pool, kToday).Matches(state.person().substr(7), person, facts);
}

struct Case {
  std::string filter;
  bool matches;
};
class FilterOfAda : public testing::TestWithParam<Case> {};
TEST_P(FilterOfAda, Matches) {
  EXPECT_EQ(Matches(GetParam().filter, Ada()), GetParam().matches) << GetParam().filter;
}

INSTANTIATE_TEST_SUITE_P(
    Table, FilterOfAda,
    testing::Values(
        Case{"", true}, Case{"  ", true}, Case{"area = Leeds", true}, Case{"area = \"leeds\"", true},
        Case{"area = 'Leeds'", true}, Case{"area != Leeds", false}, Case{"area != York", true},
        Case{"area = \"Lee*\"", true}, Case{"area = Lee", false}, Case{"area=*", true},
        Case{"organisation != x", false}, Case{"NOT organisation = x", true}, Case{"organisation:*", false},
        Case{"-organisation:*", true}, Case{"has(area)", true}, Case{"has(organisation)", false},
        Case{"role = \"practice \\\"lead\\\" \\*\"", true}, Case{"postcode = \"LS*\"", true},
        Case{"postcode = \"ls14*\"", true}, Case{"postcode = \"LS1 4AP\"", true},
        Case{"postcode = LS14AP", true}, Case{"postcode = \"BD*\"", false}, Case{"age = 46", true},
        Case{"age >= 46", true}, Case{"age > 46", false}, Case{"age < 46", false}, Case{"age<=46", true},
        Case{"age != 45", true}, Case{"age != 46", false}, Case{"date_of_birth = 1980-11-22", true},
        Case{"date_of_birth < \"1980-11-22\"", false}, Case{"date_of_birth <= \"1980-11-22\"", true},
        Case{"update_time = \"2026-07-01\"", true}, Case{"update_time > \"2026-07-01\"", false},
        Case{"update_time >= \"2026-07-01\"", true}, Case{"update_time < \"2026-07-01\"", false},
        Case{"update_time > \"2026-06-30T23:00:00Z\"", true},
        Case{"update_time > \"2026-07-01T00:00:01+01:00\"", false}, Case{"audience_kinds:PUBLIC", true},
        Case{"audience_kinds:INTERNAL", false}, Case{"audience_kinds:*", true},
        Case{"interests:walking", true}, Case{"interests:\"Stop-Smoking\"", true},
        Case{"interests:running", false}, Case{"sources:gp-leeds", true},
        Case{"sources:\"sources/gp-leeds\"", true}, Case{"sources:crm", false},
        Case{"person = \"people/ada\"", true}, Case{"person != people/ada", false},
        Case{"reachable(SMS)", true}, Case{"reachable(email)", false},
        Case{"consent(SMS, \"purposes/news\")", true}, Case{"consent(EMAIL, purposes/news)", true},
        Case{"consent(SMS, \"purposes/other\")", false}, Case{"area = Leeds AND age > 50", false},
        Case{"area = York OR age > 40", true}, Case{"area = Leeds age > 40", true},
        Case{"area = Leeds AND (age > 50 OR sex = female)", true},
        Case{"NOT (area = Leeds AND age > 50)", true}));

TEST(FilterConsent, WithdrawalPauseDeathAndStop) {
  PersonState ada = Ada();
  ada.mutable_gate()->set_paused(true);
  ada.mutable_gate()->set_deceased(true);
  EXPECT_TRUE(Matches("consent(SMS, \"purposes/news\")", ada))
      << "says what was agreed, not whether we may send";
  PersonState without_endpoint = Ada();
  without_endpoint.mutable_gate()->clear_endpoints();
  EXPECT_TRUE(Matches("consent(SMS, \"purposes/news\")", without_endpoint));
  AddEntry(ada, type::v1::WITHDRAWN, "purposes/news", 20)->set_channel(type::v1::CHANNEL_SMS);
  EXPECT_FALSE(Matches("consent(SMS, \"purposes/news\")", ada));
  EXPECT_TRUE(Matches("consent(EMAIL, \"purposes/news\")", ada));
}

TEST(FilterAge, BirthdayAndLeapDay) {
  PersonState person = Ada();
  (*person.mutable_fields())["date_of_birth"] = "1980-11-23";
  EXPECT_TRUE(Matches("age = 45", person));
  (*person.mutable_fields())["date_of_birth"] = "2030-01-01";
  EXPECT_FALSE(Matches("age >= 0", person)) << "not born yet";
  (*person.mutable_fields())["date_of_birth"] = "1980";
  EXPECT_FALSE(Matches("date_of_birth:*", person)) << "not a date";
}

// A second evaluator, written straight from the documentation over the feed's own message
// ----------------------------------------

bool PlainCompare(const std::string& op, int64_t a, int64_t b) {
  return op == "="    ? a == b
         : op == "!=" ? a != b
         : op == "<"  ? a < b
         : op == "<=" ? a <= b
         : op == ">"  ? a > b
                      : a >= b;
}

bool Plain(const Expression& e, const PersonState& state) {
  switch (e.kind) {
    case Expression::Kind::kEverybody:
      return true;
    case Expression::Kind::kNot:
      return !Plain(e.parts[0], state);
    case Expression::Kind::kAnd: {
      bool all = true;
      for (const auto& part : e.parts) all = Plain(part, state) && all;
      return all;
    }
    case Expression::Kind::kOr: {
      bool any = false;
      for (const auto& part : e.parts) any = Plain(part, state) || any;
      return any;
    }
    case Expression::Kind::kCall: {
      const auto channel = e.values[0].text == "SMS" ? type::v1::CHANNEL_SMS : type::v1::CHANNEL_EMAIL;
      bool any = false;
      for (const auto& p : state.gate().endpoints())
        any = any || (p.channel() == channel && p.suppressed() == 0);
      return any;
    }
    case Expression::Kind::kCompare:
      break;
  }
  const std::string& want = e.values[0].text;
  if (e.name == "audience_kinds") {
    const auto& kinds = state.audience_kinds();
    const int kind = want == "INTERNAL" ? 1 : want == "PARTNER" ? 2 : 3;
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
  }
  const auto field = state.fields().find(e.name == "age" ? "date_of_birth" : e.name);
  if (field == state.fields().end()) return false;
  const std::string& have = field->second;
  if (e.name == "interests") {
    for (const auto& word : base::Split(have, ';')) {
      if (word == want) return true;
    }
    return false;
  }
  if (e.name == "age") {
    int year = 0, month = 0, day = 0;
    sscanf(have.c_str(), "%d-%d-%d", &year, &month, &day);
    const int age = 2026 - year - (month > 11 || (month == 11 && day > 22) ? 1 : 0);
    return PlainCompare(e.op, age, std::stoi(want));
  }
  if (e.name == "date_of_birth") return PlainCompare(e.op, have.compare(want), 0);
  if (e.values[0].star && want.empty()) return true;
  const bool equal = e.values[0].star ? have.starts_with(want) : have == want;
  return equal == (e.op != "!=");
}

class Dice {
 public:
  explicit Dice(unsigned seed) : random_(seed) {}
  int Roll(int sides) { return static_cast<int>(random_() % sides); }
  std::string Pick(const std::vector<std::string>& of) { return of[Roll(of.size())]; }

  std::string Term() {
    switch (Roll(8)) {
      case 0:
        return "area " + Pick({"=", "!="}) + " " + Pick({"leeds", "york", "\"l*\"", "bradford"});
      case 1:
        return "age " + Pick({"=", "!=", "<", "<=", ">", ">="}) + " " + std::to_string(Roll(80));
      case 2:
        return "date_of_birth " + Pick({"=", "<", "<=", ">", ">=", "!="}) + " " + Birthday();
      case 3:
        return "interests:" + Pick({"walking", "food", "none"});
      case 4:
        return "audience_kinds:" + Pick({"INTERNAL", "PARTNER", "PUBLIC"});
      case 5:
        return "reachable(" + Pick({"SMS", "EMAIL"}) + ")";
      case 6:
        return Pick({"sex", "area", "date_of_birth"}) + ":*";
      default:
        return "sex " + Pick({"=", "!="}) + " " + Pick({"f", "m"});
    }
  }
  std::string Filter(int depth) {
    if (depth == 0 || Roll(3) == 0) return (Roll(4) == 0 ? Pick({"NOT ", "-"}) : "") + Term();
    const std::string joint = Pick({" AND ", " OR ", " "});
    std::string out = Pick({"(", "NOT (", "-("});
    for (int i = 0, n = 2 + Roll(2); i < n; ++i) out += (i > 0 ? joint : "") + Filter(depth - 1);
    return out + ")";
  }
  std::string Birthday() {
    char text[16];
    snprintf(text, sizeof text, "%04d-%02d-%02d", 1950 + Roll(76), 1 + Roll(12), 1 + Roll(28));
    if (std::string(text) > "2026-11-22") return "2026-11-22";
    return text;
  }
  PersonState Person() {
    PersonState state;
    state.set_person("people/p" + std::to_string(random_()));
    auto& fields = *state.mutable_fields();
    if (Roll(4)) fields["area"] = Pick({"leeds", "york", "luton"});
    if (Roll(4)) fields["sex"] = Pick({"f", "m"});
    if (Roll(4)) fields["date_of_birth"] = Birthday();
    if (Roll(4)) fields["interests"] = Pick({"walking", "food", "walking;food"});
    for (int kind = 1; kind <= 3; ++kind) {
      if (Roll(2)) state.add_audience_kinds(static_cast<type::v1::AudienceKind>(kind));
    }
    for (int n = Roll(3); n > 0; --n) {
      auto* endpoint = AddEndpoint(state, Roll(2) ? type::v1::CHANNEL_SMS : type::v1::CHANNEL_EMAIL,
                                   static_cast<char>('a' + n));
      if (Roll(3) == 0) endpoint->set_suppressed(type::v1::COMPLAINT);
    }
    return state;
  }

 private:
  std::mt19937 random_;
};

TEST(FilterProperty, AgreesWithAPlainEvaluator) {
  Dice dice(2026);
  StringPool pool;
  std::vector<PersonState> states;
  std::vector<CompactPerson> people;
  for (int i = 0; i < 300; ++i) {
    states.push_back(dice.Person());
    people.push_back(MakeCompact(states.back(), pool, *Reference::Nothing()));
  }
  int64_t matched = 0, asked = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string filter = dice.Filter(3);
    const auto predicate = CompileFilter(filter);
    ASSERT_TRUE(predicate.ok()) << filter << ": " << predicate.status();
    const Expression expression = *ParseFilter(filter);
    const BoundFilter bound(*predicate, pool, kToday);
    FactsReader facts;
    for (size_t p = 0; p < people.size(); ++p) {
      facts.Start(people[p]);
      const bool matches = bound.Matches(states[p].person().substr(7), people[p], facts);
      ASSERT_EQ(matches, Plain(expression, states[p])) << filter << "\n" << states[p].DebugString();
      matched += matches;
      ++asked;
    }
  }
  EXPECT_GT(matched, asked / 10);  // neither all nor nothing: the test could fail
  EXPECT_LT(matched, asked * 9 / 10);
}

}  // namespace
}  // namespace pharos::audience
