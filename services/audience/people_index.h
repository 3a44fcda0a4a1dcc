// Everybody, in memory, as the customer service's feed tells it: bitmaps for each value of each field,
// columns for bands and tables, and the gate's facts. Any number of threads may read while one applies.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pharos/customer/internal/v1/feed_service.pb.h"
#include "pharos/engagement/internal/v1/feed_service.pb.h"
#include "pharos/type/v1/types.pb.h"
#include "services/audience/filter_check.h"
#include "services/audience/people_set.h"
#include "services/audience/reference.h"
#include "services/gate/gate.h"

namespace pharos::audience {

// One dimension of a table, checked.
struct TableDimension {
  const FieldInfo* field = nullptr;
  std::vector<int64_t> edges;  // ascending, as the field's column holds them; empty: each value is a cell
  std::vector<std::string> edge_texts;  // as written, one for each
};
struct TableCell {
  std::vector<std::string> keys;  // one for each dimension; "" = no value
  int64_t people = 0;
  std::vector<int64_t> measures;
};

// Whom the gate judges, and how.
struct JudgeQuestion {
  gate::Purpose purpose;
  std::vector<type::v1::Channel> channels;
};

class PeopleIndex {
 public:
  // One moment of the index: valid only while Read runs.
  class Reader {
   public:
    virtual ~Reader() = default;
    virtual uint64_t position() const = 0;
    // `today`: the calendar's day in London, for ages.
    virtual PeopleSet Match(const Predicate& predicate) const = 0;
    // The same, without making the set where that is quicker.
    virtual int64_t Count(const Predicate& predicate) const = 0;
    // Cells with at least one person, by keys ascending. TOO_MANY_CELLS over `most`.
    virtual absl::StatusOr<std::vector<TableCell>> Table(const PeopleSet& people,
                                                         const std::vector<TableDimension>& dimensions,
                                                         const std::vector<PeopleSet>& measures,
                                                         size_t most) const = 0;
    // The people of one cell.
    virtual PeopleSet CellPeople(const PeopleSet& people, const std::vector<TableDimension>& dimensions,
                                 const TableCell& cell) const = 0;
    // How many of `people` the gate would let through, and the others by reason.
    virtual std::map<type::v1::GateReason, int64_t> Verdicts(const PeopleSet& people,
                                                             const JudgeQuestion& question) const = 0;
    // Who is or was called that, without "people/"; UINT32_MAX: nobody.
    virtual PersonNo NumberOf(std::string_view id) const = 0;
    // The id, without "people/". Empty for nobody.
    virtual std::string Id(PersonNo person) const = 0;
    // Ids of all, in the set's order; 26 characters each. Until `visit` returns false.
    virtual void ForEachId(const PeopleSet& people,
                           const std::function<bool(PersonNo, std::string_view)>& visit) const = 0;
    // A field's value as text, for previews and exports: members of a set ';'-separated, a date as ISO 8601;
    // the age in years. Empty: no value.
    virtual std::string Value(PersonNo person, const FieldInfo& field) const = 0;
    virtual type::v1::GateFacts Facts(PersonNo person) const = 0;
  };

  struct Stats {
    uint64_t people = 0;
    uint64_t index_bytes = 0;  // bitmaps, columns, ids
    uint64_t gate_bytes = 0;   // the gate's facts
    uint64_t predicates = 0;   // bitmaps
  };

  static std::unique_ptr<PeopleIndex> New();
  virtual ~PeopleIndex() = default;

  // Where places come from: everybody's area is derived anew. Before it is called: Reference::Nothing().
  virtual void SetReference(std::shared_ptr<const Reference> reference) = 0;
  virtual std::shared_ptr<const Reference> reference() const = 0;
  // One message of the feed. One thread at a time.
  virtual void Apply(const customer::internal::v1::FollowPeopleResponse& response) = 0;
  // Forgets everybody, and what they did: both feeds start again at 0.
  virtual void Reset() = 0;
  // One message of engagement's feed, which continues at `from`. One thread at a time. False: nothing was
  // applied, as the index stands elsewhere, or nobody has been read yet: follow from engagement_position().
  virtual bool ApplyEngagement(const engagement::internal::v1::FollowEngagementResponse& response,
                               uint64_t from) = 0;
  virtual uint64_t engagement_position() const = 0;
  // Forgets what people did.
  virtual void ResetEngagement() = 0;
  // As WaitForPosition, for engagement's feed. UNAVAILABLE ENGAGEMENT_BEHIND.
  virtual absl::Status WaitForEngagement(uint64_t position, int64_t micros) const = 0;
  // What is known of this campaign is not told apart any more ("campaigns/…").
  virtual bool IsFolded(std::string_view campaign) const = 0;
  // The cursor to follow from; 0: the first snapshot is not complete.
  virtual uint64_t position() const = 0;

  // Waits until everything up to `position` has been applied, at most `micros`. UNAVAILABLE AUDIENCE_LOADING
  // before the first snapshot is complete, AUDIENCE_BEHIND after. Position 0 (nothing was ever written) needs
  // no waiting.
  virtual absl::Status WaitForPosition(uint64_t position, int64_t micros) const = 0;
  // Ends all waiting, now and later.
  virtual void Stop() = 0;

  // Everybody at one moment, while `read` runs: no I/O in it. `now_us`: for ages and days in London.
  virtual absl::Status Read(int64_t now_us, const std::function<absl::Status(const Reader&)>& read) const = 0;
  virtual Stats stats() const = 0;

  // A checkpoint: one file, written beside and renamed; loading gives the same index at the same position.
  // DATA_LOSS: the file is damaged or of another format; the index stays empty and the feed starts at 0.
  virtual absl::Status Save(const std::string& path) const = 0;
  virtual absl::Status Load(const std::string& path) = 0;
};

}  // namespace pharos::audience
