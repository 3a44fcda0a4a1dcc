// The checks of files: configuration, data folder, keys, tokens, disk, clock.
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "fmt/format.h"
#include "ops/cli/doctor.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kLeastFree = int64_t{1} << 30;  // a compaction of one level needs about so much
constexpr int64_t kLeastFreePercent = 5;
constexpr int64_t kClockToleranceUs = 2'000'000;  // file systems round
constexpr int64_t kSkewToleranceUs = 1'000'000;

bool IsThere(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

// 0 if it is not there.
mode_t ModeOf(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? info.st_mode : 0;
}

std::string Gigabytes(int64_t bytes) {
  return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / (int64_t{1} << 30));
}

// A key that a store cannot do without.
Finding CheckKey(const std::string& folder, const std::string& key, const std::string& store,
                 const char* loss) {
  const std::string file = folder + "/keys/" + key, name = "key " + key;
  const bool needed = IsThere(folder + "/" + store);
  if (IsThere(file)) return CheckPrivateFile(name, file);
  if (!needed) return Fine(name, "not there yet; made at the first start");
  return Problem(name, fmt::format("{} is missing, and the {} store needs it: {}", file, store, loss),
                 fmt::format("cp -p BACKUP/keys/{} {}", key, file));
}

}  // namespace

Finding Fine(std::string check, std::string words) {
  return {std::move(check), true, std::move(words), ""};
}
Finding Problem(std::string check, std::string words, std::string command) {
  return {std::move(check), false, std::move(words), std::move(command)};
}

Finding CheckConfig(const std::string& file, std::optional<config::Config>& into) {
  if (!IsThere(file))
    return Problem("config", fmt::format("there is no file {}", file),
                   "pharos doctor --config WHERE/pharos.toml");
  auto loaded = config::Load(file);
  if (loaded.ok()) {
    into = std::move(*loaded);
    return Fine("config", file);
  }
  std::string line;
  if (auto facts = base::FactsOf(loaded.status()); facts && facts->metadata.count("line") != 0)
    line = facts->metadata["line"];
  std::string words(loaded.status().message().data(), loaded.status().message().size());
  return Problem("config", words,
                 fmt::format("${{EDITOR:-vi}}{} {}", line.empty() || line == "0" ? "" : " +" + line, file));
}

Finding CheckDataFolder(const std::string& folder, const std::string& config_file) {
  const mode_t mode = ModeOf(folder);
  if (mode == 0) {
    std::string start = config_file.empty() ? fmt::format("pharosd --data={}", folder)
                                            : fmt::format("pharosd --config={}", config_file);
    return Problem(
        "data folder",
        fmt::format("{} is not there: Pharos has not been started with it, or the disk is not mounted",
                    folder),
        start);
  }
  if (!S_ISDIR(mode))
    return Problem("data folder", fmt::format("{} is no folder", folder), fmt::format("ls -ld {}", folder));
  if ((mode & 077) != 0)
    return Problem("data folder", fmt::format("others on this machine can read {}", folder),
                   fmt::format("chmod 700 {}", folder));
  return Fine("data folder", folder);
}

std::vector<Finding> CheckKeys(const std::string& folder) {
  return {CheckKey(folder, "blind.key", "customer", "without it no number or address is found again"),
          CheckKey(folder, "access.kek", "access", "without it no personal value can be read again")};
}

Finding CheckPrivateFile(const std::string& check, const std::string& file) {
  const mode_t mode = ModeOf(file);
  if (mode == 0)
    return Problem(check, fmt::format("there is no file {}", file),
                   fmt::format("ls -l {}", fs::path(file).parent_path().string()));
  if ((mode & 077) != 0)
    return Problem(check, fmt::format("others on this machine can read {}", file),
                   fmt::format("chmod 600 {}", file));
  return Fine(check, file);
}

Finding CheckDisk(const std::string& folder, int64_t free_bytes, int64_t total_bytes) {
  const bool tight = free_bytes < kLeastFree || free_bytes * 100 < total_bytes * kLeastFreePercent;
  const std::string words =
      fmt::format("{} of {} free at {}", Gigabytes(free_bytes), Gigabytes(total_bytes), folder);
  if (!tight) return Fine("disk", words);
  return Problem("disk", words + "; when it is full, nothing more is accepted",
                 fmt::format("du -xh --max-depth=2 {} | sort -h | tail", folder));
}

Finding CheckDiskOf(const std::string& folder) {
  struct statvfs info {};
  if (statvfs(folder.c_str(), &info) != 0)
    return Problem("disk", fmt::format("{} cannot be looked at: {}", folder, std::strerror(errno)),
                   fmt::format("df -h {}", folder));
  const auto block = static_cast<int64_t>(info.f_frsize);
  return CheckDisk(folder, static_cast<int64_t>(info.f_bavail) * block,
                   static_cast<int64_t>(info.f_blocks) * block);
}

Finding CheckClock(const std::string& folder, int64_t now_us) {
  int64_t latest_us = 0;
  std::error_code error;
  for (fs::directory_iterator service(folder, error), end; !error && service != end;
       service.increment(error)) {
    std::error_code inner;
    if (!service->is_directory(inner)) continue;
    for (fs::directory_iterator file(service->path(), inner); !inner && file != end; file.increment(inner)) {
      struct stat info {};
      if (stat(file->path().c_str(), &info) != 0) continue;
      latest_us = std::max(latest_us, int64_t{info.st_mtim.tv_sec} * 1'000'000 + info.st_mtim.tv_nsec / 1000);
    }
  }
  if (latest_us > now_us + kClockToleranceUs)
    return Problem(
        "clock",
        fmt::format("files in {} were written {:.0f} s in the future: this machine's clock was set back",
                    folder, (latest_us - now_us) / 1e6),
        "timedatectl status");
  return Fine("clock", "no file is from the future");
}

Finding CheckSkew(int64_t server_us, int64_t now_us) {
  const double off_s = static_cast<double>(server_us - now_us) / 1e6;
  if (server_us - now_us <= kSkewToleranceUs && now_us - server_us <= kSkewToleranceUs)
    return Fine("clocks", fmt::format("the server's clock is {:+.3f} s against this one", off_s));
  return Problem("clocks", fmt::format("the server's clock is {:+.1f} s against this one", off_s),
                 "timedatectl status");
}

}  // namespace pharos::cli
