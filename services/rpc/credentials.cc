#include "services/rpc/credentials.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/text.h"
#include "services/rpc/policy.h"

namespace pharos::rpc {
namespace {

constexpr size_t kDigestHexDigits = 64;
constexpr int kMaxLines = 10'000;  // a person or a process a line

absl::Status FileWrong(const std::string& file, int line, std::string_view what) {
  return base::MakeError(
      absl::StatusCode::kInvalidArgument, "TOKEN_FILE_WRONG",
      fmt::format("{}:{}: {}. A line is: <sha-256 of the token in hex> <principal id> <role>[,<role>…]", file,
                  line, what),
      {{"line", fmt::format("{}", line)}});
}

absl::Status CheckMode(const std::string& file) {
  struct stat info {};
  if (stat(file.c_str(), &info) != 0) return FileWrong(file, 0, "the file cannot be read; check its path");
  if ((info.st_mode & 077) != 0) return FileWrong(file, 0, "others may read the file; run chmod 600 on it");
  return absl::OkStatus();
}

std::string RoleFault(const std::vector<std::string>& roles) {
  const auto& known = KnownRoles();
  for (const std::string& role : roles) {
    if (std::find(known.begin(), known.end(), role) != known.end()) continue;
    const std::string nearest = base::Nearest(role, known);
    return nearest.empty() ? fmt::format("there is no role \"{}\"", role)
                           : fmt::format("there is no role \"{}\"; did you mean \"{}\"?", role, nearest);
  }
  return "";
}

Caller MakeCaller(const std::string& principal_id, std::vector<std::string> roles) {
  Caller caller;
  caller.principal = "principals/" + principal_id;
  caller.internal = std::find(roles.begin(), roles.end(), kServiceRole) != roles.end();
  caller.roles = std::move(roles);
  return caller;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Credentials>> Credentials::FromFile(const std::string& file) {
  PHAROS_RETURN_IF_ERROR(CheckMode(file));
  std::ifstream in(file);
  auto credentials = std::make_unique<Credentials>();
  std::string text;
  for (int line = 1; std::getline(in, text); ++line) {
    if (line > kMaxLines) return FileWrong(file, line, fmt::format("more than {} lines", kMaxLines));
    std::istringstream words(text.substr(0, text.find('#')));
    std::string digest, id, roles_text, extra;
    if (!(words >> digest)) continue;
    if (!(words >> id >> roles_text) || (words >> extra))
      return FileWrong(file, line, "expected three words");
    digest = base::LowerAscii(digest);
    if (digest.size() != kDigestHexDigits || base::FromHex(digest).empty()) {
      return FileWrong(file, line, "the first word is not 64 hex digits");
    }
    if (!base::IsChosenId(id)) return FileWrong(file, line, "a principal id is 1 to 63 of [a-z0-9-]");
    std::vector<std::string> roles = base::Split(roles_text, ',');
    if (const std::string fault = RoleFault(roles); !fault.empty()) return FileWrong(file, line, fault);
    credentials->by_digest_[digest] = MakeCaller(id, std::move(roles));
  }
  return credentials;
}

void Credentials::Add(std::string_view token, Caller caller) {
  by_digest_[base::ToHex(base::Sha256(token))] = std::move(caller);
}

std::optional<Caller> Credentials::Authenticate(std::string_view token) const {
  const auto found = by_digest_.find(base::ToHex(base::Sha256(token)));
  if (found == by_digest_.end()) return std::nullopt;
  return found->second;
}

}  // namespace pharos::rpc
