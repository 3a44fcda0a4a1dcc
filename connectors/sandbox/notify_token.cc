// Tokens as GOV.UK Notify checks them: JWT, HS256, made by our key, not older or younger than 30 s.
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <nlohmann/json.hpp>

#include "connectors/sandbox/notify_api.h"
#include "services/base/text.h"

namespace pharos::sandbox {
namespace {

constexpr int64_t kToleranceS = 30;
constexpr size_t kUuid = 36;

// base64url without padding; "" for what is none.
std::string FromBase64Url(std::string_view text) {
  std::string out;
  uint32_t bits = 0;
  int have = 0;
  for (char c : text) {
    int value = c >= 'A' && c <= 'Z'   ? c - 'A'
                : c >= 'a' && c <= 'z' ? c - 'a' + 26
                : c >= '0' && c <= '9' ? c - '0' + 52
                : c == '-'             ? 62
                : c == '_'             ? 63
                                       : -1;
    if (value < 0) return "";
    bits = (bits << 6) | static_cast<uint32_t>(value);
    have += 6;
    if (have >= 8) {
      have -= 8;
      out += static_cast<char>((bits >> have) & 0xFF);
    }
  }
  return out;
}

bool IsSignedBy(std::string_view secret, std::string_view text, std::string_view mac) {
  unsigned char good[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), good, &size);
  return mac.size() == size && CRYPTO_memcmp(mac.data(), good, size) == 0;
}

}  // namespace

std::string WrongWithToken(std::string_view authorization, std::string_view key, int64_t wall_s) {
  constexpr std::string_view kBearer = "Bearer ";
  if (authorization.substr(0, kBearer.size()) != kBearer)
    return "Unauthorized: authentication bearer scheme must be used";
  std::string_view token = authorization.substr(kBearer.size());
  auto parts = base::Split(token, '.');
  if (parts.size() != 3 || key.size() < 2 * kUuid + 1)
    return "Invalid token: signature, api token is not valid";
  auto header = nlohmann::json::parse(FromBase64Url(parts[0]), nullptr, false);
  auto claims = nlohmann::json::parse(FromBase64Url(parts[1]), nullptr, false);
  if (!header.is_object() || header.value("alg", nlohmann::json()) != "HS256")
    return "Invalid token: algorithm used is not HS256";
  if (!claims.is_object() || !claims.contains("iss") || !claims["iss"].is_string())
    return "Invalid token: iss field not provided";
  if (!claims.contains("iat") || !claims["iat"].is_number_integer())
    return "Invalid token: iat field not provided";
  std::string_view issuer = key.substr(key.size() - 2 * kUuid - 1, kUuid),
                   secret = key.substr(key.size() - kUuid);
  if (claims["iss"].get_ref<const std::string&>() != issuer) return "Invalid token: service not found";
  std::string_view signed_part = token.substr(0, token.rfind('.'));
  if (!IsSignedBy(secret, signed_part, FromBase64Url(parts[2]))) return "Invalid token: API key not found";
  int64_t age = wall_s - claims["iat"].get<int64_t>();
  if (age > kToleranceS || age < -kToleranceS)
    return "Error: Your system clock must be accurate to within 30 seconds";
  return "";
}

}  // namespace pharos::sandbox
