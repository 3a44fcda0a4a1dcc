#include "services/config/mapping_file.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "services/base/errors.h"
#include "services/base/text.h"

namespace pharos::config {
namespace {

absl::Status Wrong(const std::string& file, const toml::source_region& where, const std::string& what) {
  const auto line = where.begin.line;
  return base::MakeError(
      absl::StatusCode::kInvalidArgument, "MAPPING_WRONG",
      line > 0 ? fmt::format("{}:{}: {}.", file, line, what) : fmt::format("{}: {}.", file, what),
      {{"line", fmt::format("{}", line)}});
}

// Reads one file; remembers the first thing that is wrong with it.
class MappingReader {
 public:
  explicit MappingReader(std::string file) : file_(std::move(file)) {}

  absl::StatusOr<MappingFile> Read(const toml::table& root) {
    MappingFile mapping;
    Known(root, {"separator", "ignore", "columns"});
    if (const auto* node = root.get("separator")) mapping.separator = Text(*node, "separator");
    if (mapping.separator.size() > 1) Fail(*root.get("separator"), "separator is one character, e.g. \";\"");
    if (const auto* node = root.get("ignore")) mapping.ignore = Texts(*node, "ignore");
    if (const auto* node = root.get("columns")) {
      if (const auto* columns = node->as_table()) {
        for (const auto& [name, value] : *columns)
          mapping.columns[std::string(name.str())] = Column(value, name.str());
      } else {
        Fail(*node, "columns is a table: [columns]");
      }
    }
    if (!failed_.ok()) return failed_;
    return mapping;
  }

 private:
  void Fail(const toml::node& node, const std::string& what) {
    if (failed_.ok()) failed_ = Wrong(file_, node.source(), what);
  }
  void Known(const toml::table& table, const std::vector<std::string>& known) {
    for (const auto& [key, value] : table) {
      const std::string name(key.str());
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      const std::string nearest = base::Nearest(name, known);
      Fail(value, nearest.empty()
                      ? fmt::format("\"{}\" is unknown; known are {}", name, fmt::join(known, ", "))
                      : fmt::format("\"{}\" is unknown; did you mean \"{}\"?", name, nearest));
    }
  }
  std::string Text(const toml::node& node, std::string_view what) {
    if (const auto text = node.value_exact<std::string>()) return *text;
    Fail(node, fmt::format("{} needs a text in quotation marks", what));
    return "";
  }
  // One text or several.
  std::vector<std::string> Texts(const toml::node& node, std::string_view what) {
    if (const auto* list = node.as_array()) {
      std::vector<std::string> texts;
      for (const auto& each : *list) texts.push_back(Text(each, what));
      return texts;
    }
    return {Text(node, what)};
  }
  MappedColumn Column(const toml::node& node, std::string_view name) {
    MappedColumn column;
    const auto* table = node.as_table();
    if (table == nullptr) {
      column.from = Texts(node, name);
      return column;
    }
    Known(*table, {"from", "constant", "date", "values"});
    if (const auto* from = table->get("from")) column.from = Texts(*from, "from");
    if (const auto* constant = table->get("constant")) column.constant = Text(*constant, "constant");
    if (const auto* date = table->get("date")) column.date = Text(*date, "date");
    if (const auto* values = table->get("values")) {
      if (const auto* pairs = values->as_table()) {
        for (const auto& [from, to] : *pairs) column.values[std::string(from.str())] = Text(to, "values");
      } else {
        Fail(*values, "values is a table: { Y = \"granted\" }");
      }
    }
    return column;
  }

  const std::string file_;
  absl::Status failed_;
};

}  // namespace

absl::StatusOr<MappingFile> ParseMapping(std::string_view text, const std::string& file) {
  try {
    return MappingReader(file).Read(toml::parse(text, std::string_view(file)));
  } catch (const toml::parse_error& error) {
    return Wrong(file, error.source(), std::string(error.description()));
  }
}

absl::StatusOr<MappingFile> LoadMapping(const std::string& file) {
  std::ifstream in(file);
  std::ostringstream text;
  if (!(text << in.rdbuf())) {
    return base::MakeError(absl::StatusCode::kInvalidArgument, "MAPPING_WRONG",
                           fmt::format("{}: cannot be read, or is empty.", file));
  }
  return ParseMapping(text.str(), file);
}

}  // namespace pharos::config
