// Wraps secrets under the key-encryption key: AES-256-GCM, wrapped := nonce(12) ciphertext tag(16). `label`
// says what the secret is and is authenticated with it, so that a wrapped secret put in another's place does
// not open. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pharos::access {

class Vault {
 public:
  explicit Vault(std::string kek);  // 32 bytes
  ~Vault();
  Vault(const Vault&) = delete;
  Vault& operator=(const Vault&) = delete;

  std::string Wrap(std::string_view secret, std::string_view label) const;
  // nullopt: damaged, moved, or wrapped under another key.
  std::optional<std::string> Unwrap(std::string_view wrapped, std::string_view label) const;

 private:
  std::string kek_;
};

// From the operating system; stops the process if there are none.
std::string RandomBytes(size_t count);

}  // namespace pharos::access
