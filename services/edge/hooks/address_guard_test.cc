#include "services/edge/hooks/address_guard.h"

#include <gtest/gtest.h>

#include <string>

namespace pharos::edge::hooks {
namespace {

std::string WhyOf(const std::string& text, const std::vector<std::string>& allowed = {}) {
  std::vector<Network> networks;
  for (const auto& network : allowed) networks.push_back(*ReadNetwork(network));
  const auto address = ReadAddress(text);
  return address ? std::string(RefusalOf(*address, networks)) : "not an address";
}

TEST(AddressGuard, LetsThePublicInternetPass) {
  for (const char* address : {"8.8.8.8",
                              "1.1.1.1",
                              "9.255.255.255",
                              "11.0.0.0",
                              "100.63.255.255",
                              "100.128.0.0",
                              "126.255.255.255",
                              "128.0.0.0",
                              "169.253.255.255",
                              "169.255.0.0",
                              "172.15.255.255",
                              "172.32.0.0",
                              "191.255.255.255",
                              "192.0.1.0",
                              "192.0.3.0",
                              "192.167.255.255",
                              "192.169.0.0",
                              "198.17.255.255",
                              "198.20.0.0",
                              "223.255.255.255",
                              "2606:4700::1111",
                              "2a00:1450:4009::1",
                              "2001:4860:4860::8888",
                              "2003::1"}) {
    EXPECT_EQ(WhyOf(address), "") << address;
  }
}

TEST(AddressGuard, RefusesWhatLiesInside) {
  const struct {
    const char* address;
    const char* why;
  } cases[] = {
      {"0.0.0.0", "unspecified"},
      {"0.1.2.3", "unspecified"},
      {"10.0.0.0", "private"},
      {"10.255.255.255", "private"},
      {"100.64.0.0", "carrier-grade NAT"},
      {"100.127.255.255", "carrier-grade NAT"},
      {"127.0.0.1", "loopback"},
      {"127.255.255.254", "loopback"},
      {"169.254.169.254", "link-local"},  // a cloud's metadata
      {"172.16.0.0", "private"},
      {"172.31.255.255", "private"},
      {"192.0.0.170", "protocol assignments"},
      {"192.0.2.1", "documentation"},
      {"192.88.99.1", "6to4 relay"},
      {"192.168.0.1", "private"},
      {"198.18.0.1", "benchmarking"},
      {"198.19.255.255", "benchmarking"},
      {"198.51.100.7", "documentation"},
      {"203.0.113.7", "documentation"},
      {"224.0.0.1", "multicast"},
      {"239.255.255.255", "multicast"},
      {"240.0.0.1", "reserved"},
      {"255.255.255.255", "reserved"},
      {"::", "unspecified"},
      {"::1", "loopback"},
      {"::2", "IPv4-compatible"},
      {"::127.0.0.1", "IPv4-compatible"},
      {"::ffff:127.0.0.1", "IPv4-mapped"},
      {"::ffff:8.8.8.8", "IPv4-mapped"},
      {"::FFFF:7f00:1", "IPv4-mapped"},
      {"64:ff9b::127.0.0.1", "NAT64"},
      {"64:ff9b::a9fe:a9fe", "NAT64"},
      {"64:ff9b:1::1", "NAT64"},
      {"100::1", "not of the internet"},  // discard-only
      {"2001::1", "Teredo"},
      {"2001:2::1", "protocol assignments"},
      {"2001:10::1", "protocol assignments"},  // ORCHID
      {"2001:db8::1", "documentation"},
      {"2002:7f00:1::", "6to4"},
      {"2002:a9fe:a9fe::1", "6to4"},
      {"3fff::1", "documentation"},
      {"4000::1", "not of the internet"},
      {"5f00::1", "not of the internet"},
      {"fc00::1", "unique local"},
      {"fdff:ffff::1", "unique local"},
      {"fe80::1", "link-local"},
      {"febf::1", "link-local"},
      {"fec0::1", "site-local"},
      {"ff02::1", "multicast"},
      {"::ffff:0:127.0.0.1", "not of the internet"},  // RFC 2765's translated form
  };
  for (const auto& one : cases) EXPECT_EQ(WhyOf(one.address), one.why) << one.address;
}

TEST(AddressGuard, WhatIsAllowedByNameAndNothingBesideIt) {
  EXPECT_EQ(WhyOf("127.0.0.1", {"127.0.0.1/32"}), "");
  EXPECT_EQ(WhyOf("127.0.0.2", {"127.0.0.1/32"}), "loopback");
  EXPECT_EQ(WhyOf("10.20.255.255", {"192.168.0.0/16", "10.20.0.0/16"}), "");
  EXPECT_EQ(WhyOf("10.21.0.0", {"10.20.0.0/16"}), "private");
  EXPECT_EQ(WhyOf("::ffff:127.0.0.1", {"127.0.0.1/32"}), "IPv4-mapped");
  EXPECT_EQ(WhyOf("::1", {"127.0.0.1/32"}), "loopback");
  EXPECT_EQ(WhyOf("fd12::7", {"fd12::/48"}), "");
}

TEST(AddressGuard, OnlyWhatOrganisationsUseInsideMayBeAllowed) {
  for (const char* network : {"127.0.0.1/32", "127.0.0.0/8", "10.0.0.0/8", "10.1.2.0/24", "172.16.0.0/12",
                              "192.168.7.0/24", "100.64.0.0/10", "::1/128", "fd12:3456::/48"})
    EXPECT_TRUE(MayBeAllowed(*ReadNetwork(network))) << network;
  for (const char* network :
       {"0.0.0.0/0", "8.0.0.0/6", "169.254.0.0/16", "169.254.169.254/32", "172.0.0.0/8", "224.0.0.0/4",
        "8.8.8.8/32", "::/0", "fe80::/10", "::/96", "::ffff:127.0.0.1/128"})
    EXPECT_FALSE(MayBeAllowed(*ReadNetwork(network))) << network;
}

TEST(AddressGuard, ReadsAddressesAndNetworksInOneFormOnly) {
  for (const char* text : {"", "127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "127.0.0.1 ", "[::1]",
                           "fe80::1%lo", "127.0.0.1/32", "localhost", "1.2.3.4.5", "256.0.0.1"})
    EXPECT_FALSE(ReadAddress(text)) << text;
  EXPECT_FALSE(ReadAddress(std::string_view("127.0.0.1\0", 10)));
  for (const char* text : {"", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x",
                           "10.0.0.1/8", "/8", "fd00::/129", "fd00::1/64"})
    EXPECT_FALSE(ReadNetwork(text)) << text;
  EXPECT_TRUE(ReadNetwork("10.0.0.0/8"));
  EXPECT_TRUE(ReadNetwork("fd00::/8"));
}

TEST(AddressGuard, KnowsThisMachine) {
  EXPECT_TRUE(IsLoopback(*ReadAddress("127.3.2.1")));
  EXPECT_TRUE(IsLoopback(*ReadAddress("::1")));
  EXPECT_FALSE(IsLoopback(*ReadAddress("10.0.0.1")));
}

}  // namespace
}  // namespace pharos::edge::hooks
