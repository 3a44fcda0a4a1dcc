#include "services/edge/public/preference_page.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <ctime>

namespace pharos::edge {
namespace {

// In this order on the page. `value` is what the form sends (preference_site.cc); {} is the purpose.
struct Offer {
  std::string_view value, label, hint;
};
struct Words {
  std::string_view ask_title, ask_text, legend, button;
  std::array<Offer, 4> offers;
  std::string_view error, missing, problem;
  std::string_view unknown_title, unknown_text, away_title, away_heading, away_text, again;
  std::string_view stopped, stopped_all, paused, paused_text, resumed, resumed_text, nothing, nothing_text;
  std::string_view close, undo_text, undo, other;
};

constexpr Words kEnglish = {
    .ask_title = "Choose what we send you",
    .ask_text = "You came here from a message about {}. Nothing changes until you press the button.",
    .legend = "What do you want to do?",
    .button = "Save my choice",
    .offers =
        {{{"stop_purpose", "Stop messages about {}", "By email, by text and in every other way."},
          {"stop_all", "Stop all messages", "Also urgent ones, for example about an outbreak near you."},
          {"pause", "Pause messages for 90 days", "The pause ends by itself. We still send urgent messages."},
          {"resume", "Take back what I chose here before",
           "Only what you chose by the links in this message. A STOP that you sent by text, or what you told "
           "us "
           "in another way, stays as it is."}}},
    .error = "Error: ",
    .missing = "Select what you want to do",
    .problem = "There is a problem",
    .unknown_title = "This link does not work",
    .unknown_text =
        "Part of it may be missing. Copy the whole link from the email, or reply to the message with "
        "the word STOP.",
    .away_title = "Sorry, there is a problem",
    .away_heading = "Sorry, we cannot do this just now",
    .away_text = "Your choice may not be saved yet. Try again in a minute.",
    .again = "Go back and try again",
    .stopped = "We will not send you any more messages about {}",
    .stopped_all = "We will not send you any more messages",
    .paused = "We have paused messages until {}",
    .paused_text = "They can start again after that. Until then we only send urgent messages.",
    .resumed = "You have taken back what you chose here",
    .resumed_text =
        "We may send you messages again, as before, unless you have also told us to stop in another way: by "
        "the links in another message, by a STOP that you sent by text, or by asking us.",
    .nothing = "There was nothing to take back",
    .nothing_text =
        "Nothing that you chose by the links in this message is in force. What you chose by the links in "
        "another message, a STOP that you sent by text, or what you told us in another way, stays as it is.",
    .close = "You can close this page.",
    .undo_text =
        "Have you changed your mind? You can take back everything that you chose by the links in this "
        "message.",
    .undo = "Take back what I chose here",
    .other = "Choose something else",
};
constexpr Words kWelsh = {
    .ask_title = "Dewiswch beth rydym yn ei anfon atoch",
    .ask_text = "Daethoch yma o neges am {}. Does dim yn newid nes i chi bwyso’r botwm.",
    .legend = "Beth hoffech chi ei wneud?",
    .button = "Cadw fy newis",
    .offers =
        {{{"stop_purpose", "Stopio negeseuon am {}",
           "Drwy e-bost, drwy neges destun ac ym mhob ffordd arall."},
          {"stop_all", "Stopio pob neges",
           "Hefyd rhai brys, er enghraifft am achosion o haint yn eich ardal."},
          {"pause", "Oedi negeseuon am 90 diwrnod",
           "Daw’r oedi i ben ar ei ben ei hun. Byddwn yn dal i anfon negeseuon brys."},
          {"resume", "Tynnu’n ôl yr hyn a ddewisais yma o’r blaen",
           "Dim ond yr hyn a ddewisoch drwy’r dolenni yn y neges hon. Mae STOP a anfonwyd gennych drwy neges "
           "destun, neu’r hyn a ddywedoch wrthym mewn ffordd arall, yn aros fel y mae."}}},
    .error = "Gwall: ",
    .missing = "Dewiswch beth hoffech chi ei wneud",
    .problem = "Mae problem",
    .unknown_title = "Nid yw’r ddolen hon yn gweithio",
    .unknown_text =
        "Efallai bod rhan ohoni ar goll. Copïwch y ddolen gyfan o’r e-bost, neu atebwch y neges â’r "
        "gair STOPIO.",
    .away_title = "Mae’n ddrwg gennym, mae problem",
    .away_heading = "Mae’n ddrwg gennym, ni allwn wneud hyn ar hyn o bryd",
    .away_text = "Efallai nad yw eich dewis wedi’i gadw eto. Rhowch gynnig arall arni ymhen munud.",
    .again = "Ewch yn ôl a rhowch gynnig arall arni",
    .stopped = "Ni fyddwn yn anfon rhagor o negeseuon atoch am {}",
    .stopped_all = "Ni fyddwn yn anfon rhagor o negeseuon atoch",
    .paused = "Rydym wedi oedi negeseuon tan {}",
    .paused_text = "Gallant ailddechrau ar ôl hynny. Tan hynny dim ond negeseuon brys y byddwn yn eu hanfon.",
    .resumed = "Rydych wedi tynnu’n ôl yr hyn a ddewisoch yma",
    .resumed_text =
        "Gallwn anfon negeseuon atoch eto, fel o’r blaen, oni bai eich bod hefyd wedi dweud wrthym am stopio "
        "mewn ffordd arall: drwy’r dolenni mewn neges arall, drwy STOP mewn neges destun, neu drwy ofyn i "
        "ni.",
    .nothing = "Doedd dim byd i’w dynnu’n ôl",
    .nothing_text =
        "Nid oes dim a ddewisoch drwy’r dolenni yn y neges hon mewn grym. Mae’r hyn a ddewisoch drwy’r "
        "dolenni "
        "mewn neges arall, STOP a anfonwyd gennych drwy neges destun, neu’r hyn a ddywedoch wrthym mewn "
        "ffordd "
        "arall, yn aros fel y mae.",
    .close = "Gallwch gau’r dudalen hon.",
    .undo_text =
        "Ydych chi wedi newid eich meddwl? Gallwch dynnu’n ôl bopeth a ddewisoch drwy’r dolenni yn y neges "
        "hon.",
    .undo = "Tynnu’n ôl yr hyn a ddewisais yma",
    .other = "Dewis rhywbeth arall",
};

constexpr std::array<std::string_view, 12> kEnglishMonths = {"January",   "February", "March",    "April",
                                                             "May",       "June",     "July",     "August",
                                                             "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 12> kWelshMonths = {"Ionawr", "Chwefror", "Mawrth",     "Ebrill",
                                                           "Mai",    "Mehefin",  "Gorffennaf", "Awst",
                                                           "Medi",   "Hydref",   "Tachwedd",   "Rhagfyr"};

const Words& WordsOf(Language language) {
  return language == Language::kWelsh ? kWelsh : kEnglish;
}

std::string Filled(std::string_view words, std::string_view with) {
  return EscapedHtml(fmt::format(fmt::runtime(words), with));
}

std::string HeadingAndText(std::string_view heading, std::string_view text) {
  return fmt::format("<h1>{}</h1>\n<p>{}</p>\n", EscapedHtml(heading), EscapedHtml(text));
}

std::string Link(Language language, std::string_view text) {
  return fmt::format("<p><a href=\"?lang={}\">{}</a></p>\n", language == Language::kWelsh ? "cy" : "en",
                     EscapedHtml(text));
}

std::string OfferOf(const Offer& offer, std::string_view purpose) {
  return fmt::format(
      "<div class=\"choice\">\n"
      "<input type=\"radio\" id=\"{0}\" name=\"choice\" value=\"{0}\" aria-describedby=\"{0}-hint\">\n"
      "<div>\n"
      "<label for=\"{0}\">{1}</label>\n"
      "<span class=\"hint\" id=\"{0}-hint\">{2}</span>\n"
      "</div>\n"
      "</div>\n",
      offer.value, Filled(offer.label, purpose), EscapedHtml(offer.hint));
}

// The form posts to the address of the page itself, in the page's language.
std::string AskForm(const Words& words, bool missing, std::string_view purpose) {
  std::string offers;
  for (const Offer& offer : words.offers) offers += OfferOf(offer, purpose);
  return fmt::format(
      "<form method=\"post\" novalidate>\n"
      "<input type=\"hidden\" name=\"preferences\" value=\"save\">\n"
      "<fieldset{0}>\n"
      "<legend>{1}</legend>\n"
      "{2}{3}"
      "</fieldset>\n"
      "<button type=\"submit\">{4}</button>\n"
      "</form>\n",
      missing ? " class=\"wrong\" aria-describedby=\"choice-error\"" : "", EscapedHtml(words.legend),
      missing ? fmt::format("<p class=\"error\" id=\"choice-error\">{}{}</p>\n", words.error, words.missing)
              : "",
      offers, EscapedHtml(words.button));
}

std::string Summary(const Words& words) {
  return fmt::format(
      "<div class=\"summary\" role=\"alert\">\n"
      "<h2>{}</h2>\n"
      "<a href=\"#{}\">{}</a>\n"
      "</div>\n",
      EscapedHtml(words.problem), words.offers[0].value, EscapedHtml(words.missing));
}

std::string Undo(const Words& words) {
  return fmt::format(
      "<p>{}</p>\n"
      "<form method=\"post\">\n"
      "<input type=\"hidden\" name=\"preferences\" value=\"save\">\n"
      "<input type=\"hidden\" name=\"choice\" value=\"resume\">\n"
      "<p><button type=\"submit\">{}</button></p>\n"
      "</form>\n",
      EscapedHtml(words.undo_text), EscapedHtml(words.undo));
}

}  // namespace

std::string DayInWords(int64_t time_us, Language language) {
  const std::tm day = fmt::gmtime(static_cast<std::time_t>(time_us / 1'000'000));
  const auto& months = language == Language::kWelsh ? kWelshMonths : kEnglishMonths;
  return fmt::format("{} {} {}", day.tm_mday, months[static_cast<size_t>(day.tm_mon)], day.tm_year + 1900);
}

std::string MakePreferencePage(PreferencePage page, Language language, std::string_view purpose) {
  const Words& words = WordsOf(language);
  if (page == PreferencePage::kUnknown)
    return PublicPage(language, words.unknown_title, HeadingAndText(words.unknown_title, words.unknown_text));
  if (page == PreferencePage::kAway) {
    return PublicPage(language, words.away_title,
                      HeadingAndText(words.away_heading, words.away_text) + Link(language, words.again));
  }
  const bool missing = page == PreferencePage::kMissing;
  const std::string title = fmt::format("{}{}", missing ? words.error : "", words.ask_title);
  return PublicPage(
      language, title,
      fmt::format("{}<h1>{}</h1>\n<p>{}</p>\n{}", missing ? Summary(words) : "", EscapedHtml(words.ask_title),
                  Filled(words.ask_text, purpose), AskForm(words, missing, purpose)));
}

std::string MakeChosenPage(Choice choice, const Chosen& chosen, Language language, std::string_view purpose) {
  const Words& words = WordsOf(language);
  std::string heading;
  std::string_view text = words.close;
  switch (choice) {
    case Choice::kStopPurpose:
      heading = fmt::format(fmt::runtime(words.stopped), purpose);
      break;
    case Choice::kStopAll:
      heading = words.stopped_all;
      break;
    case Choice::kPause:
      heading = fmt::format(fmt::runtime(words.paused), DayInWords(chosen.until_us, language));
      text = words.paused_text;
      break;
    case Choice::kResume:
      heading = chosen.changed ? words.resumed : words.nothing;
      text = chosen.changed ? words.resumed_text : words.nothing_text;
      break;
  }
  std::string main = HeadingAndText(heading, text);
  if (choice != Choice::kResume) main += Undo(words);
  return PublicPage(language, heading, main + Link(language, words.other));
}

}  // namespace pharos::edge
