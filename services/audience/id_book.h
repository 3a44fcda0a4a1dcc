// Ids by number and numbers by id, 16 bytes for each and a place in a table.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "services/audience/people_set.h"
#include "services/base/ids.h"

namespace pharos::audience {

// Ids as base::NewId makes them; others are held besides as text. Not thread-safe by itself.
class IdBook {
 public:
  IdBook() : numbers_(0, Hash{&keys_}, Equal{&keys_}) {}
  IdBook(const IdBook&) = delete;
  IdBook& operator=(const IdBook&) = delete;

  static constexpr PersonNo kNobody = UINT32_MAX;
  PersonNo Find(std::string_view id) const;
  PersonNo Add(std::string_view id);  // not yet there
  // That so many will come.
  void Reserve(size_t people);
  // The number stays taken, its id is forgotten.
  void Drop(PersonNo person);
  // Empty: dropped.
  std::string Id(PersonNo person) const;
  // The same in a buffer of the caller's.
  using Text = std::array<char, base::kIdLength>;
  std::string_view Id(PersonNo person, Text& text) const;
  bool Has(PersonNo person) const;
  size_t size() const { return keys_.size(); }
  size_t Bytes() const;

 private:
  using Key = base::Bytes16;
  static uint64_t HashOf(const Key& key);
  struct Hash {
    using is_transparent = void;
    const std::vector<Key>* keys;
    size_t operator()(const Key& key) const { return HashOf(key); }
    size_t operator()(PersonNo person) const { return HashOf((*keys)[person]); }
  };
  struct Equal {
    using is_transparent = void;
    const std::vector<Key>* keys;
    bool operator()(PersonNo a, PersonNo b) const { return a == b; }
    bool operator()(PersonNo a, const Key& b) const { return (*keys)[a] == b; }
    bool operator()(const Key& a, PersonNo b) const { return a == (*keys)[b]; }
  };
  static Key KeyOf(std::string_view id);

  std::vector<Key> keys_;
  absl::flat_hash_set<PersonNo, Hash, Equal> numbers_;
  std::unordered_map<PersonNo, std::string> others_;  // of another form; empty: dropped
};

}  // namespace pharos::audience
