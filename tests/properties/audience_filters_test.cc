// The index answers every filter as the plain evaluator does, person by person, whatever was changed before.
// PHAROS_FILTERS: how many filters.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include "services/audience/filter_eval.h"
#include "services/audience/people_index.h"
#include "services/audience/table_check.h"

namespace pharos::audience {
namespace {

constexpr int kPeople = 300, kFiltersAPopulation = 100;
constexpr int64_t kNow = 1'790'000'000'000'000;

// Places by the first letter of the postcode; an unknown one leaves the area as it was said.
class Places : public Reference {
 public:
  Place PlaceOf(std::string_view postcode, std::string_view source_area) const override {
    if (postcode.starts_with("ls"))
      return {"E08000035", "Leeds", "E08000035", "Leeds", "E12000003", "North", 2};
    if (postcode.starts_with("m"))
      return {"E08000003", "Manchester", "E47", "Greater", "E12000002", "West", 7};
    Place place;
    place.area = source_area;
    return place;
  }
  uint64_t generation() const override { return 1; }
};

class Dice {
 public:
  explicit Dice(uint64_t seed) : random_(seed) {}
  int Below(int end) { return static_cast<int>(random_() % static_cast<uint64_t>(end)); }
  bool OneIn(int n) { return Below(n) == 0; }
  template <size_t N>
  const char* Of(const char* const (&choices)[N]) {
    return choices[Below(N)];
  }

