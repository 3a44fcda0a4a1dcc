#include "services/edge/console/people_words.h"

#include <gmock/gmock.h>

namespace pharos::edge::console {
namespace {

namespace v1 = customer::v1;

using ::testing::HasSubstr;

TEST(PeopleWords, OneBoxTellsWhatWasTyped) {
  EXPECT_EQ(KindOfSearch("  "), SearchKind::kNothing);
  EXPECT_EQ(KindOfSearch("ann@example.org"), SearchKind::kEmail);
  EXPECT_EQ(KindOfSearch("07700 900123"), SearchKind::kPhone);
  EXPECT_EQ(KindOfSearch("+44 7700 900123"), SearchKind::kPhone);
  EXPECT_EQ(KindOfSearch("943 476 5919"), SearchKind::kNhsNumber);
  EXPECT_EQ(KindOfSearch("943 476 5918"), SearchKind::kPhone) << "the check digit is wrong";
  EXPECT_EQ(KindOfSearch("0113 496 0999"), SearchKind::kPhone);
  EXPECT_EQ(KindOfSearch("quit/q-17"), SearchKind::kRecord);
}

TEST(PeopleWords, RecordsMayBeNamedShortly) {
  EXPECT_EQ(RecordName(" quit/q-17 "), "sources/quit/records/q-17");
  EXPECT_EQ(RecordName("sources/quit/records/q-17"), "sources/quit/records/q-17");
  EXPECT_EQ(RecordInWords("sources/quit/records/q-17"), "quit, q-17");
}

TEST(PeopleWords, ValuesAreWrittenAsPeopleDo) {
  EXPECT_EQ(FieldInWords("nhs_number"), "NHS number");
  EXPECT_EQ(FieldInWords("given_name"), "Given name");
  EXPECT_EQ(ValueInWords("date_of_birth", "1980-03-05"), "5 March 1980");
  EXPECT_EQ(ValueInWords("date_of_birth", "1980-13-05"), "1980-13-05");
  EXPECT_EQ(ValueInWords("date_of_birth", "about 1980"), "about 1980");
  EXPECT_EQ(ValueInWords("nhs_number", "9434765919"), "943 476 5919");
  EXPECT_EQ(ValueInWords("phone", "447700900123"), "+447700900123");
  EXPECT_EQ(ValueInWords("phone", "ann@example.org"), "ann@example.org");
}

TEST(PeopleWords, EveryVerdictOfTheGateHasItsSentence) {
  for (int i = type::v1::DECEASED; i <= type::v1::ALLOW; ++i) {
    const auto reason = static_cast<type::v1::GateReason>(i);
    EXPECT_THAT(VerdictInWords(reason), HasSubstr(reason == type::v1::ALLOW ? "Yes: " : "No: ")) << i;
  }
}

TEST(PeopleWords, EntriesSayWhatWasSaid) {
  v1::ConsentEntry entry;
  entry.set_kind(type::v1::GRANTED);
  entry.set_scope(type::v1::SCOPE_PURPOSE);
  entry.set_purpose("purposes/stop-smoking");
  entry.set_channel(type::v1::CHANNEL_SMS);
  EXPECT_EQ(EntryInWords(entry), "Said yes to stop-smoking by text message");
  entry.set_kind(type::v1::WITHDRAWN);
  entry.set_scope(type::v1::SCOPE_EVERYTHING);
  entry.set_channel(type::v1::CHANNEL_UNSPECIFIED);
  EXPECT_EQ(EntryInWords(entry), "Said stop to everything");
  entry.set_kind(type::v1::LIFTED);
  EXPECT_THAT(EntryInWords(entry), HasSubstr("not to be this person's"));
}

TEST(PeopleWords, WaterfallRunsUpToTheScore) {
  v1::LinkExplanation explanation;
  const auto add = [&](const char* field, double weight) {
    auto& evidence = *explanation.add_evidence();
    evidence.set_field(field);
    evidence.set_weight(weight);
  };
  add("prior", -17.5);
  add("nhs_number", 32.75);
  explanation.set_weight(15.25);
  explanation.set_auto_weight(7);
  const Table table = WaterfallOf(explanation, "Score");
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(table.rows[0][0].text, "Before any comparison");
  EXPECT_EQ(table.rows[1][3].text, "+15.3");
  EXPECT_THAT(WeightInWords(explanation)[0], HasSubstr("enough to link without asking"));
  explanation.set_weight(-0.01);
  EXPECT_THAT(WeightInWords(explanation)[0], HasSubstr("+0.0 bits: too few"));
}

TEST(PeopleWords, WithoutANameTheIdStandsForThePerson) {
  v1::Person person;
  person.set_name("people/01jd");
  EXPECT_EQ(NameOfPerson(person), "Person 01jd");
  auto& field = *person.add_fields();
  field.set_field("family_name");
  field.set_value("Lee");
  EXPECT_EQ(NameOfPerson(person), "Lee");
}

}  // namespace
}  // namespace pharos::edge::console
