// Ids: 128 random-and-time bits, sortable by time, written as 26 characters of Crockford base 32 in lower
// case (the ULID layout: 48 bits of milliseconds, 80 bits of randomness). Made here and nowhere else.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pharos::base {

using Bytes16 = std::array<uint8_t, 16>;

// A new id, e.g. "01jd3v7m8q0000000000000000". Strictly increasing within a process. Thread-safe.
std::string NewId(int64_t wall_micros);
// The 128 bits of such an id; nullopt for anything that WriteId would not have written.
std::optional<Bytes16> ReadId(std::string_view id);
inline constexpr size_t kIdLength = 26;
// Writes kIdLength characters to `to`.
void WriteId(const Bytes16& bytes, char* to);
// 16 random bytes from the operating system: lives, tokens.
std::string RandomBytes16();

// 32 lower-case hex digits and back; FromHex gives "" for anything that is not an even number of hex digits.
std::string ToHex(std::string_view bytes);
std::string FromHex(std::string_view hex);

// Equal, in a time that does not depend on where they differ: for tokens and MACs.
bool SameBytes(std::string_view a, std::string_view b);

// SHA-256, 32 bytes.
std::string Sha256(std::string_view bytes);

// The parts of a resource name: Segment("people/x", "people") = "x"; "" if the name has another shape.
std::string Segment(std::string_view name, std::string_view collection);
// True for [a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?: ids that people choose.
bool IsChosenId(std::string_view id);

}  // namespace pharos::base
