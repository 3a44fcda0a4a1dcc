#include "services/customer/role_title.h"

#include <algorithm>
#include <array>
#include <utility>

namespace pharos::customer {

namespace {

constexpr size_t kMostWords = 24;  // a title is one line; bounds the comparison

constexpr std::array<std::string_view, 12> kSmall = {"of", "the", "and",    "for",     "in", "to",
                                                     "at", "on",  "acting", "interim", "a",  "an"};
constexpr std::array<std::pair<std::string_view, std::string_view>, 16> kShort = {{{"dir", "director"},
                                                                                   {"dep", "deputy"},
                                                                                   {"dpty", "deputy"},
                                                                                   {"asst", "assistant"},
                                                                                   {"assoc", "associate"},
                                                                                   {"mgr", "manager"},
                                                                                   {"exec", "executive"},
                                                                                   {"off", "officer"},
                                                                                   {"med", "medical"},
                                                                                   {"coord", "coordinator"},
                                                                                   {"cons", "consultant"},
                                                                                   {"snr", "senior"},
                                                                                   {"sr", "senior"},
                                                                                   {"jnr", "junior"},
                                                                                   {"pub", "public"},
                                                                                   {"hlth", "health"}}};

std::string WrittenOut(std::string word) {
  for (const auto& [brief, whole] : kShort) {
    if (word == brief) return std::string(whole);
  }
  return word;
}

// Bytes above ASCII are letters of some language and stay as they are.
bool IsLetter(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

using Words = std::vector<std::string>;

// How many words of `words` from `at` on `initials` stands for; 0: it does not.
size_t StandsFor(const std::string& initials, const Words& words, size_t at) {
  if (initials.size() < 2 || at + initials.size() > words.size()) return 0;
  for (size_t i = 0; i < initials.size(); ++i) {
    if (words[at + i].front() != initials[i]) return 0;
  }
  return initials.size();
}

bool SameFrom(const Words& a, size_t at_a, const Words& b, size_t at_b) {
  if (at_a == a.size() || at_b == b.size()) return at_a == a.size() && at_b == b.size();
  if (a[at_a] == b[at_b] && SameFrom(a, at_a + 1, b, at_b + 1)) return true;
  const size_t of_b = StandsFor(a[at_a], b, at_b);
  if (of_b > 0 && SameFrom(a, at_a + 1, b, at_b + of_b)) return true;
  const size_t of_a = StandsFor(b[at_b], a, at_a);
  return of_a > 0 && SameFrom(a, at_a + of_a, b, at_b + 1);
}

}  // namespace

std::vector<std::string> TitleWords(std::string_view title) {
  Words words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty() && std::find(kSmall.begin(), kSmall.end(), word) == kSmall.end())
      words.push_back(WrittenOut(std::move(word)));
    word.clear();
  };
  for (size_t at = 0; at < title.size() && words.size() < kMostWords; ++at) {
    const char c = title[at];
    if (c == '.' || c == '\'') continue;  // "D.P.H.", "Dir.", "Children's"
    if (IsLetter(c)) {
      word += (c >= 'A' && c <= 'Z') ? static_cast<char>(c + ('a' - 'A')) : c;
    } else {
      end_word();
    }
  }
  if (words.size() < kMostWords) end_word();
  return words;
}

bool SameTitle(std::string_view a, std::string_view b) {
  const Words words_a = TitleWords(a), words_b = TitleWords(b);
  return !words_a.empty() && !words_b.empty() && SameFrom(words_a, 0, words_b, 0);
}

}  // namespace pharos::customer
