// The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038, 6.2.1).
#pragma once

#include <cstdint>

namespace pharos::content {

inline constexpr uint8_t kGsmEscape = 0x1B;
inline constexpr char32_t kUnknownCharacter = 0xFFFD;

// The septet of a character; 0x100 + septet if it follows an escape; -1 if the alphabet does not have it.
int GsmCodeOf(char32_t character);
// The character of a septet, alone or after an escape; kUnknownCharacter if there is none.
char32_t GsmCharacter(uint8_t code);
char32_t GsmExtendedCharacter(uint8_t code);

}  // namespace pharos::content
