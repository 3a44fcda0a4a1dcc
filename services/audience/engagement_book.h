// Who had which event of which campaign, and when: bitmaps over the index's numbers. Not thread-safe by
// itself: the index locks round it.
//
// Events name people as they were called when a message was planned. Somebody who has been linked into
// another person since has no number any more: what is known of them stays as it is, and is found at whoever
// bears their name now; after an unlink it is theirs again.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <roaring/roaring.hh>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "services/audience/people_set.h"

namespace pharos::audience {

// As filters name them; the numbers are those of engagement.internal.v1.EngagedPeople.Event.
enum class EngagementEvent : uint8_t {
  kNone = 0,
  kSent,
  kDelivered,
  kFailed,
  kUnconfirmed,
  kWithheld,
  kReplied,
  kOptedOut,
  kComplained,
  kClicked
};
inline constexpr size_t kEngagementEvents = 10;
// kNone: there is none of that name.
EngagementEvent EngagementEventOf(std::string_view name);
std::vector<std::string> EngagementEventNames();

// Days that a window can reach back, today included. What is older is only known to be older.
inline constexpr int kMostEngagedDays = 366;
// Campaigns that are told apart. Past it the one without news for longest is only known as "some campaign".
inline constexpr size_t kMostEngagedCampaigns = 4096;

// The book as a file has it.
struct EngagementPages {
  struct Set {
    std::string campaign;  // empty: of those that are not told apart
    EngagementEvent event = EngagementEvent::kNone;
    int32_t day = 0;
    std::string people;  // a bitmap in Roaring's portable format
  };
  std::vector<Set> sets;
  std::vector<std::pair<uint32_t, std::string>> former;  // numbers that nobody bears, and their ids
  std::vector<std::string> folded;
};

class EngagementBook {
 public:
  // Days are counted since 1 January 1970 (london.h). `person` is the number of somebody who is there. Any
  // order of days: the last counts.
  void Add(PersonNo person, std::string_view campaign, EngagementEvent event, int32_t day);
  // Of an id that nobody bears: found again at whoever does when asked.
  void AddFormer(std::string_view id, std::string_view campaign, EngagementEvent event, int32_t day);

  // Whoever bore `id` as this number is gone; the number is never used again.
  void PersonGone(PersonNo person, std::string_view id);
  // The names that were linked into this person, all of them. Ids without "people/".
  void SetFormer(PersonNo person, std::vector<std::string> ids);
  // Whom a former id was linked into; UINT32_MAX: nobody.
  PersonNo BearerOf(std::string_view id) const;
  std::vector<std::string> FormerOf(PersonNo person) const;

  // Those of `alive` who had the event in the campaign ("*": in any) on the day `since` or later (kEver: at
  // any time). `find(id)`: the number of who bears an id now, UINT32_MAX: nobody.
  template <typename Find>
  Roaring Engaged(std::string_view campaign, EngagementEvent event, int32_t since, const Roaring& alive,
                  const Find& find) const {
    const Roaring all = Marked(campaign, event, since);
    Roaring found = all & alive;
    if (ghosts_.isEmpty()) return found;
    for (const uint32_t number : all& ghosts_) {
      const std::string& id = ghost_ids_.at(number);
      if (const uint32_t person = find(id); person != UINT32_MAX) {
        found.add(person);
      } else if (const PersonNo bearer = BearerOf(id); bearer != UINT32_MAX) {
        found.add(bearer);
      }
    }
    return found;
  }

  // All events; the names that people had stay.
  void Forget();
  // It is not told apart any more.
  bool Folded(std::string_view campaign) const { return folded_.contains(campaign); }
  size_t Bytes() const;
  size_t Bitmaps() const;

  // `renumbered[n]`: the number that person `n` will have where the pages are read; UINT32_MAX: nobody is
  // `n`.
  EngagementPages Write(const std::vector<uint32_t>& renumbered) const;
  // Into an empty book. False: they are damaged.
  bool Read(const EngagementPages& pages);

  static constexpr int32_t kEver = INT32_MIN;

 private:
  struct Days {
    Roaring ever;
    std::map<int32_t, Roaring> last;  // each person once, on their last day; kEver: before all windows
  };
  struct Campaign {
    int32_t newest = kEver;
    std::array<Days, kEngagementEvents> events;
  };
  static constexpr uint32_t kFirstGhost = 0x80000000;  // numbers of ids that nobody bore when they came

  Roaring Marked(std::string_view campaign, EngagementEvent event, int32_t since) const;
  static Roaring Since(const Days& days, int32_t since);
  void Mark(uint32_t number, std::string_view campaign, EngagementEvent event, int32_t day);
  static void MarkDay(Days& days, uint32_t number, int32_t day);
  Campaign& CampaignOf(std::string_view name);
  // Days that no window reaches any more become one.
  void MoveOn(int32_t day);
  void FoldOldest();

  std::map<std::string, Campaign, std::less<>> campaigns_;
  Campaign others_;                            // of campaigns that are not told apart any more
  std::set<std::string, std::less<>> folded_;  // these
  int32_t newest_ = kEver;                     // of all days
  Roaring marked_;                             // numbers that had any event
  Roaring ghosts_;                             // of these, those that nobody bears
  absl::flat_hash_map<uint32_t, std::string> ghost_ids_;
  absl::flat_hash_map<std::string, uint32_t> ghost_of_;  // for what comes later
  uint32_t next_ghost_ = kFirstGhost;
  absl::flat_hash_map<std::string, PersonNo> alias_;                // former id → whose it is now
  absl::flat_hash_map<PersonNo, std::vector<std::string>> former_;  // and back
};

}  // namespace pharos::audience
