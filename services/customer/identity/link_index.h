// Who belongs to whom, in memory: features, blocking postings, edges, components and their groups. Derived
// from source records, people's decisions and the model epoch, and from nothing else: whatever the order in
// which they came, one by one, in bulk, with updates and deletes between, the same content gives the same
// groups.
//
// A batch: Put, Remove, Assert, Revoke in any number, then Settle, which answers the groups of everything
// touched; then Keep, or Undo, which takes the whole batch back. One writer at a time; not thread-safe (the
// caller holds its lane), but the reads at the end may run beside each other.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "services/customer/identity/features.h"
#include "services/customer/identity/model.h"

namespace pharos::customer::identity {

// The caller's number for a record: small, dense, never used again for another one.
using RecordNo = uint32_t;

// A person's decision. All records of one side belong together; with several sides, no record of one side
// ever shares a person with a record of another. One side of several records: "the same person".
struct Assertion {
  std::vector<std::vector<RecordNo>> sides;
};

enum class Why : uint8_t {
  kAlone,          // only record
  kScore,          // edge of at least the auto weight
  kDeterministic,  // a rule: same NHS number and date of birth, …
  kAsserted,       // a person said so
};

struct Membership {
  RecordNo record = 0;
  Why why = Why::kAlone;
  RecordNo with = 0;   // the other end of the strongest edge into the group; itself if alone
  int32_t weight = 0;  // of that edge
};
// Records of one person, in order of their keys.
using Group = std::vector<Membership>;

// One comparison and what it adds to the score.
struct Evidence {
  std::string field;   // "name", "date_of_birth", "email", …; "prior"; "rule"
  std::string level;   // "exact", "one character differs", …: for people
  int32_t weight = 0;  // 1/1024 bit
};
struct Explanation {
  std::vector<Evidence> evidence;
  int32_t weight = 0;             // their sum, or the rule's
  std::string veto;               // why they may never be one person; empty: nothing speaks against it
  std::vector<std::string> keys;  // kinds of blocking keys that they share; empty: they would not be compared
};

// Two groups that a person should look at: the strongest edge between them lies from the review weight up,
// but they are not joined.
struct Review {
  RecordNo a = 0, b = 0;  // the strongest edge's ends, a's key the lower
  int32_t weight = 0;
};

// A probe's nearest records.
struct Match {
  RecordNo record = 0;
  int32_t weight = 0;
};

struct IndexStats {
  size_t records = 0, edges = 0, components = 0, groups = 0, reviews = 0, retired_keys = 0;
  uint64_t candidates = 0;  // compared since the start
  size_t bytes = 0;         // memory, about
};

class LinkIndex {
 public:
  virtual ~LinkIndex() = default;
  static std::unique_ptr<LinkIndex> Make(std::shared_ptr<const Model> model);

  // `key` orders records independently of arrival: a hash of the record's name. Replaces what was known of
  // `record`.
  virtual void Put(RecordNo record, uint64_t key, Features features) = 0;
  // The same for many, compared on `threads` threads. Same result as one by one.
  struct Item {
    RecordNo record = 0;
    uint64_t key = 0;
    Features features;
  };
  virtual void PutAll(std::vector<Item> items, int threads) = 0;
  virtual void Remove(RecordNo record) = 0;
  // FAILED_PRECONDITION (ASSERTION_CONFLICT) with what it contradicts, as assertion ids in the metadata
  // "with"; nothing changes then. Records that are not known (any more) are kept in it and count when they
  // come.
  virtual absl::Status Assert(uint64_t id, const Assertion& assertion) = 0;
  virtual void Revoke(uint64_t id) = 0;

  // The groups that hold now every record of each component touched since the last Settle. Records removed
  // are in none.
  virtual std::vector<Group> Settle() = 0;
  virtual void Keep() = 0;
  virtual void Undo() = 0;

  // Reads.
  virtual const Model& model() const = 0;
  // The records that share its group, itself included, in order of keys; empty: not known.
  virtual std::vector<RecordNo> GroupOf(RecordNo record) const = 0;
  virtual Explanation Explain(RecordNo a, RecordNo b) const = 0;
  // From the review weight up, strongest first, at most `most`.
  virtual std::vector<Match> Find(const Features& probe, size_t most) const = 0;
  // Strongest first; starts after `after` if it is given. This, ReviewCount and stats() find what has come to
  // be looked at since the last of them: no two of them at once.
  virtual std::vector<Review> Reviews(const Review* after, size_t most) const = 0;
  virtual uint64_t ReviewCount() const = 0;
  // Finds a part of it ahead, of at most `most` groups. False: nothing is left. Neither beside the three.
  virtual bool FindSomeReviews(size_t most) const = 0;
  // Of the record's group only.
  virtual std::vector<Review> ReviewsOf(RecordNo record) const = 0;
  // Every group; groups and order depend on the content only.
  virtual void ForEachGroup(absl::FunctionRef<void(const Group&)> visit) const = 0;
  // Of each record's features, in order of keys.
  virtual void ForEachRecord(
      absl::FunctionRef<void(RecordNo, uint64_t key, const Features&)> visit) const = 0;
  // SHA-256 over the groups as sets of keys: equal partitions, equal hash.
  virtual std::string PartitionHash() const = 0;
  virtual IndexStats stats() const = 0;

  // The whole content in pieces of at most 1 MiB, and back. The receiver seals them: they hold personal data.
  // Load gives the index that had been saved; DATA_LOSS if the pieces are not whole.
  virtual void Save(absl::FunctionRef<void(std::string_view piece)> write) const = 0;
  static absl::StatusOr<std::unique_ptr<LinkIndex>> Load(std::shared_ptr<const Model> model,
                                                         absl::FunctionRef<bool(std::string& piece)> read);
};

}  // namespace pharos::customer::identity
