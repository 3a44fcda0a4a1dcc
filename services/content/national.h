// National language shift tables (3GPP TS 23.038, annex A): a locking shift replaces the default alphabet, a
// single shift the table behind the escape. A part that uses one says so in its user data header
// (TS 23.040, 9.2.3.24.15 and .16). Here: Turkish, Spanish (single shift only), Portuguese.
#pragma once

#include <cstdint>
#include <string_view>

namespace pharos::content {

// Values are the standard's language identifiers (TS 23.038, 6.2.1.2.4).
enum class ShiftLanguage : uint8_t { kNone = 0, kTurkish = 1, kSpanish = 2, kPortuguese = 3 };

inline constexpr uint8_t kSingleShiftElement = 0x24;  // information element identifiers of TS 23.040
inline constexpr uint8_t kLockingShiftElement = 0x25;

bool HasLockingTable(ShiftLanguage language);
// The septet of a character in the locking table; kNone = the default alphabet; -1 = not in it.
int LockingCodeOf(ShiftLanguage language, char32_t character);
// The septet behind the escape in the single shift table; kNone = the default extension table; -1 = not in
// it.
int SingleCodeOf(ShiftLanguage language, char32_t character);
// kUnknownCharacter where there is none. A language that is not known is read by the default tables, as
// TS 23.038 demands of a receiver.
char32_t LockingCharacter(ShiftLanguage language, uint8_t code);
char32_t SingleCharacter(ShiftLanguage language, uint8_t code);

// "turkish", "spanish", "portuguese"; kNone for any other word.
ShiftLanguage ShiftLanguageNamed(std::string_view name);

}  // namespace pharos::content
