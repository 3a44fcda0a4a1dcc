// Records come and go through the linker: who becomes whom, which ids stay, what is said for ever, whatever
// the order, the crash or the number of threads.
#include "services/customer/linker.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <thread>

#include "services/base/errors.h"
#include "services/base/fake_clock.h"
#include "services/base/ids.h"
#include "services/customer/keys.h"
#include "services/customer/memory_keys.h"
#include "services/customer/tables.h"
#include "services/rpc/once.h"
#include "storage/envelope.h"
#include "storage/open.h"

namespace pharos::customer {
namespace {

using record::v1::AssertionRow;
using record::v1::LedgerRow;
using record::v1::PersonRow;
using record::v1::RecordRow;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Said = std::map<std::string, std::string>;

const Said kAnnPhone = {{"given_name", "Ann"},
                        {"family_name", "Lee"},
                        {"date_of_birth", "1980-05-06"},
                        {"phone", "447700900001"}};
const Said kAnnBoth = {{"given_name", "Ann"},
                       {"family_name", "Lee"},
                       {"date_of_birth", "1980-05-06"},
                       {"phone", "447700900001"},
                       {"email", "ann@example.org"}};
// Too thin to be linked with each other, but not with what says all of it.
const Said kThinPhone = {{"given_name", "Ann"}, {"family_name", "Lee"}, {"phone", "447700900001"}};
const Said kThinEmail = {{"given_name", "Ann"}, {"family_name", "Lee"}, {"email", "ann@example.org"}};
const Said kThinBoth = {
    {"given_name", "Ann"}, {"family_name", "Lee"}, {"phone", "447700900001"}, {"email", "ann@example.org"}};
const Said kZoe = {{"given_name", "Zoe"},
                   {"family_name", "Quinn"},
                   {"date_of_birth", "1955-11-30"},
                   {"phone", "447700900777"}};

// A store with its linker, which can be opened again.
struct Place {
  explicit Place(const std::string& the_folder = "") : folder(the_folder) {
    keys.Bind(memory.Source());
    store = *storage::Open(
        {.folder = folder.empty() ? "/customer" : folder, .name = "customer", .in_memory = folder.empty()});
    Reopen();
  }
  void Reopen() {
    linker.reset();
    people = std::make_unique<PersonStore>(*store, blind, &clock, &keys);
    linker = Linker::Make(*store, *people, clock, {.folder = folder, .background = false});
  }
  // As it stands after a stop: the index is saved.
  void StopAndReopen() {
    linker = Linker::Make(*store, *people, clock, {.folder = folder, .background = true});
    linker->Start();
    EXPECT_TRUE(Put("stop", "1", kZoe).ok());
    linker->Stop();
    Reopen();
  }

