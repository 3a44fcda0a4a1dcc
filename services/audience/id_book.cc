#include "services/audience/id_book.h"

#include <algorithm>
#include <cstring>

#include "absl/hash/hash.h"

namespace pharos::audience {

// Of another form: of their digest, which is nobody's id.
IdBook::Key IdBook::KeyOf(std::string_view id) {
  if (const auto key = base::ReadId(id)) return *key;
  Key key;
  const std::string digest = base::Sha256(id);
  std::copy_n(digest.begin(), key.size(), key.begin());
  return key;
}

uint64_t IdBook::HashOf(const Key& key) {
  uint64_t halves[2];
  std::memcpy(halves, key.data(), sizeof(halves));
  return absl::HashOf(halves[0], halves[1]);
}

void IdBook::Reserve(size_t people) {
  keys_.reserve(people);
  numbers_.reserve(people);
}

PersonNo IdBook::Find(std::string_view id) const {
  const auto found = numbers_.find(KeyOf(id));
  return found == numbers_.end() ? kNobody : *found;
}

PersonNo IdBook::Add(std::string_view id) {
  const auto person = static_cast<PersonNo>(keys_.size());
  const auto key = base::ReadId(id);
  keys_.push_back(key ? *key : KeyOf(id));
  if (!key) others_[person] = std::string(id);
  numbers_.insert(person);
  return person;
}

void IdBook::Drop(PersonNo person) {
  numbers_.erase(person);
  others_[person].clear();
}

bool IdBook::Has(PersonNo person) const {
  if (person >= keys_.size()) return false;
  const auto other = others_.find(person);
  return other == others_.end() || !other->second.empty();
}

std::string_view IdBook::Id(PersonNo person, Text& text) const {
  if (const auto other = others_.find(person); other != others_.end()) return other->second;
  base::WriteId(keys_[person], text.data());
  return {text.data(), text.size()};
}

std::string IdBook::Id(PersonNo person) const {
  Text text;
  return std::string(Id(person, text));
}

size_t IdBook::Bytes() const {
  constexpr size_t kOther = 96;  // about: a node, a string and its text
  return keys_.capacity() * sizeof(Key) + numbers_.capacity() * (sizeof(PersonNo) + 1) +
         others_.size() * kOther;
}

}  // namespace pharos::audience
