#include "services/customer/identity/train.h"

#include <gtest/gtest.h>

#include <random>

#include "services/base/errors.h"
#include "services/customer/identity/identity_fixture.h"

namespace pharos::customer::identity {
namespace {

std::unique_ptr<LinkIndex> Village(int people, bool backwards) {
  auto index = LinkIndex::Make(Model::Default());
  std::vector<LinkIndex::Item> items;
  std::mt19937_64 random(1);
  for (int person = 0; person < people; ++person) {
    Fields fields{
        {"given_name",
         "G" + std::string(1, static_cast<char>('a' + random() % 26)) + std::to_string(random() % 40)},
        {"family_name",
         "F" + std::string(1, static_cast<char>('a' + random() % 26)) + std::to_string(random() % 60)},
        {"date_of_birth", "19" + std::to_string(40 + random() % 60) + "-0" +
                              std::to_string(1 + random() % 9) + "-1" + std::to_string(random() % 10)},
        {"phone", "4477" + std::to_string(10'000'000 + random() % 80'000'000)}};
    for (int copy = 0; copy < 2; ++copy) {
      const auto number = static_cast<RecordNo>(items.size());
      if (copy == 1) fields.erase(random() % 2 == 0 ? "phone" : "date_of_birth");
      items.push_back({number, number * 7919ULL + 1, FeaturesOf(fields)});
    }
  }
  if (backwards) std::reverse(items.begin(), items.end());
  index->PutAll(std::move(items), backwards ? 1 : 3);
  index->Settle();
  index->Keep();
  return index;
}

TEST(TrainTest, NeedsRecords) {
  const auto index = Village(10, false);
  EXPECT_EQ(base::ReasonOf(Train(*index, {}).status()), "TOO_FEW_RECORDS");
}

TEST(TrainTest, DependsOnTheRecordsOnly) {
  TrainOptions one, two;
  one.threads = 1, two.threads = 3;
  const auto a = Train(*Village(800, false), one), b = Train(*Village(800, true), two);
  ASSERT_TRUE(a.ok());
  ASSERT_TRUE(b.ok());
  EXPECT_EQ(a->DebugString(), b->DebugString());
  EXPECT_TRUE(Model::From(*a).ok());
}

}  // namespace
}  // namespace pharos::customer::identity
