#include "services/access/token_file.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "services/access/errors.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/text.h"

namespace pharos::access {
namespace {

using errors::TokenFileWrong;

constexpr size_t kDigestHexDigits = 64;
constexpr int kMaxLines = 10'000;  // a person or a process a line

absl::Status CheckMode(const std::string& file) {
  struct stat info {};
  if (stat(file.c_str(), &info) != 0)
    return TokenFileWrong(file, 0, "the file cannot be read; check its path");
  if ((info.st_mode & 077) != 0)
    return TokenFileWrong(file, 0, "others may read the file; run chmod 600 on it");
  return absl::OkStatus();
}

std::string RoleFault(const std::vector<std::string>& roles, const std::vector<std::string>& known) {
  for (const std::string& role : roles) {
    if (std::find(known.begin(), known.end(), role) != known.end()) continue;
    const std::string nearest = base::Nearest(role, known);
    return nearest.empty() ? fmt::format("there is no role \"{}\"", role)
                           : fmt::format("there is no role \"{}\"; did you mean \"{}\"?", role, nearest);
  }
  return "";
}

// What is wrong with a line, "" if nothing; an empty line leaves `out` without a digest.
std::string ReadLine(const std::string& text, const std::vector<std::string>& known, FileCaller& out) {
  std::istringstream words(text.substr(0, text.find('#')));
  std::string digest, id, roles, extra;
  if (!(words >> digest)) return "";
  if (!(words >> id >> roles) || (words >> extra)) return "expected three words";
  out.digest = base::FromHex(base::LowerAscii(digest));
  if (digest.size() != kDigestHexDigits || out.digest.empty()) return "the first word is not 64 hex digits";
  if (!base::IsChosenId(id)) return "a principal id is 1 to 63 of [a-z0-9-]";
  out.principal = "principals/" + id;
  out.roles = base::Split(roles, ',');
  return RoleFault(out.roles, known);
}

}  // namespace

absl::StatusOr<std::vector<FileCaller>> ReadTokenFile(const std::string& file,
                                                      const std::vector<std::string>& roles) {
  PHAROS_RETURN_IF_ERROR(CheckMode(file));
  std::ifstream in(file);
  std::vector<FileCaller> callers;
  std::string text;
  for (int line = 1; std::getline(in, text); ++line) {
    if (line > kMaxLines) return TokenFileWrong(file, line, fmt::format("more than {} lines", kMaxLines));
    FileCaller caller;
    if (const std::string fault = ReadLine(text, roles, caller); !fault.empty())
      return TokenFileWrong(file, line, fault);
    if (!caller.digest.empty()) callers.push_back(std::move(caller));
  }
  return callers;
}

}  // namespace pharos::access
