#include "services/content/national.h"

#include <algorithm>
#include <iterator>

#include "services/content/gsm_alphabet.h"

namespace pharos::content {
namespace {

struct Entry {
  uint8_t code;
  char32_t character;
};
struct Table {
  const Entry* entries;
  size_t size;
};

// TS 23.038 A.3.1: where the Turkish locking shift differs from the default alphabet.
constexpr Entry kTurkishLocking[] = {{0x04, 0x20AC}, {0x07, 0x0131}, {0x0B, 0x011E}, {0x0C, 0x011F},
                                     {0x1C, 0x015E}, {0x1D, 0x015F}, {0x40, 0x0130}, {0x60, 0x00E7}};
// A.3.3: where the Portuguese one does.
constexpr Entry kPortugueseLocking[] = {
    {0x04, 0x00EA}, {0x06, 0x00FA}, {0x07, 0x00ED}, {0x08, 0x00F3}, {0x09, 0x00E7}, {0x0B, 0x00D4},
    {0x0C, 0x00F4}, {0x0E, 0x00C1}, {0x0F, 0x00E1}, {0x12, 0x00AA}, {0x13, 0x00C7}, {0x14, 0x00C0},
    {0x15, 0x221E}, {0x16, 0x005E}, {0x17, 0x005C}, {0x18, 0x20AC}, {0x19, 0x00D3}, {0x1A, 0x007C},
    {0x1C, 0x00C2}, {0x1D, 0x00E2}, {0x1E, 0x00CA}, {0x24, 0x00BA}, {0x40, 0x00CD}, {0x5B, 0x00C3},
    {0x5C, 0x00D5}, {0x5D, 0x00DA}, {0x60, 0x007E}, {0x7B, 0x00E3}, {0x7C, 0x00F5}, {0x7D, 0x0060}};

// A.2.1–A.2.3: what the single shift tables have besides the default extension table, which each of them
// holds whole.
constexpr Entry kTurkishSingle[] = {{0x47, 0x011E}, {0x49, 0x0130}, {0x53, 0x015E}, {0x63, 0x00E7},
                                    {0x67, 0x011F}, {0x69, 0x0131}, {0x73, 0x015F}};
constexpr Entry kSpanishSingle[] = {{0x09, 0x00E7}, {0x41, 0x00C1}, {0x49, 0x00CD},
                                    {0x4F, 0x00D3}, {0x55, 0x00DA}, {0x61, 0x00E1},
                                    {0x69, 0x00ED}, {0x6F, 0x00F3}, {0x75, 0x00FA}};
constexpr Entry kPortugueseSingle[] = {
    {0x05, 0x00EA}, {0x09, 0x00E7}, {0x0B, 0x00D4}, {0x0C, 0x00F4}, {0x0E, 0x00C1}, {0x0F, 0x00E1},
    {0x12, 0x03A6}, {0x13, 0x0393}, {0x15, 0x03A9}, {0x16, 0x03A0}, {0x17, 0x03A8}, {0x18, 0x03A3},
    {0x19, 0x0398}, {0x1F, 0x00CA}, {0x41, 0x00C0}, {0x49, 0x00CD}, {0x4F, 0x00D3}, {0x55, 0x00DA},
    {0x5B, 0x00C3}, {0x5C, 0x00D5}, {0x61, 0x00C2}, {0x69, 0x00ED}, {0x6F, 0x00F3}, {0x75, 0x00FA},
    {0x7B, 0x00E3}, {0x7C, 0x00F5}, {0x7F, 0x00E2}};

Table LockingOf(ShiftLanguage language) {
  switch (language) {
    case ShiftLanguage::kTurkish:
      return {kTurkishLocking, std::size(kTurkishLocking)};
    case ShiftLanguage::kPortuguese:
      return {kPortugueseLocking, std::size(kPortugueseLocking)};
    default:
      return {nullptr, 0};
  }
}

Table SingleOf(ShiftLanguage language) {
  switch (language) {
    case ShiftLanguage::kTurkish:
      return {kTurkishSingle, std::size(kTurkishSingle)};
    case ShiftLanguage::kSpanish:
      return {kSpanishSingle, std::size(kSpanishSingle)};
    case ShiftLanguage::kPortuguese:
      return {kPortugueseSingle, std::size(kPortugueseSingle)};
    default:
      return {nullptr, 0};
  }
}

const Entry* ByCharacter(Table table, char32_t character) {
  auto* end = table.entries + table.size;
  auto* it = std::find_if(table.entries, end, [&](const Entry& e) { return e.character == character; });
  return it == end ? nullptr : it;
}

const Entry* ByCode(Table table, int code) {
  auto* end = table.entries + table.size;
  auto* it = std::find_if(table.entries, end, [&](const Entry& e) { return e.code == code; });
  return it == end ? nullptr : it;
}

}  // namespace

bool HasLockingTable(ShiftLanguage language) {
  return LockingOf(language).size > 0;
}

int LockingCodeOf(ShiftLanguage language, char32_t character) {
  const Table table = LockingOf(language);
  if (const Entry* e = ByCharacter(table, character)) return e->code;
  const int code = GsmCodeOf(character);
  return code >= 0 && code < 0x100 && !ByCode(table, code) ? code : -1;
}

int SingleCodeOf(ShiftLanguage language, char32_t character) {
  if (const Entry* e = ByCharacter(SingleOf(language), character)) return e->code;
  const int code = GsmCodeOf(character);
  return code >= 0x100 ? code & 0x7F : -1;
}

char32_t LockingCharacter(ShiftLanguage language, uint8_t code) {
  if (const Entry* e = ByCode(LockingOf(language), code)) return e->character;
  return GsmCharacter(code);
}

char32_t SingleCharacter(ShiftLanguage language, uint8_t code) {
  if (const Entry* e = ByCode(SingleOf(language), code)) return e->character;
  return GsmExtendedCharacter(code);
}

ShiftLanguage ShiftLanguageNamed(std::string_view name) {
  if (name == "turkish") return ShiftLanguage::kTurkish;
  if (name == "spanish") return ShiftLanguage::kSpanish;
  if (name == "portuguese") return ShiftLanguage::kPortuguese;
  return ShiftLanguage::kNone;
}

}  // namespace pharos::content