 private:
  std::mt19937_64 random_;
};

const char* const kAreas[] = {"Leeds", "E08000035", "York", "manchester", "Nowhere"};
const char* const kPostcodes[] = {"LS1 4AP", "M1 1AE", "YO1 7HH", "LS2 9JT"};
const char* const kLanguages[] = {"en", "cy", "pl"};
const char* const kSexes[] = {"F", "M", "f"};
const char* const kRoles[] = {"Director", "Nurse", "Director of Public Health"};
const char* const kInterests[] = {"smoking", "Diet", "walking", "flu"};
const char* const kSources[] = {"gp", "news", "staff"};
const char* const kDates[] = {"1950-02-28", "1964-02-29", "1984-05-17", "2009-09-21", "2026-09-22",
                              "2030-01-01", "1815-12-10", "1870-01-01", "2046-01-01", "2090-01-01"};

customer::internal::v1::PersonState Person(int number, Dice& dice) {
  customer::internal::v1::PersonState state;
  state.set_person("people/p" + std::to_string(number));
  auto& fields = *state.mutable_fields();
  const auto maybe = [&](const char* field, const std::string& value) {
    if (!dice.OneIn(4)) fields[field] = value;
  };
  maybe("area", dice.Of(kAreas));
  maybe("postcode", dice.Of(kPostcodes));
  maybe("language", dice.Of(kLanguages));
  maybe("sex", dice.Of(kSexes));
  maybe("role", dice.Of(kRoles));
  maybe("date_of_birth", dice.Of(kDates));
  maybe("digital_inclusion", std::to_string(dice.Below(11)));
  maybe("interests", std::string(dice.Of(kInterests)) + ";" + dice.Of(kInterests));
  for (int kind = 1; kind <= 3; ++kind) {
    if (dice.OneIn(2)) state.add_audience_kinds(static_cast<type::v1::AudienceKind>(kind));
  }
  state.add_sources(std::string("sources/") + dice.Of(kSources));
  if (!dice.OneIn(5)) state.set_updated_time_us(kNow - dice.Below(100) * 86'400'000'000);
  for (const auto channel : {type::v1::CHANNEL_SMS, type::v1::CHANNEL_EMAIL}) {
    if (dice.OneIn(3)) continue;
    auto& endpoint = *state.mutable_gate()->add_endpoints();
    endpoint.set_channel(channel);
    endpoint.set_endpoint("endpoint of " + std::to_string(number));
    if (dice.OneIn(5)) endpoint.set_suppressed(type::v1::HARD_BOUNCE);
    auto& entry = *state.mutable_gate()->add_entries();
    entry.set_name("consentEntries/" + std::to_string(number));
    entry.set_kind(dice.OneIn(3) ? type::v1::WITHDRAWN : type::v1::GRANTED);
    entry.set_scope(type::v1::SCOPE_PURPOSE);
    entry.set_channel(channel);
    entry.set_purpose(dice.OneIn(2) ? "purposes/quit" : "purposes/flu");
    entry.set_event_time_us(kNow - 5);
  }
  return state;
}

std::string Quoted(const std::string& text) {
  return '"' + text + '"';
}

std::string Term(Dice& dice) {
  static const char* const kOrders[] = {"=", "!=", "<", "<=", ">", ">="};
  static const char* const kEquals[] = {" = ", " != "};
  static const char* const kFields[] = {"area", "postcode",  "role",  "deprivation",
                                        "age",  "interests", "region"};
  const std::string order = std::string(" ") + dice.Of(kOrders) + " ";
  switch (dice.Below(15)) {
    case 0:
      return "age" + order + std::to_string(dice.Below(80));
    case 1:
      return std::string("area") + dice.Of(kEquals) + Quoted(dice.Of(kAreas));
    case 2:
      return "postcode = " + Quoted(std::string("ls") + (dice.OneIn(2) ? "*" : "1 4ap"));
    case 3:
      return std::string("audience_kinds:") + (dice.OneIn(2) ? "PUBLIC" : "INTERNAL");
    case 4:
      return std::string("consent(") + (dice.OneIn(2) ? "SMS" : "EMAIL") + ", \"purposes/quit\")";
    case 5:
      return "date_of_birth" + order + Quoted(dice.Of(kDates));
    case 6:
      return std::string(dice.Of(kFields)) + ":*";
    case 7:
      return std::string("interests:") + dice.Of(kInterests);
    case 8:
      return std::string("language") + dice.Of(kEquals) + Quoted(dice.Of(kLanguages));
    case 9:
      return std::string("role") + dice.Of(kEquals) + (dice.OneIn(2) ? "\"director*\"" : "\"nurse\"");
    case 10:
      return std::string("reachable(") + (dice.OneIn(2) ? "SMS" : "EMAIL") + ")";
    case 11:
      return "sources:" + Quoted(std::string("sources/") + dice.Of(kSources));
    case 12:
      return "deprivation" + order + std::to_string(1 + dice.Below(10));
    case 13:
      return "update_time" + order + "\"2026-09-0" + std::to_string(1 + dice.Below(9)) + '"';
    default:
      return std::string("region") + dice.Of(kEquals) + (dice.OneIn(2) ? "\"North\"" : "\"E12000002\"");
  }
}

std::string Filter(Dice& dice, int depth) {
  if (depth == 0 || dice.OneIn(3)) return (dice.OneIn(4) ? "NOT " : "") + Term(dice);
  const std::string join = dice.OneIn(2) ? " AND " : " OR ";
  std::string filter = "(" + Filter(dice, depth - 1);
  for (int parts = 1 + dice.Below(2); parts > 0; --parts) filter += join + Filter(dice, depth - 1);
  return filter + ")";
}

class AudienceFilters : public testing::Test {
 protected:
  // The same people, held plainly.
  struct Plain {
    StringPool pool;
    std::map<std::string, CompactPerson> people;
  };
  void Bring(int number) {
    customer::internal::v1::FollowPeopleResponse message;
    auto& state = *message.add_people() = Person(number, dice_);
    if (dice_.OneIn(5)) state.set_gone(true);
    const std::string id = "p" + std::to_string(number);
    if (state.gone()) plain_.people.erase(id);
    if (!state.gone()) plain_.people[id] = MakeCompact(state, plain_.pool, *places_);
    message.set_cursor(++position_);
    index_->Apply(message);
  }
  std::set<std::string> PlainMatch(const Predicate& predicate) {
    const BoundFilter bound(predicate, plain_.pool, LondonDate(kNow));
    std::set<std::string> found;
    FactsReader facts;
    for (const auto& [id, person] : plain_.people) {
      facts.Start(person);
      if (bound.Matches(id, person, facts)) found.insert(id);
    }
    return found;
  }
  void Compare(const std::string& filter) {
    const auto predicate = CompileFilter(filter);
    ASSERT_TRUE(predicate.ok()) << filter << ": " << predicate.status();
    const std::set<std::string> wanted = PlainMatch(*predicate);
    const auto status = index_->Read(kNow, [&](const PeopleIndex::Reader& reader) {
      const PeopleSet people = reader.Match(*predicate);
      std::set<std::string> found;
      reader.ForEachId(people, [&](PersonNo, std::string_view id) { return found.emplace(id).second; });
      EXPECT_EQ(found, wanted) << filter;
      EXPECT_EQ(reader.Count(*predicate), static_cast<int64_t>(wanted.size())) << filter;
      CompareVerdicts(reader, people, wanted);
      CompareTable(reader, people, wanted);
      CompareBands(reader, people, wanted);
      CompareOneDimension(reader, people);
      return absl::OkStatus();
    });
    ASSERT_TRUE(status.ok()) << status;
  }
  void CompareVerdicts(const PeopleIndex::Reader& reader, const PeopleSet& people,
                       const std::set<std::string>& wanted) {
    const JudgeQuestion question{
        {"purposes/quit", type::v1::PURPOSE_CLASS_MARKETING, type::v1::LAWFUL_BASIS_CONSENT},
        {type::v1::CHANNEL_SMS, type::v1::CHANNEL_EMAIL}};
    std::map<type::v1::GateReason, int64_t> verdicts;
    for (const auto& id : wanted) {
      FactsReader facts;
      facts.Start(plain_.people.at(id));
      ++verdicts[gate::Choose(facts.Facts(), question.purpose, question.channels).reason];
    }
    EXPECT_EQ(reader.Verdicts(people, question), verdicts);
  }
  // Sex by interest: a text and a set.
  void CompareTable(const PeopleIndex::Reader& reader, const PeopleSet& people,
                    const std::set<std::string>& wanted) {
    std::map<std::vector<std::string>, int64_t> cells;
    for (const auto& id : wanted) {
      const CompactPerson& person = plain_.people.at(id);
      const std::string sex(plain_.pool.Get(person.texts[kSex]));
      std::set<std::string> interests;
      for (const uint32_t symbol : person.interests) interests.emplace(plain_.pool.Get(symbol));
      if (interests.empty()) interests.insert("");
      for (const auto& interest : interests) ++cells[{sex, interest}];
    }
    const std::vector<TableDimension> dimensions = {{FindField("sex"), {}, {}},
                                                    {FindField("interests"), {}, {}}};
    const auto table = reader.Table(people, dimensions, {people}, 1000);
    ASSERT_TRUE(table.ok()) << table.status();
    std::map<std::vector<std::string>, int64_t> found;
    for (const auto& cell : *table) {
      found[{ComparedWord(cell.keys[0]), ComparedWord(cell.keys[1])}] = cell.people;
      EXPECT_EQ(cell.measures, std::vector<int64_t>{cell.people});
      EXPECT_EQ(reader.CellPeople(people, dimensions, cell).Count(), static_cast<uint64_t>(cell.people));
    }
    EXPECT_EQ(found, cells);
  }
  using Cells = std::map<std::string, int64_t>;
  static Cells CellsOf(const PeopleIndex::Reader& reader, const PeopleSet& people,
                       const std::vector<TableDimension>& dimensions) {
    Cells cells;
    const auto table = reader.Table(people, dimensions, {}, 1000);
    EXPECT_TRUE(table.ok()) << table.status();
    EXPECT_TRUE(std::is_sorted(table->begin(), table->end(),
                               [](const auto& a, const auto& b) { return a.keys < b.keys; }));
    for (const auto& cell : *table) {
      cells[cell.keys[0]] += cell.people;
      EXPECT_EQ(reader.CellPeople(people, dimensions, cell).Count(), static_cast<uint64_t>(cell.people));
    }
    return cells;
  }
  // Edges on days of birth, beside them, and far away.
  void CompareBands(const PeopleIndex::Reader& reader, const PeopleSet& people,
                    const std::set<std::string>& wanted) {
    TableDimension births{FindField("date_of_birth"),
                          {18600101, 18700101, 19500228, 19640301, 20260922, 20460101, 20900102},
                          {}};
    for (const int64_t edge : births.edges) births.edge_texts.push_back(std::to_string(edge));
    Cells cells;
    for (const auto& id : wanted) {
      std::string key;
      for (const int64_t edge : births.edges) {
        if (plain_.people.at(id).born >= edge) key = std::to_string(edge);
      }
      ++cells[key];
    }
    EXPECT_EQ(CellsOf(reader, people, {births}), cells);
  }
  // One dimension is counted by bitmaps, two person by person.
  static void CompareOneDimension(const PeopleIndex::Reader& reader, const PeopleSet& people) {
    for (const char* name :
         {"sex", "area", "language", "interests", "sources", "audience_kinds", "deprivation"}) {
      const TableDimension dimension{FindField(name), {}, {}};
      EXPECT_EQ(CellsOf(reader, people, {dimension}),
                CellsOf(reader, people, {dimension, {FindField("sex"), {}, {}}}))
          << name;
    }
    const TableDimension bands{FindField("deprivation"), {2, 5}, {"2", "5"}};
    EXPECT_EQ(CellsOf(reader, people, {bands}), CellsOf(reader, people, {bands, {FindField("sex"), {}, {}}}));
  }

  Dice dice_{20261122};
  std::shared_ptr<const Reference> places_ = std::make_shared<Places>();
  std::unique_ptr<PeopleIndex> index_ = PeopleIndex::New();
  Plain plain_;
  uint64_t position_ = 0;
};

TEST_F(AudienceFilters, TheIndexAnswersAsThePlainEvaluatorDoes) {
  const char* asked = std::getenv("PHAROS_FILTERS");
  const int filters = asked == nullptr ? 2000 : std::atoi(asked);
  index_->SetReference(places_);
  for (int number = 0; number < kPeople; ++number) Bring(number);
  for (int filter = 0; filter < filters && !HasFailure(); ++filter) {
    Compare(Filter(dice_, 3));
    if (filter % kFiltersAPopulation != 0) continue;
    for (int change = 0; change < kPeople / 3; ++change) Bring(dice_.Below(kPeople));
  }
}

TEST_F(AudienceFilters, ACheckpointAnswersAsTheIndexDid) {
  index_->SetReference(places_);
  for (int number = 0; number < kPeople; ++number) Bring(number);
  const std::string path = testing::TempDir() + "/audience-index-" + std::to_string(getpid());
  ASSERT_TRUE(index_->Save(path).ok());
  index_ = PeopleIndex::New();
  index_->SetReference(places_);
  const absl::Status loaded = index_->Load(path);
  std::remove(path.c_str());
  ASSERT_TRUE(loaded.ok()) << loaded;
  EXPECT_EQ(index_->position(), position_);
  for (int filter = 0; filter < 50 && !HasFailure(); ++filter) Compare(Filter(dice_, 3));
}

}  // namespace
}  // namespace pharos::audience
