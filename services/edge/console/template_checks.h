// What a text looks like to those who read it: how hard it is, words that stand in the way, and what a screen
// reader makes of it. Pure; hints for the author, who decides.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pharos::edge::console {

// The Flesch–Kincaid grade level (Kincaid and others, 1975): 0.39 words a sentence + 11.8 syllables a word
// − 15.59. Syllables are counted as groups of vowels, without a silent "e" at the end. Addresses of pages and
// ((placeholders)) count as one word of one syllable. 0 for a text without words.
double ReadingGrade(std::string_view text);
// The age at which somebody usually reads that: grade + 5, at least 5.
int ReadingAge(std::string_view text);

// Words that GOV.UK's style guide advises against, each once, with plainer ones: "utilise: say \"use\"".
std::vector<std::string> WordHints(std::string_view text);

// Of an email's Markdown or a text message: links that do not say where they lead, words in capitals, images,
// headings that leave a level out.
std::vector<std::string> AccessHints(std::string_view markdown);

// The body of an email's HTML document (services/content) for a page of ours: without its inline styles,
// headings two levels lower.
std::string MailForPage(std::string_view html);

}  // namespace pharos::edge::console
