#include "services/edge/public/link_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "services/base/text.h"

namespace pharos::edge {
namespace {

constexpr std::string_view kScheme = "https://";
constexpr size_t kUnbroken = 20;  // characters of an address after which a narrow screen may break it

struct Words {
  std::string_view title, heading, text;
};

// {} is the host.
constexpr Words kEnglish[] = {
    {"Continue to {}", "Continue to {}", "The link in our email leads to this address:"},
    {"This link does not work", "This link does not work",
     "Part of it may be missing. Copy the whole link from the email."},
    {"Sorry, there is a problem", "Sorry, we cannot open this link just now", "Try again in a minute."},
};
constexpr Words kWelsh[] = {
    {"Parhau i {}", "Parhau i {}", "Mae’r ddolen yn ein he-bost yn arwain i’r cyfeiriad hwn:"},
    {"Nid yw’r ddolen hon yn gweithio", "Nid yw’r ddolen hon yn gweithio",
     "Efallai bod rhan ohoni ar goll. Copïwch y ddolen gyfan o’r e-bost."},
    {"Mae’n ddrwg gennym, mae problem", "Mae’n ddrwg gennym, ni allwn agor y ddolen hon ar hyn o bryd",
     "Rhowch gynnig arall arni ymhen munud."},
};

// With places where it may be broken, so that a narrow screen need not scroll sideways.
std::string Breakable(std::string_view url) {
  std::string html;
  size_t unbroken = 0;
  for (const char c : url) {
    html += EscapedHtml(std::string_view(&c, 1));
    const bool part_ends = std::string_view("/?&=-.").find(c) != std::string_view::npos;
    if (!part_ends && ++unbroken < kUnbroken) continue;
    html += "<wbr>";
    unbroken = 0;
  }
  return html;
}

// The form posts to the address of the page itself.
std::string Choices(bool welsh, std::string_view url) {
  return fmt::format(
      "<p><strong>{0}</strong></p>\n"
      "<p>{1}</p>\n"
      "<form method=\"post\">\n"
      "<input type=\"hidden\" name=\"follow\" value=\"yes\">\n"
      "<p><button type=\"submit\">{2}</button></p>\n"
      "</form>\n"
      "<p><a href=\"{3}\" rel=\"noreferrer\">{4}</a></p>\n",
      Breakable(url),
      welsh
          ? "Nid oes dim yn cael ei gyfrif nes i chi bwyso’r botwm. Yna rydym yn cyfrif unwaith bod y "
            "ddolen hon wedi’i dilyn, a dim ond ar gyfer pobl sydd wedi cytuno i hynny."
          : "Nothing is counted until you press the button. Then we count once that this link was followed, "
            "and only for people who have agreed to that.",
      welsh ? "Parhau" : "Continue", EscapedHtml(url),
      welsh ? "Parhau heb gael eich cyfrif" : "Continue without being counted");
}

}  // namespace

std::string HostOfLink(std::string_view url) {
  if (!base::LowerAscii(url.substr(0, kScheme.size())).starts_with(kScheme)) return "";
  url.remove_prefix(kScheme.size());
  const std::string_view host = url.substr(0, url.find_first_of("/?#"));
  const bool plain = std::all_of(host.begin(), host.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == ':';
  });
  return plain ? std::string(host) : "";
}

std::string MakeLinkPage(LinkPage page, Language language, std::string_view url) {
  const bool welsh = language == Language::kWelsh;
  const Words& words = (welsh ? kWelsh : kEnglish)[static_cast<size_t>(page)];
  const std::string host = HostOfLink(url);
  const std::string heading = fmt::format(fmt::runtime(words.heading), host);
  const std::string main = fmt::format("<h1>{}</h1>\n<p>{}</p>\n{}", EscapedHtml(heading), words.text,
                                       page == LinkPage::kAsk ? Choices(welsh, url) : "");
  return PublicPage(language, fmt::format(fmt::runtime(words.title), host), main);
}

}  // namespace pharos::edge
