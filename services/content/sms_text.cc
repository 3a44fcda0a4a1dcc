#include "services/content/sms_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "services/base/text.h"
#include "services/content/errors.h"
#include "services/content/gsm_alphabet.h"

namespace pharos::content {
namespace {

// Room of a message without a header: septets, or octets of UTF-16.
constexpr size_t kGsmRoom = 160, kUcs2Room = 140;
constexpr size_t kNarrowElement = 5, kWideElement = 6;  // concatenation: IEI, length, reference, total, part

// The next code point of well-formed UTF-8.
char32_t Next(std::string_view text, size_t& at) {
  const auto octet = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = octet(at);
  const int more = first < 0x80 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
  char32_t c = more == 0 ? first : first & (0x3F >> more);
  for (int i = 1; i <= more; ++i) c = c << 6 | (octet(at + i) & 0x3F);
  at += more + 1;
  return c;
}

void AppendUtf8(char32_t c, std::string& out) {
  const auto tail = [&](int shift) { out.push_back(static_cast<char>(0x80 | (c >> shift & 0x3F))); };
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xC0 | c >> 6));
    tail(0);
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | c >> 12));
    tail(6), tail(0);
  } else {
    out.push_back(static_cast<char>(0xF0 | c >> 18));
    tail(12), tail(6), tail(0);
  }
}

std::vector<char32_t> CodePoints(std::string_view utf8) {
  std::vector<char32_t> characters;
  characters.reserve(utf8.size());
  for (size_t at = 0; at < utf8.size();) characters.push_back(Next(utf8, at));
  return characters;
}

void AppendUtf16(char32_t c, std::string& out) {
  const auto unit = [&](uint32_t u) {
    out.push_back(static_cast<char>(u >> 8));
    out.push_back(static_cast<char>(u & 0xFF));
  };
  if (c < 0x10000) return unit(c);
  unit(0xD800 + ((c - 0x10000) >> 10));
  unit(0xDC00 + ((c - 0x10000) & 0x3FF));
}

// How much of `octets` fits without cutting a pair. The escape is never the second of a pair.
size_t WholeCharacters(std::string_view octets, size_t limit, SmsEncoding encoding) {
  if (octets.size() <= limit) return octets.size();
  if (encoding == SmsEncoding::kGsm7)
    return octets[limit - 1] == static_cast<char>(kGsmEscape) ? limit - 1 : limit;
  const bool high = (static_cast<unsigned char>(octets[limit - 2]) & 0xFC) == 0xD8;
  return high ? limit - 2 : limit;
}

// What a header of `octets` (its length octet included) leaves: whole septets begin behind it.
size_t Room(SmsEncoding encoding, size_t octets) {
  if (encoding == SmsEncoding::kGsm7) return kGsmRoom - (octets * 8 + 6) / 7;
  return (kUcs2Room - octets) & ~size_t{1};
}

void Split(std::string_view octets, bool wide, SmsText& text) {
  const size_t shift = text.shift_header.size();
  const size_t alone = Room(text.encoding, shift > 0 ? shift + 1 : 0);
  const size_t part = Room(text.encoding, shift + 1 + (wide ? kWideElement : kNarrowElement));
  const size_t limit = octets.size() <= alone ? alone : part;
  do {
    const size_t n = WholeCharacters(octets, limit, text.encoding);
    text.parts.emplace_back(octets.substr(0, n));
    octets.remove_prefix(n);
  } while (!octets.empty());
}

// False: some character is in neither table.
bool AppendSeptets(std::string_view utf8, std::string& out) {
  for (size_t at = 0; at < utf8.size();) {
    const int code = GsmCodeOf(Next(utf8, at));
    if (code < 0) return false;
    if (code >= 0x100) out.push_back(static_cast<char>(kGsmEscape));
    out.push_back(static_cast<char>(code & 0x7F));
  }
  return true;
}

struct Shift {
  ShiftLanguage locking = ShiftLanguage::kNone, single = ShiftLanguage::kNone;
};

bool AppendShifted(const std::vector<char32_t>& characters, Shift shift, std::string& out) {
  for (char32_t c : characters) {
    if (int code = LockingCodeOf(shift.locking, c); code >= 0) {
      out.push_back(static_cast<char>(code));
    } else if (code = SingleCodeOf(shift.single, c); code >= 0) {
      out.push_back(static_cast<char>(kGsmEscape));
      out.push_back(static_cast<char>(code));
    } else {
      return false;
    }
  }
  return true;
}

std::string ShiftHeader(Shift shift) {
  std::string header;
  const auto element = [&](uint8_t kind, ShiftLanguage language) {
    if (language != ShiftLanguage::kNone) header += {static_cast<char>(kind), 1, static_cast<char>(language)};
  };
  element(kSingleShiftElement, shift.single);
  element(kLockingShiftElement, shift.locking);
  return header;
}

// The shifted form that takes the fewest parts, if it takes fewer than `best` does.
void TryShifts(std::string_view utf8, const SmsOptions& options, SmsText& best) {
  const std::vector<char32_t> characters = CodePoints(utf8);
  for (ShiftLanguage language : options.national) {
    for (Shift shift : {Shift{ShiftLanguage::kNone, language}, Shift{language, ShiftLanguage::kNone},
                        Shift{language, language}}) {
      if (shift.locking != ShiftLanguage::kNone && !HasLockingTable(language)) continue;
      std::string septets;
      if (!AppendShifted(characters, shift, septets)) continue;
      SmsText text{SmsEncoding::kGsm7, best.characters, {}, ShiftHeader(shift)};
      Split(septets, options.wide_reference, text);
      if (text.parts.size() < best.parts.size()) best = std::move(text);
    }
  }
}

