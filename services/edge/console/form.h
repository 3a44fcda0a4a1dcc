// What a browser's form said: application/x-www-form-urlencoded (WHATWG URL, section 5) or
// multipart/form-data (RFC 7578). Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace pharos::edge::console {

struct FormFile {
  std::string name;  // as the browser called it, without a folder
  std::string text;
};

class FormValues {
 public:
  static constexpr size_t kMostValues = 1'000;

  // The first value of a field, without spaces round it; "" if there is none.
  std::string Get(std::string_view name) const;
  std::vector<std::string> All(std::string_view name) const;  // checkboxes
  bool Has(std::string_view name) const { return values_.find(name) != values_.end(); }
  const FormFile* File(std::string_view name) const;
  const std::map<std::string, std::vector<std::string>, std::less<>>& values() const { return values_; }

  void Add(std::string name, std::string value) { values_[std::move(name)].push_back(std::move(value)); }
  void AddFile(std::string name, FormFile file) { files_[std::move(name)] = std::move(file); }
  size_t size() const;

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
  std::map<std::string, FormFile, std::less<>> files_;
};

// "a=b&c=d%20e". What is not UTF-8, and more than kMostValues: FORM_WRONG.
absl::StatusOr<FormValues> ReadPairs(std::string_view text);
// By content type.
absl::StatusOr<FormValues> ReadForm(std::string_view content_type, std::string_view body);

// For links: everything but unreserved characters (RFC 3986) is escaped.
std::string EscapeForUrl(std::string_view text);

}  // namespace pharos::edge::console
