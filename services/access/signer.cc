#include "services/access/signer.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <cstdlib>
#include <memory>

namespace pharos::access {
namespace {

constexpr size_t kPublicBytes = 32;
constexpr size_t kSignatureBytes = 64;

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;

const uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}
uint8_t* Bytes(std::string& text) {
  return reinterpret_cast<uint8_t*>(text.data());
}

void Require(bool good) {
  if (!good) std::abort();
}

Key Private(const std::string& seed) {
  Key key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, Bytes(std::string_view(seed)), seed.size()));
  Require(key != nullptr);
  return key;
}

}  // namespace

Signer::Signer(std::string seed) : seed_(std::move(seed)), public_key_(kPublicBytes, '\0') {
  size_t length = kPublicBytes;
  Require(EVP_PKEY_get_raw_public_key(Private(seed_).get(), Bytes(public_key_), &length) == 1);
}

Signer::~Signer() {
  OPENSSL_cleanse(seed_.data(), seed_.size());
}

std::string Signer::Sign(std::string_view bytes) const {
  const Key key = Private(seed_);
  const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  std::string signature(kSignatureBytes, '\0');
  size_t length = signature.size();
  Require(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1);
  Require(EVP_DigestSign(context.get(), Bytes(signature), &length, Bytes(bytes), bytes.size()) == 1);
  return signature;
}

}  // namespace pharos::access
