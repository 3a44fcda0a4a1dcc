#include "services/customer/opt_out_lift.h"

#include <gtest/gtest.h>

#include "services/base/errors.h"
#include "services/customer/facts.h"

namespace pharos::customer {
namespace {

using record::v1::LedgerRow;

LedgerRow Entry(const std::string& id, type::v1::EntryKind kind, bool direct = true) {
  LedgerRow entry;
  auto& gate = *entry.mutable_gate();
  gate.set_name("consentEntries/" + id);
  gate.set_record(direct ? "sources/direct/records/for-p" : "sources/a/records/1");
  gate.set_kind(kind);
  gate.set_scope(type::v1::SCOPE_PURPOSE);
  gate.set_purpose("purposes/p");
  gate.set_direct(direct);
  gate.set_event_time_us(5);
  entry.add_subjects("sources/a/records/1");
  return entry;
}

std::string Reason(const LedgerRow& entry, const OptOutStands& stands) {
  return base::ReasonOf(MayLift(entry, stands, "people/p"));
}

TEST(OptOutLift, OnlyWhatStandsForSomebodyElseToo) {
  const OptOutStands both{{"sources/a/records/1"}, true, false};
  EXPECT_TRUE(MayLift(Entry("1", type::v1::WITHDRAWN), both, "people/p").ok());
  EXPECT_TRUE(MayLift(Entry("1", type::v1::OBJECTED_TO), both, "people/p").ok());
  EXPECT_EQ(Reason(Entry("1", type::v1::GRANTED), both), "OPT_OUT_NOT_THERE");
  EXPECT_EQ(Reason(Entry("1", type::v1::WITHDRAWN), {{}, true, false}), "OPT_OUT_NOT_THERE");
  EXPECT_EQ(Reason(Entry("1", type::v1::WITHDRAWN), {{"sources/a/records/1"}, false, false}),
            "OPT_OUT_DIRECT")
      << "somebody said it, and nobody else is left";
  EXPECT_EQ(Reason(Entry("1", type::v1::WITHDRAWN), {{"sources/a/records/1"}, true, true}), "OPT_OUT_DIRECT")
      << "said at their own address";
  EXPECT_EQ(Reason(Entry("1", type::v1::WITHDRAWN, false), both), "OPT_OUT_DIRECT")
      << "their own source said so";
}

TEST(OptOutLift, WhatWasThereBeforeCountsAgainAndTheRestStays) {
  LedgerRow older = Entry("1", type::v1::WITHDRAWN);
  older.mutable_gate()->set_event_time_us(3);
  LedgerRow lifting = Entry("3", type::v1::LIFTED);
  lifting.set_lifts("consentEntries/2");
  const std::vector<LedgerRow> ledger = {older, Entry("2", type::v1::WITHDRAWN), lifting};
  const auto entries = EntriesInForce(ledger, "sources/a/records/1");
  ASSERT_EQ(entries.size(), 1);
  EXPECT_EQ(entries[0].name(), "consentEntries/1") << "an earlier one that the lifted one had overtaken";
  const auto others = EntriesInForce(ledger, "sources/b/records/1");
  ASSERT_EQ(others.size(), 1);
  EXPECT_EQ(others[0].name(), "consentEntries/2") << "lifted from its own subjects only";
}

TEST(Facts, HeldWhenStatedAndBeforeThatTheOpposite) {
  using v1::SetPersonFactRequest;
  const auto paused = SetPersonFactRequest::FACT_PAUSED;
  std::vector<StatedFact> stated(2);
  for (size_t at = 0; at < 2; ++at) {
    stated[at].row.set_fact(paused);
    stated[at].row.set_holds(at == 0);
    stated[at].row.set_create_time_us(10 * (static_cast<int64_t>(at) + 1));
  }
  EXPECT_FALSE(HeldAt(stated, paused, false, 9));
  EXPECT_TRUE(HeldAt(stated, paused, false, 10));
  EXPECT_TRUE(HeldAt(stated, paused, false, 19));
  EXPECT_FALSE(HeldAt(stated, paused, false, 20));
  EXPECT_TRUE(HeldAt({}, paused, true, 5)) << "a source said so, with its record";
  EXPECT_TRUE(HeldAt(stated, SetPersonFactRequest::FACT_DECEASED, true, 5)) << "another fact";
}

}  // namespace
}  // namespace pharos::customer
