#include "services/dispatch/reply_rule.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <vector>

namespace pharos::dispatch {
namespace {

// Sources: CTIA short code handbook and the UK mobile operators' code of practice for the words; Welsh from
// the Welsh Language Commissioner's advice on text services (STOPIO, PEIDIWCH = stop; DECHRAU = start).
constexpr std::array kStopWords = {"STOP",   "STOPALL", "UNSUBSCRIBE", "CANCEL", "END",      "QUIT",
                                   "OPTOUT", "REVOKE",  "ARRET",       "STOPIO", "PEIDIWCH", "PEIDIO"};
constexpr std::array kStartWords = {"START", "UNSTOP", "DECHRAU"};
constexpr std::array kHelpWords = {"HELP", "INFO", "CYMORTH"};
constexpr std::array kStopPhrases = {"STOP",      "UNSUBSCRIBE", "OPT OUT",        "OPT ME OUT",
                                     "REMOVE ME", "TAKE ME OFF", "NO MORE TEXTS",  "NO MORE MESSAGES",
                                     "DONT TEXT", "DO NOT TEXT", "LEAVE ME ALONE", "STOPIO",
                                     "PEIDIWCH"};
constexpr std::array kWrongPersonPhrases = {"WRONG NUMBER", "WRONG PERSON", "NOT MY NUMBER",
                                            "DONT KNOW WHO THIS IS FOR", "RHIF ANGHYWIR"};

// Upper case letters and digits, one space between words; apostrophes vanish, all else parts words. Only
// ASCII letters matter here: every word we know is ASCII once its accents are gone, and a byte past ASCII
// parts words.
std::string Normal(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x80 && std::isalnum(c)) {
      out.push_back(static_cast<char>(std::toupper(c)));
    } else if (c == '\'' || (c == 0xE2 && text.substr(i, 3) == "\xE2\x80\x99")) {
      if (c == 0xE2) i += 2;
    } else if (c == 0xC3 && i + 1 < text.size() && (text[i + 1] == '\x8A' || text[i + 1] == '\xAA')) {
      out.push_back('E');  // ARRÊT
      ++i;
    } else if (!out.empty() && out.back() != ' ') {
      out.push_back(' ');
    }
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

template <size_t N>
bool IsOneOf(const std::string& text, const std::array<const char*, N>& words) {
  return std::any_of(words.begin(), words.end(), [&](const char* word) { return text == word; });
}
template <size_t N>
bool Speaks(const std::string& text, const std::array<const char*, N>& phrases) {
  const std::string padded = " " + text + " ";
  return std::any_of(phrases.begin(), phrases.end(), [&](const char* phrase) {
    return padded.find(std::string(" ") + phrase + " ") != std::string::npos;
  });
}

}  // namespace

ReplyMeaning Classify(std::string_view text) {
  const std::string normal = Normal(text);
  if (IsOneOf(normal, kStopWords)) return ReplyMeaning::kStop;
  if (IsOneOf(normal, kStartWords)) return ReplyMeaning::kStart;
  if (IsOneOf(normal, kHelpWords)) return ReplyMeaning::kHelp;
  if (Speaks(normal, kWrongPersonPhrases)) return ReplyMeaning::kWrongPerson;
  if (Speaks(normal, kStopPhrases)) return ReplyMeaning::kStop;
  return ReplyMeaning::kOther;
}

std::string_view NameOf(ReplyMeaning meaning) {
  switch (meaning) {
    case ReplyMeaning::kStop:
      return "STOP";
    case ReplyMeaning::kStart:
      return "START";
    case ReplyMeaning::kWrongPerson:
      return "WRONG_PERSON";
    case ReplyMeaning::kHelp:
      return "HELP";
    case ReplyMeaning::kOther:
      return "OTHER";
    case ReplyMeaning::kUnsubscribe:
      return "UNSUBSCRIBE";
  }
  return "OTHER";
}

}  // namespace pharos::dispatch
