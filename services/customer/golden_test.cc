#include "services/customer/golden.h"

#include <algorithm>
#include <deque>
#include <map>

#include "gtest/gtest.h"

namespace pharos::customer {
namespace {

using record::v1::PersonRow;
using record::v1::RecordRow;
using record::v1::SourceRow;
using type::v1::GateEntry;

class Golden : public ::testing::Test {
 protected:
  void AddSource(const std::string& id, int trust, type::v1::AudienceKind kind,
                 std::map<std::string, int> fields = {}) {
    SourceRow& row = sources_[id];
    row.set_trust(trust);
    row.set_audience_kind(kind);
    for (const auto& [field, rank] : fields) (*row.mutable_field_trust())[field] = rank;
  }
  RecordRow& AddRecord(const std::string& name, int64_t time, std::map<std::string, std::string> clean) {
    RecordRow& row = records_.emplace_back();
    row.set_name(name);
    row.set_update_time_us(time);
    for (const auto& [field, value] : clean) (*row.mutable_clean())[field] = value;
    return row;
  }
  PersonRow Build() const {
    std::vector<const RecordRow*> rows;
    for (const auto& row : records_) rows.push_back(&row);
    return BuildPerson(
        "people/p", rows,
        [&](std::string_view id) {
          const auto it = sources_.find(std::string(id));
          return it == sources_.end() ? nullptr : &it->second;
        },
        [](type::v1::Channel, std::string_view address) { return std::string(address); });
  }
  record::v1::GoldenRow Field(const std::string& field) const {
    const PersonRow person = Build();
    for (const auto& row : person.fields()) {
      if (row.field() == field) return row;
    }
    return {};
  }

