#include "services/audience/people_index.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <shared_mutex>

#include "services/audience/errors.h"
#include "services/audience/gate_views.h"
#include "services/audience/index_data.h"
#include "services/audience/index_file.h"
#include "services/audience/index_match.h"
#include "services/audience/index_table.h"
#include "services/audience/people_set_bits.h"
#include "services/base/errors.h"
#include "services/base/ids.h"

namespace pharos::audience {
namespace {

class ReaderImpl : public PeopleIndex::Reader {
 public:
  ReaderImpl(const IndexData& data, const GateViews& views, uint64_t position, PackedDate today)
      : data_(data), views_(views), position_(position), today_(today) {}

  uint64_t position() const override { return position_; }
  PeopleSet Match(const Predicate& predicate) const override { return SetOf(MakeMatcher().Match(predicate)); }
  int64_t Count(const Predicate& predicate) const override {
    return static_cast<int64_t>(MakeMatcher().Count(predicate));
  }
  absl::StatusOr<std::vector<TableCell>> Table(const PeopleSet& people,
                                               const std::vector<TableDimension>& dimensions,
                                               const std::vector<PeopleSet>& measures,
                                               size_t most) const override {
    std::vector<const Roaring*> bitmaps;
    for (const PeopleSet& measure : measures) bitmaps.push_back(&measure.bits().roaring);
    return MakeTable(data_, today_, people.bits().roaring, dimensions, bitmaps, most);
  }
  PeopleSet CellPeople(const PeopleSet& people, const std::vector<TableDimension>& dimensions,
                       const TableCell& cell) const override {
    return SetOf(PeopleOfCell(data_, today_, people.bits().roaring, dimensions, cell));
  }
  std::map<type::v1::GateReason, int64_t> Verdicts(const PeopleSet& people,
                                                   const JudgeQuestion& question) const override {
    const auto column = views_.Verdicts(data_, question);
    std::array<int64_t, 256> counts{};
    for (const PersonNo person : people.bits().roaring& data_.alive) ++counts[(*column)[person]];
    std::map<type::v1::GateReason, int64_t> verdicts;
    for (size_t reason = 0; reason < counts.size(); ++reason) {
      if (counts[reason] != 0) verdicts[static_cast<type::v1::GateReason>(reason)] = counts[reason];
    }
    return verdicts;
  }
  PersonNo NumberOf(std::string_view id) const override {
    const PersonNo person = data_.ids.Find(id);
    return person != IdBook::kNobody ? person : data_.engagement.BearerOf(id);
  }
  std::string Id(PersonNo person) const override {
    return There(person) ? data_.ids.Id(person) : std::string();
  }
  void ForEachId(const PeopleSet& people,
                 const std::function<bool(PersonNo, std::string_view)>& visit) const override {
    IdBook::Text text;
    for (const PersonNo person : people.bits().roaring) {
      if (There(person) && !visit(person, data_.ids.Id(person, text))) return;
    }
  }
  std::string Value(PersonNo person, const FieldInfo& field) const override {
    return There(person) ? ValueAt(data_, today_, person, field) : std::string();
  }
  type::v1::GateFacts Facts(PersonNo person) const override {
    type::v1::GateFacts facts;
    if (There(person)) facts.ParseFromString(data_.gate[person]);  // our own bytes
    return facts;
  }

 private:
  // A set may be older than this moment.
  bool There(PersonNo person) const { return data_.ids.Has(person); }
  Matcher MakeMatcher() const {
    return Matcher(data_, today_,
                   [this](type::v1::Channel channel, const std::string& purpose) -> const Roaring& {
                     held_.push_back(views_.Consents(data_, channel, purpose));
                     return *held_.back();
                   });
  }

  const IndexData& data_;
  const GateViews& views_;
  const uint64_t position_;
  const PackedDate today_;
  mutable std::vector<std::shared_ptr<const Roaring>> held_;  // while this reader lives
};

// One shared lock. A message of the feed is at most 512 people, applied in a few milliseconds; questions take
// less. The lock lets readers pass a waiting writer: nearly each question first waits for what was just
// written, so that readers cannot keep the feed out for long. Copies of the bitmaps for each message would
// cost more than the waiting.
class IndexImpl : public PeopleIndex {
 public:
  void SetReference(std::shared_ptr<const Reference> reference) override {
    std::unique_lock lock(mutex_);
    reference_ = std::move(reference);
    data_->SetPlaces(*reference_);
  }

  std::shared_ptr<const Reference> reference() const override {
    std::shared_lock lock(mutex_);
    return reference_;
  }

  void Apply(const customer::internal::v1::FollowPeopleResponse& response) override {
    uint64_t reached = 0;
    {
      std::unique_lock lock(mutex_);
      for (const auto& state : response.people()) ApplyOne(state);
      read_position_ = reached = std::max<uint64_t>(read_position_, response.cursor());
    }
    Reach(reached);
  }

  bool ApplyEngagement(const engagement::internal::v1::FollowEngagementResponse& response,
                       uint64_t from) override {
    {
      std::unique_lock lock(mutex_);
      if (engagement_position_ != from || read_position_ == 0) return false;
      for (const auto& engaged : response.engaged()) ApplyOne(engaged);
      engagement_position_ = std::max(engagement_position_, response.position());
    }
    ReachEngagement(response.position());
    return true;
  }

  uint64_t engagement_position() const override {
    base::MutexLock lock(wait_mutex_);
    return engaged_;
  }

  void ResetEngagement() override {
    {
      std::unique_lock lock(mutex_);
      ForgetEngagement();
    }
    ReachEngagement(0);
  }

