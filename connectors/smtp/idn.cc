#include "connectors/smtp/idn.h"

#include <idn2.h>

#include "services/base/text.h"

namespace pharos::smtp {

std::string DomainOf(std::string_view address) {
  const size_t at = address.rfind('@');
  return at == std::string_view::npos ? "" : base::LowerAscii(address.substr(at + 1));
}

std::optional<std::string> WithAsciiDomain(std::string_view address) {
  const size_t at = address.rfind('@');
  if (at == std::string_view::npos) return std::nullopt;
  const std::string domain(address.substr(at + 1));
  bool ascii = true;
  for (const unsigned char c : domain) ascii = ascii && c < 0x80;
  if (ascii) return std::string(address);
  char* converted = nullptr;
  if (idn2_to_ascii_8z(domain.c_str(), &converted, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
    return std::nullopt;
  std::string out = std::string(address.substr(0, at + 1)) + converted;
  idn2_free(converted);
  return out;
}

}  // namespace pharos::smtp
