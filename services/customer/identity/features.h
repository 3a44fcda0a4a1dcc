// What one source record offers for comparison: cleaned, folded, compact. Pure. Made from the cleaned fields
// of a record (services/customer/clean.h) and from those of its earlier versions, so that a name, postcode or
// number that somebody had before still finds them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"

namespace pharos::customer::identity {

class Model;

// Value of a cleaned field; empty where the record does not say. Fields: given_name, middle_name,
// family_name, date_of_birth (ISO 8601), sex, email, phone (E.164 without '+'), postcode, house, street,
// town, nhs_number, national_id (any other identifier of one person), organisation, role.
using Said = absl::FunctionRef<std::string_view(std::string_view field)>;

// Immutable; copies share.
class Features {
 public:
  Features() = default;
  // `earlier`: the record's earlier versions, any order. Depends on the model for its skip lists only.
  static Features Of(Said current, std::span<const Said> earlier, const Model& model);

  // Compact bytes that From reads back; the same features give the same bytes.
  std::string Bytes() const;
  static Features From(std::string_view bytes);

  bool empty() const { return data_ == nullptr; }

  struct Data;  // features_data.h
  const Data& data() const { return *data_; }

 private:
  std::shared_ptr<const Data> data_;
};

}  // namespace pharos::customer::identity
