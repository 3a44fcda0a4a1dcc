#include "storage/sql/owner.h"

#include <unistd.h>

#include <array>
#include <charconv>
#include <fstream>
#include <sstream>
#include <vector>

#include "fmt/format.h"
#include "services/base/ids.h"

namespace pharos::storage::sql {
namespace {

// What stands after the name in /proc/<pid>/stat: the state first; the start time is the 20th.
constexpr size_t kStartField = 19;

struct Machine {
  std::string host, boot, space;
};

std::string FirstWord(const std::string& path) {
  std::string word;
  std::ifstream(path) >> word;
  return word.empty() ? "-" : word;
}

Machine ThisMachine() {
  std::array<char, 256> host{}, space{};
  if (gethostname(host.data(), host.size() - 1) != 0) host = {'-'};
  if (readlink("/proc/self/ns/pid", space.data(), space.size() - 1) < 0) space = {'-'};
  return {host.data(), FirstWord("/proc/sys/kernel/random/boot_id"), space.data()};
}

// The start time of a process that runs; "" if there is none, or only its remains.
std::string StartOf(std::string_view pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::stringstream text;
  text << file.rdbuf();
  const std::string stat = text.str();
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return "";
  std::istringstream rest(stat.substr(name_end + 1));
  std::vector<std::string> fields;
  for (std::string field; fields.size() <= kStartField && rest >> field;) fields.push_back(field);
  if (fields.size() <= kStartField || fields[0] == "Z" || fields[0] == "X") return "";
  return fields[kStartField];
}

std::vector<std::string> Words(std::string_view owner) {
  std::istringstream text{std::string(owner)};
  std::vector<std::string> words;
  for (std::string word; text >> word;) words.push_back(word);
  return words;
}

}  // namespace

std::string ThisOwner() {
  const Machine machine = ThisMachine();
  const std::string pid = fmt::format("{}", getpid());
  return fmt::format("{} {} {} {} {} {}", machine.host, machine.boot, machine.space, pid, StartOf(pid),
                     base::ToHex(base::RandomBytes16()));
}

Alive IsAlive(std::string_view owner) {
  const std::vector<std::string> words = Words(owner);
  if (words.size() != 6) return Alive::kCannotTell;
  const Machine machine = ThisMachine();
  if (words[0] != machine.host || words[1] != machine.boot || words[2] != machine.space)
    return Alive::kCannotTell;
  return StartOf(words[3]) == words[4] ? Alive::kYes : Alive::kNo;
}

std::string InWords(std::string_view owner) {
  const std::vector<std::string> words = Words(owner);
  if (words.size() != 6) return "another process";
  return fmt::format("process {} on host {}", words[3], words[0]);
}

}  // namespace pharos::storage::sql
