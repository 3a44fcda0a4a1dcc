// Whatever the order in which records, changes, deletions and decisions come, one by one or together, the
// same content gives the same people; and what is undone is undone exactly.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "services/customer/identity/identity_fixture.h"

namespace pharos::customer::identity {
namespace {

constexpr int kOrders = 20;
constexpr int kPeople = 300;

std::string One(std::mt19937_64& random, const std::vector<std::string>& from) {
  return from[random() % from.size()];
}

// Few names, places and dates, so that much nearly agrees; households; typing errors.
std::vector<Fields> Town(uint64_t seed) {
  std::mt19937_64 random(seed);
  const std::vector<std::string> given = {"Anna",   "Hannah", "William",  "Bill", "Zoe",
                                          "Thomas", "Tom",    "Georgina", "Noah", "Priya"};
  const std::vector<std::string> family = {"Hargreaves", "Hargreave", "Smith", "Patel",
                                           "Entwistle",  "Crowther",  "Ward"};
  std::vector<Fields> records;
  Fields last;
  for (int person = 0; person < kPeople; ++person) {
    Fields fields{
        {"given_name", One(random, given)},
        {"family_name", One(random, family)},
        {"date_of_birth", "19" + std::to_string(60 + random() % 30) + "-0" +
                              std::to_string(1 + random() % 9) + "-1" + std::to_string(random() % 10)},
        {"postcode", "LS" + std::to_string(1 + random() % 9) + " 4AP"},
        {"sex", random() % 2 == 0 ? "F" : "M"},
        {"email", "mail" + std::to_string(1000 + random() % 400) + "@example.org"},
        {"phone", "4477009" + std::to_string(10'000 + random() % 300)}};
    if (random() % 3 == 0 && !last.empty()) {
      for (const char* field : {"family_name", "postcode", "phone"}) fields[field] = last[field];
    }
    last = fields;
    for (uint64_t copy = 0; copy <= random() % 4; ++copy) {
      Fields typed = fields;
      for (const char* field : {"date_of_birth", "postcode", "email", "phone", "family_name"}) {
        if (random() % 4 == 0) typed.erase(field);
      }
      if (random() % 5 == 0) std::swap(typed["given_name"][1], typed["given_name"][2]);
      records.push_back(typed);
    }
  }
  return records;
}

class IdentityOrder : public testing::Test {
 protected:
  static uint64_t KeyOf(RecordNo record) { return record * 0x9E3779B97F4A7C15u; }
  void Settle(LinkIndex& index) { index.Settle(), index.Keep(); }
  std::vector<Fields> town_ = Town(7), other_ = Town(8);
  std::vector<RecordNo> order_ = [this] {
    std::vector<RecordNo> order(town_.size());
    for (RecordNo at = 0; at < order.size(); ++at) order[at] = at;
    return order;
  }();
};

TEST_F(IdentityOrder, SameContentSamePeople) {
  std::mt19937_64 random(99);
  std::string hash;
  size_t edges = 0;
  for (int turn = 0; turn < kOrders * 4; ++turn) {
    std::shuffle(order_.begin(), order_.end(), random);
    auto index = LinkIndex::Make(Model::Default());
    const int way = turn % 4;
    std::vector<LinkIndex::Item> items;
    for (RecordNo record : order_) items.push_back({record, KeyOf(record), FeaturesOf(town_[record])});
    if (way == 0) {  // one by one
      for (auto& item : items) index->Put(item.record, item.key, item.features), Settle(*index);
    } else if (way == 1) {  // eight hands, a batch each in turn
      for (size_t from = 0; from < items.size(); from += 8) {
        for (size_t at = from; at < std::min(items.size(), from + 8); ++at)
          index->Put(items[at].record, items[at].key, items[at].features);
        Settle(*index);
      }
    } else if (way == 2) {  // all at once
      index->PutAll(items, 1 + turn % 3);
      Settle(*index);
    } else {  // half at once, wrong at first, more than wanted, then put right
      for (auto& item : items) {
        if (random() % 3 == 0 && item.record < other_.size()) item.features = FeaturesOf(other_[item.record]);
      }
      const size_t half = items.size() / 2;
      index->PutAll({items.begin(), items.begin() + static_cast<long>(half)}, 2);
      for (size_t at = half; at < items.size(); ++at)
        index->Put(items[at].record, items[at].key, items[at].features);
      for (RecordNo extra = 0; extra < 50; ++extra) {
        index->Put(static_cast<RecordNo>(town_.size()) + extra, KeyOf(100'000 + extra),
                   FeaturesOf(other_[extra]));
      }
      Settle(*index);
      for (RecordNo record : order_) index->Put(record, KeyOf(record), FeaturesOf(town_[record]));
      for (RecordNo extra = 0; extra < 50; ++extra)
        index->Remove(static_cast<RecordNo>(town_.size()) + extra);
      Settle(*index);
    }
    if (turn == 0) hash = index->PartitionHash(), edges = index->stats().edges;
    ASSERT_EQ(index->PartitionHash(), hash) << "way " << way << ", turn " << turn;
    ASSERT_EQ(index->stats().edges, edges);
  }
  EXPECT_GT(edges, town_.size() / 2);
}

TEST_F(IdentityOrder, DecisionsTakenBackLeaveNothing) {
  std::mt19937_64 random(5);
  auto index = LinkIndex::Make(Model::Default());
  for (RecordNo record : order_) index->Put(record, KeyOf(record), FeaturesOf(town_[record]));
  Settle(*index);
  const auto hash = index->PartitionHash();
  const auto reviews = index->stats().reviews;
  for (int script = 0; script < 200; ++script) {
    std::vector<uint64_t> standing;
    for (uint64_t id = 1; id <= 12; ++id) {
      Assertion assertion;
      for (uint64_t side = 0; side < 1 + random() % 3; ++side) {
        auto& records = assertion.sides.emplace_back();
        for (uint64_t many = 0; many < 1 + random() % 3; ++many)
          records.push_back(static_cast<RecordNo>(random() % town_.size()));
      }
      if (index->Assert(id, assertion).ok()) standing.push_back(id);
      if (random() % 3 == 0) Settle(*index);
    }
    Settle(*index);
    std::shuffle(standing.begin(), standing.end(), random);
    for (uint64_t id : standing) index->Revoke(id);
    Settle(*index);
    ASSERT_EQ(index->PartitionHash(), hash) << "script " << script;
    ASSERT_EQ(index->stats().reviews, reviews);
  }
}

}  // namespace
}  // namespace pharos::customer::identity
