// A set of people, by their number in the index: a compressed bitmap (CRoaring). A value; cheap to copy for
// small sets, a few bits a person for big ones. Numbers are never given to another person while the program
// runs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace pharos::audience {

using PersonNo = uint32_t;

class PeopleSet {
 public:
  PeopleSet();
  PeopleSet(const PeopleSet& other);
  PeopleSet(PeopleSet&& other) noexcept;
  PeopleSet& operator=(const PeopleSet& other);
  PeopleSet& operator=(PeopleSet&& other) noexcept;
  ~PeopleSet();

  void Add(PersonNo person);
  void Remove(PersonNo person);
  bool Contains(PersonNo person) const;
  uint64_t Count() const;
  bool Empty() const;

  PeopleSet& operator&=(const PeopleSet& other);
  PeopleSet& operator|=(const PeopleSet& other);
  PeopleSet& operator-=(const PeopleSet& other);
  // People in exactly one of the two.
  uint64_t CountDifferent(const PeopleSet& other) const;
  uint64_t CountBoth(const PeopleSet& other) const;
  // In this and not in `other`.
  uint64_t CountOnlyHere(const PeopleSet& other) const;
  // A hash of the members: equal sets have equal hashes.
  uint64_t Hash() const;
  // Ascending, until `visit` returns false.
  void ForEach(const std::function<bool(PersonNo)>& visit) const;
  // Bytes in memory.
  size_t Bytes() const;

  // The bitmap itself, for the index (services/audience/people_set_bits.h).
  struct Bits;
  Bits& bits() { return *bits_; }
  const Bits& bits() const { return *bits_; }

 private:
  std::unique_ptr<Bits> bits_;
};

}  // namespace pharos::audience
