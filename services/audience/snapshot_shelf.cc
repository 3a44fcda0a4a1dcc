#include "services/audience/snapshot_shelf.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <utility>

#include "services/audience/checkpoint.h"
#include "services/audience/errors.h"
#include "services/audience/london.h"
#include "services/base/errors.h"

namespace pharos::audience {
namespace {

namespace fs = std::filesystem;
using customer::internal::v1::FollowPeopleResponse;

constexpr std::string_view kEnding = ".snapshot";
constexpr size_t kLookUpAtOnce = 10'000;  // while the index of today is held: a few milliseconds

// Ids by number, in order.
std::vector<std::pair<PersonNo, std::string>> Everybody(const PeopleIndex& index) {
  std::vector<std::pair<PersonNo, std::string>> all;
  const absl::Status read = index.Read(0, [&](const PeopleIndex::Reader& reader) {
    reader.ForEachId(reader.Match(Predicate()), [&](PersonNo person, std::string_view id) {
      all.emplace_back(person, id);
      return true;
    });
    return absl::OkStatus();
  });
  return read.ok() ? std::move(all) : decltype(all)();
}

// Finds everybody of the snapshot in the index of today, and drops from the snapshot who is not there.
void Compare(const PeopleIndex& live, Snapshot& snapshot) {
  const auto all = Everybody(*snapshot.index);
  snapshot.today.assign(all.empty() ? 0 : all.back().first + 1, Snapshot::kNobodyNow);
  FollowPeopleResponse gone;
  for (size_t from = 0; from < all.size(); from += kLookUpAtOnce) {
    const absl::Status read = live.Read(0, [&](const PeopleIndex::Reader& reader) {
      for (size_t at = from; at < std::min(all.size(), from + kLookUpAtOnce); ++at) {
        const auto& [person, id] = all[at];
        if ((snapshot.today[person] = reader.NumberOf(id)) != Snapshot::kNobodyNow) continue;
        auto& state = *gone.add_people();
        state.set_person("people/" + id);
        state.set_gone(true);
      }
      return absl::OkStatus();
    });
    if (!read.ok()) return;
  }
  snapshot.index->Apply(gone);
}

}  // namespace

PeopleSet Snapshot::Today(const PeopleSet& people) const {
  PeopleSet same;
  people.ForEach([&](PersonNo person) {
    if (person < today.size() && today[person] != kNobodyNow) same.Add(today[person]);
    return true;
  });
  return same;
}

SnapshotShelf::SnapshotShelf(std::string folder, const PeopleIndex& live, base::Clock& clock)
    : folder_(folder.empty() ? "" : std::move(folder) + "/snapshots"), live_(live), clock_(clock) {}

void SnapshotShelf::SetKeys(std::shared_ptr<storage::KeyRing> keys) {
  base::MutexLock lock(mutex_);
  keys_ = std::move(keys);
}

std::string SnapshotShelf::PathOf(int64_t time_us) const {
  return fmt::format("{}/{:020}{}", folder_, time_us, kEnding);
}

std::vector<int64_t> SnapshotShelf::Times() const {
  std::vector<int64_t> times;
  std::error_code error;
  if (folder_.empty()) return times;
  for (fs::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    int64_t time_us = 0;
    const auto [rest, bad] = std::from_chars(name.data(), name.data() + name.size(), time_us);
    if (bad == std::errc() && rest == name.data() + name.size() - kEnding.size() && name.ends_with(kEnding))
      times.push_back(time_us);
  }
  std::sort(times.begin(), times.end());
  return times;
}

bool SnapshotShelf::Due() const {
  const std::vector<int64_t> times = Times();
  return !folder_.empty() && (times.empty() || LondonDate(times.back()) < LondonDate(clock_.WallMicros()));
}

absl::Status SnapshotShelf::Keep(const std::string& file, int64_t time_us) {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (!error) fs::permissions(folder_, fs::perms::owner_all, error);
  // Another name of the same file: the next checkpoint is another file.
  if (!error) fs::create_hard_link(file, PathOf(time_us), error);
  if (error) {
    return base::MakeError(absl::StatusCode::kUnavailable, "SNAPSHOT_FAILED",
                           "the snapshot of today could not be kept: is there space in the data folder?", {});
  }
  DropOld();
  return absl::OkStatus();
}

void SnapshotShelf::DropOld() const {
  std::vector<int64_t> times = Times();
  const int64_t oldest_us = clock_.WallMicros() - kKeepUs;
  std::error_code ignored;
  for (size_t at = 0; at < times.size(); ++at) {
    if (times[at] < oldest_us || times.size() - at > kMostKept) fs::remove(PathOf(times[at]), ignored);
  }
}

void SnapshotShelf::Tidy() {
  DropOld();
  base::MutexLock lock(mutex_);
  const int64_t now_us = clock_.BootMicros();
  if (now_us - used_us_ >= kIdleUs || now_us - loaded_us_ >= kMostLoadedUs) loaded_.reset();
}

absl::StatusOr<std::shared_ptr<const Snapshot>> SnapshotShelf::Read(int64_t time_us,
                                                                    storage::KeyRing& keys) const {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->time_us = time_us;
  snapshot->index = PeopleIndex::New();
  snapshot->index->SetReference(live_.reference());
  const std::string path = PathOf(time_us);
  PHAROS_RETURN_IF_ERROR(Checkpoint::LoadFile(path, keys, *snapshot->index));
  Compare(live_, *snapshot);
  return snapshot;
}

absl::StatusOr<std::shared_ptr<const Snapshot>> SnapshotShelf::At(int64_t as_of_us) {
  if (as_of_us > clock_.WallMicros()) return AudienceErrors::SnapshotInFuture();
  base::MutexLock lock(mutex_);
  std::vector<int64_t> times = Times();
  const int64_t oldest_us = clock_.WallMicros() - kKeepUs;
  std::erase_if(times, [oldest_us](int64_t time_us) { return time_us < oldest_us; });
  const int64_t first_us = times.empty() ? 0 : times.front();
  while (!times.empty() && times.back() > as_of_us) times.pop_back();
  for (; !times.empty(); times.pop_back()) {
    const int64_t boot_us = clock_.BootMicros();
    used_us_ = boot_us;
    const bool fresh = loaded_ != nullptr && boot_us - loaded_us_ < kMostLoadedUs;
    if (fresh && loaded_->time_us == times.back()) return loaded_;
    loaded_.reset();  // before the next is read
    if (keys_ == nullptr) return AudienceErrors::SnapshotUnreadable(times.back());
    auto read = Read(times.back(), *keys_);
    if (read.ok()) {
      loaded_us_ = boot_us;
      return loaded_ = *std::move(read);
    }
    // A damaged one, or of an older format, is gone now: the one before it is the newest.
    if (!absl::IsDataLoss(read.status())) return AudienceErrors::SnapshotUnreadable(times.back());
  }
  return AudienceErrors::SnapshotNotKept(first_us);
}

}  // namespace pharos::audience
