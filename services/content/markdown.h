// Markdown with ((placeholders)) → a small tree. The Markdown is parsed before any value is known, with a
// reserved character in the place of each placeholder; what a placeholder stands for can therefore never be
// Markdown.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/content/placeholders.h"

namespace pharos::content {

struct Node {
  enum Kind {
    kText,       // text
    kField,      // text: the field
    kCondition,  // text: the field; children are shown if it holds
    kSoftBreak,
    kLineBreak,
    kCode,  // children: texts
    kEmphasis,
    kStrong,
    // text: the address, percent-encoded: http, https, mailto or tel. number: its place among those that may
    // be counted (NumberLinks), from 1; 0 = it is none of them
    kLink,
    kParagraph,
    kHeading,  // number: level
    kList,     // number: of the first item; 0 = bullets. tight: no space between items
    kItem,
    kQuote,
    kCodeBlock,  // children: texts
    kRule,
  };
  Kind kind = kText;
  std::string text;
  int number = 0;
  bool tight = false;
  std::vector<Node> children;
};

// `source` is well-formed UTF-8 and `parts` are its own. Raw HTML comes back as text. INVALID_ARGUMENT
// (TEMPLATE_WRONG with position): a placeholder anywhere but in text, a condition that is not within one
// paragraph, a link that is not http, https, mailto or tel, an image, reserved characters, too deep nesting.
absl::StatusOr<std::vector<Node>> ReadMarkdown(std::string_view source, const std::vector<Part>& parts);

// The tree with values in it: no kField, no kCondition; blocks that say nothing are left out.
// FAILED_PRECONDITION (PLACEHOLDER_EMPTY).
absl::StatusOr<std::vector<Node>> PutValues(const std::vector<Node>& nodes,
                                            const std::map<std::string, std::string>& values);

// May the edge stand between a reader and this address? https, at most kLongestLink bytes, and a host of
// letters, digits, '-' and '.' with or without a port, so that nobody can mistake where it leads.
bool IsCountable(std::string_view url);
inline constexpr size_t kLongestLink = 2000;
inline constexpr size_t kMostLinks = 255;  // a link's number is one octet of its token
// Numbers the countable links in the order of the text, up to kMostLinks, and gives their addresses.
std::vector<std::string> NumberLinks(std::vector<Node>& nodes);
// Puts other addresses in their place: of link 1 the first one, and so on. What a link shows stays.
void ReplaceLinks(std::vector<Node>& nodes, const std::vector<std::string>& addresses);

// The text of nodes and all below them, without marks.
std::string TextOf(const std::vector<Node>& nodes);

}  // namespace pharos::content
