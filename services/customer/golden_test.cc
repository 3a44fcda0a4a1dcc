#include "services/customer/golden.h"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <random>
#include <set>

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

  std::vector<RankedValue> Ranked(const std::string& field, const AddressStandings& standing) const {
    std::vector<const RecordRow*> rows;
    for (const auto& row : records_) rows.push_back(&row);
    const auto all = RankFields(
        rows,
        [&](std::string_view id) {
          const auto it = sources_.find(std::string(id));
          return it == sources_.end() ? nullptr : &it->second;
        },
        standing);
    for (const auto& each : all) {
      if (each.field == field) return each.values;
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

TEST_F(Golden, AStewardThenWhatIsVerifiedWinsOverAnyTrust) {
  AddSource("pds", 30, type::v1::AUDIENCE_KIND_PUBLIC);
  sources_["pds"].add_verified_fields("family_name");
  sources_["pds"].add_verified_fields("date_of_birth");
  AddSource("hr", 90, type::v1::AUDIENCE_KIND_INTERNAL);
  AddRecord("sources/pds/records/1", 1, {{"family_name", "Lamb"}, {"date_of_birth", "1980-01-02"}});
  AddRecord("sources/hr/records/1", 9, {{"family_name", "Lam"}, {"date_of_birth", "1980-02-01"}});
  EXPECT_EQ(Field("family_name").value(), "Lamb");
  EXPECT_EQ(Field("family_name").rule(), "verified");
  EXPECT_TRUE(Field("family_name").verified());
  AddRecord("sources/stewards/records/1", 2, {{"family_name", "Lambe"}});
  EXPECT_EQ(Field("family_name").value(), "Lambe");
  EXPECT_EQ(Field("family_name").rule(), "steward");
  EXPECT_EQ(Field("date_of_birth").value(), "1980-01-02") << "what the steward does not say stays as it was";
}

TEST_F(Golden, ThePersonWinsForPreferredNameAndLanguage) {
  AddSource("hr", 100, type::v1::AUDIENCE_KIND_INTERNAL);
  AddRecord("sources/hr/records/1", 9, {{"language", "en"}, {"preferred_name", "Ann"}, {"sex", "F"}});
  AddRecord("sources/direct/records/1", 1, {{"language", "cy"}, {"preferred_name", "Nan"}, {"sex", "X"}});
  EXPECT_EQ(Field("language").value(), "cy");
  EXPECT_EQ(Field("preferred_name").value(), "Nan");
  EXPECT_EQ(Field("sex").value(), "F") << "of equal trust the latest";
}

TEST_F(Golden, AgreementThenCompletenessDecideAmongEqualTimes) {
  AddRecord("sources/a/records/1", 5,
            {{"postcode", "LS1 1AA"}, {"given_name", "A"}, {"family_name", "Lamb"}});
  AddRecord("sources/b/records/1", 5,
            {{"postcode", "LS2 2BB"}, {"given_name", "Ann"}, {"family_name", "Lam"}});
  AddRecord("sources/b/records/2", 5, {{"family_name", "Lam"}});
  AddRecord("sources/c/records/1", 5, {{"postcode", "LS2 2BB"}});
  EXPECT_EQ(Field("postcode").value(), "LS2 2BB");
  EXPECT_EQ(Field("postcode").rule(), "2 sources agree");
  EXPECT_EQ(Field("given_name").value(), "Ann");
  EXPECT_EQ(Field("given_name").rule(), "more complete");
  EXPECT_EQ(Field("family_name").value(), "Lamb") << "two records of one source are one voice";
  EXPECT_EQ(Field("family_name").rule(), "first by name");
}

TEST_F(Golden, TheAddressComesFromOneRecord) {
  AddRecord("sources/a/records/1", 5,
            {{"house", "1"}, {"street", "Old Lane"}, {"postcode", "LS1 1AA"}, {"area", "E1"}});
  AddRecord("sources/b/records/1", 9, {{"house", "22"}, {"postcode", "LS2 2BB"}, {"area", "E2"}});
  EXPECT_EQ(Field("house").value(), "22");
  EXPECT_EQ(Field("postcode").value(), "LS2 2BB");
  EXPECT_EQ(Field("area").value(), "E2");
  EXPECT_EQ(Field("street").value(), "") << "the old street with the new postcode is nobody's address";
}

TEST_F(Golden, ARepeatedPostcodeTakesNoStreetAway) {
  AddRecord("sources/a/records/1", 5, {{"house", "1"}, {"street", "Old Lane"}, {"postcode", "LS1 1AA"}});
  AddRecord("sources/b/records/1", 9, {{"postcode", "LS1 1AA"}});
  EXPECT_EQ(Field("street").value(), "Old Lane");
  EXPECT_EQ(Field("postcode").record(), "sources/a/records/1");
}

TEST_F(Golden, EveryValueIsKeptInOrderWithTheRuleThatPutItThere) {
  AddSource("hr", 80, type::v1::AUDIENCE_KIND_INTERNAL);
  AddSource("news", 20, type::v1::AUDIENCE_KIND_PUBLIC);
  AddRecord("sources/hr/records/1", 1, {{"email", "work@x.example"}});
  AddRecord("sources/news/records/1", 9, {{"email", "home@x.example"}});
  AddRecord("sources/news/records/2", 7, {{"email", "old@x.example"}});
  AddRecord("sources/news/records/3", 6, {{"email", "work@x.example"}});
  const auto plain = Ranked("email", {});
  ASSERT_EQ(plain.size(), 3u) << "each value once";
  EXPECT_EQ(plain[0].value, "work@x.example");
  EXPECT_EQ(plain[0].rule, "trust 80");
  EXPECT_EQ(plain[1].value, "home@x.example");
  EXPECT_EQ(plain[1].rule, "trust 80");
  EXPECT_EQ(plain[2].value, "old@x.example");
  EXPECT_EQ(plain[2].rule, "latest");
  const auto known = Ranked("email", [](type::v1::Channel, std::string_view address) {
    return AddressStanding{address == "old@x.example", address == "work@x.example"};
  });
  EXPECT_EQ(known[0].value, "old@x.example");
  EXPECT_EQ(known[0].rule, "verified") << "somebody answered from there";
  EXPECT_TRUE(known[0].verified);
  EXPECT_EQ(known[2].value, "work@x.example") << "what bounced loses whatever its rank";
  EXPECT_EQ(known[2].rule, "suppressed");
}

// Of random records, so that every rule comes to bear, and its ties.
TEST_F(Golden, ATotalOrderWhateverTheRecords) {
  std::mt19937 random(7);
  const auto below = [&](unsigned n) { return random() % n; };
  for (const char* id : {"a", "b", "c"})
    AddSource(id, static_cast<int>(below(3)) * 40, type::v1::AUDIENCE_KIND_PUBLIC);
  sources_["b"].add_verified_fields("postcode");
  sources_["b"].add_verified_fields("phone");
  for (int round = 0; round < 300; ++round) {
    records_.clear();
    const int count = 2 + static_cast<int>(below(6));
    for (int at = 0; at < count; ++at) {
      const std::string source =
          std::array{"a", "b", "c", "stewards", "direct"}[below(round % 3 == 0 ? 5 : 3)];
      std::map<std::string, std::string> clean;
      for (const char* field : {"given_name", "phone", "house", "street", "postcode", "area", "interests"}) {
        if (below(3) > 0) clean[field] = std::string(1 + below(2), static_cast<char>('1' + below(3)));
      }
      AddRecord("sources/" + source + "/records/" + std::to_string(at), static_cast<int64_t>(below(3)),
                clean);
    }
    const std::string expected = Build().SerializeAsString();
    for (int again = 0; again < 3; ++again) {
      std::shuffle(records_.begin(), records_.end(), random);
      ASSERT_EQ(Build().SerializeAsString(), expected) << "round " << round;
    }
    // Whoever gives the postcode gives the whole address.
    const PersonRow person = Build();
    std::set<std::string> givers;
    for (const auto& field : person.fields()) {
      if (IsAddressLine(field.field())) givers.insert(field.record());
    }
    ASSERT_LE(givers.size(), 1u);
  }
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
  EXPECT_FALSE(AddEntry(entries, Entry("consentEntries/7", type::v1::LIFTED, 9))) << "for the ledger only";
  ASSERT_EQ(entries.size(), 1);
  EXPECT_EQ(entries[0].name(), "consentEntries/3");
  auto other = Entry("consentEntries/6", type::v1::GRANTED, 1);
  other.set_channel(type::v1::CHANNEL_SMS);
  EXPECT_TRUE(AddEntry(entries, other)) << "another key";
}

}  // namespace
}  // namespace pharos::customer
