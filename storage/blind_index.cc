#include "storage/blind_index.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "fmt/format.h"
#include "services/base/errors.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"

namespace pharos::storage {
namespace {

constexpr size_t kKeyBytes = 32;
constexpr size_t kIndexBytes = 16;

absl::Status KeyFileError(std::string_view reason, const std::string& file, std::string_view what) {
  return base::MakeError(absl::StatusCode::kFailedPrecondition, reason,
                         fmt::format("The index key file {} {}", file, what), {{"file", file}});
}

absl::Status Unusable(const std::string& file, int error) {
  return KeyFileError(
      "INDEX_KEY_UNUSABLE", file,
      fmt::format("cannot be read or written ({}). Check that it belongs to the user that runs Pharos.",
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

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

// Written beside its place and linked into it: whoever sees the file sees the whole key, and of two makers
// one wins. mkostemp opens with O_EXCL and mode 0600.
absl::Status MakeKeyFile(const std::string& file) {
  std::string key(kKeyBytes, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(key.data()), kKeyBytes) != 1) {
    return KeyFileError("INDEX_KEY_UNUSABLE", file,
                        "cannot be made: the system gives no random bytes. Restart the machine.");
  }
  std::string fresh = file + ".new-XXXXXX";
  Descriptor fd(mkostemp(fresh.data(), O_CLOEXEC));
  if (fd.get() < 0) return Unusable(file, errno);
  int error = WriteAll(fd.get(), key) && fsync(fd.get()) == 0 ? 0 : errno;
  OPENSSL_cleanse(key.data(), key.size());
  if (error == 0 && link(fresh.c_str(), file.c_str()) != 0 && errno != EEXIST) error = errno;
  unlink(fresh.c_str());
  if (error == 0 && !SyncFolderOf(file)) error = errno;
  return error == 0 ? absl::OkStatus() : Unusable(file, error);
}

absl::StatusOr<std::string> ReadKey(int fd, const std::string& file) {
  struct stat facts {};
  if (fstat(fd, &facts) != 0) return Unusable(file, errno);
  if ((facts.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return KeyFileError("INDEX_KEY_OPEN_TO_OTHERS", file,
                        fmt::format("can be read by others. Run: chmod 600 {}", file));
  }
  std::string key(kKeyBytes + 1, '\0');
  const ssize_t length = pread(fd, key.data(), key.size(), 0);
  if (length != static_cast<ssize_t>(kKeyBytes)) {
    return KeyFileError("INDEX_KEY_UNUSABLE", file,
                        "is not 32 bytes long. Restore it from the backup: without it the people in the "
                        "store cannot be found.");
  }
  key.resize(kKeyBytes);
  return key;
}

// One a thread, for the key that it used last: the key's two blocks are hashed once, not with every value.
class ThreadMac {
 public:
  ~ThreadMac() {
    EVP_MAC_CTX_free(context_);
    OPENSSL_cleanse(key_.data(), key_.size());
  }
  // 32 bytes. OpenSSL fails here only where it cannot allocate.
  void Of(const std::string& key, std::string_view message, unsigned char (&digest)[EVP_MAX_MD_SIZE]) {
    size_t length = 0;
    const auto* bytes = reinterpret_cast<const unsigned char*>(message.data());
    const bool done = Begin(key) && EVP_MAC_update(context_, bytes, message.size()) == 1 &&
                      EVP_MAC_final(context_, digest, &length, sizeof(digest)) == 1;
    if (!done) std::abort();
  }

 private:
  bool Begin(const std::string& key) {
    if (context_ != nullptr && key == key_) return EVP_MAC_init(context_, nullptr, 0, nullptr) == 1;
    if (context_ == nullptr) {
      EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
      context_ = EVP_MAC_CTX_new(mac);
      EVP_MAC_free(mac);
    }
    key_ = key;
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                                     OSSL_PARAM_construct_end()};
    return context_ != nullptr && EVP_MAC_init(context_, reinterpret_cast<const unsigned char*>(key_.data()),
                                               key_.size(), parameters) == 1;
  }
  EVP_MAC_CTX* context_ = nullptr;
  std::string key_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<BlindIndex>> BlindIndex::FromFile(const std::string& file) {
  if (access(file.c_str(), F_OK) != 0 && errno == ENOENT) PHAROS_RETURN_IF_ERROR(MakeKeyFile(file));
  Descriptor fd(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return Unusable(file, errno);
  PHAROS_ASSIGN_OR_RETURN(std::string key, ReadKey(fd.get(), file));
  return std::make_unique<BlindIndex>(std::move(key));
}

std::string BlindIndex::Of(std::string_view field, std::string_view value) const {
  thread_local ThreadMac mac;
  // The length goes first, so that ("ab", "c") and ("a", "bc") differ.
  std::string message = fmt::format("{}:", field.size());
  message.append(field).append(value);
  unsigned char digest[EVP_MAX_MD_SIZE];
  mac.Of(key_, message, digest);
  OPENSSL_cleanse(message.data(), message.size());
  return std::string(reinterpret_cast<const char*>(digest), kIndexBytes);
}

absl::Status CheckBlindKey(Store& store, const BlindIndex& blind) {
  const std::string key = KeyWriter(kMetaTable).String("blind_key");
  const std::string mine = Wrap(blind.CheckValue());
  return store.Transact([&](Transaction& tx) -> absl::Status {
    PHAROS_ASSIGN_OR_RETURN(const std::optional<std::string> noted, tx.Get(key));
    if (noted && *noted != mine) {
      return base::MakeError(absl::StatusCode::kFailedPrecondition, "BLIND_KEY_CHANGED",
                             "The index key (keys/blind.key) is not the one that this store was made with: "
                             "nobody in it would be "
                             "found, and every opt-out would be missed. Put the right key file back from the "
                             "backup of the keys.");
    }
    if (!noted) tx.Put(key, mine);
    return absl::OkStatus();
  });
}

}  // namespace pharos::storage
