// The access store: its tables and keys. Values are records of pharos/record/v1/access.proto in an envelope.
#pragma once

#include <cstdint>

namespace pharos::access {

inline constexpr uint32_t kFormat = 1;

enum Table : uint8_t {
  kPrincipal = 1,   // String(principal id) → PrincipalRow
  kAct = 2,         // String(act id) → ActRow
  kNewestAct = 3,   // U64(~propose time in µs) String(act id) → empty; newest first
  kForce = 4,       // → ForceRow
  kDataKey = 5,     // U64(key id) → DataKeyRow
  kKeyCounter = 6,  // → KeyCounterRow
  kSigningKey = 7,  // → SigningKeyRow
  kKekCheck = 8,    // → DataKeyRow with a known text, to notice a wrong key-encryption key
};

}  // namespace pharos::access
