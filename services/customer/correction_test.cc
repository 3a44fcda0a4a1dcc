#include "services/customer/correction.h"

#include <gtest/gtest.h>

#include <map>

#include "services/base/errors.h"

namespace pharos::customer {
namespace {

using record::v1::PersonRow;
using record::v1::RecordRow;

TypedFields Typed(const std::map<std::string, std::string>& fields) {
  return TypedFields(fields.begin(), fields.end());
}

RecordRow Record(const std::string& id, int64_t time, const std::map<std::string, std::string>& fields) {
  RecordRow row;
  row.set_name("sources/stewards/records/" + id);
  row.set_update_time_us(time);
  for (const auto& [field, value] : fields)
    (*row.mutable_fields())[field] = (*row.mutable_clean())[field] = value;
  return row;
}

std::map<std::string, std::string> FieldsOf(const RecordRow& row) {
  return {row.fields().begin(), row.fields().end()};
}
using Fields = std::map<std::string, std::string>;

PersonRow Golden(const Fields& fields) {
  PersonRow golden;
  for (const auto& [field, value] : fields) {
    auto& row = *golden.add_fields();
    row.set_field(field);
    row.set_value(value);
  }
  return golden;
}

TEST(Correction, RefusesWhatCannotBeCorrected) {
  EXPECT_TRUE(CheckCorrection(Typed({{"family_name", "Lamb"}, {"email", ""}})).ok());
  EXPECT_EQ(base::ReasonOf(CheckCorrection(Typed({}))), "FIELD_MISSING");
  EXPECT_EQ(base::ReasonOf(CheckCorrection(Typed({{"surname", "Lamb"}}))), "FIELD_UNKNOWN");
  EXPECT_EQ(base::ReasonOf(CheckCorrection(Typed({{"interests", "diet"}}))), "FIELD_NOT_CORRECTABLE");
  EXPECT_EQ(base::ReasonOf(CheckCorrection(Typed({{"email", "nowhere"}}))), "VALUE_UNREADABLE");
}

TEST(Correction, TheFirstMakesARecordAndTheNextAddToIt) {
  const auto first =
      Corrected({}, Golden({}), Typed({{"family_name", "Lamb"}}), "sources/stewards/records/new", 7);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].row.name(), "sources/stewards/records/new");
  EXPECT_EQ(first[0].row.update_time_us(), 7);
  EXPECT_EQ(FieldsOf(first[0].row), (Fields{{"family_name", "Lamb"}}));
  const std::vector<RecordRow> known = {Record("a", 9, {{"family_name", "Lamb"}})};
  const auto next = Corrected(known, Golden({}), Typed({{"given_name", "Ann"}}), "new", 7);
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(FieldsOf(next[0].row), (Fields{{"family_name", "Lamb"}, {"given_name", "Ann"}}));
  EXPECT_EQ(next[0].row.update_time_us(), 10) << "after what it replaces, whatever the clock says";
}

TEST(Correction, AnEmptyValueTakesItBackAndAnEmptyRecordGoes) {
  const std::vector<RecordRow> known = {Record("a", 1, {{"family_name", "Lamb"}, {"given_name", "Ann"}})};
  const auto one = Corrected(known, Golden({}), Typed({{"given_name", " "}}), "new", 7);
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(FieldsOf(one[0].row), (Fields{{"family_name", "Lamb"}}));
  EXPECT_FALSE(one[0].empty);
  const auto both = Corrected(known, Golden({}), Typed({{"given_name", ""}, {"family_name", ""}}), "new", 7);
  ASSERT_EQ(both.size(), 1u);
  EXPECT_TRUE(both[0].empty);
  EXPECT_TRUE(Corrected({}, Golden({}), Typed({{"given_name", ""}}), "new", 7).empty())
      << "nothing to take back";
}

TEST(Correction, OfTwoStewardsRecordsTheOlderOneLosesWhatTheNewerSays) {
  const std::vector<RecordRow> known = {Record("a", 5, {{"family_name", "Lam"}, {"sex", "F"}}),
                                        Record("b", 6, {{"given_name", "Ann"}})};
  const auto changed = Corrected(known, Golden({}), Typed({{"family_name", "Lamb"}}), "new", 7);
  ASSERT_EQ(changed.size(), 2u);
  EXPECT_EQ(changed[0].row.name(), "sources/stewards/records/b");
  EXPECT_EQ(FieldsOf(changed[0].row), (Fields{{"family_name", "Lamb"}, {"given_name", "Ann"}}));
  EXPECT_EQ(FieldsOf(changed[1].row), (Fields{{"sex", "F"}}));
}

TEST(Correction, OneLineOfAnAddressBringsTheOthersAlong) {
  const PersonRow golden = Golden({{"house", "1"}, {"street", "Old Lane"}, {"postcode", "LS1 1AA"}});
  const auto changed =
      Corrected({}, golden, Typed({{"postcode", "LS1 1AB"}}), "sources/stewards/records/n", 7);
  ASSERT_EQ(changed.size(), 1u);
  EXPECT_EQ(FieldsOf(changed[0].row),
            (Fields{{"house", "1"}, {"street", "Old Lane"}, {"postcode", "LS1 1AB"}}));
  const std::vector<RecordRow> known = {changed[0].row};
  const auto back = Corrected(known, golden, Typed({{"postcode", ""}}), "new", 8);
  ASSERT_EQ(back.size(), 1u);
  EXPECT_TRUE(back[0].empty) << "the copied lines go with it";
}

TEST(Correction, IsAnchoredAtTheEldestRecordThatIsThere) {
  std::vector<RecordRow> records(3);
  records[0].set_name("sources/a/records/1");
  records[0].set_create_time_us(1);
  records[0].set_delete_time_us(9);
  records[1].set_name("sources/stewards/records/1");
  records[1].set_create_time_us(2);
  records[2].set_name("sources/b/records/1");
  records[2].set_create_time_us(3);
  EXPECT_EQ(AnchorOf(records), "sources/b/records/1");
  EXPECT_EQ(AnchorOf({}), "");
}

}  // namespace
}  // namespace pharos::customer
