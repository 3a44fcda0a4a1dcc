// The newer calls of OpenSSL fetch and allocate for every message: a tenth of the speed.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "services/audience/pseudonyms.h"

#include <openssl/sha.h>

#include <array>

namespace pharos::audience {
namespace {

constexpr size_t kBlock = 64;  // of SHA-256
constexpr uint8_t kInnerPad = 0x36, kOuterPad = 0x5C;

using Digest = std::array<uint8_t, SHA256_DIGEST_LENGTH>;

// HMAC with its key already hashed in.
struct Mac {
  explicit Mac(std::string_view key) {
    Begin(key, kInnerPad, inner);
    Begin(key, kOuterPad, outer);
  }
  static void Begin(std::string_view key, uint8_t pad, SHA256_CTX& context) {
    std::array<uint8_t, kBlock> block{};
    for (size_t i = 0; i < kBlock; ++i) block[i] = (i < key.size() ? static_cast<uint8_t>(key[i]) : 0) ^ pad;
    SHA256_Init(&context);
    SHA256_Update(&context, block.data(), block.size());
  }
  Digest Of(std::string_view message) const {
    Digest digest;
    SHA256_CTX context = inner;
    SHA256_Update(&context, message.data(), message.size());
    SHA256_Final(digest.data(), &context);
    context = outer;
    SHA256_Update(&context, digest.data(), digest.size());
    SHA256_Final(digest.data(), &context);
    return digest;
  }
  SHA256_CTX inner, outer;
};

// Neither part can run over into the other: names hold no zero byte.
std::string KeyFor(std::string_view secret, std::string_view principal, std::string_view purpose) {
  std::string what = "pseudonym";
  for (const std::string_view part : {principal, purpose}) {
    what += '\0';
    what += part;
  }
  const Digest key = Mac(secret).Of(what);
  return {reinterpret_cast<const char*>(key.data()), key.size()};
}

}  // namespace

struct Pseudonyms::Hashes : Mac {
  using Mac::Mac;
};

Pseudonyms::Pseudonyms(std::string_view secret, std::string_view principal, std::string_view purpose)
    : hashes_(std::make_unique<Hashes>(KeyFor(secret, principal, purpose))) {}

Pseudonyms::~Pseudonyms() = default;

void Pseudonyms::Append(std::string_view id, std::string& out) const {
  const Digest digest = hashes_->Of(id);
  out.append(reinterpret_cast<const char*>(digest.data()), kPseudonymBytes);
}

std::string Pseudonyms::Of(std::string_view id) const {
  std::string pseudonym;
  Append(id, pseudonym);
  return pseudonym;
}

}  // namespace pharos::audience
