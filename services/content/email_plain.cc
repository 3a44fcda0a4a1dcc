#include "services/content/email_plain.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "services/base/text.h"

namespace pharos::content {
namespace {

constexpr size_t kLongestUnderline = 60;
constexpr size_t kRule = 20;

std::string Inline(const std::vector<Node>& nodes);

std::string Link(const Node& node) {
  const std::string text = Inline(node.children);
  std::string_view address = node.text;
  for (std::string_view scheme : {"mailto:", "tel:"}) {
    if (address.starts_with(scheme)) address.remove_prefix(scheme.size());
  }
  if (text == node.text || text == address) return text;
  return fmt::format("{}: {}", text, address);
}

std::string Inline(const std::vector<Node>& nodes) {
  std::string text;
  for (const Node& node : nodes) {
    if (node.kind == Node::kText) {
      text += node.text;
    } else if (node.kind == Node::kSoftBreak) {
      text += ' ';
    } else if (node.kind == Node::kLineBreak) {
      text += '\n';
    } else if (node.kind == Node::kLink) {
      text += Link(node);
    } else {
      text += Inline(node.children);
    }
  }
  return text;
}

size_t Characters(std::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// Each line of `text` behind `indent`, the first one behind `first`.
std::string Indented(std::string_view text, std::string_view first, std::string_view indent) {
  std::string out;
  bool begin = true;
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  for (const std::string& line : base::Split(text, '\n')) {
    const std::string_view before = begin ? first : indent;
    out += line.empty() ? std::string(before.substr(0, before.find_last_not_of(' ') + 1))
                        : fmt::format("{}{}", before, line);
    out += '\n';
    begin = false;
  }
  return out;
}

std::string Heading(const Node& node) {
  std::string text = Inline(node.children);
  std::replace(text.begin(), text.end(), '\n', ' ');
  if (node.number > 2) return text + "\n";
  return fmt::format(
      "{}\n{}\n", text,
      std::string(std::min(Characters(text), kLongestUnderline), node.number == 1 ? '=' : '-'));
}

std::string Blocks(const std::vector<Node>& nodes, bool tight);

std::string List(const Node& list) {
  std::string text;
  int number = list.number;
  for (const Node& item : list.children) {
    const std::string mark = list.number > 0 ? fmt::format("{}. ", number++) : "- ";
    if (!text.empty() && !list.tight) text += '\n';
    text += Indented(Blocks(item.children, list.tight), mark, std::string(mark.size(), ' '));
  }
  return text;
}

std::string Block(const Node& node, bool tight) {
  switch (node.kind) {
    case Node::kHeading:
      return Heading(node);
    case Node::kList:
      return List(node);
    case Node::kItem:
      return Blocks(node.children, tight);
    case Node::kQuote:
      return Indented(Blocks(node.children, false), "> ", "> ");
    case Node::kCodeBlock:
      return Indented(Inline(node.children), "    ", "    ");
    case Node::kRule:
      return std::string(kRule, '-') + "\n";
    default:
      return std::string(base::TrimAscii(Inline(node.children))) + "\n";
  }
}

std::string Blocks(const std::vector<Node>& nodes, bool tight) {
  std::string text;
  for (const Node& node : nodes) {
    if (!text.empty() && !tight) text += '\n';
    text += Block(node, tight);
  }
  return text;
}

}  // namespace

std::string PlainOf(const std::vector<Node>& nodes, std::string_view unsubscribe_url,
                    std::string_view preferences_url) {
  std::string text = Blocks(nodes, false);
  if (unsubscribe_url.empty()) return text;
  text +=
      fmt::format("\n{}\n\nUnsubscribe from these emails: {}\n", std::string(kRule, '-'), unsubscribe_url);
  if (!preferences_url.empty()) text += fmt::format("\nChoose what we send you: {}\n", preferences_url);
  return text;
}

}  // namespace pharos::content
