#include "services/edge/console/template_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <set>

#include "services/base/text.h"

namespace pharos::edge::console {
namespace {

bool IsLetter(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || (static_cast<unsigned char>(c) & 0x80) != 0;
}
bool IsVowel(char c) {
  return std::string_view("aeiouy").find(static_cast<char>(std::tolower(static_cast<unsigned char>(c)))) !=
         std::string_view::npos;
}

int Syllables(std::string_view word) {
  int count = 0;
  bool before = false;
  for (const char c : word) {
    const bool vowel = IsVowel(c);
    if (vowel && !before) ++count;
    before = vowel;
  }
  const bool silent =
      word.size() > 2 && word.ends_with('e') && !IsVowel(word[word.size() - 2]) && !word.ends_with("le");
  return std::max(1, silent ? count - 1 : count);
}

// ((first name)) → "x"; a condition's text stays.
std::string WithoutPlaceholders(std::string_view text) {
  std::string plain;
  for (size_t at = 0; at < text.size();) {
    const size_t open = text.find("((", at);
    plain += text.substr(at, open == std::string_view::npos ? std::string_view::npos : open - at);
    if (open == std::string_view::npos) break;
    const size_t close = text.find("))", open), asks = text.find("??", open);
    if (close == std::string_view::npos) break;
    plain += asks < close ? std::string(text.substr(asks + 2, close - asks - 2)) : "x";
    at = close + 2;
  }
  return plain;
}

// "https://…" and "www.…" up to the next space.
bool IsAddress(std::string_view word) {
  return word.find("://") != std::string_view::npos || word.starts_with("www.");
}

std::string LettersOf(std::string_view word) {
  std::string letters;
  for (const char c : word)
    if (IsLetter(c) || c == '\'') letters += c;
  return letters;
}

struct Advice {
  const char *word, *instead;
};
// Facts from GOV.UK's style guide, "words to avoid", and its A to Z, in our own words.
constexpr Advice kWords[] = {
    {"advancing", "say what gets better"},
    {"agenda", "say \"plan\", unless it is of a meeting"},
    {"approximately", "say \"about\""},
    {"assist", "say \"help\""},
    {"collaborate", "say \"work with\""},
    {"combat", "say \"stop\" or \"reduce\""},
    {"commence", "say \"start\""},
    {"commit", "say what will be done, and when"},
    {"deploy", "say \"use\" or \"build\""},
    {"dialogue", "say \"talk\""},
    {"disincentivise", "say \"discourage\""},
    {"empower", "say what people can do"},
    {"facilitate", "say \"help\""},
    {"foster", "say \"encourage\""},
    {"going forward", "say \"from now on\""},
    {"impact", "say \"affect\" or \"effect\""},
    {"in order to", "say \"to\""},
    {"incentivise", "say \"encourage\""},
    {"initiate", "say \"start\""},
    {"inform", "say \"tell\""},
    {"leverage", "say \"use\""},
    {"liaise", "say \"talk to\""},
    {"obtain", "say \"get\""},
    {"one-stop shop", "say what it is"},
    {"overarching", "leave it out"},
    {"pledge", "say what will be done, and when"},
    {"prior to", "say \"before\""},
    {"purchase", "say \"buy\""},
    {"require", "say \"need\""},
    {"robust", "say in what way it is strong"},
    {"streamline", "say \"make simpler\""},
    {"strengthening", "say what will be done"},
    {"tackling", "say \"stopping\" or \"reducing\""},
    {"terminate", "say \"end\""},
    {"transforming", "say what will change"},
    {"utilise", "say \"use\""},
};

constexpr std::array<std::string_view, 8> kBlindLinks = {"click here", "here",      "read more", "more",
                                                         "link",       "this link", "this",      "click"};

std::string Trimmed(std::string_view text) {
  return std::string(base::TrimAscii(text));
}

void LinkHints(std::string_view text, std::vector<std::string>& hints) {
  for (size_t close = text.find("]("); close != std::string_view::npos; close = text.find("](", close + 2)) {
    const size_t open = text.rfind('[', close);
    if (open == std::string_view::npos) continue;
    const std::string words = Trimmed(text.substr(open + 1, close - open - 1));
    if (open > 0 && text[open - 1] == '!') {
      hints.push_back("Images are not sent: some people cannot see them. Say in words what it shows.");
      continue;
    }
    if (std::find(kBlindLinks.begin(), kBlindLinks.end(), base::LowerAscii(words)) != kBlindLinks.end())
      hints.push_back(
          fmt::format("The link \"{}\" does not say where it leads. Name the page instead.", words));
    if (IsAddress(words))
      hints.push_back(
          "A link whose words are an address is read out letter by letter. Name the page instead.");
  }
}

void CapitalHints(std::string_view text, std::vector<std::string>& hints) {
  // STOP, NHS and the like are words of their own; three long ones in a row are shouting.
  int row = 0;
  for (const std::string& word : base::Split(WithoutPlaceholders(text), ' ')) {
    const std::string letters = LettersOf(word);
    const bool capital = letters.size() > 1 && std::all_of(letters.begin(), letters.end(),
                                                           [](char c) { return c >= 'A' && c <= 'Z'; });
    row = capital ? row + 1 : 0;
    if (row < 3) continue;
    hints.push_back("Several words in a row are in capitals, which is hard to read. Use ordinary letters.");
    return;
  }
}

void HeadingHints(std::string_view markdown, std::vector<std::string>& hints) {
  size_t level = 0;
  for (const std::string& line : base::Split(markdown, '\n')) {
    const size_t marks = line.find_first_not_of('#');
    if (marks == std::string::npos || marks == 0 || marks > 6 || line[marks] != ' ') continue;
    if (marks > level + 1)
      hints.push_back(fmt::format("The heading \"{}\" leaves a level out. Use {} before it.",
                                  Trimmed(line.substr(marks)), std::string(level + 1, '#')));
    level = marks;
  }
}

void ReplaceAll(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

}  // namespace

double ReadingGrade(std::string_view text) {
  int words = 0, sentences = 0, syllables = 0;
  // Headings, items of lists and paragraphs end where their line ends.
  for (const std::string& line : base::Split(WithoutPlaceholders(text), '\n')) {
    bool open = false;
    for (const std::string& word : base::Split(line, ' ')) {
      const bool address = IsAddress(word);
      const std::string letters = LettersOf(word);
      if (!letters.empty()) {
        ++words;
        syllables += address ? 1 : Syllables(letters);
        open = true;
      }
      if (!open || address || word.find_first_of(".!?:") == std::string::npos) continue;
      ++sentences;
      open = false;
    }
    if (open) ++sentences;
  }
  if (words == 0) return 0;
  return std::max(0.0, 0.39 * words / sentences + 11.8 * syllables / words - 15.59);
}

int ReadingAge(std::string_view text) {
  return 5 + static_cast<int>(std::lround(ReadingGrade(text)));
}

std::vector<std::string> WordHints(std::string_view text) {
  const std::string lower = base::LowerAscii(text);
  std::vector<std::string> hints;
  for (const auto& [word, instead] : kWords) {
    for (size_t at = lower.find(word); at != std::string::npos; at = lower.find(word, at + 1)) {
      const size_t end = at + std::string_view(word).size();
      if ((at > 0 && IsLetter(lower[at - 1])) ||
          (end < lower.size() && IsLetter(lower[end]) && lower[end] != 's' && lower[end] != 'd'))
        continue;
      hints.push_back(fmt::format("{}: {}", word, instead));
      break;
    }
  }
  return hints;
}

std::vector<std::string> AccessHints(std::string_view markdown) {
  std::vector<std::string> hints, once;
  LinkHints(markdown, hints);
  CapitalHints(markdown, hints);
  HeadingHints(markdown, hints);
  std::set<std::string> seen;
  for (std::string& hint : hints)
    if (seen.insert(hint).second) once.push_back(std::move(hint));
  return once;
}

std::string MailForPage(std::string_view html) {
  const size_t cell = html.find("<td"), start = cell == std::string_view::npos ? 0 : html.find('>', cell) + 1;
  std::string part(html.substr(start, html.rfind("</td>") - start));
  for (size_t at = part.find(" style=\""); at != std::string::npos; at = part.find(" style=\"", at))
    part.erase(at, part.find('"', at + 8) + 1 - at);
  for (int level = 3; level >= 1; --level) {
    ReplaceAll(part, fmt::format("<h{}>", level), fmt::format("<h{}>", level + 2));
    ReplaceAll(part, fmt::format("</h{}>", level), fmt::format("</h{}>", level + 2));
  }
  return part;
}

}  // namespace pharos::edge::console
