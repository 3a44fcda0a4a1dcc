#include "services/audience/engagement_book.h"

#include <algorithm>
#include <exception>

namespace pharos::audience {
namespace {

constexpr std::array<const char*, kEngagementEvents> kNames = {
    "",         "sent",    "delivered", "failed",     "unconfirmed",
    "withheld", "replied", "opted_out", "complained", "clicked"};

std::string BytesOf(const Roaring& bitmap) {
  std::string bytes(bitmap.getSizeInBytes(true), '\0');
  bitmap.write(bytes.data(), true);
  return bytes;
}

}  // namespace

EngagementEvent EngagementEventOf(std::string_view name) {
  const auto found = std::find(kNames.begin() + 1, kNames.end(), name);
  return found == kNames.end() ? EngagementEvent::kNone
                               : static_cast<EngagementEvent>(found - kNames.begin());
}

std::vector<std::string> EngagementEventNames() {
  return {kNames.begin() + 1, kNames.end()};
}

void EngagementBook::MarkDay(Days& days, uint32_t number, int32_t day) {
  if (!days.ever.addChecked(number)) {
    const auto later = days.last.lower_bound(day);
    for (auto at = later; at != days.last.end(); ++at) {
      if (at->second.contains(number)) return;
    }
    for (auto at = later; at != days.last.begin();) {
      if (!(--at)->second.removeChecked(number)) continue;
      if (at->second.isEmpty()) days.last.erase(at);
      break;
    }
  }
  days.last[day].add(number);
}

EngagementBook::Campaign& EngagementBook::CampaignOf(std::string_view name) {
  if (const auto found = campaigns_.find(name); found != campaigns_.end()) return found->second;
  if (folded_.contains(name)) return others_;
  return campaigns_[std::string(name)];
}

void EngagementBook::Mark(uint32_t number, std::string_view campaign, EngagementEvent event, int32_t day) {
  if (event == EngagementEvent::kNone || static_cast<size_t>(event) >= kEngagementEvents) return;
  if (day > newest_) MoveOn(day);
  Campaign& to = CampaignOf(campaign);
  to.newest = std::max(to.newest, day);
  MarkDay(to.events[static_cast<size_t>(event)], number, day < newest_ - kMostEngagedDays ? kEver : day);
  marked_.add(number);
  if (campaigns_.size() > kMostEngagedCampaigns) FoldOldest();
}

void EngagementBook::Add(PersonNo person, std::string_view campaign, EngagementEvent event, int32_t day) {
  Mark(person, campaign, event, day);
}

void EngagementBook::AddFormer(std::string_view id, std::string_view campaign, EngagementEvent event,
                               int32_t day) {
  const auto [at, fresh] = ghost_of_.try_emplace(std::string(id), next_ghost_);
  if (fresh) {
    ghost_ids_.emplace(next_ghost_, id);
    ghosts_.add(next_ghost_++);
  }
  Mark(at->second, campaign, event, day);
}

void EngagementBook::PersonGone(PersonNo person, std::string_view id) {
  if (!marked_.contains(person)) return;
  ghost_ids_.emplace(person, id);
  ghost_of_.try_emplace(std::string(id), person);
  ghosts_.add(person);
}

void EngagementBook::SetFormer(PersonNo person, std::vector<std::string> ids) {
  const auto before = former_.find(person);
  if (before == former_.end() && ids.empty()) return;
  if (before != former_.end()) {
    for (const std::string& id : before->second) {
      const auto alias = alias_.find(id);
      if (alias != alias_.end() && alias->second == person) alias_.erase(alias);
    }
  }
  for (const std::string& id : ids) alias_[id] = person;
  if (ids.empty()) {
    former_.erase(person);
  } else {
    former_[person] = std::move(ids);
  }
}

void EngagementBook::Forget() {
  EngagementBook empty;
  empty.alias_ = std::move(alias_);
  empty.former_ = std::move(former_);
  *this = std::move(empty);
}

PersonNo EngagementBook::BearerOf(std::string_view id) const {
  const auto alias = alias_.find(std::string(id));
  return alias == alias_.end() ? UINT32_MAX : alias->second;
}

std::vector<std::string> EngagementBook::FormerOf(PersonNo person) const {
  const auto found = former_.find(person);
  return found == former_.end() ? std::vector<std::string>() : found->second;
}

Roaring EngagementBook::Since(const Days& days, int32_t since) {
  if (since == kEver) return days.ever;
  std::vector<const Roaring*> parts;
  for (auto at = days.last.lower_bound(since); at != days.last.end(); ++at) parts.push_back(&at->second);
  return parts.empty() ? Roaring() : Roaring::fastunion(parts.size(), parts.data());
}

Roaring EngagementBook::Marked(std::string_view campaign, EngagementEvent event, int32_t since) const {
  const auto at = static_cast<size_t>(event);
  if (at == 0 || at >= kEngagementEvents) return Roaring();
  if (campaign != "*") {
    const auto found = campaigns_.find(campaign);
    return found == campaigns_.end() ? Roaring() : Since(found->second.events[at], since);
  }
  Roaring all = Since(others_.events[at], since);
  for (const auto& [name, each] : campaigns_) all |= Since(each.events[at], since);
  return all;
}

void EngagementBook::MoveOn(int32_t day) {
  newest_ = day;
  const int32_t first = newest_ - kMostEngagedDays;
  const auto move = [first](Campaign& campaign) {
    for (Days& days : campaign.events) {
      while (!days.last.empty()) {
        auto oldest = days.last.begin();
        if (oldest->first == kEver) ++oldest;
        if (oldest == days.last.end() || oldest->first >= first) break;
        days.last[kEver] |= oldest->second;
        days.last.erase(oldest);
      }
    }
  };
  for (auto& [name, campaign] : campaigns_) move(campaign);
  move(others_);
}

void EngagementBook::FoldOldest() {
  const auto oldest =
      std::min_element(campaigns_.begin(), campaigns_.end(),
                       [](const auto& a, const auto& b) { return a.second.newest < b.second.newest; });
  for (size_t event = 1; event < kEngagementEvents; ++event) {
    for (const auto& [day, people] : oldest->second.events[event].last) {
      for (const uint32_t number : people) MarkDay(others_.events[event], number, day);
    }
  }
  folded_.insert(oldest->first);
  campaigns_.erase(oldest);
}

namespace {

size_t BitmapBytes(const Roaring& bitmap) {
  return bitmap.getSizeInBytes(false) + sizeof(Roaring);
}
constexpr size_t kIdBytes = 26 + sizeof(std::string) + 16;  // an id in a hash map

}  // namespace

size_t EngagementBook::Bytes() const {
  size_t bytes = BitmapBytes(marked_) + BitmapBytes(ghosts_) +
                 (ghost_ids_.size() + ghost_of_.size() + 2 * alias_.size()) * kIdBytes;
  const auto add = [&bytes](const Campaign& campaign) {
    for (const Days& days : campaign.events) {
      bytes += BitmapBytes(days.ever);
      for (const auto& [day, people] : days.last) bytes += BitmapBytes(people);
    }
  };
  for (const auto& [name, campaign] : campaigns_) add(campaign);
  add(others_);
  return bytes;
}

size_t EngagementBook::Bitmaps() const {
  size_t count = 2;
  const auto add = [&count](const Campaign& campaign) {
    for (const Days& days : campaign.events) count += days.last.empty() ? 0 : 1 + days.last.size();
  };
  for (const auto& [name, campaign] : campaigns_) add(campaign);
  add(others_);
  return count;
}

EngagementPages EngagementBook::Write(const std::vector<uint32_t>& renumbered) const {
  EngagementPages pages;
  absl::flat_hash_map<uint32_t, uint32_t> ghosts;
  for (const auto& [number, id] : ghost_ids_) {
    const auto fresh = static_cast<uint32_t>(kFirstGhost + pages.former.size());
    ghosts.emplace(number, fresh);
    pages.former.emplace_back(fresh, id);
  }
  const auto renumber = [&](const Roaring& from) {
    std::vector<uint32_t> numbers;
    for (const uint32_t number : from) {
      const auto ghost = ghosts.find(number);
      const uint32_t fresh = ghost != ghosts.end()        ? ghost->second
                             : number < renumbered.size() ? renumbered[number]
                                                          : UINT32_MAX;
      if (fresh != UINT32_MAX) numbers.push_back(fresh);
    }
    std::sort(numbers.begin(), numbers.end());
    return Roaring(numbers.size(), numbers.data());
  };
  const auto add = [&](const std::string& name, const Campaign& campaign) {
    for (size_t event = 1; event < kEngagementEvents; ++event) {
      for (const auto& [day, people] : campaign.events[event].last) {
        pages.sets.push_back({name, static_cast<EngagementEvent>(event), day, BytesOf(renumber(people))});
      }
    }
  };
  for (const auto& [name, campaign] : campaigns_) add(name, campaign);
  add("", others_);
  pages.folded.assign(folded_.begin(), folded_.end());
  return pages;
}

bool EngagementBook::Read(const EngagementPages& pages) {
  for (const auto& [number, id] : pages.former) {
    if (number < kFirstGhost) return false;
    ghosts_.add(number);
    ghost_ids_[number] = id;
    ghost_of_.try_emplace(id, number);
    next_ghost_ = std::max(next_ghost_, number + 1);
  }
  folded_.insert(pages.folded.begin(), pages.folded.end());
  for (const EngagementPages::Set& set : pages.sets) {
    const auto event = static_cast<size_t>(set.event);
    if (event == 0 || event >= kEngagementEvents) return false;
    Roaring people;
    try {
      people = Roaring::readSafe(set.people.data(), set.people.size());
    } catch (const std::exception&) {
      return false;
    }
    Campaign& campaign = set.campaign.empty() ? others_ : campaigns_[set.campaign];
    Days& days = campaign.events[event];
    days.ever |= people;
    marked_ |= people;
    campaign.newest = std::max(campaign.newest, set.day);
    newest_ = std::max(newest_, set.day);
    days.last[set.day] = std::move(people);
  }
  return true;
}

}  // namespace pharos::audience