  ChangeMaker By() {
    return [this](std::string_view resource, std::string_view kind, uint64_t version) {
      return rpc::ChangeByLoop("internal:test", resource, kind, version, clock.WallMicros());
    };
  }
  static RecordChange Change(const std::string& source, const std::string& record, const Said& fields,
                             int64_t time = 0) {
    RecordChange change;
    change.row.set_name(RecordName(source, record));
    change.row.set_update_time_us(time);
    for (const auto& [field, value] : fields)
      (*change.row.mutable_fields())[field] = (*change.row.mutable_clean())[field] = value;
    return change;
  }
  absl::StatusOr<RecordResult> Apply(RecordChange change, Linker::ApplyOptions options = {}) {
    clock.Advance(1'000);
    std::vector<RecordChange> changes;
    changes.push_back(std::move(change));
    auto results = linker->Apply(std::move(changes), By(), options);
    if (!results.ok()) return results.status();
    return results->front();
  }
  absl::StatusOr<RecordResult> Put(const std::string& source, const std::string& record, const Said& fields,
                                   int64_t time = 0) {
    return Apply(Change(source, record, fields, time));
  }
  RecordResult Take(RecordChange::Kind kind, const std::string& source, const std::string& record) {
    RecordChange change = Change(source, record, {});
    change.kind = kind;
    const auto result = Apply(std::move(change));
    EXPECT_TRUE(result.ok()) << result.status();
    return result.value_or(RecordResult());
  }
  static LedgerRow Entry(const std::string& record, type::v1::EntryKind kind, int64_t time) {
    LedgerRow entry;
    entry.mutable_gate()->set_name("consentEntries/" + base::NewId(time));
    entry.mutable_gate()->set_record(record);
    entry.mutable_gate()->set_kind(kind);
    entry.mutable_gate()->set_scope(type::v1::SCOPE_EVERYTHING);
    entry.mutable_gate()->set_event_time_us(time);
    return entry;
  }

  RecordRow Record(const std::string& source, const std::string& record) {
    RecordRow row;
    EXPECT_TRUE(*storage::GetRecord(*store, RecordKey({source, record}), row)) << source << record;
    EXPECT_TRUE(people->Open(std::span(&row, 1)).ok());
    return row;
  }
  std::string PersonOf(const std::string& source, const std::string& record) {
    return Record(source, record).person();
  }
  PersonRow Person(const std::string& name) {
    const auto person = people->Load(*store->Read(), name);
    EXPECT_TRUE(person.ok() && *person) << name;
    PersonRow row;
    if (person.ok() && *person) row = **person;
    EXPECT_TRUE(people->Open(std::span(&row, 1)).ok());
    return row;
  }
  std::string Value(const std::string& person, const std::string& field) {
    const PersonRow whole = Person(person);
    for (const auto& row : whole.fields()) {
      if (row.field() == field) return row.value();
    }
    return "";
  }
  std::vector<std::string> Records(const std::string& person) {
    const PersonRow row = Person(person);
    return {row.records().begin(), row.records().end()};
  }
  record::v1::CountsRow Counts() {
    record::v1::CountsRow counts;
    EXPECT_TRUE(storage::GetRecord(*store, CountsKey(), counts).ok());
    return counts;
  }
  absl::Status Decide(const std::string& name, std::vector<std::vector<std::string>> sides) {
    AssertionRow row;
    row.set_name("assertions/" + name);
    for (const auto& side : sides) {
      auto* records = row.add_sides();
      for (const auto& record : side) records->add_records(record);
    }
    clock.Advance(1'000);
    return linker->Assert(row, By(), nullptr);
  }
  absl::Status TakeBack(const std::string& name) {
    AssertionRow row;
    EXPECT_TRUE(*storage::GetRecord(*store, AssertionKey("assertions/" + name), row));
    row.set_revoke_time_us(clock.WallMicros());
    clock.Advance(1'000);
    return linker->Revoke(row, By(), nullptr);
  }
  // Sets of records, as people and as the index sees them: they are always the same.
  std::set<std::vector<std::string>> Partition() {
    std::map<std::string, std::vector<std::string>> by_person;
    EXPECT_TRUE(store->Read()
                    ->Scan(storage::PrefixRange(storage::KeyWriter(kRecord).str()),
                           [&](std::string_view, std::string_view value) {
                             RecordRow row;
                             EXPECT_TRUE(storage::DecodeRecord(value, row).ok());
                             by_person[row.person()].push_back(row.name());
                             return true;
                           })
                    .ok());
    std::set<std::vector<std::string>> people_sets, index_sets;
    for (auto& [name, records] : by_person) {
      std::sort(records.begin(), records.end());
      EXPECT_EQ(Records(name), records) << name;
      people_sets.insert(records);
    }
    EXPECT_EQ(static_cast<size_t>(Counts().people()), people_sets.size());
    EXPECT_TRUE(linker
                    ->Read([&](const identity::LinkIndex& index, const RecordNames& names) {
                      index.ForEachGroup([&](const identity::Group& group) {
                        std::vector<std::string> records;
                        for (const auto& member : group) records.push_back(names.NameOf(member.record));
                        std::sort(records.begin(), records.end());
                        index_sets.insert(records);
                      });
                      return absl::OkStatus();
                    })
                    .ok());
    EXPECT_EQ(people_sets, index_sets);
    return people_sets;
  }
  std::string Hash() {
    std::string hash;
    EXPECT_TRUE(linker
                    ->Read([&](const identity::LinkIndex& index, const RecordNames&) {
                      hash = index.PartitionHash();
                      return absl::OkStatus();
                    })
                    .ok());
    return hash;
  }

  const std::string folder;
  base::FakeClock clock;
  storage::BlindIndex blind{std::string(32, 'k')};
  MemoryKeys memory;
  RecordKeys keys{true};
  std::unique_ptr<storage::Store> store;
  std::unique_ptr<PersonStore> people;
  std::unique_ptr<Linker> linker;
};

TEST(Linker, TwoRecordsOfOnePersonAreOne) {
  Place at;
  const std::string ann = at.Put("a", "1", kAnnBoth)->person;
  const RecordResult second = *at.Put("b", "1", kAnnPhone);
  EXPECT_EQ(second.outcome, RecordOutcome::kStored);
  EXPECT_EQ(second.person, ann);
  EXPECT_THAT(at.Records(ann), ElementsAre("sources/a/records/1", "sources/b/records/1"));
  EXPECT_EQ(at.Counts().people(), 1);
  EXPECT_EQ(at.Counts().records(), 2);
  EXPECT_NE(at.Record("b", "1").birth(), "");
  EXPECT_NE("people/" + at.Record("b", "1").birth(), ann);
}

TEST(Linker, TheSameAgainIsNoChange) {
  Place at;
  ASSERT_TRUE(at.Put("a", "1", kAnnBoth, 5).ok());
  const uint64_t position = at.store->LastPosition();
  EXPECT_EQ(at.Put("a", "1", kAnnBoth, 5)->outcome, RecordOutcome::kUnchanged);
  EXPECT_EQ(at.Put("a", "1", kZoe, 4)->outcome, RecordOutcome::kStored);  // older: kept, not current
  EXPECT_EQ(at.Put("a", "1", kZoe, 4)->outcome, RecordOutcome::kUnchanged);
  EXPECT_EQ(at.Record("a", "1").clean().at("given_name"), "Ann");
  EXPECT_GE(at.store->LastPosition(), position);
}

TEST(Linker, SeveralChangesOfOneRecordAreTakenInTheirOrder) {
  Place at;
  std::vector<RecordChange> changes;
  changes.push_back(Place::Change("a", "1", kAnnBoth));
  changes.push_back(Place::Change("a", "1", kZoe));
  changes.push_back(Place::Change("a", "1", kAnnPhone));
  const auto results = at.linker->Apply(std::move(changes), at.By(), {});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_EQ(at.Record("a", "1").version(), 3u);
  EXPECT_EQ(at.Record("a", "1").clean().at("given_name"), "Ann");
  EXPECT_EQ(at.Counts().records(), 1);
}

TEST(Linker, DeletedAndSaidAgainFromEarlierStaysDeletedAsOneByOne) {
  for (const bool together : {false, true}) {
    Place at;
    ASSERT_TRUE(at.Put("a", "1", kAnnBoth, 10).ok());
    std::vector<RecordChange> changes;
    changes.push_back(Place::Change("a", "1", {}));  // without a time
    changes.back().kind = RecordChange::kDelete;
    changes.push_back(Place::Change("a", "1", kAnnPhone, 5));
    if (together) {
      ASSERT_TRUE(at.linker->Apply(std::move(changes), at.By(), {}).ok());
    } else {
      for (auto& change : changes) ASSERT_TRUE(at.Apply(std::move(change)).ok());
    }
    EXPECT_NE(at.Record("a", "1").delete_time_us(), 0) << together;
    EXPECT_EQ(at.Counts().records(), 0) << together;
  }
}

TEST(LinkerLine, AnswersComeInAnyOrderOfAsking) {
  Place at;
  Linker::Line line;
  const Linker::ApplyOptions options{.line = &line};
  const auto first = at.linker->Begin({Place::Change("a", "1", kAnnBoth)}, at.By(), options);
  const auto second = at.linker->Begin({Place::Change("a", "1", kZoe)}, at.By(), options);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(at.linker->Await(**second)->front().outcome, RecordOutcome::kStored);
  EXPECT_EQ(at.linker->Await(**first)->front().outcome, RecordOutcome::kStored);
  EXPECT_EQ(at.Record("a", "1").clean().at("given_name"), "Zoe");
  EXPECT_EQ(at.Record("a", "1").version(), 2u);
}

TEST(LinkerLine, BehindWhatHasFailedNothingIsStored) {
  Place at;
  Linker::Line line;
  const Linker::ApplyOptions options{.line = &line};
  const auto before = at.linker->Begin({Place::Change("a", "1", kAnnBoth)}, at.By(), options);
  ASSERT_TRUE(before.ok());
  RecordChange nameless = Place::Change("a", "2", kZoe);
  nameless.row.set_name("no record");
  EXPECT_FALSE(at.linker->Begin({nameless}, at.By(), options).ok());
  EXPECT_FALSE(at.linker->Begin({Place::Change("a", "3", kZoe)}, at.By(), options).ok());
  EXPECT_TRUE(at.linker->Await(**before).ok());
  EXPECT_EQ(at.Counts().records(), 1);
  ASSERT_TRUE(at.Put("b", "1", kZoe).ok()) << "others are not concerned";
}

TEST(LinkerLine, OneThatRepeatsARecordHoldsUpNobodyElse) {
  Place at;
  Linker::Line line;
  std::vector<RecordChange> repeated;
  for (const Said& said : {kAnnBoth, kThinBoth, kAnnPhone}) repeated.push_back(Place::Change("a", "1", said));
  const auto slow = at.linker->Begin(std::move(repeated), at.By(), {.line = &line});
  const auto behind = at.linker->Begin({Place::Change("a", "2", kZoe)}, at.By(), {.line = &line});
  const auto other = at.linker->Begin({Place::Change("b", "1", kZoe)}, at.By(), {});
  ASSERT_TRUE(slow.ok() && behind.ok() && other.ok());
  ASSERT_TRUE(at.linker->Await(**other).ok());
  EXPECT_EQ(at.Record("a", "1").version(), 1u) << "went with the first of the repeats";
  EXPECT_EQ(at.Counts().records(), 2) << "what stands behind the repeats waits for them";
  ASSERT_TRUE(at.linker->Await(**slow).ok());
  ASSERT_TRUE(at.linker->Await(**behind).ok());
  EXPECT_EQ(at.Record("a", "1").version(), 3u);
  EXPECT_EQ(at.Counts().records(), 3);
}

TEST(Linker, ADryRunSaysWhatWouldBeAndStoresNothing) {
  Place at;
  ASSERT_TRUE(at.Put("a", "1", kAnnBoth).ok());
  Linker::ApplyOptions dry{.dry_run = true, .bulk = false, .with = nullptr};
  EXPECT_EQ(at.Apply(Place::Change("b", "1", kAnnPhone), dry)->outcome, RecordOutcome::kStored);
  EXPECT_EQ(at.Apply(Place::Change("a", "1", kAnnBoth), dry)->outcome, RecordOutcome::kUnchanged);
  EXPECT_EQ(at.Counts().records(), 1);
  EXPECT_EQ(at.Put("b", "1", kAnnPhone)->outcome, RecordOutcome::kStored);
  EXPECT_EQ(at.Counts().records(), 2);
}

TEST(Linker, WhatIsWrittenWithTheLastChangeIsInItsCommit) {
  Place at;
  Linker::ApplyOptions options;
  options.with = [](storage::Transaction& tx) {
    tx.Put(
        "\x1c"
        "cursor",
        storage::Wrap("7"));
  };
  ASSERT_TRUE(at.Apply(Place::Change("a", "1", kAnnBoth), options).ok());
  EXPECT_TRUE(at.store
                  ->Get("\x1c"
                        "cursor")
                  ->has_value());
}

// --------------------------------------------------------------------------------------------- ids

struct Ids : ::testing::Test {
  // Two people as far as anybody can tell, then a record that links them.
  void LinkTwo() {
    elder = at.Put("a", "1", kThinPhone)->person;
    younger = at.Put("b", "1", kThinEmail)->person;
    ASSERT_NE(elder, younger);
    ASSERT_TRUE(at.Put("c", "bridge", kThinBoth).ok());
    ASSERT_EQ(at.PersonOf("a", "1"), elder);
    ASSERT_EQ(at.PersonOf("b", "1"), elder);
  }
  Place at;
  std::string elder, younger;
};

TEST_F(Ids, TheEldestKeepsItsIdAndOthersResolve) {
  LinkTwo();
  EXPECT_EQ(at.Person(younger).name(), elder);
  EXPECT_THAT(at.Person(elder).former_names(), ElementsAre(younger));
  EXPECT_EQ(at.Counts().people(), 1);
}

TEST_F(Ids, UnlinkingGivesBackTheIdsAndLinkingAgainTakesThem) {
  LinkTwo();
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(at.Put("c", "bridge", kZoe, 2 * round + 1).ok());
    EXPECT_EQ(at.PersonOf("a", "1"), elder);
    EXPECT_EQ(at.PersonOf("b", "1"), younger);
    EXPECT_THAT(at.Person(elder).former_names(), IsEmpty());
    EXPECT_THAT(at.Person(younger).former_names(), IsEmpty());
    EXPECT_EQ(at.Counts().people(), 3);
    const uint64_t version = at.Person(younger).version();
    ASSERT_TRUE(at.Put("c", "bridge", kThinBoth, 2 * round + 2).ok());
    EXPECT_EQ(at.Person(younger).name(), elder);
    EXPECT_GT(at.Person(elder).version(), version);
    EXPECT_EQ(at.Counts().people(), 1);
  }
}

TEST_F(Ids, DecisionsSplitAndJoinAndAreTakenBack) {
  const std::string ann = at.Put("a", "1", kAnnBoth)->person;
  ASSERT_EQ(at.Put("b", "1", kAnnBoth)->person, ann);
  const std::string zoe = at.Put("z", "1", kZoe)->person;
  ASSERT_TRUE(at.Decide("apart", {{"sources/a/records/1"}, {"sources/b/records/1"}}).ok());
  const std::string second = at.PersonOf("b", "1");
  EXPECT_EQ(at.PersonOf("a", "1"), ann);
  EXPECT_EQ(second, "people/" + at.Record("b", "1").birth());
  ASSERT_TRUE(at.Decide("same", {{"sources/z/records/1", "sources/b/records/1"}}).ok());
  EXPECT_EQ(at.PersonOf("z", "1"), second);
  EXPECT_EQ(at.Person(zoe).name(), second);
  EXPECT_EQ(base::ReasonOf(at.Decide("wrong", {{"sources/a/records/1", "sources/b/records/1"}})),
            "ASSERTION_CONFLICT");
  EXPECT_EQ(base::ReasonOf(at.Decide("who", {{"sources/a/records/nobody", "sources/b/records/1"}})),
            "RECORD_NOT_FOUND");
  ASSERT_TRUE(at.TakeBack("same").ok());
  EXPECT_EQ(at.PersonOf("z", "1"), zoe);
  ASSERT_TRUE(at.TakeBack("apart").ok());
  EXPECT_EQ(at.PersonOf("b", "1"), ann);
  EXPECT_EQ(at.Person(second).name(), ann);
  at.Partition();
}

TEST_F(Ids, HistorySaysWhichRecordsAPersonHad) {
  LinkTwo();
  std::vector<record::v1::PersonHistoryRow> rows;
  ASSERT_TRUE(at.store->Read()
                  ->Scan(storage::PrefixRange(PersonHistoryPrefix(elder)),
                         [&](std::string_view, std::string_view value) {
                           EXPECT_TRUE(storage::DecodeRecord(value, rows.emplace_back()).ok());
                           return true;
                         })
                  .ok());
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_THAT(rows[0].records(), ElementsAre("sources/a/records/1"));
}

// --------------------------------------------------------------------------------------------- what was said

TEST(LinkerConsent, AnOptOutRecordedWhileLinkedHoldsForBothAfter) {
  Place at;
  ASSERT_TRUE(at.Put("a", "1", kAnnBoth).ok());
  ASSERT_TRUE(at.Put("b", "1", kAnnBoth).ok());
  RecordChange again = Place::Change("b", "1", kAnnBoth);
  again.entries.push_back(Place::Entry("sources/b/records/1", type::v1::WITHDRAWN, 9));
  const RecordResult result = *at.Apply(again);
  EXPECT_EQ(result.outcome, RecordOutcome::kStored);
  EXPECT_TRUE(result.stricter);
  ASSERT_TRUE(at.Decide("apart", {{"sources/a/records/1"}, {"sources/b/records/1"}}).ok());
  EXPECT_EQ(at.Person(at.PersonOf("a", "1")).entries_size(), 1);
  EXPECT_EQ(at.Person(at.PersonOf("b", "1")).entries_size(), 1);
  // What a record brings with it when it comes is its own.
  RecordChange withdrawn = Place::Change("c", "1", kAnnBoth);
  withdrawn.entries.push_back(Place::Entry("sources/c/records/1", type::v1::WITHDRAWN, 9));
  ASSERT_TRUE(at.Apply(withdrawn).ok());
}

TEST(LinkerConsent, FactsOnlyEverMakeStricter) {
  Place at;
  RecordChange dead = Place::Change("a", "1", kAnnBoth, 5);
  dead.row.set_deceased(true);
  EXPECT_TRUE(at.Apply(dead)->stricter);
  EXPECT_EQ(at.Put("a", "1", kAnnBoth, 6)->outcome, RecordOutcome::kStored);
  EXPECT_TRUE(at.Person(at.PersonOf("a", "1")).deceased());
  RecordChange paused = Place::Change("a", "1", kAnnBoth, 6);  // known content, a new fact
  paused.row.set_paused(true);
  EXPECT_EQ(at.Apply(paused)->outcome, RecordOutcome::kStored);
  EXPECT_TRUE(at.Person(at.PersonOf("a", "1")).paused());
}

// --------------------------------------------------------------------------------------------- going

TEST(LinkerGoing, ADeletedRecordLeavesAndWhatWasWithdrawnStays) {
  Place at;
  const std::string ann = at.Put("a", "1", kAnnPhone)->person;
  RecordChange withdrawn = Place::Change("b", "1", kAnnBoth);
  withdrawn.entries.push_back(Place::Entry("sources/b/records/1", type::v1::WITHDRAWN, 9));
  ASSERT_EQ(at.Apply(withdrawn)->person, ann);
  EXPECT_EQ(at.Take(RecordChange::kDelete, "b", "1").outcome, RecordOutcome::kDeleted);
  EXPECT_EQ(at.Value(ann, "email"), "");
  EXPECT_EQ(at.Person(ann).entries_size(), 1);
  EXPECT_EQ(at.Counts().records(), 1);
  EXPECT_EQ(at.Counts().people(), 1);
  EXPECT_EQ(at.Take(RecordChange::kDelete, "b", "1").outcome, RecordOutcome::kUnchanged);
  // It may come back.
  EXPECT_EQ(at.Put("b", "1", kAnnBoth)->outcome, RecordOutcome::kStored);
  EXPECT_EQ(at.Value(ann, "email"), "ann@example.org");
  EXPECT_EQ(at.Counts().records(), 2);
}

TEST(LinkerGoing, TheEldestMayGoAndThePersonKeepsItsId) {
  Place at;
  const std::string ann = at.Put("a", "1", kAnnBoth)->person;
  ASSERT_EQ(at.Put("b", "1", kAnnBoth)->person, ann);
  at.Take(RecordChange::kDelete, "a", "1");
  EXPECT_EQ(at.PersonOf("b", "1"), ann);
  at.Take(RecordChange::kDelete, "b", "1");
  EXPECT_EQ(at.Counts().people(), 0);
  EXPECT_EQ(at.Person(ann).fields_size(), 0);
  at.Reopen();
  EXPECT_EQ(at.Put("b", "1", kAnnBoth)->person, ann);
  EXPECT_EQ(at.Counts().people(), 1);
}

TEST(LinkerGoing, AnErasedRecordNeverReturns) {
  Place at;
  const std::string ann = at.Put("a", "1", kAnnBoth)->person;
  ASSERT_TRUE(at.Put("a", "1", kAnnPhone).ok());
  EXPECT_EQ(at.Take(RecordChange::kErase, "a", "1").outcome, RecordOutcome::kDeleted);
  const RecordRow row = at.Record("a", "1");
  EXPECT_EQ(row.fields_size() + row.clean_size(), 0);
  EXPECT_TRUE(at.Person(ann).erased());
  EXPECT_EQ(at.Person(ann).parts_size(), 0);
  for (uint64_t version : {1, 2}) {
    RecordRow old;
    ASSERT_TRUE(*storage::GetRecord(*at.store, RecordVersionKey({"a", "1"}, version), old));
    EXPECT_EQ(old.sealed(), "");
  }
  for (int round = 0; round < 2; ++round) {
    const RecordResult refused = *at.Put("a", "1", kAnnBoth, 100);
    EXPECT_EQ(refused.outcome, RecordOutcome::kRefused);
    EXPECT_EQ(base::ReasonOf(refused.status), "RECORD_ERASED");
    EXPECT_EQ(refused.person, "");
    at.Reopen();
  }
  // A withdrawal is taken all the same.
  RecordChange withdrawn = Place::Change("a", "1", kAnnBoth);
  withdrawn.entries.push_back(Place::Entry("sources/a/records/1", type::v1::WITHDRAWN, 9));
  EXPECT_EQ(at.Apply(withdrawn)->outcome, RecordOutcome::kStored);
  EXPECT_EQ(at.Person(ann).entries_size(), 1);
  EXPECT_EQ(at.Record("a", "1").fields_size(), 0);
}

// --------------------------------------------------------------------------------------------- order,
// crashes, threads

// Records of some people, and what happens to them.
std::vector<RecordChange> Story(std::mt19937& random) {
  std::vector<RecordChange> changes;
  for (int person = 0; person < 12; ++person) {
    const std::string given = std::vector<std::string>{"Ann", "Bob", "Cal", "Dee"}[person % 4];
    for (int record = 0; record < 3; ++record) {
      Said said = {
          {"given_name", given},
          {"family_name", fmt::format("Family{}", person)},
          {"date_of_birth", fmt::format("19{:02}-0{}-1{}", 40 + person, 1 + person % 9, person % 9)}};
      if (record != 1) said["phone"] = fmt::format("4477009001{:02}", person);
      if (record != 0) said["email"] = fmt::format("{}{}@example.org", given, person);
      changes.push_back(Place::Change(fmt::format("s{}", record), fmt::format("p{}", person), said, 100));
      if (person % 3 == 0) {
        Said moved = said;
        moved["phone"] = fmt::format("4477009002{:02}", person);
        changes.push_back(
            Place::Change(fmt::format("s{}", record), fmt::format("p{}", person), moved, 50 + record));
      }
    }
  }
  std::shuffle(changes.begin(), changes.end(), random);
  return changes;
}

TEST(LinkerOrder, AnyOrderGivesTheSamePeople) {
  std::set<std::string> hashes;
  std::set<std::set<std::vector<std::string>>> partitions;
  for (unsigned seed = 1; seed <= 8; ++seed) {
    std::mt19937 random(seed);
    Place at;
    std::vector<RecordChange> story = Story(random);
    if (seed % 2 == 0) {
      for (auto& change : story) ASSERT_TRUE(at.Apply(std::move(change)).ok());
    } else {
      ASSERT_TRUE(
          at.linker
              ->Apply(std::move(story), at.By(), {.dry_run = false, .bulk = seed % 3 == 0, .with = nullptr})
              .ok());
    }
    partitions.insert(at.Partition());
    hashes.insert(at.Hash());
  }
  EXPECT_EQ(partitions.size(), 1u);
  EXPECT_EQ(hashes.size(), 1u);
}

TEST(LinkerOrder, EightThreadsAtOnceGiveTheSamePeople) {
  std::mt19937 random(5);
  Place one;
  ASSERT_TRUE(one.linker->Apply(Story(random), one.By(), {}).ok());
  Place many;
  std::vector<RecordChange> story = Story(random);
  std::vector<std::thread> threads;
  constexpr size_t kThreads = 8;
  for (size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (size_t at = thread; at < story.size(); at += kThreads) {
        std::vector<RecordChange> changes(1, story[at]);
        EXPECT_TRUE(many.linker->Apply(std::move(changes), many.By(), {}).ok());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(many.Partition(), one.Partition());
  EXPECT_EQ(many.Hash(), one.Hash());
}

TEST(LinkerOrder, AfterACrashThePeopleAreTheSame) {
  std::mt19937 random(7);
  Place at;
  for (auto& change : Story(random)) {
    ASSERT_TRUE(at.Apply(std::move(change)).ok());
    if (random() % 8 == 0) at.Reopen();
  }
  const std::string hash = at.Hash();
  at.Reopen();
  const uint64_t position = at.store->LastPosition();
  EXPECT_EQ(at.Hash(), hash);
  EXPECT_EQ(at.store->LastPosition(), position);  // nothing had to be put right
  std::mt19937 other(8);
  Place straight;
  ASSERT_TRUE(straight.linker->Apply(Story(other), straight.By(), {}).ok());
  EXPECT_EQ(at.Partition(), straight.Partition());
}

struct Saved : ::testing::Test {
  void SetUp() override {
    folder = ::testing::TempDir() + "linker-" + base::NewId(1);
    std::filesystem::create_directories(folder);
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  bool there() const { return std::filesystem::exists(folder + "/link-index"); }
  std::string folder;
};

TEST_F(Saved, ASavedIndexAndAScanAreTheSame) {
  std::mt19937 random(3);
  Place at(folder);
  ASSERT_TRUE(at.linker->Apply(Story(random), at.By(), {}).ok());
  ASSERT_TRUE(at.Decide("apart", {{"sources/s0/records/p1"}, {"sources/s2/records/p1"}}).ok());
  at.StopAndReopen();
  ASSERT_TRUE(there());
  const std::string hash = at.Hash();
  // What comes after it was saved is read from the change log.
  ASSERT_TRUE(at.Put("late", "1", kAnnBoth).ok());
  ASSERT_TRUE(at.Put("late", "2", kAnnBoth).ok());
  at.Take(RecordChange::kDelete, "s0", "p2");
  const auto partition = at.Hash();
  EXPECT_NE(partition, hash);
  at.Reopen();
  EXPECT_EQ(at.Hash(), partition);
  std::filesystem::remove(folder + "/link-index");
  at.Reopen();
  EXPECT_EQ(at.Hash(), partition);
}

TEST_F(Saved, ADamagedOneIsNotUsed) {
  std::mt19937 random(3);
  Place at(folder);
  ASSERT_TRUE(at.linker->Apply(Story(random), at.By(), {}).ok());
  at.StopAndReopen();
  const std::string hash = at.Hash();
  std::filesystem::resize_file(folder + "/link-index",
                               std::filesystem::file_size(folder + "/link-index") / 2);
  at.Reopen();
  EXPECT_EQ(at.Hash(), hash);
}

TEST_F(Saved, ItHoldsNoPersonalValueInTheClearAndGoesWithAnErasure) {
  Place at(folder);
  ASSERT_TRUE(
      at.Put("a", "1", {{"given_name", "Annabella"}, {"family_name", "Lee"}, {"phone", "447700900001"}})
          .ok());
  at.StopAndReopen();
  ASSERT_TRUE(there());
  std::string bytes;
  std::FILE* file = std::fopen((folder + "/link-index").c_str(), "rb");
  ASSERT_NE(file, nullptr);
  for (int c; (c = std::fgetc(file)) != EOF;) bytes.push_back(static_cast<char>(c));
  std::fclose(file);
  EXPECT_EQ(bytes.find("nnabella"), std::string::npos);
  EXPECT_EQ(bytes.find("447700900001"), std::string::npos);
  at.Take(RecordChange::kErase, "a", "1");
  EXPECT_FALSE(there());
}

// --------------------------------------------------------------------------------------------- stores from
// before

// As format 2 left them: no births, postings of every key, aliases that name people.
TEST(LinkerOldStore, OpensAndKeepsItsIds) {
  Place at;
  const std::string ann = at.Put("a", "1", kAnnPhone)->person;
  ASSERT_EQ(at.Put("b", "1", kAnnBoth)->person, ann);
  ASSERT_TRUE(at.store
                  ->Transact([&](storage::Transaction& tx) -> absl::Status {
                    for (const char* source : {"a", "b"}) {
                      RecordRow row;
                      PHAROS_RETURN_IF_ERROR(storage::GetRecord(tx, RecordKey({source, "1"}), row).status());
                      row.clear_birth();
                      storage::PutRecord(tx, RecordKey({source, "1"}), row);
                    }
                    tx.Put(AliasKey("people/old"), storage::Wrap(base::Segment(ann, "people")));
                    return absl::OkStatus();
                  })
                  .ok());
  at.Reopen();
  EXPECT_EQ(at.Person("people/old").name(), ann);
  ASSERT_TRUE(at.Put("b", "1", kZoe, 1).ok());
  EXPECT_EQ(at.PersonOf("a", "1"), ann);
  const std::string split = at.PersonOf("b", "1");
  EXPECT_NE(split, ann);
  at.Reopen();
  ASSERT_TRUE(at.Put("b", "1", kAnnBoth, 2).ok());
  EXPECT_EQ(at.Person(split).name(), ann);
  at.Partition();
}

TEST(LinkerOldStore, PeopleThatTheIndexSeesOtherwiseAreRewritten) {
  Place at;
  const std::string ann = at.Put("a", "1", kAnnBoth)->person;
  ASSERT_EQ(at.Put("b", "1", kAnnBoth)->person, ann);
  const std::string zoe = at.Put("z", "1", kZoe)->person;
  // Somebody linked Zoe with the second record: by other rules than today's.
  ASSERT_TRUE(at.Decide("same", {{"sources/z/records/1", "sources/b/records/1"}}).ok());
  ASSERT_TRUE(at.store
                  ->Transact([&](storage::Transaction& tx) {
                    tx.Delete(AssertionKey("assertions/same"));
                    return absl::OkStatus();
                  })
                  .ok());
  at.Reopen();
  ASSERT_TRUE(at.linker->Load().ok());
  EXPECT_EQ(at.PersonOf("z", "1"), zoe);
  EXPECT_EQ(at.PersonOf("b", "1"), ann);
  at.Partition();
}

TEST(LinkerModels, ASwitchIsRefusedIfAnotherCameFirstAndKeepsIds) {
  Place at;
  const std::string ann = at.Put("a", "1", kAnnBoth)->person;
  ASSERT_EQ(at.Put("b", "1", kAnnBoth)->person, ann);
  record::v1::LinkEpochRow to;
  EXPECT_EQ(base::ReasonOf(at.linker->SwitchModel(to, nullptr, 5, at.By())), "ETAG_MISMATCH");
  const auto under = at.linker->IndexUnder(nullptr);
  ASSERT_TRUE(under.ok()) << under.status();
  EXPECT_EQ((*under)->PartitionHash(), at.Hash());
  ASSERT_TRUE(at.linker->SwitchModel(to, nullptr, 0, at.By()).ok());
  EXPECT_EQ(at.PersonOf("b", "1"), ann);
  ASSERT_TRUE(at.Put("c", "1", kAnnBoth).ok());
  EXPECT_EQ(at.PersonOf("c", "1"), ann);
}

}  // namespace
}  // namespace pharos::customer
