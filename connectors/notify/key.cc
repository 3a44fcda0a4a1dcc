#include "connectors/notify/key.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/text.h"

namespace pharos::notify {
namespace {

constexpr size_t kUuid = 36;
constexpr size_t kKeyTail = 2 * kUuid + 1;  // issuer, hyphen, secret
constexpr int64_t kTokenKeptS = 20;  // the provider tolerates 30: the rest is for the way and the clocks
constexpr std::string_view kHeader = R"({"alg":"HS256","typ":"JWT"})";

// RFC 4648, 5, without padding (RFC 7515, 2).
std::string Base64Url(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(size));
  while (!out.empty() && out.back() == '=') out.pop_back();
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return out;
}

std::string HmacSha256(std::string_view key, std::string_view text) {
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac, &size);
  return {reinterpret_cast<const char*>(mac), size};
}

bool IsHex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

}  // namespace

bool IsUuid(std::string_view text) {
  if (text.size() != kUuid) return false;
  for (size_t i = 0; i < kUuid; ++i) {
    bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    if (hyphen ? text[i] != '-' : !IsHex(text[i])) return false;
  }
  return true;
}

std::string BytesOfUuid(std::string_view text) {
  if (!IsUuid(text)) return "";
  std::string digits;
  for (char c : text)
    if (c != '-') digits += c;
  return base::FromHex(base::LowerAscii(digits));
}

std::string UuidOf(std::string_view bytes) {
  if (bytes.size() != 16) return "";
  std::string hex = base::ToHex(bytes);
  for (size_t at : {20, 16, 12, 8}) hex.insert(at, "-");
  return hex;
}

absl::StatusOr<ApiKey> ParseApiKey(std::string_view text) {
  text = base::TrimAscii(text);
  if (text.size() >= kKeyTail) {
    std::string_view tail = text.substr(text.size() - kKeyTail);
    std::string_view issuer = tail.substr(0, kUuid), secret = tail.substr(kUuid + 1);
    if (IsUuid(issuer) && tail[kUuid] == '-' && IsUuid(secret))
      return ApiKey{std::string(issuer), std::string(secret)};
  }
  return base::MakeError(absl::StatusCode::kInvalidArgument, "KEY_WRONG",
                         "this is no API key of GOV.UK Notify: it ends in two ids with hyphens, as its API "
                         "integration page shows it once; copy it whole, or make a new one there");
}

std::string MakeToken(const ApiKey& key, int64_t issued_s) {
  std::string claims = fmt::format(R"({{"iss":"{}","iat":{}}})", key.issuer, issued_s);
  std::string signed_part = Base64Url(kHeader) + "." + Base64Url(claims);
  return signed_part + "." + Base64Url(HmacSha256(key.secret, signed_part));
}

const std::string& TokenMaker::At(int64_t wall_us) {
  int64_t now_s = wall_us / 1'000'000;
  if (token_.empty() || now_s < issued_s_ || now_s - issued_s_ >= kTokenKeptS) {
    token_ = MakeToken(key_, now_s);
    issued_s_ = now_s;
  }
  return token_;
}

}  // namespace pharos::notify
