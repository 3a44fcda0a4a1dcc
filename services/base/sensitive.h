// Personal data. A Sensitive<T> does not print, log or format; Reveal() is easy to search for.
#pragma once

#include <utility>

namespace pharos::base {

template <typename T>
class Sensitive {
 public:
  Sensitive() = default;
  explicit Sensitive(T value) : value_(std::move(value)) {}
  const T& Reveal() const { return value_; }
  bool operator==(const Sensitive&) const = default;

 private:
  T value_{};
};

}  // namespace pharos::base
