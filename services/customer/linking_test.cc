#include "services/customer/linking.h"

#include <algorithm>
#include <random>
#include <set>

#include "gtest/gtest.h"
#include "services/customer/clean.h"

namespace pharos::customer {
namespace {

struct Said {
  std::string given = {}, family = {}, birth = {}, nhs = {}, email = {}, phone = {};
};

LinkFeatures Record(const Said& said, const std::string& name = "sources/s/records/r") {
  record::v1::RecordRow row;
  row.set_name(name);
  for (const auto& [field, value] :
       {std::pair{"given_name", said.given}, std::pair{"family_name", said.family},
        std::pair{"date_of_birth", said.birth}, std::pair{"nhs_number", said.nhs},
        std::pair{"email", said.email}, std::pair{"phone", said.phone}}) {
    if (const std::string clean = CleanField(field, value); !clean.empty())
      (*row.mutable_clean())[field] = clean;
  }
  return FeaturesOf(row);
}

LinkRule Rule(const Said& a, const Said& b) {
  const LinkRule rule = RuleFor(Record(a), Record(b));
  EXPECT_EQ(rule, RuleFor(Record(b), Record(a))) << "the rule is symmetric";
  return rule;
}

constexpr char kNhs[] = "9320675082";
constexpr char kOtherNhs[] = "9355659121";
constexpr char kMail[] = "a@example.org";

TEST(Linking, NhsNumberNeedsTheDateOfBirth) {
  EXPECT_EQ(Rule({"Ann", "Lee", "1980-05-06", kNhs}, {"Xena", "Other", "1980-05-06", kNhs}),
            LinkRule::kNhsNumber);
  EXPECT_EQ(Rule({"Ann", "Lee", "1980-05-06", kNhs}, {"Ann", "Lee", "1980-05-07", kNhs}), LinkRule::kNone);
  EXPECT_EQ(Rule({"Ann", "Lee", "", kNhs}, {"Ann", "Lee", "", kNhs}), LinkRule::kNone);
  EXPECT_EQ(Rule({"Ann", "Lee", "1900-01-01", kNhs}, {"Bob", "Ray", "1900-01-01", kNhs}), LinkRule::kNone)
      << "a placeholder";
}

struct Names {
  const char *given, *family, *other_given, *other_family;
  bool compatible;
};

TEST(Linking, EmailNeedsCompatibleNames) {
  for (const auto& [given, family, other_given, other_family, compatible] : {
           Names{"Ann", "Lee", "Ann", "Lee", true},
           Names{"ANN", "lee", "Ann", "Lee", true},
           Names{"Elizabeth", "Webb", "Liz", "Webb", true},
           Names{"Bill", "Webb", "Will", "Webb", true},
           Names{"J", "Webb", "James", "Webb", true},
           Names{"Phoebbe", "Webb", "Phoebe", "Webb", true},
           Names{"Ann", "Robertson", "Ann", "Robertsn", true},
           Names{"Webb", "Ann", "Ann", "Webb", true},
           Names{"Ann", "", "Ann", "Webb", true},
           Names{"José", "Núñez", "Jose", "Nunez", true},
           Names{"Anna-Maria", "O'Brien", "Annamaria", "OBrien", true},
           Names{"Ann", "", "Anne", "Webb", false},
           Names{"", "Webb", "Ann", "Webb", false},
           Names{"", "", "Ann", "Webb", false},
           Names{"", "", "", "", false},
           Names{"Unknown", "Webb", "Unknown", "Webb", false},
           Names{"Ann", "Webb", "Bob", "Webb", false},
           Names{"Ann", "Webb", "Ann", "Patel", false},
           Names{"J", "Webb", "Ann", "Webb", false},
       }) {
    EXPECT_EQ(Rule({given, family, "", "", kMail}, {other_given, other_family, "", "", kMail}),
              compatible ? LinkRule::kEmail : LinkRule::kNone)
        << given << " " << family << " / " << other_given << " " << other_family;
  }
}

TEST(Linking, PhoneNeedsCompatibleNamesAndAMobile) {
  EXPECT_EQ(Rule({"Ann", "Lee", "", "", "", "07700 900123"}, {"Ann", "Lee", "", "", "", "+447700900123"}),
            LinkRule::kPhone);
  EXPECT_EQ(Rule({"Ann", "Lee", "", "", "", "07700 900123"}, {"Bob", "Lee", "", "", "", "07700 900123"}),
            LinkRule::kNone);
  EXPECT_EQ(Rule({"Ann", "Lee", "", "", "", "020 7946 0000"}, {"Ann", "Lee", "", "", "", "020 7946 0000"}),
            LinkRule::kNone);
}

TEST(Linking, RoleMailboxesNeverLink) {
  EXPECT_EQ(
      Rule({"Ann", "Lee", "", "", "reception@gp.example"}, {"Ann", "Lee", "", "", "reception@gp.example"}),
      LinkRule::kNone);
}

TEST(Linking, WhatSpeaksAgainstIt) {
  const auto births = [](const char* a, const char* b) {
    return Rule({"Ann", "Lee", a, "", kMail}, {"Ann", "Lee", b, "", kMail});
  };
  EXPECT_EQ(births("1980-05-06", "1980-06-05"), LinkRule::kEmail) << "swapped";
  EXPECT_EQ(births("1980-05-06", "1980-05-07"), LinkRule::kEmail) << "one slip";
  EXPECT_EQ(births("1980-05-06", "1980-01-01"), LinkRule::kEmail) << "year only";
  EXPECT_EQ(births("1980-05-06", "1970-01-01"), LinkRule::kEmail) << "placeholder";
  EXPECT_EQ(births("1980-05-06", ""), LinkRule::kEmail);
  EXPECT_EQ(births("1980-05-06", "1950-05-06"), LinkRule::kNone) << "parent and child of one name";
  EXPECT_EQ(births("1980-05-06", "1982-07-09"), LinkRule::kNone);
  EXPECT_EQ(Rule({"Ann", "Lee", "", kNhs, kMail}, {"Ann", "Lee", "", kOtherNhs, kMail}), LinkRule::kNone);
}

TEST(Linking, JaroWinklerAsPublished) {
  EXPECT_NEAR(JaroWinkler("martha", "marhta"), 0.9611, 1e-4);
  EXPECT_NEAR(JaroWinkler("dwayne", "duane"), 0.84, 1e-4);
  EXPECT_NEAR(JaroWinkler("dixon", "dicksonx"), 0.8133, 1e-4);
  EXPECT_EQ(JaroWinkler("", "a"), 0);
}

TEST(Linking, ReasonsNameRuleAndPartner) {
  const std::vector<LinkFeatures> records = {Record({"Ann", "Lee", "", "", kMail}, "sources/a/records/1"),
                                             Record({"Ann", "Lee", "", "", kMail}, "sources/b/records/2"),
                                             Record({"Bob", "Ray"}, "sources/c/records/3")};
  const Resolution resolution = Resolve(records);
  EXPECT_EQ(resolution.groups, (std::vector<std::vector<size_t>>{{0, 1}, {2}}));
  EXPECT_EQ(resolution.reasons[0], "email and name with sources/b/records/2");
  EXPECT_EQ(resolution.reasons[1], "email and name with sources/a/records/1");
  EXPECT_EQ(resolution.reasons[2], "only record");
}

TEST(Linking, TheEldestRecordKeepsThePersonsId) {
  std::vector<LinkFeatures> records(4);
  const char* people[] = {"people/a", "people/a", "people/b", ""};
  for (int at = 0; at < 4; ++at) {
    records[at].record = std::string("sources/s/records/") + static_cast<char>('0' + at);
    records[at].create_time_us = 10 - at;
    records[at].person = people[at];
  }
  EXPECT_EQ(KeptIds(records, {{0}, {1}, {2, 3}}), (std::vector<std::string>{"", "people/a", "people/b"}));
  EXPECT_EQ(KeptIds(records, {{0, 1, 2, 3}}), (std::vector<std::string>{"people/b"}))
      << "record 2 is elder than record 1";
  EXPECT_EQ(KeptIds(records, {{3}, {0, 1}, {2}}), (std::vector<std::string>{"", "people/a", "people/b"}));
}

// The groups as sets of names, whatever their order.
std::set<std::set<std::string>> Partition(const std::vector<LinkFeatures>& records) {
  std::set<std::set<std::string>> partition;
  for (const auto& group : Resolve(records).groups) {
    std::set<std::string> names;
    for (size_t at : group) names.insert(records[at].record);
    partition.insert(names);
  }
  return partition;
}

TEST(Linking, OrderDoesNotMatter) {
  std::mt19937 random(3);
  const char* const given[] = {"Ann", "Anne", "Bob", "Robert", "", "Ann"};
  const char* const family[] = {"Lee", "Leee", "Ray", "", "Lee"};
  const char* const births[] = {"", "1980-05-06", "1980-06-05", "1950-05-06"};
  const char* const numbers[] = {"", "", kNhs, kOtherNhs};
  for (int round = 0; round < 300; ++round) {
    std::vector<LinkFeatures> records;
    for (int at = 0; at < 7; ++at) {
      records.push_back(
          Record({given[random() % 6], family[random() % 5], births[random() % 4], numbers[random() % 4],
                  random() % 2 ? kMail : "b@example.org", random() % 2 ? "07700900123" : ""},
                 "sources/s/records/" + std::to_string(at)));
    }
    const auto expected = Partition(records);
    for (int shuffle = 0; shuffle < 5; ++shuffle) {
      std::shuffle(records.begin(), records.end(), random);
      ASSERT_EQ(Partition(records), expected);
    }
  }
}

}  // namespace
}  // namespace pharos::customer
