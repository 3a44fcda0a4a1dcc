#include "storage/rocksdb/folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "fmt/format.h"
#include "services/base/errors.h"
#include "storage/errors.h"

namespace pharos::storage::rocks {
namespace {

namespace fs = std::filesystem;

absl::Status MakeFolder(const std::string& folder) {
  std::error_code error;
  const fs::path path(folder);
  if (fs::is_directory(path, error)) return absl::OkStatus();
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), error);
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return StoreErrors::FolderUnusable(folder, std::strerror(errno));
  return absl::OkStatus();
}

int64_t HolderOf(int fd) {
  char text[24] = {};
  return pread(fd, text, sizeof text - 1, 0) > 0 ? std::strtoll(text, nullptr, 10) : 0;
}

void WriteHolder(int fd) {
  const std::string text = fmt::format("{}\n", getpid());
  // The lock is what counts; without the number the message is poorer.
  if (ftruncate(fd, 0) != 0 || pwrite(fd, text.data(), text.size(), 0) < 0) return;
}

}  // namespace

absl::StatusOr<std::unique_ptr<FolderLock>> FolderLock::Take(const std::string& folder) {
  PHAROS_RETURN_IF_ERROR(MakeFolder(folder));
  const int fd = open((folder + "/pharos.pid").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return StoreErrors::FolderUnusable(folder, std::strerror(errno));
  std::unique_ptr<FolderLock> lock(new FolderLock(fd));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return StoreErrors::InUse(folder, HolderOf(fd));
    return StoreErrors::FolderUnusable(folder, std::strerror(errno));
  }
  WriteHolder(fd);
  return lock;
}

FolderLock::~FolderLock() {
  close(fd_);
}

absl::Status CheckNotHeadless(const std::string& folder) {
  std::error_code error;
  if (fs::exists(fs::path(folder) / "CURRENT", error)) return absl::OkStatus();
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const std::string kind = entry.path().extension().string();
    if (kind == ".sst" || kind == ".log") return StoreErrors::Damaged(folder, "the file CURRENT is missing");
  }
  return absl::OkStatus();
}

}  // namespace pharos::storage::rocks
