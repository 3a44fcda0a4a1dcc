#include "services/customer/linker_registry.h"

#include <algorithm>
#include <cstring>

#include "absl/hash/hash.h"
#include "services/base/ids.h"

namespace pharos::customer {

namespace {
constexpr size_t kBlockBytes = 1u << 20;  // names are short; a block holds some ten thousand
}

Registry::Registry() : by_name_(0, Hash{this}, Equal{this}) {}
Registry::~Registry() = default;

size_t Registry::Hash::operator()(std::string_view name) const {
  uint64_t hash = 0xcbf29ce484222325u;  // eight bytes at a time; the table mixes it again
  while (name.size() >= 8) {
    uint64_t part;
    std::memcpy(&part, name.data(), 8);
    hash = (hash ^ part) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 29;
    name.remove_prefix(8);
  }
  for (const unsigned char c : name) hash = (hash ^ c) * 0x100000001b3u;
  return hash ^ (hash >> 32);
}

std::string Registry::NameOf(RecordNo record) const {
  base::MutexLock lock(mutex_);
  return record < entries_.size() ? std::string(Name(record)) : std::string();
}

std::optional<RecordNo> Registry::NumberOf(std::string_view record) const {
  base::MutexLock lock(mutex_);
  const auto it = by_name_.find(record);
  if (it == by_name_.end() || entries_[*it].state == kUnknown) return std::nullopt;
  return *it;
}

std::string Registry::PersonOf(RecordNo record) const {
  base::MutexLock lock(mutex_);
  if (record >= entries_.size() || entries_[record].person == kNobody) return {};
  return PersonName(entries_[record].person);
}

Registry::Standing Registry::StandingOf(std::string_view record) const {
  base::MutexLock lock(mutex_);
  const auto it = by_name_.find(record);
  if (it == by_name_.end()) return {};
  return {entries_[*it].state, entries_[*it].stamp};
}

size_t Registry::size() const {
  base::MutexLock lock(mutex_);
  return entries_.size();
}

std::string Registry::PersonName(RecordNo eldest) const {
  constexpr std::string_view kPeople = "people/";
  const std::string_view birth = Birth(eldest);
  std::string name;
  name.reserve(kPeople.size() + birth.size());
  return name.append(kPeople).append(birth);
}

std::optional<RecordNo> Registry::Find(std::string_view name) const {
  const auto it = by_name_.find(name);
  if (it == by_name_.end()) return std::nullopt;
  return *it;
}

const char* Registry::Keep(std::string_view name, std::string_view birth) {
  const size_t bytes = name.size() + birth.size();
  if (blocks_.empty() || block_used_ + bytes > kBlockBytes) {
    blocks_.push_back(std::make_unique<char[]>(std::max(kBlockBytes, bytes)));
    block_used_ = 0;
  }
  char* at = blocks_.back().get() + block_used_;
  std::copy(name.begin(), name.end(), at);
  std::copy(birth.begin(), birth.end(), at + name.size());
  block_used_ += bytes;
  return at;
}

RecordNo Registry::Number(std::string_view name, std::string_view birth) {
  base::MutexLock lock(mutex_);
  if (const auto it = by_name_.find(name); it != by_name_.end()) return *it;
  Entry entry;
  entry.text = Keep(name, birth);
  entry.name_bytes = static_cast<uint16_t>(name.size());
  entry.birth_bytes = static_cast<uint8_t>(birth.size());
  entries_.push_back(entry);
  const RecordNo record = static_cast<RecordNo>(entries_.size() - 1);
  by_name_.insert(record);
  return record;
}

// Arrival in the same microsecond goes by name.
bool Registry::Elder(RecordNo a, RecordNo b) const {
  const int64_t at_a = entries_[a].create_time_us, at_b = entries_[b].create_time_us;
  return at_a != at_b ? at_a < at_b : Name(a) < Name(b);
}

std::span<const RecordNo> Registry::GoneOf(RecordNo eldest) const {
  const auto it = gone_.find(eldest);
  if (it == gone_.end()) return {};
  return it->second;
}

void Registry::Arrive(RecordNo record, int64_t create_time_us) {
  entries_[record].create_time_us = create_time_us;
  last_arrival_ = std::max(last_arrival_, create_time_us);
}

void Registry::SetBirth(RecordNo record, std::string_view birth) {
  base::MutexLock lock(mutex_);
  Entry& entry = entries_[record];
  entry.text = Keep({entry.text, entry.name_bytes}, birth);
  entry.birth_bytes = static_cast<uint8_t>(birth.size());
}

void Registry::SetState(RecordNo record, State state, RecordNo with) {
  base::MutexLock lock(mutex_);
  entries_[record].state = state;
  entries_[record].with = with;
}

void Registry::Stamp(RecordNo record) {
  base::MutexLock lock(mutex_);
  ++entries_[record].stamp;
}

void Registry::SetPerson(RecordNo eldest, std::span<const RecordNo> members) {
  base::MutexLock lock(mutex_);
  std::vector<RecordNo> gone;
  for (const RecordNo member : members) {
    entries_[member].person = eldest;
    if (entries_[member].state == kGone) gone.push_back(member);
  }
  entries_[eldest].members = static_cast<uint32_t>(members.size());
  entries_[eldest].live = static_cast<uint32_t>(members.size() - gone.size());
  if (gone.empty()) {
    if (!gone_.empty()) gone_.erase(eldest);
  } else {
    gone_[eldest] = std::move(gone);
  }
}

void Registry::EndPerson(RecordNo eldest) {
  base::MutexLock lock(mutex_);
  entries_[eldest].members = entries_[eldest].live = 0;
  gone_.erase(eldest);
}

size_t Registry::bytes() const {
  base::MutexLock lock(mutex_);
  return entries_.capacity() * sizeof(Entry) + blocks_.size() * kBlockBytes + by_name_.capacity() * 5;
}

uint64_t OrderKeyOf(std::string_view record) {
  const std::string digest = base::Sha256(record);
  uint64_t key = 0;
  for (int i = 0; i < 8; ++i) key = key << 8 | static_cast<uint8_t>(digest[i]);
  return key;
}

}  // namespace pharos::customer
