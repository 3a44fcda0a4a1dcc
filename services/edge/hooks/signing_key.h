// Keys that webhooks are signed with (Standard Webhooks 1.0, "Signature scheme"): a secret that the receiver
// has too, or an ed25519 key pair of which it has the public half only.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace pharos::edge::hooks {

// Immutable; thread-safe.
class SigningKey {
 public:
  // "whsec_" and base64 of 24 to 64 bytes, or "whsk_" and base64 of an ed25519 private key (32 bytes, or 64
  // with the public key behind it). INVALID_ARGUMENT with words that follow a file's name; the text is not
  // repeated.
  static absl::StatusOr<SigningKey> Read(std::string_view text);

  // "v1,…" or "v1a,…".
  std::string Sign(std::string_view id, std::string_view timestamp, std::string_view body) const;
  // "whpk_…", for the receiver; empty for a shared secret.
  std::string PublicKey() const;

 private:
  std::string secret_;              // symmetric; else empty
  std::shared_ptr<void> key_pair_;  // EVP_PKEY
};

// The header webhook-signature: one signature by each key, for the time that keys change.
std::string Signatures(const std::vector<SigningKey>& keys, std::string_view id, std::string_view timestamp,
                       std::string_view body);

// For tests and receivers in C++: is this signature ("v1a,…") by the holder of the private half?
bool IsSignedBy(std::string_view public_key, std::string_view signature, std::string_view id,
                std::string_view timestamp, std::string_view body);

}  // namespace pharos::edge::hooks
