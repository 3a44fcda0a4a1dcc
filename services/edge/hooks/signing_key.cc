#include "services/edge/hooks/signing_key.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include "services/base/errors.h"
#include "services/base/text.h"
#include "services/edge/errors.h"
#include "services/edge/webhook_signature.h"

namespace pharos::edge::hooks {
namespace {

constexpr std::string_view kPrivate = "whsk_", kPublic = "whpk_", kScheme = "v1a,";
constexpr size_t kKeyBytes = 32, kSignatureBytes = 64;  // RFC 8032

const uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

std::string ToBase64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  text.resize(static_cast<size_t>(EVP_EncodeBlock(reinterpret_cast<uint8_t*>(text.data()), Bytes(bytes),
                                                  static_cast<int>(bytes.size()))));
  return text;
}

// "" for anything that is not base64 with its padding.
std::string FromBase64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return "";
  std::string bytes(text.size(), '\0');
  const int size =
      EVP_DecodeBlock(reinterpret_cast<uint8_t*>(bytes.data()), Bytes(text), static_cast<int>(text.size()));
  if (size < 0) return "";
  const size_t padding = text.back() != '=' ? 0 : text[text.size() - 2] == '=' ? 2 : 1;
  bytes.resize(static_cast<size_t>(size) - padding);
  return bytes;
}

std::shared_ptr<void> Own(EVP_PKEY* key) {
  if (key == nullptr) return nullptr;
  return {key, [](void* owned) { EVP_PKEY_free(static_cast<EVP_PKEY*>(owned)); }};
}
EVP_PKEY* KeyOf(const std::shared_ptr<void>& owned) {
  return static_cast<EVP_PKEY*>(owned.get());
}

struct Digest {
  Digest() : context(EVP_MD_CTX_new()) {}
  ~Digest() { EVP_MD_CTX_free(context); }
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;
  EVP_MD_CTX* const context;
};

std::string Content(std::string_view id, std::string_view timestamp, std::string_view body) {
  return fmt::format("{}.{}.{}", id, timestamp, body);
}

absl::Status Wrong() {
  return errors::SettingWrong(
      "the key must be whsec_ and base64 of 24 to 64 random bytes, or whsk_ and base64 of an ed25519 private "
      "key");
}

}  // namespace

absl::StatusOr<SigningKey> SigningKey::Read(std::string_view text) {
  text = base::TrimAscii(text);
  SigningKey key;
  if (text.rfind(kPrivate, 0) != 0) {
    PHAROS_ASSIGN_OR_RETURN(key.secret_, ReadWebhookKey(text));
    return key;
  }
  const std::string bytes = FromBase64(text.substr(kPrivate.size()));
  if (bytes.size() != kKeyBytes && bytes.size() != 2 * kKeyBytes) return Wrong();
  key.key_pair_ = Own(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, Bytes(bytes), kKeyBytes));
  if (key.key_pair_ == nullptr) return Wrong();
  const std::string public_key = FromBase64(key.PublicKey().substr(kPublic.size()));
  if (bytes.size() > kKeyBytes && bytes.substr(kKeyBytes) != public_key) return Wrong();
  return key;
}

std::string SigningKey::Sign(std::string_view id, std::string_view timestamp, std::string_view body) const {
  if (key_pair_ == nullptr) return SignWebhook(secret_, id, timestamp, body);
  const std::string content = Content(id, timestamp, body);
  std::string signature(kSignatureBytes, '\0');
  size_t size = signature.size();
  const Digest digest;
  EVP_DigestSignInit(digest.context, nullptr, nullptr, nullptr, KeyOf(key_pair_));
  EVP_DigestSign(digest.context, reinterpret_cast<uint8_t*>(signature.data()), &size, Bytes(content),
                 content.size());
  return std::string(kScheme) + ToBase64(signature);
}

std::string SigningKey::PublicKey() const {
  if (key_pair_ == nullptr) return "";
  std::string bytes(kKeyBytes, '\0');
  size_t size = bytes.size();
  EVP_PKEY_get_raw_public_key(KeyOf(key_pair_), reinterpret_cast<uint8_t*>(bytes.data()), &size);
  return std::string(kPublic) + ToBase64(bytes);
}

std::string Signatures(const std::vector<SigningKey>& keys, std::string_view id, std::string_view timestamp,
                       std::string_view body) {
  std::string header;
  for (const SigningKey& key : keys) {
    if (!header.empty()) header += ' ';
    header += key.Sign(id, timestamp, body);
  }
  return header;
}

bool IsSignedBy(std::string_view public_key, std::string_view signature, std::string_view id,
                std::string_view timestamp, std::string_view body) {
  if (public_key.rfind(kPublic, 0) != 0 || signature.rfind(kScheme, 0) != 0) return false;
  const std::string key_bytes = FromBase64(public_key.substr(kPublic.size()));
  const std::string bytes = FromBase64(signature.substr(kScheme.size()));
  if (key_bytes.size() != kKeyBytes || bytes.size() != kSignatureBytes) return false;
  const auto key = Own(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Bytes(key_bytes), kKeyBytes));
  const std::string content = Content(id, timestamp, body);
  const Digest digest;
  return key != nullptr && EVP_DigestVerifyInit(digest.context, nullptr, nullptr, nullptr, KeyOf(key)) == 1 &&
         EVP_DigestVerify(digest.context, Bytes(bytes), bytes.size(), Bytes(content), content.size()) == 1;
}

}  // namespace pharos::edge::hooks
