// Addresses that name an attempt: where its bounces go (b+TOKEN@domain, the return path) and where its
// unsubscribe mails go (u+TOKEN@domain). TOKEN = base32(attempt) "." base32(first 8 bytes of HMAC-SHA-256
// over kind and attempt), in lower case, read in any case: mail systems change it. Nobody without the key can
// make one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace pharos::smtp {

// kComplaint has no token: receivers send their reports to one address, fixed when one registers with them.
enum class AddressKind { kBounce, kUnsubscribe, kComplaint };

struct TokenAddress {
  AddressKind kind = AddressKind::kBounce;
  std::string attempt;  // 16 bytes
};

inline constexpr size_t kAttemptBytes = 16;
inline constexpr size_t kTokenKeyBytes = 32;

// Local part, at most 64 octets (42). `attempt` has 16 bytes.
std::string LocalPartFor(const TokenAddress& address, std::string_view key);
// nullopt: it is no such address, or its code is not one of ours.
std::optional<TokenAddress> ReadLocalPart(std::string_view local, std::string_view key);

// Message-ID without <>: HEX@CODE.domain; the attempt's id in hex, its code as above, the sender's domain.
std::string MessageIdFor(std::string_view attempt, std::string_view domain, std::string_view key);
// The attempt of a Message-ID of ours, with or without <>; nullopt for anybody else's.
std::optional<std::string> AttemptOfMessageId(std::string_view message_id, std::string_view key);

// The first of our tokens that stands anywhere in `text` (a return path, List-Unsubscribe, Message-ID); its
// code proves that the message was ours.
std::optional<std::string> AttemptNamedIn(std::string_view text, std::string_view key);

// The key in `file`: 64 hex digits, readable by its owner alone. Made if the file is missing; connectors of
// one route share it. INVALID_ARGUMENT (TOKEN_KEY_WRONG) in words.
absl::StatusOr<std::string> LoadOrMakeTokenKey(const std::string& file);

// RFC 4648 base 32, lower case, no padding.
std::string Base32(std::string_view bytes);
// Any case; nullopt for anything else, bits that are left over included.
std::optional<std::string> FromBase32(std::string_view text);

}  // namespace pharos::smtp
