// Tokens of tracked links. A token names one attempt and one link of the template version that it was written
// from; it holds no address, no person and no target, and cannot be made without our key. Pure.
//
//   token   = base64url of 30 octets (RFC 4648, 5; no padding): 40 characters, no bit of them unused, so that
//             one set of octets has one spelling only
//   octets  = attempt id (16) link number (1: 1 to 255) MAC (13)
//   MAC     = keyed hash of attempt id and number under a label of its own, cut
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/blind_index.h"

namespace pharos::dispatch {

struct LinkName {
  std::string attempt;  // 16 octets
  uint8_t link = 0;     // its number in the template version, from 1
};

std::string WriteLinkToken(const storage::BlindIndex& key, const LinkName& name);
// nullopt: we did not make it.
std::optional<LinkName> ReadLinkToken(const storage::BlindIndex& key, std::string_view token);

inline constexpr size_t kLinkTokenCharacters = 40;

}  // namespace pharos::dispatch
