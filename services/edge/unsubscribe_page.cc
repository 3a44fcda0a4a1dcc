#include "services/edge/unsubscribe_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "services/base/ids.h"
#include "services/base/text.h"

namespace pharos::edge {
namespace {

struct Words {
  std::string_view title, heading, text;
};

// {} is the purpose.
constexpr Words kEnglish[] = {
    {"Unsubscribe", "Stop messages about {}",
     "Press the button and we will not send you any more messages about {}. Nothing changes until you press "
     "it."},
    {"You have unsubscribed", "You have unsubscribed",
     "We will not send you any more messages about {}. You can close this page."},
    {"This link does not work", "This link does not work",
     "Part of it may be missing. Copy the whole link from the email, or reply to the message with the word "
     "STOP."},
    {"Sorry, there is a problem", "Sorry, we cannot do this just now",
     "You may not be unsubscribed yet. Try again in a minute."},
};
constexpr Words kWelsh[] = {
    {"Dad-danysgrifio", "Stopio negeseuon am {}",
     "Pwyswch y botwm ac ni fyddwn yn anfon rhagor o negeseuon atoch am {}. Does dim yn newid nes i chi ei "
     "bwyso."},
    {"Rydych wedi dad-danysgrifio", "Rydych wedi dad-danysgrifio",
     "Ni fyddwn yn anfon rhagor o negeseuon atoch am {}. Gallwch gau’r dudalen hon."},
    {"Nid yw’r ddolen hon yn gweithio", "Nid yw’r ddolen hon yn gweithio",
     "Efallai bod rhan ohoni ar goll. Copïwch y ddolen gyfan o’r e-bost, neu atebwch y neges â’r gair "
     "STOPIO."},
    {"Mae’n ddrwg gennym, mae problem", "Mae’n ddrwg gennym, ni allwn wneud hyn ar hyn o bryd",
     "Efallai nad ydych wedi dad-danysgrifio eto. Rhowch gynnig arall arni ymhen munud."},
};

std::string Fill(std::string_view words, const std::string& purpose) {
  return fmt::format(fmt::runtime(words), purpose);
}

// The form posts to the address of the page itself.
std::string Form(bool welsh) {
  return fmt::format(
      "<form method=\"post\">\n"
      "<input type=\"hidden\" name=\"List-Unsubscribe\" value=\"One-Click\">\n"
      "<button type=\"submit\">{}</button>\n"
      "</form>\n",
      welsh ? "Dad-danysgrifio" : "Unsubscribe");
}

// How much "cy" or "en" is wanted, 0 to 1.
double WantOf(const std::string& item, std::string_view language) {
  const std::string tag = base::LowerAscii(base::TrimAscii(std::string_view(item).substr(0, item.find(';'))));
  if (tag != language && tag.rfind(std::string(language) + "-", 0) != 0) return 0;
  const size_t q = item.find("q=");
  return q == std::string::npos ? 1 : std::clamp(std::atof(item.c_str() + q + 2), 0.0, 1.0);
}

}  // namespace

Language PreferredLanguage(std::string_view accept_language) {
  constexpr size_t kLongestLooked = 256;
  double welsh = 0, english = 0;
  bool welsh_first = false;
  for (const std::string& item : base::Split(accept_language.substr(0, kLongestLooked), ',')) {
    welsh = std::max(welsh, WantOf(item, "cy"));
    english = std::max(english, WantOf(item, "en"));
    welsh_first |= welsh > 0 && english == 0;
  }
  return welsh > english || (welsh > 0 && welsh == english && welsh_first) ? Language::kWelsh
                                                                           : Language::kEnglish;
}

std::string PurposeInWords(std::string_view purpose) {
  std::string words = base::Segment(purpose, "purposes");
  std::replace(words.begin(), words.end(), '-', ' ');
  return words;
}

std::string MakePage(Page page, Language language, std::string_view purpose) {
  const bool welsh = language == Language::kWelsh;
  const Words& words = (welsh ? kWelsh : kEnglish)[static_cast<size_t>(page)];
  const std::string named = purpose.empty() ? (welsh ? "hyn" : "this") : std::string(purpose);
  const std::string main = fmt::format("<h1>{}</h1>\n<p>{}</p>\n{}", EscapedHtml(Fill(words.heading, named)),
                                       EscapedHtml(Fill(words.text, named)),
                                       page == Page::kAsk || page == Page::kAway ? Form(welsh) : "");
  return PublicPage(language, words.title, main);
}

}  // namespace pharos::edge
