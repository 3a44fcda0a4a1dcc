// API keys of GOV.UK Notify, and the tokens that are made from them (JWT, RFC 7519; HS256, RFC 7518).
// https://docs.notifications.service.gov.uk/rest-api.html#authorisation-header
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace pharos::notify {

struct ApiKey {
  std::string issuer;  // id of the service
  std::string secret;
};

// "{name}-{issuer uuid}-{secret uuid}"; the name may hold anything. INVALID_ARGUMENT (KEY_WRONG), which shows
// nothing of it.
absl::StatusOr<ApiKey> ParseApiKey(std::string_view text);

// A token for a request made at `issued_s`, seconds since the epoch. The provider takes it for 30 s.
std::string MakeToken(const ApiKey& key, int64_t issued_s);

// Makes a token and keeps it for at most 20 s. Of one thread.
class TokenMaker {
 public:
  explicit TokenMaker(ApiKey key) : key_(std::move(key)) {}
  const std::string& At(int64_t wall_us);

 private:
  const ApiKey key_;
  std::string token_;
  int64_t issued_s_ = 0;
};

// 36 characters: 8-4-4-4-12 hex digits.
bool IsUuid(std::string_view text);
// Its 16 bytes and back; "" for what is none.
std::string BytesOfUuid(std::string_view text);
std::string UuidOf(std::string_view bytes16);

}  // namespace pharos::notify