  absl::Status WaitForEngagement(uint64_t position, int64_t micros) const override {
    if (WaitUntil(&IndexImpl::engaged_, position, micros)) return absl::OkStatus();
    return AudienceErrors::EngagementBehind(engagement_position(), position);
  }

  bool IsFolded(std::string_view campaign) const override {
    std::shared_lock lock(mutex_);
    return data_->engagement.Folded(campaign);
  }

  void Reset() override {
    {
      std::unique_lock lock(mutex_);
      // One by one: who comes again has another number, so that no set made before means somebody else.
      const Roaring everybody = data_->alive;
      for (const PersonNo person : everybody) data_->Remove(data_->ids.Id(person));
      views_.Clear();
      read_position_ = 0;
      ForgetEngagement();
    }
    Reach(0);
    ReachEngagement(0);
  }

  uint64_t position() const override {
    base::MutexLock lock(wait_mutex_);
    return position_;
  }

  absl::Status WaitForPosition(uint64_t position, int64_t micros) const override {
    if (WaitUntil(&IndexImpl::position_, position, micros)) return absl::OkStatus();
    const uint64_t reached = this->position();
    return reached == 0 ? AudienceErrors::Loading() : AudienceErrors::Behind(reached, position);
  }

  void Stop() override {
    base::MutexLock lock(wait_mutex_);
    stopped_ = true;
    moved_.NotifyAll();
  }

  absl::Status Read(int64_t now_us, const std::function<absl::Status(const Reader&)>& read) const override {
    std::shared_lock lock(mutex_);
    return read(ReaderImpl(*data_, views_, read_position_, LondonDate(now_us)));
  }

  Stats stats() const override {
    std::shared_lock lock(mutex_);
    Stats stats;
    stats.people = data_->alive.cardinality();
    stats.index_bytes = data_->IndexBytes() + views_.Bytes();
    stats.gate_bytes = data_->gate_bytes + data_->gate.capacity() * sizeof(std::string);
    stats.predicates = data_->Bitmaps();
    return stats;
  }

  // Questions go on meanwhile; the feed waits.
  absl::Status Save(const std::string& path) const override {
    std::shared_lock lock(mutex_);
    return SaveIndex(*data_, {read_position_, engagement_position_, reference_->generation()}, path);
  }

  absl::Status Load(const std::string& path) override {
    auto fresh = std::make_unique<IndexData>();
    IndexPositions positions;
    PHAROS_RETURN_IF_ERROR(LoadIndex(path, *fresh, positions));
    {
      std::unique_lock lock(mutex_);
      if (positions.reference != reference_->generation()) fresh->SetPlaces(*reference_);
      data_ = std::move(fresh);
      views_.Clear();
      read_position_ = positions.people;
      engagement_position_ = positions.engagement;
    }
    Reach(positions.people);
    ReachEngagement(positions.engagement);
    return absl::OkStatus();
  }

 private:
  void ApplyOne(const customer::internal::v1::PersonState& state) {
    const std::string id = base::Segment(state.person(), "people");
    const PersonNo person =
        state.gone() ? data_->Remove(id) : data_->Put(id, MakeCompact(state, data_->pool, *reference_));
    if (person != IdBook::kNobody) views_.Changed(*data_, person);
  }
  void ApplyOne(const engagement::internal::v1::EngagedPeople& engaged) {
    const int32_t day = DayNumber(LondonDate(engaged.time_us()));
    for (const std::string& person : engaged.people()) {
      data_->AddEngaged(base::Segment(person, "people"), engaged.campaign(),
                        static_cast<EngagementEvent>(engaged.event()), day);
    }
  }
  // The names that people had stay known: their feed goes on.
  void ForgetEngagement() {
    data_->engagement.Forget();
    engagement_position_ = 0;
  }
  void Reach(uint64_t position) {
    base::MutexLock lock(wait_mutex_);
    position_ = position;
    moved_.NotifyAll();
  }
  void ReachEngagement(uint64_t position) {
    base::MutexLock lock(wait_mutex_);
    engaged_ = position;
    moved_.NotifyAll();
  }
  // True: `position` was reached in time. `reached`: one of the positions that wait_mutex_ guards.
  bool WaitUntil(uint64_t IndexImpl::*reached, uint64_t position, int64_t micros) const {
    using std::chrono::steady_clock;
    const auto until = steady_clock::now() + std::chrono::microseconds(micros);
    base::MutexLock lock(wait_mutex_);
    while (this->*reached < position && !stopped_) {
      const auto left =
          std::chrono::duration_cast<std::chrono::microseconds>(until - steady_clock::now()).count();
      if (left <= 0) break;
      moved_.WaitForMicros(lock, left);
    }
    return this->*reached >= position;
  }

  mutable std::shared_mutex mutex_;  // of these:
  std::unique_ptr<IndexData> data_ = std::make_unique<IndexData>();
  GateViews views_;
  std::shared_ptr<const Reference> reference_ = Reference::Nothing();
  uint64_t read_position_ = 0, engagement_position_ = 0;

  mutable base::Mutex wait_mutex_;
  mutable base::CondVar moved_;
  // As above, for those who wait.
  uint64_t position_ ABSL_GUARDED_BY(wait_mutex_) = 0, engaged_ ABSL_GUARDED_BY(wait_mutex_) = 0;
  bool stopped_ ABSL_GUARDED_BY(wait_mutex_) = false;
};

}  // namespace

std::unique_ptr<PeopleIndex> PeopleIndex::New() {
  return std::make_unique<IndexImpl>();
}

}  // namespace pharos::audience
