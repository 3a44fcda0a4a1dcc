#include "services/edge/hooks/place_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "services/base/errors.h"
#include "services/base/ids.h"

namespace pharos::edge::hooks {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFormat = "pharos-webhook-1";  // first word of the file
constexpr std::string_view kNoCursor = "-", kEnd = "end";

absl::Status Unwritable(const std::string& path) {
  return base::MakeError(
      absl::StatusCode::kUnavailable, "PLACE_UNWRITABLE",
      fmt::format("{} cannot be written. Look at the disk and at who owns the folder.", path));
}

// Returns whether all of it is on the disk.
bool WriteSynced(const std::string& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  const bool written =
      write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(fd) == 0;
  return close(fd) == 0 && written;
}

bool SyncFolder(const std::string& folder) {
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool synced = fsync(fd) == 0;
  close(fd);
  return synced;
}

}  // namespace

PlaceFile::PlaceFile(std::string folder, std::string name, const EventForm& form, int lock)
    : folder_(std::move(folder)),
      name_(std::move(name)),
      feed_(fmt::format("{}:{}", NameOf(form.feed), form.agreement)),
      lock_(lock) {}

PlaceFile::~PlaceFile() {
  close(lock_);
}

absl::StatusOr<std::unique_ptr<PlaceFile>> PlaceFile::Open(const std::string& folder, const std::string& name,
                                                           const EventForm& form, int64_t now_us) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  const std::string lock_path = fmt::format("{}/{}.lock", folder, name);
  const int lock = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return Unwritable(lock_path);
  std::unique_ptr<PlaceFile> file(new PlaceFile(folder, name, form, lock));
  if (flock(lock, LOCK_EX | LOCK_NB) != 0)
    return base::MakeError(absl::StatusCode::kUnavailable, "WEBHOOK_TAKEN",
                           "Another pharos-edge with this folder posts this webhook. Stop one of them.");
  if (!file->Load()) PHAROS_RETURN_IF_ERROR(file->BeginAnew(now_us));
  return file;
}

bool PlaceFile::Load() {
  std::ifstream in(fmt::format("{}/{}", folder_, name_));
  std::string format, feed, run, cursor, end;
  in >> format >> feed >> run >> cursor >> end;
  if (format != kFormat || feed != feed_ || run.empty() || end != kEnd) return false;
  place_ = {run, cursor == kNoCursor ? "" : cursor};
  return true;
}

absl::Status PlaceFile::MoveTo(const std::string& cursor) {
  return Save({place_.run, cursor});
}

absl::Status PlaceFile::BeginAnew(int64_t now_us) {
  return Save({base::NewId(now_us), ""});
}

absl::Status PlaceFile::Save(const EventPlace& place) {
  const std::string path = fmt::format("{}/{}", folder_, name_), beside = path + ".new";
  const std::string text = fmt::format("{}\n{}\n{}\n{}\n{}\n", kFormat, feed_, place.run,
                                       place.cursor.empty() ? kNoCursor : place.cursor, kEnd);
  if (!WriteSynced(beside, text) || rename(beside.c_str(), path.c_str()) != 0 || !SyncFolder(folder_))
    return Unwritable(path);
  place_ = place;
  return absl::OkStatus();
}

}  // namespace pharos::edge::hooks
