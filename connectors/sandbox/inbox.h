// What people see: each SMS and each mail that reached them, one JSON object a line, for `pharos sandbox
// inbox`.
//   {"t_ns":…,"channel":"sms"|"email","to":…,"from":…,"subject":…,"text":…[,"raw":base64 of the mail]}
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/base/mutex.h"

namespace pharos::sandbox {

// Thread-safe. Grows to 1 GiB, then takes no more.
class Inbox {
 public:
  // Appends to `file`. UNAVAILABLE (INBOX_UNWRITABLE).
  static absl::StatusOr<std::shared_ptr<Inbox>> Open(const std::string& file);
  ~Inbox();

  struct Sms {
    int64_t t_ns = 0;
    std::string_view to, from, text;
    int part = 1, parts = 1, reference = -1;
  };
  // A message of several parts is shown once it is whole, as a phone does.
  void AddSms(const Sms& sms);
  void AddMail(int64_t t_ns, std::string_view to, std::string_view from, std::string_view raw);
  // Writes what was added.
  void Flush();

 private:
  explicit Inbox(int fd) : fd_(fd) {}
  void Add(int64_t t_ns, std::string_view channel, std::string_view to, std::string_view from,
           std::string_view subject, std::string_view text, std::string_view raw)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int fd_;
  base::Mutex mutex_;
  std::string buffer_ ABSL_GUARDED_BY(mutex_);
  int64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  // Parts of messages that are not whole yet, by "to from reference".
  std::map<std::string, std::vector<std::string>> halves_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace pharos::sandbox
