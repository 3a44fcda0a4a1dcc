#include "services/customer/import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/base/errors.h"

namespace pharos::customer {
namespace {

CsvRow Row(std::vector<std::string> cells, int64_t line = 2) {
  CsvRow row;
  row.line = line;
  row.fields = std::move(cells);
  return row;
}

TEST(Import, StatesFactsAndNeverTakesThemBack) {
  const auto columns = ImportColumns::FromHeader(Row({"record_id", "deceased", "paused", "sensitive"}, 1));
  ASSERT_TRUE(columns.ok()) << columns.status();
  const RowReading said = ReadRow(*columns, Row({"1", "Yes", "no", ""}), "gp", false);
  ASSERT_TRUE(said.row);
  EXPECT_TRUE(said.row->record.deceased());
  EXPECT_FALSE(said.row->record.paused());
  const RowReading wrong = ReadRow(*columns, Row({"1", "perhaps", "", ""}), "gp", false);
  EXPECT_FALSE(wrong.row);
  EXPECT_EQ(wrong.error.reason(), "FACT_WRONG");
  EXPECT_EQ(wrong.error.column(), "deceased");
  EXPECT_EQ(wrong.error.record_id(), "1");
}

TEST(Import, BringsOnlyWhatIsAgreed) {
  record::v1::AgreementRow agreement;
  agreement.add_write_fields("given_name");
  agreement.add_write_fields("organisation");
  const CsvRow header = Row({"record_id", "given_name", "organisation_id", "consent_sms", "paused"}, 1);
  EXPECT_TRUE(ImportColumns::FromHeader(header, {}, &agreement).ok());
  const auto refused =
      ImportColumns::FromHeader(Row({"record_id", "given_name", "nhs_number"}, 1), {}, &agreement);
  EXPECT_EQ(base::ReasonOf(refused.status()), "FIELD_NOT_AGREED");
  // Left out by the mapping it is not brought.
  v1::ImportMapping mapping;
  mapping.add_ignore("nhs_number");
  EXPECT_TRUE(
      ImportColumns::FromHeader(Row({"record_id", "given_name", "nhs_number"}, 1), mapping, &agreement).ok());
}

TEST(Import, AGrantNeedsAnAddressAndAWithdrawalDoesNot) {
  const auto columns = ImportColumns::FromHeader(Row({"record_id", "phone", "consent_sms"}, 1));
  const RowReading landline = ReadRow(*columns, Row({"1", "0113 496 0000", "granted"}), "gp", true);
  ASSERT_TRUE(landline.row);
  EXPECT_TRUE(landline.row->consents.empty());
  EXPECT_EQ(landline.row->warnings, 1);
  const RowReading withdrawn = ReadRow(*columns, Row({"1", "", "withdrawn"}), "gp", true);
  ASSERT_TRUE(withdrawn.row);
  ASSERT_EQ(withdrawn.row->consents.size(), 1u);
  EXPECT_EQ(withdrawn.row->consents[0].address, "");
}

TEST(Import, MapsRowsOfAnotherLayout) {
  v1::ImportMapping mapping;
  (*mapping.mutable_columns())["record_id"].add_from("No");
  auto& born = (*mapping.mutable_columns())["date_of_birth"];
  born.add_from("DOB");
  born.set_date("dd-mmm-yy");
  const auto columns = ImportColumns::FromHeader(Row({"No", "DOB"}, 1), mapping);
  ASSERT_TRUE(columns.ok()) << columns.status();
  const RowReading read = ReadRow(*columns, Row({"A7", "03-Sep-54"}), "gp", false);
  ASSERT_TRUE(read.row);
  EXPECT_EQ(read.row->record.name(), "sources/gp/records/A7");
  EXPECT_EQ(read.row->record.clean().at("date_of_birth"), "1954-09-03");
  EXPECT_EQ(ReadRow(*columns, Row({"A7"}), "gp", false).error.reason(), "ROW_TOO_FEW_FIELDS");
}

}  // namespace
}  // namespace pharos::customer
