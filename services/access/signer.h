// Signs approvals (Ed25519). Thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace pharos::access {

class Signer {
 public:
  explicit Signer(std::string seed);  // 32 bytes
  ~Signer();
  Signer(const Signer&) = delete;
  Signer& operator=(const Signer&) = delete;

  const std::string& public_key() const { return public_key_; }  // 32 bytes
  std::string Sign(std::string_view bytes) const;                // 64 bytes

 private:
  std::string seed_, public_key_;
};

}  // namespace pharos::access
