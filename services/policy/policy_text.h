// A policy file taken apart, with line numbers, before anything in it is judged.
//   [roles.NAME]  about = "…"  may = ["permission", …]
//   [[tests]]     about = "…"  roles = ["NAME", …]  allow = ["permission", …]  deny = ["permission", …]
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pharos::policy {

struct Word {
  std::string text;
  int line = 0;
};

struct RoleText {
  Word name;
  std::vector<Word> may;
};

struct TestText {
  std::string about;
  int line = 0;
  std::vector<Word> roles, allow, deny;
};

struct PolicyText {
  std::vector<RoleText> roles;
  std::vector<TestText> tests;
};

// What is wrong, a line each: "line 7: …".
class Problems {
 public:
  void Add(int line, std::string_view what);
  const std::vector<std::string>& lines() const { return lines_; }
  bool empty() const { return lines_.empty(); }

  static constexpr size_t kMost = 50;  // past this nobody reads on

 private:
  std::vector<std::string> lines_;
};

// What could be read; the rest is in `problems`.
PolicyText ReadPolicyText(std::string_view text, Problems& problems);

inline constexpr size_t kMaxPolicyBytes = 262'144;  // ActService takes no longer one
inline constexpr size_t kMaxRoles = 64;             // a role is a job, not a person
inline constexpr size_t kMaxTests = 1'000;          // they run in every process, whenever a policy is read
inline constexpr size_t kMaxWords = 1'000;          // in one list

}  // namespace pharos::policy
