// The authentication of GOV.UK Notify's API: a JSON Web Token (RFC 7519) signed by HS256 (RFC 7515, RFC 7518
// 3.2: an HMAC with SHA-256), whose issuer is the service's id and whose iat is now. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pharos::edge {

inline constexpr int64_t kTokenSeconds = 30;      // how far the client's clock may be from ours
inline constexpr size_t kMostTokenBytes = 4'096;  // real ones have some 200

// Why a token is not taken, in Notify's words; `status` 401 or 403. Empty message: it is taken.
struct TokenVerdict {
  int status = 0;
  std::string message;
  bool ok() const { return message.empty(); }
};

// What an Authorization header says, before its signature is looked at.
struct NotifyToken {
  std::string signed_part;  // header and payload, as sent
  std::string signature;    // 32 octets
  std::string issuer;       // lower case
  int64_t issued_at_s = 0;
};
TokenVerdict ReadToken(std::string_view authorization, NotifyToken& token);
// One of the secrets signed it (each is looked at, in constant time), and lately.
TokenVerdict CheckToken(const NotifyToken& token, const std::vector<std::string>& secrets, int64_t now_s);

}  // namespace pharos::edge
