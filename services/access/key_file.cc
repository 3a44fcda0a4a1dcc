#include "services/access/key_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "services/access/errors.h"
#include "services/base/errors.h"

namespace pharos::access {
namespace {

absl::Status Unusable(const std::string& file, int error) {
  return errors::KekUnusable(
      file, fmt::format("cannot be read or written ({}). Check that it belongs to the user that runs Pharos.",
                        std::strerror(error)));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

bool SyncFolderOf(const std::string& file) {
  const std::filesystem::path folder = std::filesystem::path(file).parent_path();
  Descriptor fd(open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return fd.get() >= 0 && fsync(fd.get()) == 0;
}

// Written beside its place and linked into it: whoever sees the file sees the whole key, and of two makers
// one wins.
absl::Status MakeKek(const std::string& file) {
  std::string key(kKekBytes, '\0');
  if (RAND_bytes(reinterpret_cast<uint8_t*>(key.data()), kKekBytes) != 1)
    return errors::KekUnusable(file,
                               "cannot be made: the system gives no random bytes. Restart the machine.");
  std::string fresh = file + ".new-XXXXXX";
  Descriptor fd(mkostemp(fresh.data(), O_CLOEXEC));
  if (fd.get() < 0) return Unusable(file, errno);
  const ssize_t written = write(fd.get(), key.data(), key.size());
  int error =
      written == static_cast<ssize_t>(key.size()) && fsync(fd.get()) == 0 ? 0 : (errno != 0 ? errno : EIO);
  OPENSSL_cleanse(key.data(), key.size());
  if (error == 0 && link(fresh.c_str(), file.c_str()) != 0 && errno != EEXIST) error = errno;
  unlink(fresh.c_str());
  if (error == 0 && !SyncFolderOf(file)) error = errno;
  return error == 0 ? absl::OkStatus() : Unusable(file, error);
}

absl::StatusOr<std::string> ReadKek(const std::string& file) {
  Descriptor fd(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat facts {};
  if (fd.get() < 0 || fstat(fd.get(), &facts) != 0) return Unusable(file, errno);
  if ((facts.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return errors::KekUnusable(file, fmt::format("can be read by others. Run: chmod 600 {}", file));
  std::string key(kKekBytes + 1, '\0');
  const ssize_t length = pread(fd.get(), key.data(), key.size(), 0);
  if (length != static_cast<ssize_t>(kKekBytes))
    return errors::KekUnusable(file, "is not 32 bytes long. Restore it from its copy.");
  key.resize(kKekBytes);
  return key;
}

}  // namespace

absl::StatusOr<std::string> LoadKek(const std::string& file, bool must_exist) {
  const bool missing = ::access(file.c_str(), F_OK) != 0 && errno == ENOENT;
  if (missing && must_exist) return errors::KekMissing(file);
  if (missing) PHAROS_RETURN_IF_ERROR(MakeKek(file));
  return ReadKek(file);
}

}  // namespace pharos::access
