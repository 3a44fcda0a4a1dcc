// A predicate to the people whom it matches, by bitmaps. Pure over one moment of the index.
#pragma once

#include <functional>
#include <roaring/roaring.hh>
#include <string>

#include "services/audience/filter_check.h"
#include "services/audience/index_data.h"

namespace pharos::audience {

class Matcher {
 public:
  // Whoever consents on a channel for a purpose; lives as long as the Matcher.
  using Consents = std::function<const Roaring&(type::v1::Channel, const std::string& purpose)>;
  Matcher(const IndexData& data, PackedDate today, Consents consents)
      : data_(data), today_(today), consents_(std::move(consents)) {}

  Roaring Match(const Predicate& predicate) const;
  // Without making the last bitmap.
  uint64_t Count(const Predicate& predicate) const;

 private:
  class Found;
  Found Find(const Predicate& predicate) const;
  // Everything of an AND, ready to be put together.
  struct Parts;
  void Gather(const std::vector<Predicate>& of, Parts& parts) const;
  // All but the last step, which is to be taken with the second; nullptr: nothing is left to do.
  struct Joined;
  Joined Join(const std::vector<Predicate>& of) const;
  Found All(const std::vector<Predicate>& parts) const;
  Found Any(const std::vector<Predicate>& parts) const;
  Found Text(const Predicate& predicate) const;
  Found TextIs(TextField field, const Predicate& predicate) const;
  Roaring PostcodeIs(const Predicate& predicate) const;
  Found Aged(const Predicate& predicate) const;
  Found Levels(const Predicate& predicate) const;
  Found Updated(const Predicate& predicate) const;
  Found Person(const Predicate& predicate) const;
  Found InSet(const IndexData::ByValue& bitmaps, const std::string& word) const;
  Found Present(const FieldInfo& field) const;
  Found Engaged(const Predicate& predicate) const;

  const IndexData& data_;
  const PackedDate today_;
  const Consents consents_;
};

// Dates that somebody of these ages, low <= age < high, was born on: [first, second). Empty: nobody.
std::pair<PackedDate, PackedDate> BornFor(PackedDate today, int64_t low, int64_t high);

}  // namespace pharos::audience
