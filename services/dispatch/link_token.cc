#include "services/dispatch/link_token.h"

#include "services/base/ids.h"

namespace pharos::dispatch {
namespace {

constexpr size_t kAttempt = 16, kMac = 13;
constexpr size_t kOctets = kAttempt + 1 + kMac;
static_assert(kOctets % 3 == 0 && kOctets / 3 * 4 == kLinkTokenCharacters, "whole groups: one spelling");

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// `octets` are whole groups of three.
std::string Written(std::string_view octets) {
  std::string text;
  for (size_t at = 0; at < octets.size(); at += 3) {
    uint32_t group = 0;
    for (size_t i = 0; i < 3; ++i) group = group << 8 | static_cast<uint8_t>(octets[at + i]);
    for (int shift = 18; shift >= 0; shift -= 6) text += kDigits[group >> shift & 63];
  }
  return text;
}

// "" if there is a character that is no digit. `text` is whole groups of four.
std::string Read(std::string_view text) {
  std::string octets;
  for (size_t at = 0; at < text.size(); at += 4) {
    uint32_t group = 0;
    for (size_t i = 0; i < 4; ++i) {
      const size_t digit = kDigits.find(text[at + i]);
      if (digit == std::string_view::npos) return "";
      group = group << 6 | static_cast<uint32_t>(digit);
    }
    for (int shift = 16; shift >= 0; shift -= 8) octets += static_cast<char>(group >> shift & 255);
  }
  return octets;
}

std::string MacOf(const storage::BlindIndex& key, std::string_view named) {
  return key.Of("tracked-link", named).substr(0, kMac);
}

}  // namespace

std::string WriteLinkToken(const storage::BlindIndex& key, const LinkName& name) {
  const std::string named = name.attempt + static_cast<char>(name.link);
  return Written(named + MacOf(key, named));
}

std::optional<LinkName> ReadLinkToken(const storage::BlindIndex& key, std::string_view token) {
  if (token.size() != kLinkTokenCharacters) return std::nullopt;
  const std::string octets = Read(token);
  if (octets.size() != kOctets) return std::nullopt;
  const std::string_view named = std::string_view(octets).substr(0, kAttempt + 1);
  if (!base::SameBytes(MacOf(key, named), std::string_view(octets).substr(kAttempt + 1))) return std::nullopt;
  LinkName name{std::string(named.substr(0, kAttempt)), static_cast<uint8_t>(named.back())};
  return name.link == 0 ? std::nullopt : std::optional(std::move(name));
}

}  // namespace pharos::dispatch
