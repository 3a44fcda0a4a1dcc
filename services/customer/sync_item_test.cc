#include "services/customer/sync_item.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/base/errors.h"
#include "services/customer/errors.h"
#include "services/customer/sync_verdict.h"

namespace pharos::customer {
namespace {

using v1::SyncResult;

constexpr int64_t kNow = 1'700'000'000'000'000;

struct SyncItemTest : testing::Test {
  SyncItemTest() {
    for (const char* field : {"email", "given_name", "phone"}) agreement.add_write_fields(field);
    agreement.add_purposes("purposes/old");
    agreement.add_purposes("purposes/quit");
    terms.source_id = "leeds";
    terms.agreement = &agreement;
    terms.principal = "principals/leeds-crm";
    terms.now = kNow;
    terms.purpose = [](std::string_view purpose) {
      if (purpose == "purposes/quit") return PurposeState::kInUse;
      return purpose == "purposes/old" ? PurposeState::kRetired : PurposeState::kUnknown;
    };
    terms.index = [](type::v1::Channel, std::string_view address) {
      return "index of " + std::string(address);
    };
    item.set_cursor("c1");
    item.set_record_id("1");
    (*item.mutable_upsert()->mutable_fields())["given_name"] = " ann ";
    (*item.mutable_upsert()->mutable_fields())["phone"] = "07700 900001";
  }
  v1::SyncConsent& Say(type::v1::EntryKind kind, const std::string& purpose = "purposes/quit",
                       int64_t time = 5) {
    auto& consent = *item.mutable_upsert()->add_consents();
    consent.set_purpose(purpose);
    consent.set_kind(kind);
    consent.set_channel(type::v1::CHANNEL_SMS);
    consent.set_event_time_us(time);
    return consent;
  }
  void ExpectRefused(const char* reason, const char* field = "") {
    const SyncReading read = ReadItem(item, terms);
    EXPECT_TRUE(read.refused);
    EXPECT_EQ(read.result.outcome(), SyncResult::REFUSED);
    EXPECT_EQ(read.result.reason(), reason);
    EXPECT_EQ(read.result.field(), field);
    EXPECT_NE(read.result.message(), "");
    EXPECT_EQ(read.result.cursor(), "c1");
  }

