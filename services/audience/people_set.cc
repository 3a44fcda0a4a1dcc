#include "services/audience/people_set.h"

#include <utility>

#include "services/audience/people_set_bits.h"

namespace pharos::audience {

PeopleSet::PeopleSet() : bits_(std::make_unique<Bits>()) {}
PeopleSet::PeopleSet(const PeopleSet& other) : bits_(std::make_unique<Bits>(*other.bits_)) {}
PeopleSet::PeopleSet(PeopleSet&& other) noexcept : PeopleSet() {
  std::swap(bits_, other.bits_);
}
PeopleSet& PeopleSet::operator=(const PeopleSet& other) {
  *bits_ = *other.bits_;
  return *this;
}
PeopleSet& PeopleSet::operator=(PeopleSet&& other) noexcept {
  std::swap(bits_, other.bits_);
  return *this;
}
PeopleSet::~PeopleSet() = default;

void PeopleSet::Add(PersonNo person) {
  bits_->roaring.add(person);
}
void PeopleSet::Remove(PersonNo person) {
  bits_->roaring.remove(person);
}
bool PeopleSet::Contains(PersonNo person) const {
  return bits_->roaring.contains(person);
}
uint64_t PeopleSet::Count() const {
  return bits_->roaring.cardinality();
}
bool PeopleSet::Empty() const {
  return bits_->roaring.isEmpty();
}

PeopleSet& PeopleSet::operator&=(const PeopleSet& other) {
  bits_->roaring &= other.bits_->roaring;
  return *this;
}
PeopleSet& PeopleSet::operator|=(const PeopleSet& other) {
  bits_->roaring |= other.bits_->roaring;
  return *this;
}
PeopleSet& PeopleSet::operator-=(const PeopleSet& other) {
  bits_->roaring -= other.bits_->roaring;
  return *this;
}
uint64_t PeopleSet::CountDifferent(const PeopleSet& other) const {
  return bits_->roaring.xor_cardinality(other.bits_->roaring);
}
uint64_t PeopleSet::CountBoth(const PeopleSet& other) const {
  return bits_->roaring.and_cardinality(other.bits_->roaring);
}
uint64_t PeopleSet::CountOnlyHere(const PeopleSet& other) const {
  return bits_->roaring.andnot_cardinality(other.bits_->roaring);
}

uint64_t PeopleSet::Hash() const {
  // A sum over the members: it does not depend on how the bitmap holds them.
  uint64_t sum = 0;
  bits_->roaring.iterate(
      [](uint32_t person, void* to) {
        uint64_t x = (person + 1) * 0x9E3779B97F4A7C15u;
        x = (x ^ (x >> 29)) * 0xBF58476D1CE4E5B9u;
        *static_cast<uint64_t*>(to) += x ^ (x >> 32);
        return true;
      },
      &sum);
  return sum;
}

void PeopleSet::ForEach(const std::function<bool(PersonNo)>& visit) const {
  bits_->roaring.iterate(
      [](uint32_t person, void* with) {
        return (*static_cast<const std::function<bool(PersonNo)>*>(with))(person);
      },
      const_cast<void*>(static_cast<const void*>(&visit)));
}

size_t PeopleSet::Bytes() const {
  return sizeof(Bits) + bits_->roaring.getSizeInBytes(false);
}

}  // namespace pharos::audience
