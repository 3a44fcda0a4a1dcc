#include "services/edge/webhook_signature.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <charconv>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/text.h"
#include "services/edge/errors.h"

namespace pharos::edge {
namespace {

constexpr size_t kLongestId = 256, kMostSignatures = 8;
constexpr size_t kShortestKey = 24, kLongestKey = 64;  // bytes, by the specification
constexpr std::string_view kPrefix = "whsec_";

std::string ToBase64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<uint8_t*>(text.data()), reinterpret_cast<const uint8_t*>(bytes.data()),
                      static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(size));
  return text;
}

// "" for anything that is not base64 with its padding.
std::string FromBase64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return "";
  std::string bytes(text.size(), '\0');
  const int size =
      EVP_DecodeBlock(reinterpret_cast<uint8_t*>(bytes.data()), reinterpret_cast<const uint8_t*>(text.data()),
                      static_cast<int>(text.size()));
  if (size < 0) return "";
  const size_t padding = text.back() != '=' ? 0 : text[text.size() - 2] == '=' ? 2 : 1;
  bytes.resize(static_cast<size_t>(size) - padding);
  return bytes;
}

absl::Status CheckTime(std::string_view timestamp, int64_t now_s) {
  int64_t sent_s = 0;
  const auto [end, error] = std::from_chars(timestamp.data(), timestamp.data() + timestamp.size(), sent_s);
  if (error != std::errc() || end != timestamp.data() + timestamp.size() || sent_s <= 0)
    return errors::SignatureWrong("webhook-timestamp is not a number of seconds");
  if (sent_s < now_s - kWindowSeconds) return errors::SignatureWrong("webhook-timestamp is too old");
  if (sent_s > now_s + kWindowSeconds) return errors::SignatureWrong("webhook-timestamp lies in the future");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadWebhookKey(std::string_view text) {
  text = base::TrimAscii(text);
  if (text.substr(0, kPrefix.size()) != kPrefix)
    return errors::SettingWrong("the key must begin with whsec_, then base64 of 24 to 64 random bytes");
  std::string key = FromBase64(text.substr(kPrefix.size()));
  if (key.size() < kShortestKey || key.size() > kLongestKey)
    return errors::SettingWrong("the key must be whsec_ and base64 of 24 to 64 random bytes");
  return key;
}

std::string SignWebhook(std::string_view key, std::string_view id, std::string_view timestamp,
                        std::string_view body) {
  const std::string content = fmt::format("{}.{}.{}", id, timestamp, body);
  uint8_t mac[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const uint8_t*>(content.data()), content.size(), mac, &size);
  return "v1," + ToBase64({reinterpret_cast<const char*>(mac), size});
}

absl::Status CheckWebhook(const WebhookHeaders& headers, std::string_view body,
                          const std::vector<std::string>& keys, int64_t now_s) {
  if (headers.id.empty() || headers.id.size() > kLongestId)
    return errors::SignatureWrong("webhook-id is missing or too long");
  PHAROS_RETURN_IF_ERROR(CheckTime(headers.timestamp, now_s));
  const std::vector<std::string> given = base::Split(headers.signature, ' ');
  if (given.size() > kMostSignatures) return errors::SignatureWrong("there are too many signatures");
  bool good = false;
  for (const std::string& key : keys) {
    const std::string right = SignWebhook(key, headers.id, headers.timestamp, body);
    for (const std::string& signature : given) good |= base::SameBytes(signature, right);
  }
  return good ? absl::OkStatus() : errors::SignatureWrong("no v1 signature is by a key that is known");
}

bool WebhookIds::Has(std::string_view id, int64_t now_s) {
  base::MutexLock lock(mutex_);
  Forget(now_s);
  return ids_.contains(std::string(id));
}

void WebhookIds::Add(std::string_view id, int64_t now_s) {
  base::MutexLock lock(mutex_);
  Forget(now_s);
  if (ids_.insert(std::string(id)).second) order_.push_back({std::string(id), now_s});
}

void WebhookIds::Forget(int64_t now_s) {
  while (!order_.empty() && (order_.front().at_s < now_s - kKeptSeconds || order_.size() >= kMost)) {
    ids_.erase(order_.front().id);
    order_.pop_front();
  }
}

}  // namespace pharos::edge
