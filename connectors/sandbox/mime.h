// Reading mail as a person's mail program does: headers, the text or HTML part, the unsubscribe address. Only
// what RFC 5322, 2045, 2047, 2369 and 6068 say that a plain sender makes; anything else is shown as it is.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pharos::sandbox {

struct Entity {
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case, values unfolded
  std::string_view body;                                     // a view into what was parsed

  // The first header of this name (lower case); "" if there is none.
  std::string_view Header(std::string_view name) const;
};

// Lines may end in CR LF or LF.
Entity ParseEntity(std::string_view text);

// The first header of this name (lower case) of a message, unfolded, without reading the others; "" if there
// is none.
std::string HeaderOf(std::string_view message, std::string_view name);

// The first part of this type ("text/plain") in the message, decoded to UTF-8 with LF line ends; nullopt if
// there is none.
std::optional<std::string> PartOf(std::string_view message, std::string_view type);

// RFC 2047: "=?utf-8?q?caf=C3=A9?=" → "café".
std::string DecodeWords(std::string_view header);
// "<a@b>" → "a@b"; "Name <a@b>" → "a@b".
std::string BareAddress(std::string_view text);

struct Mailto {
  std::string address, subject, body;
};
// The mailto of a List-Unsubscribe header, percent-decoded; nullopt if it has none.
std::optional<Mailto> UnsubscribeMailto(std::string_view header);

// Its https URL (RFC 8058), as written; "" if it has none.
std::string UnsubscribeUrl(std::string_view header);

std::string Base64(std::string_view bytes);
// Passes over what is not base64.
std::string FromBase64(std::string_view text);

}  // namespace pharos::sandbox
