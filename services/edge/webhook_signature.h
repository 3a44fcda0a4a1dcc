// Signatures of Standard Webhooks (https://www.standardwebhooks.com, specification 1.0): webhook-id,
// webhook-timestamp, webhook-signature with HMAC-SHA256 over "id.timestamp.body".
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "absl/status/statusor.h"
#include "services/base/mutex.h"

namespace pharos::edge {

inline constexpr int64_t kWindowSeconds = 300;  // a clock may differ, and a message may be late, by so much

struct WebhookHeaders {
  std::string id, timestamp, signature;
};

// Key of a file's text, "whsec_" and base64 of 24 to 64 bytes. CONFIG_WRONG; the text is not repeated.
absl::StatusOr<std::string> ReadWebhookKey(std::string_view text);

// "v1," and base64: what a sender puts into webhook-signature.
std::string SignWebhook(std::string_view key, std::string_view id, std::string_view timestamp,
                        std::string_view body);

// UNAUTHENTICATED (SIGNATURE_WRONG) unless one of the signatures is by one of `keys` (two while the key
// changes) and the timestamp lies in the window. Looks at every key and signature, in constant time.
absl::Status CheckWebhook(const WebhookHeaders& headers, std::string_view body,
                          const std::vector<std::string>& keys, int64_t now_s);

// Ids whose messages have had their effect. Thread-safe.
class WebhookIds {
 public:
  static constexpr int64_t kKeptSeconds =
      25 * 3600;  // senders repeat for a day; replays die of the window before
  static constexpr size_t kMost =
      500'000;  // about 50 MB; past it the oldest go, whose repeats dispatch folds

  bool Has(std::string_view id, int64_t now_s);
  void Add(std::string_view id, int64_t now_s);

 private:
  struct Seen {
    std::string id;
    int64_t at_s = 0;
  };
  void Forget(int64_t now_s) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  base::Mutex mutex_;
  std::unordered_set<std::string> ids_ ABSL_GUARDED_BY(mutex_);
  std::deque<Seen> order_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace pharos::edge
