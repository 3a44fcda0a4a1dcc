#include "services/dispatch/reply_rule.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

namespace pharos::dispatch {
namespace {

// Sources: CTIA short code handbook and the UK mobile operators' code of practice for the words; Welsh from
// the Welsh Language Commissioner's advice on text services: STOPIO, PEIDIO, PEIDIWCH, DILEU, CANSLO, DIWEDD
// = stop; DECHRAU, DECHREUWCH, AILDDECHRAU = start; CYMORTH, HELP = help. Written without accents and
// punctuation, as Normal() leaves a text. What a person's whole reply may be:
constexpr std::array kStopWords = {
    "STOP",           "STOPALL",     "STOP ALL",    "STOPP",      "STP",         "UNSUBSCRIBE",
    "UNSUBSCRIBED",   "UNSUB",       "CANCEL",      "CANCEL ALL", "END",         "QUIT",
    "OPTOUT",         "OPT OUT",     "REVOKE",      "ARRET",      "REMOVE",      "STOPIO",
    "STOPIWCH",       "STOPIA",      "PEIDIWCH",    "PEIDIO",     "PAID",        "DILEU",
    "DILEWCH",        "DIDDYMU",     "CANSLO",      "DIWEDD",     "TYNNU ALLAN", "DAD DANYSGRIFIO",
    "DADDANYSGRIFIO", "STOP PLEASE", "PLEASE STOP", "STOP NOW",   "STOP STOP"};
constexpr std::array kStartWords = {
    "START",   "YES",        "UNSTOP",      "RESUBSCRIBE",  "SUBSCRIBE",  "OPTIN",        "OPT IN",
    "DECHRAU", "DECHREUWCH", "AILDDECHRAU", "AIL DDECHRAU", "YES PLEASE", "PLEASE START", "START PLEASE"};
constexpr std::array kHelpWords = {"HELP",    "INFO",  "HELP ME",   "HELP PLEASE",
                                   "CYMORTH", "HELPU", "GWYBODAETH"};
// What any part of a longer text may say. Whole words.
constexpr std::array kStopPhrases = {"STOP",
                                     "STOPPING",
                                     "STOPPED",
                                     "STOPALL",
                                     "UNSUBSCRIBE",
                                     "UNSUBSCRIBED",
                                     "OPT OUT",
                                     "OPTOUT",
                                     "OPT ME OUT",
                                     "OPTING OUT",
                                     "REMOVE ME",
                                     "REMOVE MY",
                                     "REMOVE THIS NUMBER",
                                     "TAKE ME OFF",
                                     "TAKE MY NUMBER OFF",
                                     "DELETE MY NUMBER",
                                     "NO MORE TEXTS",
                                     "NO MORE TEXT",
                                     "NO MORE MESSAGES",
                                     "NO MORE SMS",
                                     "NO MORE OF THESE",
                                     "NO MORE THANKS",
                                     "NO MORE THANK YOU",
                                     "DONT TEXT",
                                     "DO NOT TEXT",
                                     "NOT TEXT ME",
                                     "DONT MESSAGE",
                                     "DO NOT MESSAGE",
                                     "DONT CONTACT",
                                     "DO NOT CONTACT",
                                     "DONT SEND",
                                     "DO NOT SEND",
                                     "LEAVE ME ALONE",
                                     "QUIT TEXTING",
                                     "QUIT MESSAGING",
                                     "CANCEL THESE",
                                     "CANCEL MESSAGES",
                                     "CANCEL TEXTS",
                                     "DONT WANT THESE",
                                     "DO NOT WANT THESE",
                                     "DONT WANT TEXTS",
                                     "DONT WANT ANY MORE",
                                     "DO NOT WANT ANY MORE",
                                     "DONT WANT MESSAGES",
                                     "DO NOT WISH TO RECEIVE",
                                     "DONT WISH TO RECEIVE",
                                     "DONT WANT TO RECEIVE",
                                     "DO NOT WANT TO RECEIVE",
                                     "WITHDRAW MY CONSENT",
                                     "WITHDRAW CONSENT",
                                     "ARRET",
                                     "STOPIO",
                                     "STOPIWCH",
                                     "PEIDIWCH",
                                     "PEIDIO",
                                     "DIM MWY",
                                     "DIM RHAGOR",
                                     "TYNNWCH FI",
                                     "TYNNU FI",
                                     "DILEWCH FY",
                                     "DILEU FY RHIF",
                                     "DWI DDIM EISIAU",
                                     "DYDW I DDIM EISIAU",
                                     "GADEWCH LONYDD",
                                     "GADEWCH FI"};
// "Don't stop": the person wants them. Only where nothing else in the text speaks of stopping.
constexpr std::array kGoOnPhrases = {"DONT STOP", "DO NOT STOP", "NEVER STOP", "NON STOP",
                                     "PEIDIWCH A STOPIO"};
constexpr std::array kWrongPersonPhrases = {"WRONG NUMBER",
                                            "WRONG PERSON",
                                            "WRONG NO",
                                            "NOT MY NUMBER",
                                            "DONT KNOW WHO THIS IS FOR",
                                            "NOT THE PERSON",
                                            "NOT THAT PERSON",
                                            "NO ONE HERE CALLED",
                                            "NOBODY HERE CALLED",
                                            "NO ONE OF THAT NAME",
                                            "NOBODY OF THAT NAME",
                                            "NO LONGER HER NUMBER",
                                            "NO LONGER HIS NUMBER",
                                            "NOT HER NUMBER",
                                            "NOT HIS NUMBER",
                                            "NEW NUMBER OWNER",
                                            "YOU HAVE THE WRONG",
                                            "YOUVE GOT THE WRONG",
                                            "GOT THE WRONG",
                                            "RHIF ANGHYWIR",
                                            "PERSON ANGHYWIR",
                                            "NID FY RHIF"};

// A Latin letter with an accent, as its two octets of UTF-8 tell, without it; '\0': none that our words have.
char Plain(unsigned char first, unsigned char second) {
  if (first != 0xC3) {
    if (first == 0xC5 && (second == 0xB4 || second == 0xB5)) return 'W';  // Ŵ ŵ
    if (first == 0xC5 && (second == 0xB6 || second == 0xB7)) return 'Y';  // Ŷ ŷ
    return '\0';
  }
  const unsigned char letter = second & 0x1F;  // À–Þ and à–þ lie 32 apart
  if (letter <= 0x05) return 'A';
  if (letter == 0x07) return 'C';
  if (letter >= 0x08 && letter <= 0x0B) return 'E';
  if (letter >= 0x0C && letter <= 0x0F) return 'I';
  if (letter == 0x11) return 'N';
  if (letter >= 0x12 && letter <= 0x16) return 'O';
  if (letter >= 0x19 && letter <= 0x1C) return 'U';
  return letter == 0x1D ? 'Y' : '\0';
}

// U+FF21… (full width) as NFKC has it: three octets, EF BC A1 = A, EF BD 81 = a; '\0': not one of them.
char Narrow(std::string_view text, size_t at) {
  if (at + 2 >= text.size() || text[at] != '\xEF') return '\0';
  const auto middle = static_cast<unsigned char>(text[at + 1]),
             last = static_cast<unsigned char>(text[at + 2]);
  if (middle == 0xBC && last >= 0xA1 && last <= 0xBA) return static_cast<char>('A' + (last - 0xA1));
  if (middle == 0xBD && last >= 0x81 && last <= 0x9A) return static_cast<char>('A' + (last - 0x81));
  return '\0';
}

// Upper case letters and digits, one space between words; accents and apostrophes vanish, all else parts
// words.
std::string Normal(std::string_view text) {
  std::string out;
  const auto part = [&] {
    if (!out.empty() && out.back() != ' ') out.push_back(' ');
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x80 && std::isalnum(c)) {
      out.push_back(static_cast<char>(std::toupper(c)));
    } else if (c == '\'' || c == '`') {
      continue;
    } else if (c == 0xE2 && i + 2 < text.size() && text[i + 1] == '\x80' &&
               (text[i + 2] == '\x99' || text[i + 2] == '\x98')) {
      i += 2;
    } else if ((c == 0xC3 || c == 0xC5) && i + 1 < text.size() &&
               Plain(c, static_cast<unsigned char>(text[i + 1]))) {
      out.push_back(Plain(c, static_cast<unsigned char>(text[++i])));
    } else if (const char narrow = Narrow(text, i)) {
      out.push_back(narrow);
      i += 2;
    } else {
      part();
    }
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

// "S T O P" → "STOP"; other texts as they are.
std::string Joined(const std::string& normal) {
  std::string out;
  for (size_t i = 0; i < normal.size(); ++i) {
    if (i % 2 == 1 && normal[i] != ' ') return normal;
    if (i % 2 == 0) out.push_back(normal[i]);
  }
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

// The text without the phrases that ask to go on.
std::string WithoutGoOn(const std::string& normal) {
  std::string rest = " " + normal + " ";
  for (const char* phrase : kGoOnPhrases) {
    const std::string whole = std::string(" ") + phrase + " ";
    for (size_t at; (at = rest.find(whole)) != std::string::npos;) rest.erase(at, whole.size() - 1);
  }
  return rest;
}

// "There is no one called Bob here."
bool NobodyCalledThat(const std::string& normal) {
  return (normal.find("NO ONE CALLED ") != std::string::npos ||
          normal.find("NOBODY CALLED ") != std::string::npos) &&
         (normal + " ").find(" HERE ") != std::string::npos;
}

// With a courtesy around it a word is still plain: "STOP thanks", "please stop".
std::string WithoutCourtesy(std::string normal) {
  constexpr std::array kFirst = {"PLEASE ", "PLS ", "PLZ ", "HI ", "HELLO ", "OK "};
  constexpr std::array kLast = {" PLEASE",    " PLS", " PLZ",    " THANKS",
                                " THANK YOU", " THX", " DIOLCH", " OS GWELWCH YN DDA"};
  for (const char* word : kFirst)
    if (normal.starts_with(word)) normal.erase(0, std::string_view(word).size());
  for (const char* word : kLast)
    if (normal.ends_with(word)) normal.resize(normal.size() - std::string_view(word).size());
  return normal;
}

}  // namespace

Reading Read(std::string_view text) {
  const std::string normal = WithoutCourtesy(Joined(Normal(text)));
  if (IsOneOf(normal, kStopWords)) return {ReplyMeaning::kStop, false};
  if (IsOneOf(normal, kStartWords)) return {ReplyMeaning::kStart, false};
  if (IsOneOf(normal, kHelpWords)) return {ReplyMeaning::kHelp, false};
  if (Speaks(normal, kWrongPersonPhrases) || NobodyCalledThat(normal))
    return {ReplyMeaning::kWrongPerson, false};
  const std::string rest = WithoutGoOn(normal);
  if (Speaks(rest, kStopPhrases)) return {ReplyMeaning::kStop, true};
  if (Speaks(normal, kGoOnPhrases)) return {ReplyMeaning::kOther, true};
  return {};
}

ReplyMeaning Classify(std::string_view text) {
  return Read(text).meaning;
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
    case ReplyMeaning::kStopAll:
      return "UNSUBSCRIBE_ALL";
    case ReplyMeaning::kPause:
      return "PAUSE";
    case ReplyMeaning::kResume:
      return "RESUME";
  }
  return "OTHER";
}

}  // namespace pharos::dispatch
