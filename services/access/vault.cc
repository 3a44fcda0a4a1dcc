#include "services/access/vault.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <cstdlib>
#include <memory>

namespace pharos::access {
namespace {

constexpr size_t kNonceBytes = 12;
constexpr size_t kTagBytes = 16;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

uint8_t* Bytes(std::string& text) {
  return reinterpret_cast<uint8_t*>(text.data());
}
const uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

// A broken cipher or no memory: nothing safe can be done.
void Require(bool good) {
  if (!good) std::abort();
}

}  // namespace

std::string RandomBytes(size_t count) {
  std::string bytes(count, '\0');
  Require(RAND_bytes(Bytes(bytes), static_cast<int>(count)) == 1);
  return bytes;
}

Vault::Vault(std::string kek) : kek_(std::move(kek)) {}

Vault::~Vault() {
  OPENSSL_cleanse(kek_.data(), kek_.size());
}

std::string Vault::Wrap(std::string_view secret, std::string_view label) const {
  std::string nonce = RandomBytes(kNonceBytes), cipher(secret.size(), '\0'), tag(kTagBytes, '\0');
  const Context context(EVP_CIPHER_CTX_new());
  int length = 0;
  Require(EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, Bytes(std::string_view(kek_)),
                             Bytes(nonce)) == 1);
  Require(EVP_EncryptUpdate(context.get(), nullptr, &length, Bytes(label), static_cast<int>(label.size())) ==
          1);
  Require(EVP_EncryptUpdate(context.get(), Bytes(cipher), &length, Bytes(secret),
                            static_cast<int>(secret.size())) == 1);
  Require(EVP_EncryptFinal_ex(context.get(), Bytes(cipher) + length, &length) == 1);
  Require(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, tag.data()) == 1);
  return nonce + cipher + tag;
}

std::optional<std::string> Vault::Unwrap(std::string_view wrapped, std::string_view label) const {
  if (wrapped.size() < kNonceBytes + kTagBytes) return std::nullopt;
  const std::string_view nonce = wrapped.substr(0, kNonceBytes);
  const std::string_view cipher = wrapped.substr(kNonceBytes, wrapped.size() - kNonceBytes - kTagBytes);
  std::string tag(wrapped.substr(wrapped.size() - kTagBytes)), secret(cipher.size(), '\0');
  const Context context(EVP_CIPHER_CTX_new());
  int length = 0;
  Require(EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, Bytes(std::string_view(kek_)),
                             Bytes(nonce)) == 1);
  Require(EVP_DecryptUpdate(context.get(), nullptr, &length, Bytes(label), static_cast<int>(label.size())) ==
          1);
  Require(EVP_DecryptUpdate(context.get(), Bytes(secret), &length, Bytes(cipher),
                            static_cast<int>(cipher.size())) == 1);
  Require(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1);
  if (EVP_DecryptFinal_ex(context.get(), Bytes(secret) + length, &length) != 1) return std::nullopt;
  return secret;
}

}  // namespace pharos::access