  record::v1::AgreementRow agreement;
  SyncTerms terms;
  v1::SyncItem item;
};

TEST_F(SyncItemTest, IsKeptAsTypedAndCleaned) {
  item.set_update_time_us(7);
  const SyncReading read = ReadItem(item, terms);
  ASSERT_FALSE(read.refused) << read.result.reason();
  EXPECT_EQ(read.change.kind, RecordChange::kPut);
  EXPECT_EQ(read.change.row.name(), "sources/leeds/records/1");
  EXPECT_EQ(read.change.row.update_time_us(), 7);
  EXPECT_EQ(read.change.row.fields().at("given_name"), " ann ");
  EXPECT_EQ(read.change.row.clean().at("given_name"), "Ann");
  EXPECT_EQ(read.change.row.clean().at("phone"), "447700900001");
  EXPECT_EQ(read.result.reason(), "");
}

TEST_F(SyncItemTest, IsRefusedForWhatIsWrongWithIt) {
  item.set_record_id("a b");
  ExpectRefused("RECORD_ID_WRONG", "record_id");
  item.set_record_id(std::string(129, 'a'));
  ExpectRefused("RECORD_ID_WRONG", "record_id");
  item.set_record_id("1");
  item.set_update_time_us(-1);
  ExpectRefused("DATE_WRONG", "update_time_us");
  item.set_update_time_us(kNow + 2 * kMostAheadMicros);
  ExpectRefused("DATE_WRONG", "update_time_us");
  item.set_update_time_us(0);
  item.mutable_upsert()->add_facts("married");
  ExpectRefused("FACT_UNKNOWN", "facts");
  item.clear_change();
  ExpectRefused("CHANGE_MISSING");
}

TEST_F(SyncItemTest, IsRefusedForAFieldThatIsUnknownOrNotAgreed) {
  (*item.mutable_upsert()->mutable_fields())["given_nme"] = "Ann";
  ExpectRefused("FIELD_UNKNOWN", "given_name");
  item.mutable_upsert()->mutable_fields()->erase("given_nme");
  (*item.mutable_upsert()->mutable_fields())["nhs_number"] = "943 476 5919";
  ExpectRefused("FIELD_NOT_AGREED", "nhs_number");
  terms.agreement = nullptr;
  EXPECT_FALSE(ReadItem(item, terms).refused);
}

TEST_F(SyncItemTest, IsRefusedForASizeWithoutEndingTheFeed) {
  (*item.mutable_upsert()->mutable_fields())["email"] = std::string(kLongestField + 1, 'a');
  ExpectRefused("FIELD_TOO_LONG", "email");
  item.mutable_upsert()->mutable_fields()->erase("email");
  Say(type::v1::WITHDRAWN).set_wording(std::string(1001, 'a'));
  ExpectRefused("FIELD_TOO_LONG", "consents");
  for (int i = 0; i < kMostItemConsents; ++i) Say(type::v1::WITHDRAWN);
  ExpectRefused("ITEM_TOO_LARGE");
}

TEST_F(SyncItemTest, NeverRepeatsAValueInItsAnswer) {
  (*item.mutable_upsert()->mutable_fields())["canary-77"] = "canary-78";
  const SyncReading read = ReadItem(item, terms);
  EXPECT_THAT(read.result.ShortDebugString(), testing::Not(testing::HasSubstr("canary")));
}

TEST_F(SyncItemTest, BringsWhatThePersonSaid) {
  Say(type::v1::GRANTED).set_wording("Yes please");
  const SyncReading read = ReadItem(item, terms);
  ASSERT_EQ(read.change.entries.size(), 1u);
  const auto& entry = read.change.entries[0];
  EXPECT_EQ(entry.gate().record(), "sources/leeds/records/1");
  EXPECT_EQ(entry.gate().endpoint(), "index of 447700900001");
  EXPECT_EQ(entry.gate().scope(), type::v1::SCOPE_PURPOSE);
  EXPECT_FALSE(entry.gate().direct());
  EXPECT_EQ(entry.how(), "sync");
  EXPECT_EQ(entry.wording(), "Yes please");
  EXPECT_EQ(entry.principal(), "principals/leeds-crm");
  ASSERT_EQ(read.grants.size(), 1u);
  EXPECT_EQ(read.grants[0].endpoint, "index of 447700900001");
}

TEST_F(SyncItemTest, OfSeveralWordsTheLastIsLookedAt) {
  Say(type::v1::GRANTED, "purposes/quit", 5);
  Say(type::v1::WITHDRAWN, "purposes/quit", 5);
  EXPECT_TRUE(ReadItem(item, terms).grants.empty());  // a tie is an opt-out
  Say(type::v1::GRANTED, "purposes/quit", 6);
  EXPECT_EQ(ReadItem(item, terms).grants.size(), 1u);
  EXPECT_EQ(ReadItem(item, terms).change.entries.size(), 3u);
}

TEST_F(SyncItemTest, SpeaksOfAgreedPurposesOnly) {
  Say(type::v1::WITHDRAWN, "purposes/other");
  ExpectRefused("PURPOSE_NOT_AGREED", "consents");
  terms.agreement = nullptr;
  ExpectRefused("PURPOSE_UNKNOWN", "consents");
  item.mutable_upsert()->clear_consents();
  Say(type::v1::ENTRY_KIND_UNSPECIFIED);
  ExpectRefused("CONSENT_WRONG", "consents");
}

TEST_F(SyncItemTest, ARetiredPurposeTakesWithdrawalsAndNoGrants) {
  Say(type::v1::WITHDRAWN, "purposes/old");
  EXPECT_EQ(ReadItem(item, terms).change.entries.size(), 1u);
  Say(type::v1::GRANTED, "purposes/old", 9);
  const SyncReading read = ReadItem(item, terms);
  EXPECT_FALSE(read.refused);
  EXPECT_EQ(read.change.entries.size(), 1u);
  EXPECT_EQ(read.result.reason(), "PURPOSE_RETIRED");
}

TEST_F(SyncItemTest, SaysWhatHasNoEffect) {
  (*item.mutable_upsert()->mutable_fields())["phone"] = "12";
  Say(type::v1::GRANTED);
  SyncReading read = ReadItem(item, terms);
  EXPECT_FALSE(read.refused);
  EXPECT_TRUE(read.change.entries.empty());
  EXPECT_EQ(read.result.reason(), "VALUE_UNREADABLE");
  EXPECT_EQ(read.result.field(), "phone");
  EXPECT_EQ(read.change.row.fields().at("phone"), "12");
  SetOutcome({RecordOutcome::kStored, "people/p", absl::OkStatus()}, read.result);
  EXPECT_EQ(read.result.outcome(), SyncResult::STORED_IN_PART);
}

TEST_F(SyncItemTest, ADeleteNeedsNothingElse) {
  item.mutable_delete_();
  const SyncReading read = ReadItem(item, terms);
  EXPECT_FALSE(read.refused);
  EXPECT_EQ(read.change.kind, RecordChange::kDelete);
}

TEST_F(SyncItemTest, AnOutcomeSaysWhatBecameOfIt) {
  SyncResult result;
  SetOutcome({RecordOutcome::kUnchanged, "people/p", absl::OkStatus()}, result);
  EXPECT_EQ(result.outcome(), SyncResult::UNCHANGED);
  EXPECT_EQ(result.person(), "people/p");
  SetOutcome({RecordOutcome::kRefused, "", errors::RecordErased("sources/leeds/records/1")}, result);
  EXPECT_EQ(result.outcome(), SyncResult::REFUSED);
  EXPECT_EQ(result.reason(), "RECORD_ERASED");
  EXPECT_EQ(result.person(), "");
}

TEST(SyncVerdictRule, AGrantDoesNotUndoWhatThePersonSaidElsewhere) {
  record::v1::PurposeRow purpose;
  purpose.set_name("purposes/quit");
  purpose.set_purpose_class(type::v1::PURPOSE_CLASS_MARKETING);
  purpose.set_lawful_basis(type::v1::LAWFUL_BASIS_CONSENT);
  type::v1::GateFacts facts;
  auto& endpoint = *facts.add_endpoints();
  endpoint.set_endpoint("e");
  endpoint.set_channel(type::v1::CHANNEL_SMS);
  const SyncGrant grant{"purposes/quit", type::v1::CHANNEL_SMS, "e"};
  const auto say = [&](const char* record, type::v1::EntryKind kind, int64_t time) {
    auto& entry = *facts.add_entries();
    entry.set_record(record);
    entry.set_kind(kind);
    entry.set_scope(type::v1::SCOPE_PURPOSE);
    entry.set_purpose("purposes/quit");
    entry.set_event_time_us(time);
  };
  say("sources/leeds/records/1", type::v1::GRANTED, 9);
  EXPECT_FALSE(OptOutStands(facts, purpose, grant));
  say("sources/direct/records/p", type::v1::WITHDRAWN, 2);
  EXPECT_TRUE(OptOutStands(facts, purpose, grant));
  EXPECT_TRUE(OptOutStands(facts, purpose, {"purposes/quit", type::v1::CHANNEL_UNSPECIFIED, ""}));
}

TEST(SyncVerdictRule, NamesTheFieldThatAStewardCorrected) {
  record::v1::PersonRow person;
  auto& golden = *person.add_fields();
  golden.set_field("given_name");
  golden.set_value("Anne");
  golden.set_record("sources/stewards/records/p");
  record::v1::RecordRow row;
  (*row.mutable_clean())["given_name"] = "Ann";
  EXPECT_EQ(CorrectedField(person, row), "given_name");
  (*row.mutable_clean())["given_name"] = "Anne";
  EXPECT_EQ(CorrectedField(person, row), "");
  golden.set_record("sources/gp/records/1");
  (*row.mutable_clean())["given_name"] = "Ann";
  EXPECT_EQ(CorrectedField(person, row), "");
}

TEST_F(SyncItemTest, AnOptOutWhoseTimeIsNotKnownOutranksADatedGrant) {
  Say(type::v1::GRANTED, "purposes/quit", kNow - 1);
  Say(type::v1::WITHDRAWN, "purposes/quit", 0);
  const SyncReading read = ReadItem(item, terms);
  ASSERT_EQ(read.change.entries.size(), 2u);
  EXPECT_EQ(read.change.entries[1].gate().event_time_us(), kNow);
  EXPECT_TRUE(read.grants.empty());  // the latest word is the withdrawal
}

TEST_F(SyncItemTest, AGrantFromTheFutureIsNotTakenAndAnOptOutCountsFromNow) {
  Say(type::v1::GRANTED, "purposes/quit", kNow + kMostGrantAheadMicros + 1);
  Say(type::v1::WITHDRAWN, "purposes/quit", kNow + kMostGrantAheadMicros + 1);
  const SyncReading read = ReadItem(item, terms);
  ASSERT_EQ(read.change.entries.size(), 1u);
  EXPECT_EQ(read.change.entries[0].gate().kind(), type::v1::WITHDRAWN);
  EXPECT_EQ(read.change.entries[0].gate().event_time_us(), kNow);
  EXPECT_EQ(read.result.reason(), "GRANT_FROM_THE_FUTURE");
}

}  // namespace
}  // namespace pharos::customer
