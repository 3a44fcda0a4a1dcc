// Where webhooks may be sent: addresses of the public internet, and what a deployment allows by name. Looked
// at for the very address that is connected to, so that a name that changes its mind reaches nothing. Pure.
// Sources: IANA's registries of special-purpose IPv4 and IPv6 addresses (RFC 6890 and what updates it).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace pharos::edge::hooks {

struct Address {
  bool v6 = false;
  std::array<uint8_t, 16> bytes{};  // in the order of the network; the first four of an IPv4 address
};
// "192.0.2.1", "2001:db8::1". nullopt for anything else: no octal, no short forms, no zones, no brackets.
std::optional<Address> ReadAddress(std::string_view text);

struct Network {
  Address first;
  int bits = 0;
};
// "10.20.0.0/16". nullopt too if a bit is set past the length.
std::optional<Network> ReadNetwork(std::string_view text);
bool Holds(const Network& network, const Address& address);

// Whether a deployment may allow it at all: it lies within what organisations use inside (RFC 1918, 4193,
// 6598) or on this machine. Never link-local, where clouds keep their machines' credentials.
bool MayBeAllowed(const Network& network);

// Why nothing is sent there, in a word or two; "" for the public internet and for what is allowed.
std::string_view RefusalOf(const Address& address, const std::vector<Network>& allowed);

// This machine.
bool IsLoopback(const Address& address);

}  // namespace pharos::edge::hooks
