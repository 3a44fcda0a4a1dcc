#include "services/edge/public_page.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include "services/base/ids.h"

namespace pharos::edge {
namespace {

// The look and the contrasts of the GOV.UK Design System, without its fonts: text at least 7 : 1, the button
// 6 : 1, targets at least 44 px, a focus that is seen on any background. Nothing is animated or fixed.
constexpr std::string_view kStyle =
    "body{margin:0;background:#fff;color:#0b0c0c;font:1.1875rem/1.45 Arial,system-ui,sans-serif}"
    "header,main{max-width:38rem;margin:0 auto;padding:1rem 1.25rem}"
    "header{text-align:right}"
    "h1{font-size:1.75rem;line-height:1.2;margin:0 0 1.25rem;overflow-wrap:anywhere}"
    "h2{font-size:1.25rem;margin:0 0 .75rem}"
    "p{margin:0 0 1.25rem}"
    "a{color:#1a5a96}"
    "a:focus{outline:3px solid transparent;color:#0b0c0c;background:#fd0;"
    "box-shadow:0 -2px #fd0,0 4px #0b0c0c;text-decoration:none}"
    "fieldset{min-width:0;margin:0 0 1.5rem;padding:0;border:0}"
    "fieldset.wrong{padding-left:1rem;border-left:5px solid #b10e1e}"
    "legend{margin-bottom:1rem;padding:0;font-weight:700;font-size:1.3125rem}"
    ".choice{display:flex;gap:.75rem;margin:0 0 1rem}"
    ".choice input{flex:none;width:2.75rem;height:2.75rem;margin:0;accent-color:#0b0c0c}"
    ".choice input:focus{outline:3px solid #0b0c0c;outline-offset:2px;box-shadow:0 0 0 5px "
    "#fd0;border-radius:50%}"
    ".choice label{display:block;padding-top:.5rem}"
    ".hint{display:block;color:#484d50}"
    ".error{margin:0 0 1rem;color:#b10e1e;font-weight:700}"
    ".summary{margin:0 0 2rem;padding:1.25rem;border:5px solid #b10e1e}"
    ".summary a{color:#b10e1e;font-weight:700}"
    ".summary a:focus{color:#0b0c0c}"
    "button{min-height:2.75rem;padding:.5rem 1rem;border:2px solid transparent;border-radius:0;"
    "background:#00703c;color:#fff;font:inherit;font-weight:700;cursor:pointer}"
    "button:focus{outline:3px solid #0b0c0c;background:#fd0;color:#0b0c0c}";

std::string StyleHash() {
  const std::string digest = base::Sha256(kStyle);
  std::string text(4 * ((digest.size() + 2) / 3) + 1, '\0');  // EVP_EncodeBlock ends it with a zero
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(digest.data()), static_cast<int>(digest.size()));
  text.resize(static_cast<size_t>(length));
  return text;
}

}  // namespace

std::string EscapedHtml(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

std::string PublicPagePolicy(std::string_view form_action) {
  static const std::string kHash = StyleHash();
  return fmt::format(
      "default-src 'none'; form-action 'self'{}{}; frame-ancestors 'none'; base-uri 'none'; "
      "style-src 'sha256-{}'",
      form_action.empty() ? "" : " ", form_action, kHash);
}

std::string PublicPage(Language language, std::string_view title, std::string_view main) {
  const bool welsh = language == Language::kWelsh;
  return fmt::format(
      "<!DOCTYPE html>\n"
      "<html lang=\"{0}\">\n"
      "<head>\n"
      "<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"robots\" content=\"noindex\">\n"
      "<title>{1}</title>\n"
      "<style>{2}</style>\n"
      "</head>\n"
      "<body>\n"
      "<header>\n"
      "<a href=\"?lang={3}\" hreflang=\"{3}\" lang=\"{3}\">{4}</a>\n"
      "</header>\n"
      "<main>\n"
      "{5}"
      "</main>\n"
      "</body>\n"
      "</html>\n",
      welsh ? "cy" : "en", EscapedHtml(title), kStyle, welsh ? "en" : "cy", welsh ? "English" : "Cymraeg",
      main);
}

}  // namespace pharos::edge
