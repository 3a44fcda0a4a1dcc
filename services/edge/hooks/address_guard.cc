#include "services/edge/hooks/address_guard.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace pharos::edge::hooks {
namespace {

struct Special {
  const char* network;
  const char* why;
};

constexpr Special kSpecial[] = {
    {"0.0.0.0/8", "unspecified"},
    {"10.0.0.0/8", "private"},
    {"100.64.0.0/10", "carrier-grade NAT"},
    {"127.0.0.0/8", "loopback"},
    {"169.254.0.0/16", "link-local"},
    {"172.16.0.0/12", "private"},
    {"192.0.0.0/24", "protocol assignments"},
    {"192.0.2.0/24", "documentation"},
    {"192.88.99.0/24", "6to4 relay"},
    {"192.168.0.0/16", "private"},
    {"198.18.0.0/15", "benchmarking"},
    {"198.51.100.0/24", "documentation"},
    {"203.0.113.0/24", "documentation"},
    {"224.0.0.0/4", "multicast"},
    {"240.0.0.0/4", "reserved"},
    {"::/128", "unspecified"},
    {"::1/128", "loopback"},
    // Each of these is an IPv4 address in another dress, of any kind.
    {"::ffff:0:0/96", "IPv4-mapped"},
    {"::/96", "IPv4-compatible"},
    {"64:ff9b::/96", "NAT64"},
    {"64:ff9b:1::/48", "NAT64"},
    {"2002::/16", "6to4"},
    {"2001::/32", "Teredo"},
    {"2001::/23", "protocol assignments"},
    {"2001:db8::/32", "documentation"},
    {"3fff::/20", "documentation"},
    {"fc00::/7", "unique local"},
    {"fe80::/10", "link-local"},
    {"fec0::/10", "site-local"},
    {"ff00::/8", "multicast"},
};

// RFC 1918, 6598, 4193; this machine.
constexpr const char* kAllowable[] = {"10.0.0.0/8",  "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
                                      "127.0.0.0/8", "::1/128",       "fc00::/7"};

struct Refused {
  Network network;
  std::string_view why;
};

const std::vector<Refused>& Table() {
  static const auto* table = [] {
    auto* rows = new std::vector<Refused>;
    for (const Special& special : kSpecial) rows->push_back({*ReadNetwork(special.network), special.why});
    return rows;
  }();
  return *table;
}

int Width(const Address& address) {
  return address.v6 ? 128 : 32;
}

bool BitOf(const Address& address, int at) {
  return (address.bytes[static_cast<size_t>(at / 8)] >> (7 - at % 8) & 1) != 0;
}

// All that IANA has given to the IPv6 internet so far; whatever lies outside is not for us to try.
const Network& GlobalUnicast() {
  static const Network network = *ReadNetwork("2000::/3");
  return network;
}

}  // namespace

std::optional<Address> ReadAddress(std::string_view text) {
  const std::string word(text);
  if (word.find('\0') != std::string::npos) return std::nullopt;
  Address address;
  if (inet_pton(AF_INET, word.c_str(), address.bytes.data()) == 1) return address;
  address.v6 = true;
  if (inet_pton(AF_INET6, word.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

std::optional<Network> ReadNetwork(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto first = ReadAddress(text.substr(0, slash));
  const std::string_view length = text.substr(slash + 1);
  int bits = -1;
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), bits);
  if (!first || error != std::errc() || end != length.data() + length.size()) return std::nullopt;
  if (bits < 0 || bits > Width(*first)) return std::nullopt;
  for (int at = bits; at < Width(*first); ++at) {
    if (BitOf(*first, at)) return std::nullopt;
  }
  return Network{*first, bits};
}

bool Holds(const Network& network, const Address& address) {
  if (network.first.v6 != address.v6) return false;
  for (int at = 0; at < network.bits; ++at) {
    if (BitOf(network.first, at) != BitOf(address, at)) return false;
  }
  return true;
}

bool MayBeAllowed(const Network& network) {
  return std::any_of(std::begin(kAllowable), std::end(kAllowable), [&](const char* text) {
    const Network within = *ReadNetwork(text);
    return network.bits >= within.bits && Holds(within, network.first);
  });
}

std::string_view RefusalOf(const Address& address, const std::vector<Network>& allowed) {
  for (const Network& network : allowed) {
    if (Holds(network, address)) return "";
  }
  for (const Refused& refused : Table()) {
    if (Holds(refused.network, address)) return refused.why;
  }
  return !address.v6 || Holds(GlobalUnicast(), address) ? "" : "not of the internet";
}

bool IsLoopback(const Address& address) {
  return RefusalOf(address, {}) == "loopback";
}

}  // namespace pharos::edge::hooks
