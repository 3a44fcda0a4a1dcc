#include "services/content/sms_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "services/base/text.h"
#include "services/content/errors.h"
#include "services/content/gsm_alphabet.h"

namespace pharos::content {
namespace {

// Units are septets or UTF-16 units; the header of a part of several takes six octets.
constexpr size_t kGsmSingle = 160, kGsmPart = 153, kUcs2Single = 70, kUcs2Part = 67;

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

std::string GsmOctets(char32_t c) {
  const int code = GsmCodeOf(c);
  if (code < 0x100) return std::string(1, static_cast<char>(code));
  return {static_cast<char>(kGsmEscape), static_cast<char>(code & 0x7F)};
}

std::string Utf16Octets(char32_t c) {
  std::string out;
  const auto unit = [&](uint32_t u) {
    out.push_back(static_cast<char>(u >> 8));
    out.push_back(static_cast<char>(u & 0xFF));
  };
  if (c < 0x10000) {
    unit(c);
  } else {
    unit(0xD800 + ((c - 0x10000) >> 10));
    unit(0xDC00 + ((c - 0x10000) & 0x3FF));
  }
  return out;
}

// Fills parts of at most `limit` octets with whole characters.
std::vector<std::string> Split(const std::vector<std::string>& characters, size_t limit) {
  std::vector<std::string> parts(1);
  for (const std::string& c : characters) {
    if (parts.back().size() + c.size() > limit) parts.emplace_back();
    parts.back() += c;
  }
  return parts;
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
  if (!base::IsUtf8(utf8)) return errors::NotUtf8();
  const std::vector<char32_t> characters = CodePoints(utf8);
  const bool gsm =
      std::all_of(characters.begin(), characters.end(), [](char32_t c) { return GsmCodeOf(c) >= 0; });
  std::vector<std::string> encoded;
  encoded.reserve(characters.size());
  size_t octets = 0;
  for (char32_t c : characters) {
    encoded.push_back(gsm ? GsmOctets(c) : Utf16Octets(c));
    octets += encoded.back().size();
  }
  const size_t single = gsm ? kGsmSingle : 2 * kUcs2Single;
  const size_t part = gsm ? kGsmPart : 2 * kUcs2Part;
  SmsText text{gsm ? SmsEncoding::kGsm7 : SmsEncoding::kUcs2, static_cast<int>(characters.size()),
               Split(encoded, octets <= single ? single : part)};
  if (text.parts.size() > kMaxParts)
    return errors::MessageTooLong(static_cast<int>(text.parts.size()), kMaxParts);
  return text;
}

std::string DecodeGsm7(std::string_view septets) {
  std::string utf8;
  for (size_t i = 0; i < septets.size(); ++i) {
    const auto code = static_cast<uint8_t>(septets[i]);
    const bool pair = code == kGsmEscape && i + 1 < septets.size();
    AppendUtf8(pair ? GsmExtendedCharacter(static_cast<uint8_t>(septets[++i])) : GsmCharacter(code), utf8);
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
