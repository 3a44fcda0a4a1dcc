// Pseudonyms: HMAC-SHA-256 (FIPS 198-1) of a person's id, cut to 16 bytes, under a key of the principal and
// the purpose. The same person has the same pseudonym for both of them, and another for everybody and
// everything else; without the secret nobody tells which person it is.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace pharos::audience {

inline constexpr size_t kPseudonymBytes = 16;

// Some five million a second. One thread at a time.
class Pseudonyms {
 public:
  // `secret`: of the store, 32 bytes.
  Pseudonyms(std::string_view secret, std::string_view principal, std::string_view purpose);
  ~Pseudonyms();
  // Appends the pseudonym of the person (id without "people/").
  void Append(std::string_view id, std::string& out) const;
  std::string Of(std::string_view id) const;

 private:
  struct Hashes;
  const std::unique_ptr<Hashes> hashes_;
};

}  // namespace pharos::audience
