#include "services/policy/policy_text.h"

#include <fmt/format.h>

#include "services/base/text.h"

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

namespace pharos::policy {
namespace {

int LineOf(const toml::node& node) {
  return static_cast<int>(node.source().begin.line);
}
int LineOf(const toml::key& key) {
  return static_cast<int>(key.source().begin.line);
}

// "" and a problem for a key that is not one of `known`.
void CheckKeys(const toml::table& table, const std::vector<std::string>& known, Problems& problems) {
  for (const auto& [key, value] : table) {
    const std::string name(key.str());
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::string nearest = base::Nearest(name, known);
    problems.Add(LineOf(key),
                 nearest.empty()
                     ? fmt::format("there is no key \"{}\"; known are {}", name, fmt::join(known, ", "))
                     : fmt::format("there is no key \"{}\"; did you mean \"{}\"?", name, nearest));
  }
}

std::vector<Word> Words(const toml::table& table, std::string_view key, Problems& problems) {
  std::vector<Word> words;
  const toml::node* node = table.get(key);
  if (node == nullptr) return words;
  const toml::array* array = node->as_array();
  if (array == nullptr || array->size() > kMaxWords) {
    problems.Add(LineOf(*node), fmt::format("\"{}\" must be a list of at most {} texts", key, kMaxWords));
    return words;
  }
  for (const toml::node& item : *array) {
    if (const auto text = item.value<std::string>(); text.has_value() && item.is_string()) {
      words.push_back({*text, LineOf(item)});
    } else {
      problems.Add(LineOf(item), fmt::format("\"{}\" must be a list of texts", key));
    }
  }
  return words;
}

std::string Text(const toml::table& table, std::string_view key) {
  return table[key].value_or(std::string());
}

void ReadRole(const toml::key& name, const toml::node& node, PolicyText& out, Problems& problems) {
  const toml::table* table = node.as_table();
  if (table == nullptr) return problems.Add(LineOf(node), "a role is a table: [roles.NAME]");
  CheckKeys(*table, {"about", "may"}, problems);
  if (Text(*table, "about").empty())
    problems.Add(LineOf(name),
                 fmt::format("say in one sentence what the role \"{}\" is for: about = \"…\"", name.str()));
  out.roles.push_back({{std::string(name.str()), LineOf(name)}, Words(*table, "may", problems)});
}

void ReadRoles(const toml::table& file, PolicyText& out, Problems& problems) {
  const toml::table* roles = file["roles"].as_table();
  if (roles == nullptr) return problems.Add(1, "there are no roles; write [roles.NAME]");
  if (roles->size() > kMaxRoles)
    return problems.Add(LineOf(*roles), fmt::format("more than {} roles", kMaxRoles));
  for (const auto& [name, node] : *roles) ReadRole(name, node, out, problems);
}

void ReadTest(const toml::node& node, PolicyText& out, Problems& problems) {
  const toml::table* table = node.as_table();
  if (table == nullptr) return problems.Add(LineOf(node), "a test is a table: [[tests]]");
  CheckKeys(*table, {"about", "roles", "allow", "deny"}, problems);
  TestText test;
  test.about = Text(*table, "about");
  test.line = LineOf(node);
  test.roles = Words(*table, "roles", problems);
  test.allow = Words(*table, "allow", problems);
  test.deny = Words(*table, "deny", problems);
  if (test.allow.empty() && test.deny.empty()) problems.Add(test.line, "a test must allow or deny something");
  out.tests.push_back(std::move(test));
}

void ReadTests(const toml::table& file, PolicyText& out, Problems& problems) {
  const toml::array* tests = file["tests"].as_array();
  if (tests == nullptr || tests->empty())
    return problems.Add(1, "there are no tests; write under [[tests]] what this policy promises");
  if (tests->size() > kMaxTests)
    return problems.Add(LineOf(*tests), fmt::format("more than {} tests", kMaxTests));
  for (const toml::node& node : *tests) ReadTest(node, out, problems);
}

}  // namespace

void Problems::Add(int line, std::string_view what) {
  if (lines_.size() < kMost) lines_.push_back(fmt::format("line {}: {}", line, what));
}

PolicyText ReadPolicyText(std::string_view text, Problems& problems) {
  PolicyText out;
  if (text.size() > kMaxPolicyBytes) {
    problems.Add(1, fmt::format("a policy has at most {} bytes", kMaxPolicyBytes));
    return out;
  }
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    problems.Add(static_cast<int>(parsed.error().source().begin.line),
                 fmt::format("not TOML: {}", parsed.error().description()));
    return out;
  }
  const toml::table& file = parsed.table();
  CheckKeys(file, {"roles", "tests"}, problems);
  ReadRoles(file, out, problems);
  ReadTests(file, out, problems);
  return out;
}

}  // namespace pharos::policy