std::string_view Replacement(char32_t c) {
  switch (c) {
    case 0x2018:
    case 0x2019:
    case 0x201A:
    case 0x2032:
    case 0x0060:
    case 0x00B4:
      return "'";
    case 0x201C:
    case 0x201D:
    case 0x201E:
    case 0x2033:
    case 0x00AB:
    case 0x00BB:
      return "\"";
    case 0x2010:
    case 0x2011:
    case 0x2012:
    case 0x2013:
    case 0x2014:
    case 0x2015:
    case 0x2212:
      return "-";
    case 0x2026:
      return "...";
    case 0x2022:
    case 0x00B7:
      return "*";
    case 0x00A0:
    case 0x2002:
    case 0x2003:
    case 0x2009:
    case 0x202F:
    case 0x0009:
      return "space";
    case 0x200B:
    case 0x200C:
    case 0x200D:
    case 0x2060:
    case 0xFEFF:
    case 0x00AD:
      return "nothing";
    case 0x00D7:
      return "x";
    case 0x2044:
    case 0x00F7:
      return "/";
    case 0x00BD:
      return "1/2";
    case 0x00BC:
      return "1/4";
    case 0x00BE:
      return "3/4";
    case 0x2122:
      return "(TM)";
    case 0x00A9:
      return "(c)";
    case 0x00AE:
      return "(R)";
    case 0x20A4:
      return "\u00A3";
    default:
      return "";
  }
}

// What the author sees in front of the arrow: characters that show nothing are named.
std::string Shown(char32_t c) {
  std::string utf8;
  AppendUtf8(c, utf8);
  const std::string_view replacement = Replacement(c);
  return replacement == "space" || replacement == "nothing"
             ? fmt::format("U+{:04X}", static_cast<uint32_t>(c))
             : utf8;
}

}  // namespace

absl::StatusOr<SmsText> EncodeSms(std::string_view utf8) {
  static const SmsOptions kPlain;
  return EncodeSms(utf8, kPlain);
}

absl::StatusOr<SmsText> EncodeSms(std::string_view utf8, const SmsOptions& options) {
  if (!base::IsUtf8(utf8)) return errors::NotUtf8();
  SmsText text;
  text.characters =
      static_cast<int>(std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; }));
  std::string octets;
  octets.reserve(utf8.size() * 2);
  if (!options.ucs2_only && AppendSeptets(utf8, octets)) {
    Split(octets, options.wide_reference, text);
  } else {
    octets.clear();
    text.encoding = SmsEncoding::kUcs2;
    for (size_t at = 0; at < utf8.size();) AppendUtf16(Next(utf8, at), octets);
    Split(octets, options.wide_reference, text);
    if (!options.ucs2_only && text.parts.size() > 1) TryShifts(utf8, options, text);
  }
  if (text.parts.size() > kMaxParts)
    return errors::MessageTooLong(static_cast<int>(text.parts.size()), kMaxParts);
  return text;
}

std::string DecodeGsm7(std::string_view septets, ShiftLanguage locking, ShiftLanguage single) {
  std::string utf8;
  utf8.reserve(septets.size());
  for (size_t i = 0; i < septets.size(); ++i) {
    const auto code = static_cast<uint8_t>(septets[i]);
    const bool pair = code == kGsmEscape && i + 1 < septets.size();
    AppendUtf8(
        pair ? SingleCharacter(single, static_cast<uint8_t>(septets[++i])) : LockingCharacter(locking, code),
        utf8);
  }
  return utf8;
}

std::string DecodeUcs2(std::string_view octets) {
  std::string utf8;
  const auto unit = [&](size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(octets[i]) << 8 |
                                 static_cast<unsigned char>(octets[i + 1]));
  };
  size_t i = 0;
  for (; i + 1 < octets.size(); i += 2) {
    char32_t c = unit(i);
    const bool high = c >= 0xD800 && c < 0xDC00, low = c >= 0xDC00 && c < 0xE000;
    if (high && i + 3 < octets.size() && (unit(i + 2) & 0xFC00) == 0xDC00) {
      c = 0x10000 + ((c & 0x3FF) << 10 | (unit(i + 2) & 0x3FF));
      i += 2;
    } else if (high || low) {
      c = kUnknownCharacter;
    }
    AppendUtf8(c, utf8);
  }
  if (i < octets.size()) AppendUtf8(kUnknownCharacter, utf8);
  return utf8;
}

std::vector<std::string> SmsHints(std::string_view utf8) {
  std::vector<std::string> hints;
  if (!base::IsUtf8(utf8)) return hints;
  for (char32_t c : CodePoints(utf8)) {
    if (GsmCodeOf(c) >= 0 || Replacement(c).empty()) continue;
    std::string hint = fmt::format("{} → {}", Shown(c), Replacement(c));
    if (std::find(hints.begin(), hints.end(), hint) == hints.end()) hints.push_back(std::move(hint));
  }
  return hints;
}

}  // namespace pharos::content
