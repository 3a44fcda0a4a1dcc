// Inside of LinkIndex.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "services/customer/identity/decisions.h"
#include "services/customer/identity/link_index.h"
#include "services/customer/identity/model_data.h"
#include "services/customer/identity/partition.h"
#include "services/customer/identity/postings.h"

namespace pharos::customer::identity {

class Index final : public LinkIndex {
 public:
  explicit Index(std::shared_ptr<const ModelData> model) : model_(std::move(model)) {}

  void Put(RecordNo record, uint64_t key, Features features) override;
  void PutAll(std::vector<Item> items, int threads) override;
  void Remove(RecordNo record) override;
  absl::Status Assert(uint64_t id, const Assertion& assertion) override;
  void Revoke(uint64_t id) override;
  std::vector<Group> Settle() override;
  void Keep() override { journal_.clear(); }
  void Undo() override;

  const Model& model() const override { return *model_; }
  std::vector<RecordNo> GroupOf(RecordNo record) const override;
  Explanation Explain(RecordNo a, RecordNo b) const override;
  std::vector<Match> Find(const Features& probe, size_t most) const override;
  std::vector<Review> Reviews(const Review* after, size_t most) const override;
  uint64_t ReviewCount() const override;
  bool FindSomeReviews(size_t most) const override;
  std::vector<Review> ReviewsOf(RecordNo record) const override;
  void ForEachGroup(absl::FunctionRef<void(const Group&)> visit) const override;
  void ForEachRecord(absl::FunctionRef<void(RecordNo, uint64_t, const Features&)> visit) const override;
  std::string PartitionHash() const override;
  IndexStats stats() const override;
  void Save(absl::FunctionRef<void(std::string_view)> write) const override;
  absl::Status Restore(absl::FunctionRef<bool(std::string&)> read);

  const ModelData& data() const { return *model_; }
  // Records that share a key with this one.
  void ForEachCandidate(RecordNo record, absl::FunctionRef<void(RecordNo, const Features&)> visit) const;
  // Expected right pairs and all pairs among the linked ones.
  std::pair<double, double> Expected() const;

 private:
  struct Edge {
    RecordNo other = 0;
    int32_t weight : 30;
    uint32_t rule : 1;
    uint32_t never : 1;
  };
  struct Record {
    uint64_t key = 0;
    Features features;  // empty: not known
    std::vector<Edge> edges;
    RecordNo root = 0;  // first member of its group, in order of keys
    bool known() const { return !features.empty(); }
  };
  struct Found {
    RecordNo a = 0, b = 0;
    Score score;
  };
  // Strongest first; then by keys.
  struct ReviewKey {
    int32_t weight = 0;
    uint64_t key_a = 0, key_b = 0;
    RecordNo a = 0, b = 0;
    RecordNo root_a = 0, root_b = 0;
    auto Order() const { return std::tuple(-int64_t{weight}, key_a, key_b, a, b); }
    bool operator<(const ReviewKey& other) const { return Order() < other.Order(); }
  };
  // How to take one step back.
  struct Step {
    enum Kind : uint8_t { kRecord, kAssertion } kind = kRecord;
    RecordNo record = 0;
    uint64_t key = 0;
    Features features;  // before; empty: it was not known
    uint64_t id = 0;
    Assertion assertion;
    bool asserted = false;
  };

  Record& At(RecordNo record);
  bool Knows(RecordNo record) const { return record < records_.size() && records_[record].known(); }
  bool Before(RecordNo a, RecordNo b) const {
    return std::tie(records_[a].key, a) < std::tie(records_[b].key, b);
  }
  void Journal(RecordNo record);
  void Set(RecordNo record, uint64_t key, Features features);
  void Attach(RecordNo record);
  void Detach(RecordNo record);
  void AddKeys(RecordNo record, const std::vector<uint64_t>& keys, std::vector<uint64_t>* overfull);
  // Candidates of a record, each once; itself not.
  void Candidates(RecordNo self, const std::vector<uint64_t>& keys, std::vector<RecordNo>& found) const;
  void Retire(uint64_t key);
  void Revive(uint64_t key);
  bool ShareLiveKey(RecordNo a, RecordNo b) const;
  Score ScoreOf(RecordNo a, RecordNo b) const;
  void AddEdge(RecordNo a, RecordNo b, const Score& score);
  void DropEdge(RecordNo a, RecordNo b);
  const Edge* EdgeOf(RecordNo a, RecordNo b) const;
  bool Links(const Edge& edge) const { return edge.never == 0 && edge.weight >= model_->auto_weight(); }
  void Touch(RecordNo record) { touched_.insert(record); }
  void TouchAll(const Assertion& assertion);
  std::vector<RecordNo> Spread(RecordNo start, absl::flat_hash_set<RecordNo>& seen) const;
  Component ComponentOf(const std::vector<RecordNo>& members) const;
  void Regroup(const std::vector<RecordNo>& members, std::vector<RecordNo>& roots);
  // Reviews are found when somebody looks, for what has changed since: whoever brings records waits for none.
  void BringReviews() const;
  void FindAllReviews() const;
  void Renew(const std::vector<RecordNo>& roots) const;
  void AddReview(const ReviewKey& review) const;
  void DropReviews(RecordNo root) const;
  void Unlist(RecordNo root, const ReviewKey& review) const;
  std::vector<ReviewKey> FindReviews(RecordNo root) const;
  bool DecidedApart(RecordNo root_a, RecordNo root_b) const;
  std::vector<RecordNo> MembersOf(RecordNo root) const;
  Group Describe(const std::vector<RecordNo>& members) const;

  std::shared_ptr<const ModelData> model_;
  std::deque<Record> records_;
  Postings postings_;
  Decisions decisions_;
  absl::flat_hash_set<RecordNo> touched_;
  absl::flat_hash_map<RecordNo, std::vector<RecordNo>> members_;  // of groups of several, by root
  mutable absl::btree_set<ReviewKey> reviews_;  // but for those of `unreviewed_` and `next_`
  mutable absl::flat_hash_map<RecordNo, std::vector<ReviewKey>> reviews_of_;  // by root
  mutable absl::flat_hash_set<RecordNo> unreviewed_;                          // roots, now or before
  mutable std::vector<RecordNo> next_;  // of them, whom FindSomeReviews took
  std::vector<Step> journal_;
  size_t known_ = 0, edges_ = 0;
  uint64_t compared_ = 0;
};

}  // namespace pharos::customer::identity
