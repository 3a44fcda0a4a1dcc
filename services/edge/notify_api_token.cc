#include "services/edge/notify_api_token.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "services/base/ids.h"
#include "services/base/text.h"

namespace pharos::edge {
namespace {

using nlohmann::json;

constexpr size_t kMacBytes = 32;

TokenVerdict Forbidden(std::string_view why) {
  return {403, "Invalid token: " + std::string(why)};
}

// base64url without padding (RFC 7515, 2). False: a character that it does not have.
bool Decode(std::string_view text, std::string& bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  uint32_t held = 0;
  int bits = 0;
  bytes.clear();
  for (const char c : text) {
    const size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) return false;
    held = (held << 6) | static_cast<uint32_t>(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push_back(static_cast<char>((held >> bits) & 0xFF));
  }
  return bits < 6;
}

bool DecodeObject(std::string_view text, json& object) {
  std::string bytes;
  if (!Decode(text, bytes)) return false;
  object = json::parse(bytes, nullptr, false);
  return object.is_object();
}

std::string MacOf(const std::string& secret, const std::string& text) {
  std::string mac(EVP_MAX_MD_SIZE, '\0');
  unsigned length = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const uint8_t*>(text.data()), text.size(), reinterpret_cast<uint8_t*>(mac.data()),
       &length);
  mac.resize(length);
  return mac;
}

}  // namespace

TokenVerdict ReadToken(std::string_view authorization, NotifyToken& token) {
  if (authorization.empty()) return {401, "Unauthorized, authentication token must be provided"};
  if (base::LowerAscii(authorization.substr(0, 7)) != "bearer ")
    return {401, "Unauthorized, authentication bearer scheme must be used"};
  const std::string_view text = base::TrimAscii(authorization.substr(7));
  const size_t first = text.find('.'), last = text.rfind('.');
  json header, payload;
  const bool whole = text.size() <= kMostTokenBytes && first != std::string_view::npos && first != last &&
                     DecodeObject(text.substr(0, first), header) &&
                     DecodeObject(text.substr(first + 1, last - first - 1), payload) &&
                     Decode(text.substr(last + 1), token.signature);
  if (!whole) return Forbidden("signature, api token is not valid");
  if (!header.contains("alg") || header["alg"] != "HS256") return Forbidden("algorithm used is not HS256");
  if (!payload.contains("iss")) return Forbidden("iss field not provided");
  if (!payload["iss"].is_string()) return Forbidden("service id is not the right data type");
  if (!payload.contains("iat")) return Forbidden("iat field not provided");
  if (!payload["iat"].is_number()) return Forbidden("iat field is not the right data type");
  const double issued = payload["iat"].get<double>();
  token.issued_at_s = std::isfinite(issued) && std::fabs(issued) < 1e15 ? static_cast<int64_t>(issued) : 0;
  token.issuer = base::LowerAscii(payload["iss"].get<std::string>());
  token.signed_part = std::string(text.substr(0, last));
  return {};
}

TokenVerdict CheckToken(const NotifyToken& token, const std::vector<std::string>& secrets, int64_t now_s) {
  bool ours = false;
  for (const std::string& secret : secrets) {
    const bool same = token.signature.size() == kMacBytes &&
                      base::SameBytes(MacOf(secret, token.signed_part), token.signature);
    ours = ours || same;
  }
  if (!ours) return Forbidden("API key not found");
  if (std::llabs(now_s - token.issued_at_s) > kTokenSeconds)
    return {403, "Error: Your system clock must be accurate to within 30 seconds"};
  return {};
}

}  // namespace pharos::edge
