// Inside of Features: one compact run of bytes per record, and a view of it to compare from.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "services/customer/identity/features.h"

namespace pharos::customer::identity {

struct Features::Data {
  std::string bytes;  // (kind, length, value)…
};

// What a value is.
enum Kind : uint8_t {
  kName = 1,  // length of given, given, length of family, family, nickname families
  kMiddle,    // folded
  kBirth,     // year (two bytes), month, day; month 0: only the year says something
  kSex,       // letter
  kEmail,     // match key; first byte: a Mailbox
  kPhone,     // digits; first byte: a Line
  kPostcode,  // upper case, no space
  kHouse,
  kStreet,
  kTown,
  kNhsNumber,
  kNationalId,
  kOrganisation,
  kKinds,
};
enum Mailbox : char { kPersonal = 1, kRole = 2 };
enum Line : char { kMobile = 1, kLandline = 2 };

// Values of a kind that are followed per record: the current ones and the latest earlier ones.
constexpr size_t kMostValues = 6;

struct NameView {
  std::string_view given, family, families;
};
struct BirthView {
  int year = 0, month = 0, day = 0;
  std::string_view text;  // YYYYMMDD, made at need by the comparison
};
template <class T>
struct Few {
  std::array<T, kMostValues> values;
  uint8_t size = 0;
  void Add(const T& value) {
    if (size < kMostValues) values[size++] = value;
  }
  const T* begin() const { return values.data(); }
  const T* end() const { return values.data() + size; }
  bool empty() const { return size == 0; }
  const T& operator[](size_t at) const { return values[at]; }
};

// Parsed; points into the data.
struct View {
  explicit View(const Features::Data& data);
  Few<NameView> names;
  Few<BirthView> births;
  std::array<Few<std::string_view>, kKinds> of;  // by Kind, besides names and births
};

}  // namespace pharos::customer::identity
