#include "services/customer/identity/link_index.h"

#include <gtest/gtest.h>

#include <random>

#include "services/base/errors.h"
#include "services/customer/identity/identity_fixture.h"

namespace pharos::customer::identity {
namespace {

const Fields kAnna{{"given_name", "Anna"}, {"family_name", "Hargreaves"}, {"date_of_birth", "1984-05-17"},
                   {"sex", "F"},           {"postcode", "LS1 4AP"},       {"phone", "447700900123"}};

Fields With(Fields fields, const std::string& field, const std::string& value) {
  fields[field] = value;
  return fields;
}

class LinkIndexTest : public testing::Test {
 protected:
  void Put(RecordNo record, const Fields& fields) { index_->Put(record, 1000 - record, FeaturesOf(fields)); }
  void Commit() { index_->Settle(), index_->Keep(); }
  bool Together(RecordNo a, RecordNo b) {
    const auto group = index_->GroupOf(a);
    return std::find(group.begin(), group.end(), b) != group.end();
  }
  std::unique_ptr<LinkIndex> index_ = LinkIndex::Make(Model::Default());
};

TEST_F(LinkIndexTest, LinksOnePersonAndExplains) {
  Put(1, kAnna);
  Put(2, With(kAnna, "given_name", "Ana"));
  const auto groups = index_->Settle();
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_EQ(groups[0].size(), 2u);
  EXPECT_EQ(groups[0][0].why, Why::kScore);
  const auto explanation = index_->Explain(1, 2);
  int32_t sum = 0;
  for (const auto& evidence : explanation.evidence) sum += evidence.weight;
  EXPECT_EQ(sum, explanation.weight);
  EXPECT_GE(explanation.weight, index_->model().auto_weight());
  EXPECT_FALSE(explanation.keys.empty());
}

TEST_F(LinkIndexTest, NeverJoinsTwins) {
  Put(1, kAnna);
  Put(2, With(kAnna, "given_name", "Sophie"));
  Commit();
  EXPECT_FALSE(Together(1, 2));
  std::string rule;
  for (const auto& evidence : index_->Explain(1, 2).evidence)
    if (evidence.field == "rule") rule = evidence.level;
  EXPECT_EQ(rule.substr(0, 5), "twins");
}

TEST_F(LinkIndexTest, AnotherNumberInAnAddressIsNoSlip) {
  const auto level = [&] {
    for (const auto& evidence : index_->Explain(1, 2).evidence) {
      if (evidence.field == "email") return std::string(evidence.level);
    }
    return std::string();
  };
  const Fields faith = With(kAnna, "email", "faith.larkfield81672@example.org");
  Put(1, faith);
  Put(2, With(faith, "email", "faith.larkfield81674@example.org"));
  EXPECT_EQ(level().substr(0, 9), "different");
  Put(2, With(faith, "email", "faith.larkfeild81672@example.org"));
  EXPECT_EQ(level().substr(0, 6), "nearly");
}

TEST_F(LinkIndexTest, OtherNhsNumbersKeepApart) {
  Put(1, With(kAnna, "nhs_number", "9434765919"));
  Put(2, With(kAnna, "nhs_number", "9434765870"));
  Commit();
  EXPECT_FALSE(Together(1, 2));
  EXPECT_EQ(index_->Reviews(nullptr, 10).size(), 1u);
  EXPECT_FALSE(index_->Explain(1, 2).veto.empty());
}

TEST_F(LinkIndexTest, DecisionsOutrankTheScore) {
  Put(1, kAnna), Put(2, kAnna), Put(3, {{"given_name", "Zoe"}, {"family_name", "Nobody"}});
  Commit();
  const auto before = index_->PartitionHash();
  ASSERT_TRUE(index_->Assert(1, {{{1}, {2}}}).ok());
  ASSERT_TRUE(index_->Assert(2, {{{1, 3}}}).ok());
  Commit();
  EXPECT_FALSE(Together(1, 2));
  EXPECT_TRUE(Together(1, 3));
  const auto conflict = index_->Assert(3, {{{2, 3}}});
  EXPECT_EQ(base::ReasonOf(conflict), "ASSERTION_CONFLICT");
  EXPECT_EQ(base::FactsOf(conflict)->metadata.at("with"), "1,2");
  index_->Revoke(1), index_->Revoke(2);
  Commit();
  EXPECT_EQ(index_->PartitionHash(), before);
}

TEST_F(LinkIndexTest, ReviewsFoundAheadInPartsAreThoseFoundAtOnce) {
  std::mt19937 dice(20261123);
  const auto one_of = [&](std::initializer_list<const char*> words) {
    return *(words.begin() + dice() % words.size());
  };
  std::map<RecordNo, Fields> known;
  size_t found = 0;
  for (int step = 0; step < 2000 && !HasFailure(); ++step) {
    const RecordNo record = dice() % 40;
    if (known.contains(record) && dice() % 4 == 0) {
      index_->Remove(record);
      known.erase(record);
    } else {
      Fields fields = {{"given_name", one_of({"Anna", "Ana", "Anne", "Sophie"})},
                       {"family_name", one_of({"Hargreaves", "Hargreave", "Lee"})},
                       {"date_of_birth", one_of({"1984-05-17", "1984-05-18", "1984-07-15"})},
                       {"sex", "F"},
                       {"postcode", one_of({"LS1 4AP", "LS1 4AQ"})}};
      if (dice() % 3 == 0) fields["phone"] = one_of({"447700900123", "447700900124"});
      Put(record, known[record] = fields);
    }
    Commit();
    for (auto parts = dice() % 3; parts > 0; --parts) index_->FindSomeReviews(1 + dice() % 5);
    if (step % 10 != 0) continue;
    const auto fresh = LinkIndex::Make(Model::Default());
    for (const auto& [number, fields] : known) fresh->Put(number, 1000 - number, FeaturesOf(fields));
    fresh->Settle(), fresh->Keep();
    const auto pairs = [](const LinkIndex& index) {
      std::vector<std::tuple<RecordNo, RecordNo, int32_t>> all;
      for (const Review& review : index.Reviews(nullptr, 10'000))
        all.emplace_back(review.a, review.b, review.weight);
      return all;
    };
    for (const auto& [number, fields] : known)
      EXPECT_EQ(index_->ReviewsOf(number).size(), fresh->ReviewsOf(number).size());
    const auto wanted = pairs(*fresh);
    EXPECT_EQ(pairs(*index_), wanted);
    EXPECT_EQ(index_->ReviewCount(), wanted.size());
    found += wanted.size();
  }
  EXPECT_GT(found, 100u) << "or nothing was tried";
}

TEST_F(LinkIndexTest, UndoTakesTheBatchBack) {
  Put(1, kAnna), Put(2, {{"given_name", "Zoe"}});
  Commit();
  const auto before = index_->PartitionHash();
  Put(3, kAnna), Put(1, {{"given_name", "Else"}}), index_->Remove(2);
  ASSERT_TRUE(index_->Assert(1, {{{1, 3}}}).ok());
  index_->Settle();
  EXPECT_NE(index_->PartitionHash(), before);
  index_->Undo();
  EXPECT_EQ(index_->PartitionHash(), before);
}

TEST_F(LinkIndexTest, SavesAndLoads) {
  Put(1, kAnna), Put(2, kAnna), Put(5, With(kAnna, "given_name", "Tom"));
  ASSERT_TRUE(index_->Assert(1, {{{1}, {5}}}).ok());
  Commit();
  std::vector<std::string> pieces;
  index_->Save([&](std::string_view piece) { pieces.emplace_back(piece); });
  size_t at = 0;
  const auto read = [&](std::string& piece) { return at < pieces.size() && (piece = pieces[at++], true); };
  auto loaded = LinkIndex::Load(Model::Default(), read);
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ((*loaded)->PartitionHash(), index_->PartitionHash());
  EXPECT_EQ((*loaded)->stats().edges, index_->stats().edges);
  pieces[0].resize(pieces[0].size() / 2), at = 0;
  EXPECT_EQ(LinkIndex::Load(Model::Default(), read).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(LinkIndexTest, FindsByProbe) {
  Put(1, kAnna), Put(2, {{"given_name", "Zoe"}});
  Commit();
  const auto matches = index_->Find(FeaturesOf(kAnna), 5);
  ASSERT_EQ(matches.size(), 1u);
  EXPECT_EQ(matches[0].record, 1u);
}

TEST_F(LinkIndexTest, AKeyThatOverflowsRetiresAndComesBack) {
  // The same landline with nothing else in common but a name.
  Fields boss{{"given_name", "Isolde"}, {"family_name", "Quix"}, {"phone", "447700900777"}};
  Put(1, boss), Put(2, boss);
  Commit();
  const auto before = index_->PartitionHash();
  for (RecordNo record = 10; record < 140; ++record) {
    Put(record,
        {{"given_name", std::string(1, static_cast<char>('a' + record % 26)) + "x" + std::to_string(record)},
         {"phone", "447700900777"}});
  }
  Commit();
  EXPECT_GE(index_->stats().retired_keys, 1u);
  for (RecordNo record = 10; record < 140; ++record) index_->Remove(record);
  Commit();
  EXPECT_EQ(index_->stats().retired_keys, 0u);
  EXPECT_EQ(index_->PartitionHash(), before);
}

}  // namespace
}  // namespace pharos::customer::identity
