// Names and numbers made comparable, and how alike two of them are. Pure and the same in every build: hashes
// and levels that models store are made from these.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pharos::customer::identity {

// Lower case, letters and digits only, accents taken off: "O'Brien-Smith" → "obriensmith".
std::string Fold(std::string_view text);
// 0 to 1 (Jaro 1989, Winkler 1990). Texts of more than 64 bytes are compared as far as that.
double JaroWinkler(std::string_view a, std::string_view b);
// At most one insertion, deletion, substitution or swap of neighbours apart.
bool OneSlip(std::string_view a, std::string_view b);
// First letter and the next two consonants: survives most slips in vowels and endings.
std::string Skeleton(std::string_view folded);
// Stable 64-bit hash of a kind and a value.
uint64_t HashOf(int kind, std::string_view value);
uint64_t Mix(uint64_t a, uint64_t b);
// Numbers (1 to 255) of the families of short forms that a folded given name belongs to; "" if none. Two
// names with a number in common may be one name.
std::string NicknameFamilies(std::string_view folded);
// Hexadecimal SHA-256 (FIPS 180-4).
std::string Sha256Hex(std::string_view bytes);

}  // namespace pharos::customer::identity
