// Reads JSON that has exactly one form: no duplicate keys, bounded depth, texts in UTF-8. Names what is
// wrong, never the value.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace pharos::edge {

inline constexpr int kDeepest = 8;  // of objects and lists within each other; documented forms need three

// One JSON value that is an object. BODY_WRONG.
absl::StatusOr<nlohmann::json> ReadObject(std::string_view body);

// Fields of one object; remembers the first thing that is wrong.
class Form {
 public:
  explicit Form(const nlohmann::json& object) : object_(object) {}

  // A text of at most `most` bytes that must be there (and not be empty).
  std::string Text(const char* field, size_t most);
  // A text that may be null or missing: "".
  std::string Maybe(const char* field, size_t most);
  // One of both, or missing: false.
  bool Flag(const char* field);
  // A time in ISO 8601 with its zone that may be null or missing: 0. Microseconds since the epoch.
  int64_t MaybeTime(const char* field);
  void Fail(const char* field, std::string_view what);

  const absl::Status& status() const { return status_; }

 private:
  const nlohmann::json* Find(const char* field) const;

  const nlohmann::json& object_;
  absl::Status status_;
};

// "2017-05-14T12:15:30.000000Z" to microseconds since the epoch; -1 if it is no such time.
int64_t ReadTime(std::string_view text);

}  // namespace pharos::edge
