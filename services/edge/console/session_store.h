// Who is signed in at this process's console. A session is a random cookie here and a credential there: the
// credential never leaves the server, and a restart signs everybody out. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "services/base/clock.h"
#include "services/base/mutex.h"

namespace pharos::edge::console {

struct Session {
  std::string csrf;       // in every form
  std::string token;      // the bearer token that was shown at sign-in
  std::string principal;  // "principals/maya"
  std::set<std::string, std::less<>> roles, permissions;
  bool live = false;     // real providers; else a trial
  std::string purpose;   // "purposes/…" for which personal data is looked at; empty: not said
  int64_t since_us = 0;  // of sign-in
};

// A file that somebody sent and has not decided about yet. In memory only.
struct Upload {
  std::string id;  // of this sending
  std::string name, text;
  std::map<std::string, std::string> said;  // what else the form said
};

class SessionStore {
 public:
  static constexpr int64_t kIdleUs = 30ll * 60 * 1'000'000;       // then sign in again
  static constexpr int64_t kLongestUs = 12ll * 3600 * 1'000'000;  // a working day
  static constexpr size_t kMost = 10'000;                         // past it the longest idle goes
  static constexpr long kMostStreams = 8;                         // of one session: tabs with live numbers
  static constexpr size_t kMostUploads = 8;  // of at most 16 MiB; past it the oldest goes

  explicit SessionStore(base::Clock& clock) : clock_(clock) {}

  // The cookie's value: 256 random bits in hex.
  std::string Begin(Session session);
  // Null: none, or over. Counts as a sign of life.
  std::shared_ptr<const Session> Find(std::string_view id);
  // The same, but no sign of life: for pages that listen.
  bool Lives(std::string_view id);
  // A place to listen, kept as long as what comes back. Null: no session, or it has kMostStreams already.
  std::shared_ptr<const void> Listen(std::string_view id);
  void SetPurpose(std::string_view id, std::string purpose);
  // Shown on the next page, once.
  void SetNotice(std::string_view id, std::string notice);
  std::string TakeNotice(std::string_view id);
  // One for each session: the last. It ends with the session.
  void KeepUpload(std::string_view id, std::shared_ptr<const Upload> upload);
  // Null: none any more.
  std::shared_ptr<const Upload> FindUpload(std::string_view id);
  void End(std::string_view id);

 private:
  struct Entry {
    std::shared_ptr<const Session> session;
    std::string notice;
    int64_t seen_us = 0;
    std::shared_ptr<const Upload> upload = nullptr;
    int64_t uploaded_us = 0;
    std::shared_ptr<const char> place = std::make_shared<const char>();  // one more owner for each stream
  };
  using Entries = std::unordered_map<std::string, Entry>;  // by SHA-256 of the cookie
  Entries::iterator Look(std::string_view id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropOldUploads() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MakeRoom() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  base::Clock& clock_;
  base::Mutex mutex_;
  Entries entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace pharos::edge::console
