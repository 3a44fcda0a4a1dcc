#include "services/policy/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/text.h"
#include "services/policy/permissions.h"
#include "services/policy/policy_text.h"

namespace pharos::policy {
namespace {

using Rights = std::map<std::string, std::set<std::string>, std::less<>>;  // role → permissions

constexpr std::string_view kConnectorRights[] = {"connectors.work", "self.read"};
// Without these nobody could ever correct a policy again.
constexpr std::string_view kNeeded[] = {"acts.propose", "acts.confirm", "acts.read", "principals.write"};

bool IsBuiltIn(std::string_view role) {
  return role == kServiceRole || role == kConnectorRole;
}

Rights BuiltIn() {
  Rights rights;
  rights[std::string(kServiceRole)] = {KnownPermissions().begin(), KnownPermissions().end()};
  rights[std::string(kConnectorRole)] = {std::begin(kConnectorRights), std::end(kConnectorRights)};
  return rights;
}

std::string Unknown(std::string_view what, const std::string& word, const std::vector<std::string>& known) {
  const std::string nearest = base::Nearest(word, known);
  return nearest.empty() ? fmt::format("there is no {} \"{}\"", what, word)
                         : fmt::format("there is no {} \"{}\"; did you mean \"{}\"?", what, word, nearest);
}

bool KnowPermission(const Word& word, Problems& problems) {
  if (FindPermission(word.text) != nullptr) return true;
  problems.Add(word.line, Unknown("permission", word.text, KnownPermissions()));
  return false;
}

void GrantTo(const RoleText& role, Rights& rights, Problems& problems) {
  std::set<std::string>& may = rights[role.name.text];
  for (const Word& word : role.may) {
    if (!KnowPermission(word, problems)) continue;
    if (FindPermission(word.text)->internal) {
      problems.Add(
          word.line,
          fmt::format("{} is of calls between Pharos's own processes; no role here can have it", word.text));
    }
    may.insert(word.text);
  }
}

Rights RightsOf(const PolicyText& text, Problems& problems) {
  Rights rights = BuiltIn();
  for (const RoleText& role : text.roles) {
    if (IsBuiltIn(role.name.text)) {
      problems.Add(role.name.line,
                   fmt::format("the role \"{}\" is built in and cannot be changed", role.name.text));
    } else if (!base::IsChosenId(role.name.text)) {
      problems.Add(role.name.line, "a role is 1 to 63 of [a-z0-9-]");
    } else {
      GrantTo(role, rights, problems);
    }
  }
  return rights;
}

std::vector<std::string> NamesOf(const Rights& rights) {
  std::vector<std::string> names;
  for (const auto& [name, may] : rights) names.push_back(name);
  return names;
}

bool Holds(const Rights& rights, std::string_view role, std::string_view permission) {
  const auto found = rights.find(role);
  return found != rights.end() && found->second.count(std::string(permission)) != 0;
}

void RequireCure(const PolicyText& text, const Rights& rights, Problems& problems) {
  for (const std::string_view needed : kNeeded) {
    const bool held = std::any_of(text.roles.begin(), text.roles.end(), [&](const RoleText& role) {
      return !IsBuiltIn(role.name.text) && Holds(rights, role.name.text, needed);
    });
    if (!held) problems.Add(1, fmt::format("no role may {}: nobody could change this policy again", needed));
  }
}

// One line of one test.
void Try(const TestText& test, const Word& word, bool expected, const Rights& rights, Problems& problems) {
  if (!KnowPermission(word, problems)) return;
  std::vector<std::string> roles;
  bool allowed = false;
  for (const Word& role : test.roles) {
    roles.push_back(role.text);
    allowed = allowed || Holds(rights, role.text, word.text);
  }
  if (allowed == expected) return;
  problems.Add(word.line,
               fmt::format("test fails: {} {} {}{}", fmt::join(roles, "+"), expected ? "may not" : "may",
                           word.text, test.about.empty() ? "" : fmt::format(" (\"{}\")", test.about)));
}

int RunTests(const PolicyText& text, const Rights& rights, Problems& problems) {
  size_t ran = 0;
  for (const TestText& test : text.tests) {
    for (const Word& role : test.roles) {
      if (rights.count(role.text) == 0) problems.Add(role.line, Unknown("role", role.text, NamesOf(rights)));
    }
    for (const Word& word : test.allow) Try(test, word, true, rights, problems);
    for (const Word& word : test.deny) Try(test, word, false, rights, problems);
    ran += test.allow.size() + test.deny.size();
  }
  return static_cast<int>(ran);
}

Rights Judge(std::string_view policy, int* tests, Problems& problems) {
  const PolicyText text = ReadPolicyText(policy, problems);
  Rights rights = RightsOf(text, problems);
  if (!text.roles.empty()) RequireCure(text, rights, problems);
  const int ran = RunTests(text, rights, problems);
  if (tests != nullptr) *tests = ran;
  return rights;
}

absl::Status Wrong(const std::vector<std::string>& problems) {
  std::string more = problems.size() == 1 ? "" : fmt::format(" (and {} more)", problems.size() - 1);
  return base::MakeError(
      absl::StatusCode::kInvalidArgument, "POLICY_WRONG",
      fmt::format("The policy is not accepted: {}{}. Correct it and check it again.", problems.front(), more),
      {{"problem", problems.front()}, {"problems", fmt::format("{}", problems.size())}});
}

}  // namespace

struct Policy::Parts {
  std::string text;
  Rights rights;
};

Policy::Policy(std::shared_ptr<const Parts> parts)
    : parts_(std::move(parts)), roles_(NamesOf(parts_->rights)) {}

absl::StatusOr<std::shared_ptr<const Policy>> Policy::Parse(std::string_view text, int* tests) {
  Problems problems;
  auto parts = std::make_shared<Parts>();
  parts->text = std::string(text);
  parts->rights = Judge(text, tests, problems);
  if (!problems.empty()) return Wrong(problems.lines());
  return std::shared_ptr<const Policy>(new Policy(std::move(parts)));
}

std::vector<std::string> Policy::ProblemsOf(std::string_view text, int* tests) {
  Problems problems;
  Judge(text, tests, problems);
  return problems.lines();
}

std::shared_ptr<const Policy> Policy::Shipped() {
  // A policy that ships and fails its own tests is a broken build: nothing may run with it.
  static const auto* shipped = new std::shared_ptr<const Policy>(Parse(ShippedText()).value());
  return *shipped;
}

const std::string& Policy::text() const {
  return parts_->text;
}

bool Policy::Allows(std::string_view role, std::string_view permission) const {
  return Holds(parts_->rights, role, permission);
}

bool Policy::AnyAllows(const std::vector<std::string>& roles, std::string_view permission) const {
  return std::any_of(roles.begin(), roles.end(),
                     [&](const std::string& role) { return Allows(role, permission); });
}

bool Policy::HasRole(std::string_view role) const {
  return parts_->rights.find(role) != parts_->rights.end();
}

std::vector<std::string> Policy::PermissionsOf(const std::vector<std::string>& roles) const {
  std::set<std::string> all;
  for (const std::string& role : roles) {
    const auto found = parts_->rights.find(role);
    if (found != parts_->rights.end()) all.insert(found->second.begin(), found->second.end());
  }
  return {all.begin(), all.end()};
}

}  // namespace pharos::policy
