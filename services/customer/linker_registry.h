// Who is who in small numbers: every source record's name, birth, arrival and person, in memory, about 120
// bytes each. What the link index knows as a number has its name here. Changed by whoever holds the linker's
// lane; the functions that say so may be called beside it.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "services/base/mutex.h"
#include "services/customer/identity/link_index.h"
#include "services/customer/linker.h"

namespace pharos::customer {

using identity::RecordNo;

class Registry : public RecordNames {
 public:
  static constexpr RecordNo kNobody = UINT32_MAX;
  enum State : uint8_t {
    kUnknown,  // a number was given out, but nothing is stored
    kLive,     // in the index
    kGone,     // deleted or erased: stays with its person, not in the index
  };
  struct Entry {
    const char* text = nullptr;  // name, then birth
    uint16_t name_bytes = 0;
    uint8_t birth_bytes = 0;
    State state = kUnknown;
    RecordNo person = kNobody;  // the eldest record of its person, whose birth is the person's id
    RecordNo with = kNobody;    // kGone: the record that it stays with
    uint32_t members = 0;       // of the eldest: how many the person has, itself and those gone included
    uint32_t live = 0;          // of these in the index
    uint32_t stamp = 0;         // counts changes of content
    int64_t create_time_us = 0;
  };

  Registry();
  ~Registry() override;

  // Thread-safe.
  std::string NameOf(RecordNo record) const override;
  std::optional<RecordNo> NumberOf(std::string_view record) const override;
  std::string PersonOf(RecordNo record) const override;
  struct Standing {
    State state = kUnknown;
    uint32_t stamp = 0;
  };
  Standing StandingOf(std::string_view record) const;
  size_t size() const;

  // In the lane.
  const Entry& At(RecordNo record) const { return entries_[record]; }
  std::string_view Name(RecordNo record) const {
    const Entry& entry = entries_[record];
    return {entry.text, entry.name_bytes};
  }
  std::string_view Birth(RecordNo record) const {  // without "people/"
    const Entry& entry = entries_[record];
    return {entry.text + entry.name_bytes, entry.birth_bytes};
  }
  std::string PersonName(RecordNo eldest) const;
  // Its number; a new one if it has none. `birth` is taken where there was none.
  RecordNo Number(std::string_view name, std::string_view birth);
  std::optional<RecordNo> Find(std::string_view name) const;
  // Arrived earlier.
  bool Elder(RecordNo a, RecordNo b) const;
  // Those gone that stay with a person.
  std::span<const RecordNo> GoneOf(RecordNo eldest) const;

  void Arrive(RecordNo record, int64_t create_time_us);
  void SetBirth(RecordNo record, std::string_view birth);
  void SetState(RecordNo record, State state, RecordNo with);
  void Stamp(RecordNo record);
  // A person's records, the eldest first. The former persons of these must be set again, too, or ended.
  void SetPerson(RecordNo eldest, std::span<const RecordNo> members);
  void EndPerson(RecordNo eldest);
  int64_t last_arrival() const { return last_arrival_; }
  size_t bytes() const;

 private:
  struct Hash {
    using is_transparent = void;
    const Registry* registry;
    size_t operator()(RecordNo record) const { return (*this)(registry->Name(record)); }
    size_t operator()(std::string_view name) const;
  };
  struct Equal {
    using is_transparent = void;
    const Registry* registry;
    bool operator()(RecordNo a, RecordNo b) const { return a == b; }
    bool operator()(RecordNo a, std::string_view b) const { return registry->Name(a) == b; }
    bool operator()(std::string_view a, RecordNo b) const { return registry->Name(b) == a; }
  };
  const char* Keep(std::string_view name, std::string_view birth);

  mutable base::Mutex mutex_;  // changes of what the thread-safe functions read
  std::vector<Entry> entries_;
  absl::flat_hash_set<RecordNo, Hash, Equal> by_name_;
  std::unordered_map<RecordNo, std::vector<RecordNo>> gone_;  // eldest → those gone
  std::deque<std::unique_ptr<char[]>> blocks_;
  size_t block_used_ = 0;
  int64_t last_arrival_ = 0;
};

// The order of records in the index: a hash of the name, the same everywhere and always.
uint64_t OrderKeyOf(std::string_view record);

}  // namespace pharos::customer
