#include "services/customer/identity/text.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <cstring>

namespace pharos::customer::identity {

namespace {

constexpr size_t kLongestWord = 64;  // a bit each

std::string FoldUnicode(std::string_view text) {
  UErrorCode error = U_ZERO_ERROR;
  const auto* folder = icu::Normalizer2::getNFKCCasefoldInstance(error);
  const auto* splitter = icu::Normalizer2::getNFDInstance(error);
  if (U_FAILURE(error)) return {};
  icu::UnicodeString wide =
      icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
  wide = splitter->normalize(folder->normalize(wide, error), error);
  if (U_FAILURE(error)) return {};
  icu::UnicodeString kept;
  for (int32_t at = 0; at < wide.length(); at = wide.moveIndex32(at, 1)) {
    const UChar32 c = wide.char32At(at);
    if (u_isalnum(c)) kept.append(c);
  }
  std::string folded;
  return kept.toUTF8String(folded);
}

// Of each byte in `word`, where it stands. Cleared after use, so that one table serves all.
struct Places {
  std::array<uint64_t, 256> at{};
};
thread_local Places places;

constexpr std::array<uint32_t, 64> kRound = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

void Sha256Block(std::array<uint32_t, 8>& state, const unsigned char* block) {
  std::array<uint32_t, 64> w;
  for (int i = 0; i < 16; ++i) {
    w[i] = uint32_t{block[4 * i]} << 24 | uint32_t{block[4 * i + 1]} << 16 | uint32_t{block[4 * i + 2]} << 8 |
           block[4 * i + 3];
  }
  for (int i = 16; i < 64; ++i) {
    const uint32_t s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ (w[i - 15] >> 3);
    const uint32_t s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ (w[i - 2] >> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  auto [a, b, c, d, e, f, g, h] = state;
  for (int i = 0; i < 64; ++i) {
    const uint32_t t1 =
        h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) + ((e & f) ^ (~e & g)) + kRound[i] + w[i];
    const uint32_t t2 =
        (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
  }
  const std::array<uint32_t, 8> add = {a, b, c, d, e, f, g, h};
  for (int i = 0; i < 8; ++i) state[i] += add[i];
}

}  // namespace

std::string Fold(std::string_view text) {
  std::string folded;
  for (unsigned char c : text) {
    if (c >= 0x80) return FoldUnicode(text);
    if (std::isalnum(c)) folded.push_back(static_cast<char>(std::tolower(c)));
  }
  return folded;
}

double JaroWinkler(std::string_view a, std::string_view b) {
  if (a == b) return 1;
  a = a.substr(0, kLongestWord), b = b.substr(0, kLongestWord);
  if (a.empty() || b.empty()) return 0;
  for (size_t j = 0; j < b.size(); ++j) places.at[static_cast<unsigned char>(b[j])] |= uint64_t{1} << j;
  const int reach = std::max(0, static_cast<int>(std::max(a.size(), b.size())) / 2 - 1);
  uint64_t used_a = 0, used_b = 0;
  for (int i = 0; i < static_cast<int>(a.size()); ++i) {
    const int first = std::max(0, i - reach), last = std::min(i + reach, 63);
    const uint64_t window = (last == 63 ? ~uint64_t{0} : (uint64_t{1} << (last + 1)) - 1) >> first << first;
    const uint64_t free = places.at[static_cast<unsigned char>(a[i])] & window & ~used_b;
    if (free == 0) continue;
    used_b |= free & -free;
    used_a |= uint64_t{1} << i;
  }
  for (char c : b) places.at[static_cast<unsigned char>(c)] = 0;
  if (used_a == 0) return 0;
  const double m = std::popcount(used_a);
  int out_of_place = 0;
  while (used_a != 0) {
    out_of_place += a[std::countr_zero(used_a)] != b[std::countr_zero(used_b)];
    used_a &= used_a - 1, used_b &= used_b - 1;
  }
  const double jaro = (m / a.size() + m / b.size() + (m - out_of_place / 2) / m) / 3;
  size_t prefix = 0;
  while (prefix < std::min({a.size(), b.size(), size_t{4}}) && a[prefix] == b[prefix]) ++prefix;
  return jaro + prefix * 0.1 * (1 - jaro);
}

bool OneSlip(std::string_view a, std::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > 1) return false;
  size_t at = 0;
  while (at < a.size() && a[at] == b[at]) ++at;
  if (a.size() < b.size()) return a.substr(at) == b.substr(at + 1);
  if (at >= a.size() || a.substr(at + 1) == b.substr(at + 1)) return true;
  return at + 1 < a.size() && a[at] == b[at + 1] && a[at + 1] == b[at] &&
         a.substr(at + 2) == b.substr(at + 2);
}

std::string Skeleton(std::string_view folded) {
  std::string skeleton(folded.substr(0, 1));
  for (size_t at = 1; at < folded.size() && skeleton.size() < 3; ++at) {
    const char c = folded[at];
    const bool vowel =
        c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y' || c == 'h' || c == 'w';
    if (!vowel && c != folded[at - 1]) skeleton.push_back(c);
  }
  return skeleton;
}

uint64_t Mix(uint64_t a, uint64_t b) {
  uint64_t x = a * 0x9E3779B97F4A7C15u ^ b;
  x ^= x >> 32, x *= 0xD6E8FEB86659FD93u;
  x ^= x >> 32, x *= 0xD6E8FEB86659FD93u;
  return x ^ x >> 32;
}

uint64_t HashOf(int kind, std::string_view value) {
  uint64_t hash = 0xCBF29CE484222325u + static_cast<uint64_t>(kind);
  while (value.size() >= 8) {
    uint64_t word = 0;
    for (int i = 7; i >= 0; --i) word = word << 8 | static_cast<unsigned char>(value[i]);
    hash = Mix(hash, word);
    value.remove_prefix(8);
  }
  uint64_t word = value.size() + 1;
  for (char c : value) word = word << 8 | static_cast<unsigned char>(c);
  return Mix(hash, word);
}

std::string Sha256Hex(std::string_view bytes) {
  std::array<uint32_t, 8> state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::string_view rest = bytes;
  for (; rest.size() >= 64; rest.remove_prefix(64)) {
    Sha256Block(state, reinterpret_cast<const unsigned char*>(rest.data()));
  }
  std::string last(rest);
  last.push_back('\x80');
  last.resize(last.size() <= 56 ? 56 : 120);
  for (int shift = 56; shift >= 0; shift -= 8) last.push_back(static_cast<char>(bytes.size() * 8 >> shift));
  for (size_t at = 0; at < last.size(); at += 64) {
    Sha256Block(state, reinterpret_cast<const unsigned char*>(last.data()) + at);
  }
  std::string hex;
  for (uint32_t word : state) {
    for (int shift = 28; shift >= 0; shift -= 4) hex.push_back("0123456789abcdef"[word >> shift & 15]);
  }
  return hex;
}

}  // namespace pharos::customer::identity
