// Texts as SMS: what was encoded decodes to the same, no part is over its limit, no pair is cut; hints are
// given for any text, and any octets decode to UTF-8.
#include "services/content/sms_text.h"

#include "services/base/text.h"
#include "services/content/national.h"
#include "tests/fuzz/fuzz.h"

using namespace pharos::content;  // NOLINT

namespace {

// With every option that a provider may allow; the header that a part carries says how it is read.
void CheckWithOptions(std::string_view text) {
  SmsOptions options;
  options.national = {ShiftLanguage::kTurkish, ShiftLanguage::kSpanish, ShiftLanguage::kPortuguese};
  options.wide_reference = text.size() % 2 == 0;
  const auto encoded = EncodeSms(text, options);
  if (!encoded.ok()) return;
  ShiftLanguage locking = ShiftLanguage::kNone, single = ShiftLanguage::kNone;
  const std::string& header = encoded->shift_header;
  for (size_t i = 0; i + 2 < header.size(); i += 3) {
    CHECK(header[i + 1] == 1);
    auto& language = static_cast<uint8_t>(header[i]) == kLockingShiftElement ? locking : single;
    language = static_cast<ShiftLanguage>(header[i + 2]);
  }
  const bool gsm = encoded->encoding == SmsEncoding::kGsm7;
  const size_t elements = header.size() + (encoded->parts.size() > 1 ? (options.wide_reference ? 6 : 5) : 0);
  const size_t header_octets = elements > 0 ? elements + 1 : 0;  // with its own length
  std::string decoded;
  for (const std::string& part : encoded->parts) {
    if (gsm) CHECK(part.size() <= 160 - (header_octets * 8 + 6) / 7);
    if (!gsm) CHECK(part.size() <= 140 - header_octets);
    decoded += gsm ? DecodeGsm7(part, locking, single) : DecodeUcs2(part);
  }
  CHECK(decoded == text);
}

}  // namespace

FUZZ(data) {
  CHECK(pharos::base::IsUtf8(DecodeGsm7(data)));
  CHECK(pharos::base::IsUtf8(DecodeUcs2(data)));
  (void)SmsHints(data);
  const auto encoded = EncodeSms(data);
  CheckWithOptions(data);
  if (!encoded.ok()) return;
  CHECK(pharos::base::IsUtf8(data));
  CHECK(encoded->parts.size() <= static_cast<size_t>(kMaxParts));
  const bool gsm = encoded->encoding == SmsEncoding::kGsm7;
  const bool one = encoded->parts.size() <= 1;
  std::string decoded;
  for (const std::string& part : encoded->parts) {
    CHECK(part.size() <= (gsm ? (one ? 160u : 153u) : (one ? 140u : 134u)));
    CHECK(one || !part.empty());
    // Decoded by itself: a pair that were cut would show.
    decoded += gsm ? DecodeGsm7(part) : DecodeUcs2(part);
  }
  CHECK(decoded == data);
}
