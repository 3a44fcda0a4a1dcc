// People who are easily taken for each other are not joined, and one person written in many ways is found.
#include <gtest/gtest.h>

#include <random>

#include "services/customer/identity/identity_fixture.h"

namespace pharos::customer::identity {
namespace {

struct Case {
  Fields fields;
  int person = 0;
};

const Fields kOne{{"given_name", "Rosalind"},
                  {"family_name", "Crowther"},
                  {"date_of_birth", "1981-04-09"},
                  {"sex", "F"},
                  {"email", "rcrowther4417@example.org"},
                  {"phone", "447700900311"},
                  {"postcode", "LS6 2AB"},
                  {"nhs_number", "9434765919"}};

Fields But(Fields fields, const Fields& changes) {
  for (const auto& [field, value] : changes) fields[field] = value;
  std::erase_if(fields, [](const auto& field) { return field.second.empty(); });
  return fields;
}

// A valid NHS number: weights 10 to 2, modulus 11.
std::string NhsNumber(int serial) {
  while (true) {
    const std::string body = std::to_string(943'000'000 + serial);
    int sum = 0;
    for (int at = 0; at < 9; ++at) sum += (10 - at) * (body[static_cast<size_t>(at)] - '0');
    const int check = (11 - sum % 11) % 11;
    if (check != 10) return body + std::to_string(check);
    serial += 5000;
  }
}

std::vector<Case> Street() {
  int person = 0;
  std::vector<Case> cases;
  const auto add = [&](int who, const Fields& fields) { cases.push_back({fields, who}); };
  const Fields plain = But(kOne, {{"nhs_number", ""}});
  for (int turn = 0; turn < 20; ++turn) {
    static const char* const kFamilies[] = {
        "Crowther",     "Entwistle",   "Hargreaves", "Ramsbottom", "Pritchard", "Okafor",      "Nowak",
        "Lindqvist",    "Barraclough", "Mensah",     "Sutcliffe",  "Vaughan",   "Zielinski",   "Fotheringham",
        "Bhattacharya", "Quayle",      "Jellicoe",   "Underhill",  "Yardley",   "Wolstenholme"};
    const std::string n = std::to_string(1'000'000 + (turn + 1) * 7'654'321 % 9'000'000).substr(0, 7);
    const std::string year = std::to_string(1940 + turn * 17 % 40), month = turn % 3 == 0   ? "03"
                                                                            : turn % 3 == 1 ? "06"
                                                                                            : "11";
    const Fields base = But(
        plain, {{"family_name", kFamilies[turn]},
                {"phone", "44770" + n},
                {"email", "rc" + n + "@example.org"},
                {"date_of_birth", year + "-" + month + "-09"},
                {"postcode", "LS" + std::to_string(turn + 1) + " " + std::to_string(turn % 9 + 1) + "AB"}});
    const int self = ++person;
    add(self, But(base, {{"nhs_number", NhsNumber(turn)}}));
    add(self, But(base, {{"date_of_birth", year + "-09-" + month}, {"email", ""}}));  // swapped
    add(self, But(base, {{"date_of_birth", "1900-01-01"}, {"postcode", ""}}));        // placeholder
    add(self, But(base, {{"family_name", "Ashworth"}, {"postcode", ""}}));            // married
    add(self, But(base, {{"given_name", base.at("family_name")},
                         {"family_name", "Rosalind"},
                         {"email", ""}}));                  // wrong way round
    add(++person, But(base, {{"given_name", "Beatrix"}}));  // her twin, all shared
    add(++person, But(base, {{"given_name", "Dominic"},
                             {"sex", "M"},
                             {"date_of_birth", std::to_string(1950 + turn * 3 % 40) + "-12-" +
                                                   std::to_string(10 + turn)}}));  // couple on one email
    const int father = ++person, son = ++person;
    const Fields senior =
        But(base, {{"given_name", "Ambrose"},
                   {"sex", "M"},
                   {"email", ""},
                   {"date_of_birth", std::to_string(1925 + turn) + "-02-" + std::to_string(10 + turn)}});
    add(father, senior);
    add(son, But(senior, {{"date_of_birth", std::to_string(1953 + turn) + "-07-21"}}));
    // A wrong but valid NHS number on somebody else.
    add(++person, But(base, {{"given_name", "Percival"},
                             {"sex", "M"},
                             {"family_name", std::string("Mc") + kFamilies[19 - turn]},
                             {"date_of_birth", "19" + std::to_string(70 + turn) + "-12-30"},
                             {"phone", "4479" + n + "9"},
                             {"email", ""},
                             {"postcode", ""},
                             {"nhs_number", NhsNumber(turn)}}));
  }
  for (int desk = 0; desk < 500; ++desk) {  // one reception mailbox and switchboard
    add(++person, {{"given_name", "N" + std::to_string(desk) + "el"},
                   {"family_name", "F" + std::to_string(desk * 7919 % 1000) + "ly"},
                   {"email", "reception@surgery.example"},
                   {"phone", "441132960000"},
                   {"organisation", "org1"}});
  }
  return cases;
}

TEST(IdentityPeople, NobodyIsTakenForSomebodyElse) {
  const auto cases = Street();
  auto index = LinkIndex::Make(Model::Default());
  for (RecordNo record = 0; record < cases.size(); ++record)
    index->Put(record, record * 0x9E3779B97F4A7C15u, FeaturesOf(cases[record].fields));
  index->Settle();
  index->Keep();
  std::vector<RecordNo> found(cases.size());
  index->ForEachGroup([&](const Group& group) {
    for (const auto& member : group) {
      found[member.record] = group[0].record;
      EXPECT_EQ(cases[member.record].person, cases[group[0].record].person)
          << member.record << " with " << group[0].record << " at " << member.weight / 1024.0;
    }
  });
  for (const auto& review : index->Reviews(nullptr, ~size_t{0})) {
    if (cases[review.a].person != cases[review.b].person) continue;
    const RecordNo from = found[review.b], to = found[review.a];
    for (auto& group : found) group = group == from ? to : group;
  }
  int pairs = 0, reached = 0;
  for (size_t a = 0; a < cases.size(); ++a) {
    for (size_t b = 0; b < a; ++b) {
      if (cases[a].person != cases[b].person) continue;
      ++pairs, reached += found[a] == found[b];
    }
  }
  EXPECT_GE(reached, pairs * 95 / 100) << "of " << pairs;
}

}  // namespace
}  // namespace pharos::customer::identity