  std::map<std::string, SourceRow> sources_;
  std::deque<RecordRow> records_;
};

TEST_F(Golden, TrustThenTimeThenName) {
  AddSource("hr", 80, type::v1::AUDIENCE_KIND_INTERNAL, {{"email", 10}});
  AddSource("news", 20, type::v1::AUDIENCE_KIND_PUBLIC);
  AddRecord("sources/hr/records/1", 5, {{"given_name", "Ann"}, {"email", "work@x.example"}, {"sex", "F"}});
  AddRecord("sources/news/records/1", 9, {{"given_name", "Annie"}, {"email", "home@x.example"}});
  AddRecord("sources/news/records/2", 9, {{"email", "other@x.example"}});
  EXPECT_EQ(Field("given_name").value(), "Ann");
  EXPECT_EQ(Field("given_name").rule(), "trust 80");
  EXPECT_EQ(Field("email").value(), "home@x.example") << "trust per field, then the first by name";
  EXPECT_EQ(Field("email").rule(), "first by name");
  EXPECT_EQ(Field("sex").rule(), "only value");
  EXPECT_EQ(Field("sex").record(), "sources/hr/records/1");
}

TEST_F(Golden, LatestAmongEqualTrust) {
  AddSource("news", 20, type::v1::AUDIENCE_KIND_PUBLIC);
  AddRecord("sources/news/records/1", 5, {{"area", "E1"}});
  AddRecord("sources/news/records/2", 6, {{"area", "E2"}});
  EXPECT_EQ(Field("area").value(), "E2");
  EXPECT_EQ(Field("area").rule(), "latest");
  EXPECT_EQ(Field("area").time_us(), 6);
}

TEST_F(Golden, InterestsAreTheUnion) {
  AddRecord("sources/a/records/1", 5, {{"interests", "diet;sleep"}});
  AddRecord("sources/b/records/1", 6, {{"interests", "alcohol;diet"}});
  EXPECT_EQ(Field("interests").value(), "alcohol;diet;sleep");
  EXPECT_EQ(Field("interests").rule(), "union");
}

TEST_F(Golden, EndpointsWinningOneFirstEachOnceLandlinesWithoutChannel) {
  AddSource("a", 50, type::v1::AUDIENCE_KIND_PUBLIC);
  AddRecord("sources/a/records/1", 1, {{"phone", "447700900001"}, {"email", "x@x.example"}});
  AddRecord("sources/a/records/2", 3, {{"phone", "442079460000"}});
  AddRecord("sources/a/records/3", 2, {{"phone", "447700900001"}});
  const PersonRow person = Build();
  ASSERT_EQ(person.endpoints_size(), 3);
  EXPECT_EQ(person.endpoints(0).address(), "442079460000");
  EXPECT_EQ(person.endpoints(0).channel(), type::v1::CHANNEL_UNSPECIFIED);
  EXPECT_EQ(person.endpoints(1).address(), "447700900001");
  EXPECT_EQ(person.endpoints(1).channel(), type::v1::CHANNEL_SMS);
  EXPECT_EQ(person.endpoints(2).channel(), type::v1::CHANNEL_EMAIL);
}

TEST_F(Golden, FactsAndKindsOfAllRecords) {
  AddSource("hr", 1, type::v1::AUDIENCE_KIND_INTERNAL);
  AddSource("news", 1, type::v1::AUDIENCE_KIND_PUBLIC);
  AddRecord("sources/news/records/1", 7, {}).set_paused(true);
  AddRecord("sources/hr/records/1", 3, {}).set_deceased(true);
  const PersonRow person = Build();
  EXPECT_TRUE(person.deceased());
  EXPECT_TRUE(person.paused());
  EXPECT_EQ(person.update_time_us(), 7);
  ASSERT_EQ(person.audience_kinds_size(), 2);
  EXPECT_EQ(person.records(0), "sources/hr/records/1") << "sorted";
}

TEST_F(Golden, SameRecordsInAnyOrderGiveTheSamePerson) {
  AddSource("a", 50, type::v1::AUDIENCE_KIND_PUBLIC);
  for (int at = 0; at < 4; ++at) {
    AddRecord("sources/a/records/" + std::to_string(at), at % 2,
              {{"phone", "44770090000" + std::to_string(at % 3)}, {"interests", std::to_string(at)}});
  }
  const std::string expected = Build().SerializeAsString();
  std::reverse(records_.begin(), records_.end());
  EXPECT_EQ(Build().SerializeAsString(), expected);
}

GateEntry Entry(const std::string& name, type::v1::EntryKind kind, int64_t time) {
  GateEntry entry;
  entry.set_name(name);
  entry.set_record("sources/a/records/1");
  entry.set_kind(kind);
  entry.set_scope(type::v1::SCOPE_PURPOSE);
  entry.set_purpose("purposes/p");
  entry.set_event_time_us(time);
  return entry;
}

TEST(Entries, LatestPerKeyAndAnOptOutWinsATie) {
  PersonRow row;
  auto& entries = *row.mutable_entries();
  EXPECT_TRUE(AddEntry(entries, Entry("consentEntries/1", type::v1::GRANTED, 5)));
  EXPECT_FALSE(AddEntry(entries, Entry("consentEntries/2", type::v1::WITHDRAWN, 4))) << "older";
  EXPECT_TRUE(AddEntry(entries, Entry("consentEntries/3", type::v1::WITHDRAWN, 5))) << "a tie is an opt-out";
  EXPECT_FALSE(AddEntry(entries, Entry("consentEntries/4", type::v1::GRANTED, 5)));
  EXPECT_FALSE(AddEntry(entries, Entry("consentEntries/5", type::v1::GRANTED, 0))) << "unknown is oldest";
  ASSERT_EQ(entries.size(), 1);
  EXPECT_EQ(entries[0].name(), "consentEntries/3");
  auto other = Entry("consentEntries/6", type::v1::GRANTED, 1);
  other.set_channel(type::v1::CHANNEL_SMS);
  EXPECT_TRUE(AddEntry(entries, other)) << "another key";
}

}  // namespace
}  // namespace pharos::customer
