// One email as RFC 5322 writes it: multipart/alternative, text first, HTML second, all of it seven-bit (UTF-8
// only in addresses that need it). Pure. Nothing from outside can add a header.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace pharos::smtp {

struct Mail {
  std::string message_id;  // without <>: "0123…@example.test"
  std::string from;        // address
  std::string from_name;   // empty = none
  std::string to;          // address
  std::string subject;
  std::string text;
  std::string html;         // empty = no HTML part
  std::string unsubscribe;  // address for List-Unsubscribe; empty = no such header
  std::string one_click;    // https address that unsubscribes by POST (RFC 8058); stands first. Empty = none
  std::string feedback_id;  // "a:b:c:sender", for the complaint statistics of receivers; empty = none
  int64_t date_us = 0;      // since the epoch
};

// Header and body with CRLF line ends, ends with CRLF. INVALID_ARGUMENT (NOT_ENCODABLE): an address that is
// none, or CR, LF or NUL where there may be none; the message says what, without quoting it.
absl::StatusOr<std::string> WriteMail(const Mail& mail);
// As DATA wants it: lines that begin with a dot get another. Without the final dot line.
std::string DotStuffed(std::string_view message);

// local@domain, at most 254 octets, no spaces, controls, brackets or quotes; letters beyond ASCII are
// allowed.
bool IsAddress(std::string_view address);
bool IsAscii(std::string_view text);
// Value of a header with words beyond ASCII, or that are too long, encoded (RFC 2047); folded, `used` octets
// of its first line are taken.
std::string EncodedText(std::string_view text, size_t used);
// RFC 2045 quoted-printable of a text; its line ends (any kind) become CRLF.
std::string QuotedPrintable(std::string_view text);
// "Sun, 22 Nov 2026 15:00:00 +0000".
std::string DateText(int64_t micros);

}  // namespace pharos::smtp
