// SMS text: 3GPP TS 23.038 (GSM 7-bit default alphabet, extension and national tables) and TS 23.040
// (concatenation). The same code counts for the author and splits for the connector.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/content/national.h"

namespace pharos::content {

enum class SmsEncoding { kGsm7, kUcs2 };

// What a provider's link allows beyond the common ground.
struct SmsOptions {
  std::vector<ShiftLanguage> national;  // shift tables that may be used, where they save parts
  bool wide_reference = false;  // parts are numbered with 16-bit references (IEI 0x08): one septet less
  bool ucs2_only = false;       // never the GSM alphabet
};

struct SmsText {
  SmsEncoding encoding = SmsEncoding::kGsm7;
  int characters = 0;  // Unicode characters as people count them (code points)
  std::vector<std::string>
      parts;  // payload octets of each part without header: unpacked septets, or UTF-16BE
  std::string
      shift_header;  // information elements that every part's user data header must carry; usually empty
};

// Parts of 160 septets / 70 UTF-16 units if one suffices, else 153 / 67 (6-octet header, 8-bit reference). An
// escape pair or a surrogate pair is never cut. INVALID_ARGUMENT: NOT_UTF8; MESSAGE_TOO_LONG past kMaxParts.
absl::StatusOr<SmsText> EncodeSms(std::string_view utf8);
// The same with a provider's options: 152 / 66 with wide references; 155, 152 (locking and single) alone and
// 149, 146 in parts with shift tables. A shift table is used only for a text that the default alphabet cannot
// write and that takes fewer parts with it than in UCS-2.
absl::StatusOr<SmsText> EncodeSms(std::string_view utf8, const SmsOptions& options);
inline constexpr int kMaxParts = 6;  // 918 septets; GOV.UK Notify's limit

// GSM 7-bit (unpacked, one septet an octet) → UTF-8; unknown codes become U+FFFD.
std::string DecodeGsm7(std::string_view septets, ShiftLanguage locking = ShiftLanguage::kNone,
                       ShiftLanguage single = ShiftLanguage::kNone);
// UTF-16BE → UTF-8.
std::string DecodeUcs2(std::string_view octets);

// Characters that force UCS-2 with a replacement that would not, e.g. "’ → '". For the author; nothing is
// replaced silently.
std::vector<std::string> SmsHints(std::string_view utf8);

}  // namespace pharos::content
