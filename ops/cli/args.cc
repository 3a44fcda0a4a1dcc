#include "ops/cli/args.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "fmt/format.h"
#include "services/base/errors.h"
#include "services/base/text.h"

namespace pharos::cli {
namespace {

const Option* Find(const std::vector<Option>& options, std::string_view name) {
  auto it = std::find_if(options.begin(), options.end(), [&](const Option& o) { return o.name == name; });
  return it == options.end() ? nullptr : &*it;
}

absl::Status UnknownOption(std::string_view name, const std::vector<Option>& options) {
  std::vector<std::string> names;
  for (const Option& option : options) names.push_back(option.name);
  std::string nearest = base::Nearest(name, names);
  if (nearest.empty())
    return UsageError(fmt::format("There is no option --{} here. Add --help to see those there are.", name));
  return UsageError(fmt::format("There is no option --{} here. Did you mean --{}?", name, nearest));
}

absl::Status CheckRequired(const Args& args, const std::vector<Option>& options) {
  for (const Option& option : options) {
    if (option.required && !args.Has(option.name)) {
      return UsageError(fmt::format("--{} {} is missing: {}.", option.name, option.value, option.help));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status UsageError(std::string_view message) {
  return base::MakeError(absl::StatusCode::kInvalidArgument, "USAGE", message);
}

absl::StatusOr<int64_t> NumberOf(const Args& args, std::string_view option, int64_t otherwise) {
  if (!args.Has(option)) return otherwise;
  const std::string text = args.Get(option);
  if (text.empty() || text.size() > 18 || text.find_first_not_of("0123456789") != std::string::npos)
    return UsageError(fmt::format("--{} needs a whole number, not \"{}\".", option, text));
  return std::strtoll(text.c_str(), nullptr, 10);
}

absl::StatusOr<std::string> FileOf(const Args& args, std::string_view option) {
  std::ifstream file(args.Get(option), std::ios::binary);
  if (!file) return UsageError(fmt::format("The file {} cannot be read.", args.Get(option)));
  std::ostringstream text;
  text << file.rdbuf();
  std::string body = text.str();
  while (!body.empty() && body.back() == '\n') body.pop_back();
  return body;
}

absl::StatusOr<Args> Args::Parse(const std::vector<std::string>& words, const std::vector<Option>& options) {
  Args args;
  bool only_operands = false;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (only_operands || word.size() < 3 || word.substr(0, 2) != "--") {
      if (word == "--" && !only_operands) {
        only_operands = true;
      } else {
        args.operands_.push_back(word);
      }
      continue;
    }
    size_t equals = word.find('=');
    std::string name = word.substr(2, equals == std::string::npos ? equals : equals - 2);
    const Option* option = Find(options, name);
    if (option == nullptr) return UnknownOption(name, options);
    std::string value;
    if (option->value.empty()) {
      if (equals != std::string::npos) return UsageError(fmt::format("--{} takes no value.", name));
    } else if (equals != std::string::npos) {
      value = word.substr(equals + 1);
    } else if (++i < words.size()) {
      value = words[i];
    } else {
      return UsageError(fmt::format("--{} needs a value: {}.", name, option->value));
    }
    if (!option->repeated && args.Has(name)) return UsageError(fmt::format("--{} is given twice.", name));
    args.values_[name].push_back(value);
  }
  PHAROS_RETURN_IF_ERROR(CheckRequired(args, options));
  return args;
}

std::string Args::Get(std::string_view option, std::string_view otherwise) const {
  auto it = values_.find(std::string(option));
  return it == values_.end() ? std::string(otherwise) : it->second.back();
}

std::vector<std::string> Args::All(std::string_view option) const {
  auto it = values_.find(std::string(option));
  return it == values_.end() ? std::vector<std::string>{} : it->second;
}

std::string Args::Operand(size_t index) const {
  return index < operands_.size() ? operands_[index] : "";
}

}  // namespace pharos::cli
