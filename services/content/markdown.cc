#include "services/content/markdown.h"

#include <cmark.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <set>

#include "services/base/errors.h"
#include "services/base/text.h"
#include "services/content/errors.h"

namespace pharos::content {
namespace {

constexpr int kMaxDepth = 32;  // lists in lists; nobody reads deeper, and the tree is walked by recursion
constexpr size_t kMaxMarks = 2000;        // placeholders of one text
constexpr char32_t kFirstMark = 0xF0000;  // plane 15: for private use, in no font and no keyboard
constexpr std::string_view kPlane15 =
    "\xF3\xB0\x80\x80";  // its first character; all of them are F3 B0–BF xx xx

// What stands in the place of a placeholder: one mark for a field, two round the text of a condition.
struct Mark {
  enum Kind { kField, kOpen, kClose } kind;
  std::string field;
  int position;
};

bool IsMarkAt(std::string_view text, size_t at) {
  return at + 4 <= text.size() && text[at] == kPlane15[0] &&
         (static_cast<unsigned char>(text[at + 1]) & 0xF0) == 0xB0;
}

std::string MarkCharacter(size_t number) {
  const char32_t c = kFirstMark + static_cast<char32_t>(number);
  return {static_cast<char>(0xF0 | (c >> 18)), static_cast<char>(0x80 | ((c >> 12) & 0x3F)),
          static_cast<char>(0x80 | ((c >> 6) & 0x3F)), static_cast<char>(0x80 | (c & 0x3F))};
}

size_t MarkNumber(std::string_view text, size_t at) {
  const auto low = [&](size_t i) {
    return static_cast<size_t>(static_cast<unsigned char>(text[at + i]) & 0x3F);
  };
  return ((low(1) & 0x0F) << 12) | (low(2) << 6) | low(3);
}

absl::Status CheckCharacters(std::string_view source) {
  for (size_t at = 0; at < source.size(); ++at) {
    const auto c = static_cast<unsigned char>(source[at]);
    if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7F)
      return errors::TemplateWrong(CharacterAt(source, at),
                                   "this control character is not text. Take it out.");
    if (IsMarkAt(source, at)) {
      return errors::TemplateWrong(
          CharacterAt(source, at),
          "this character (U+F0000 to U+FFFFF) is reserved and would not be seen. Take it out.");
    }
  }
  return absl::OkStatus();
}

// The first character of a line, counted from 1.
int LinePosition(std::string_view source, int line) {
  size_t at = 0;
  for (int i = 1; i < line; ++i) {
    const size_t end = source.find('\n', at);
    if (end == std::string_view::npos) break;
    at = end + 1;
  }
  return CharacterAt(source, at);
}

std::string Literal(const char* text) {
  return text == nullptr ? std::string() : std::string(text);
}

bool HasScheme(std::string_view url) {
  const std::string lower = base::LowerAscii(url.substr(0, 8));
  for (std::string_view scheme : {"https://", "http://", "mailto:", "tel:"}) {
    if (lower.starts_with(scheme) && url.size() > scheme.size()) return true;
  }
  return false;
}

// As it may stand in an attribute and in a text: everything else percent-encoded.
std::string EncodeUrl(std::string_view url) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  static constexpr std::string_view kSafe = "-_.+!*(),%#@?=;:/$~&";
  std::string encoded;
  for (const char c : url) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && (std::isalnum(byte) != 0 || kSafe.find(c) != std::string_view::npos)) {
      encoded.push_back(c);
    } else {
      encoded += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return encoded;
}

class Reader {
 public:
  Reader(std::string_view source, const std::vector<Part>& parts) : source_(source) {
    for (const Part& part : parts) Append(part);
    seen_.resize(marks_.size());
  }

  absl::StatusOr<std::vector<Node>> Read() {
    if (marks_.size() > kMaxMarks) return errors::TemplateTooLong("1,000 placeholders");
    const std::unique_ptr<cmark_node, void (*)(cmark_node*)> document(
        cmark_parse_document(marked_.data(), marked_.size(), CMARK_OPT_DEFAULT), cmark_node_free);
    if (document == nullptr) return errors::TemplateTooLong("what can be read");
    PHAROS_ASSIGN_OR_RETURN(std::vector<Node> nodes, Children(document.get(), 0));
    // A mark that is nowhere stood where no text is shown: in the name of a reference, after ``` …
    for (size_t i = 0; i < marks_.size(); ++i) {
      if (!seen_[i]) return NotInText(marks_[i].position);
    }
    return nodes;
  }

 private:
  void Append(const Part& part) {
    if (part.kind == Part::kText) {
      marked_ += part.text;
    } else if (part.kind == Part::kField) {
      AppendMark({Mark::kField, part.field, part.position});
    } else {
      AppendMark({Mark::kOpen, part.field, part.position});
      marked_ += part.text;
      AppendMark({Mark::kClose, part.field, part.position});
    }
  }
  void AppendMark(Mark mark) {
    marked_ += MarkCharacter(marks_.size());
    marks_.push_back(std::move(mark));
  }

  static absl::Status NotInText(int position) {
    return errors::TemplateWrong(
        position,
        "a placeholder may stand in text only, not in a link's address or title. Put it into the words.");
  }
  int PositionOf(cmark_node* node) const {
    while (node != nullptr && cmark_node_get_start_line(node) == 0) node = cmark_node_parent(node);
    return node == nullptr ? 1 : LinePosition(source_, cmark_node_get_start_line(node));
  }

  // Texts and marks of a literal, in order.
  absl::Status AddText(cmark_node* node, std::string_view literal, std::vector<Node>& out) {
    std::string plain;
    const auto end_plain = [&] {
      if (!plain.empty()) out.push_back({Node::kText, plain, 0, false, {}});
      plain.clear();
    };
    for (size_t at = 0; at < literal.size();) {
      if (!IsMarkAt(literal, at)) {
        plain.push_back(literal[at++]);
        continue;
      }
      const size_t number = MarkNumber(literal, at);
      if (number >= marks_.size() || seen_[number]) {  // written as &#xF0000;
        return errors::TemplateWrong(
            PositionOf(node),
            "in this paragraph a reserved character (U+F0000 to U+FFFFF) is written by "
            "its number. Take it out.");
      }
      end_plain();
      seen_[number] = true;
      const Mark& mark = marks_[number];
      if (mark.kind == Mark::kField) {
        out.push_back({Node::kField, mark.field, 0, false, {}});
      } else {  // until Fold: -1 opens, -2 closes, with the mark's number
        out.push_back(
            {Node::kCondition, std::to_string(number), mark.kind == Mark::kOpen ? -1 : -2, false, {}});
      }
      at += 4;
    }
    end_plain();
    return absl::OkStatus();
  }

  // What stands between the marks of a condition becomes its children.
  absl::StatusOr<std::vector<Node>> Fold(std::vector<Node> flat) {
    std::vector<Node> out;
    std::vector<Node>* into = &out;
    const Mark* open = nullptr;
    for (Node& node : flat) {
      if (node.kind != Node::kCondition || node.number >= 0) {
        into->push_back(std::move(node));
        continue;
      }
      const Mark& mark = marks_[std::strtoull(node.text.c_str(), nullptr, 10)];
      if (node.number == -1) {
        open = &mark;
        out.push_back({Node::kCondition, mark.field, 0, false, {}});
        into = &out.back().children;
      } else if (open == nullptr) {
        return AcrossBlocks(mark.position);
      } else {
        open = nullptr;
        into = &out;
      }
    }
    if (open != nullptr) return AcrossBlocks(open->position);
    return out;
  }
  static absl::Status AcrossBlocks(int position) {
    return errors::TemplateWrong(
        position,
        "the text of a condition must lie within one paragraph, heading or item, with its own ** and [ ] "
        "closed in it. Write one condition for each paragraph.");
  }

  absl::StatusOr<std::vector<Node>> Children(cmark_node* parent, int depth) {
    if (depth > kMaxDepth)
      return errors::TemplateWrong(PositionOf(parent),
                                   "lists or quotations are nested too deep. Write it flatter.");
    std::vector<Node> flat;
    for (cmark_node* child = cmark_node_first_child(parent); child != nullptr;
         child = cmark_node_next(child)) {
      PHAROS_RETURN_IF_ERROR(Add(child, depth, flat));
    }
    return Fold(std::move(flat));
  }

  absl::Status AddParent(cmark_node* node, Node::Kind kind, int depth, std::vector<Node>& out) {
    Node made{kind, "", 0, false, {}};
    if (kind == Node::kHeading) made.number = cmark_node_get_heading_level(node);
    if (kind == Node::kList) {
      made.number = cmark_node_get_list_type(node) == CMARK_ORDERED_LIST
                        ? std::max(1, cmark_node_get_list_start(node))
                        : 0;
      made.tight = cmark_node_get_list_tight(node) != 0;
    }
    PHAROS_ASSIGN_OR_RETURN(made.children, Children(node, depth + 1));
    out.push_back(std::move(made));
    return absl::OkStatus();
  }

  absl::Status AddLiteral(cmark_node* node, Node::Kind kind, std::vector<Node>& out) {
    Node made{kind, "", 0, false, {}};
    std::vector<Node> flat;
    PHAROS_RETURN_IF_ERROR(AddText(node, Literal(cmark_node_get_literal(node)), flat));
    PHAROS_ASSIGN_OR_RETURN(made.children, Fold(std::move(flat)));
    out.push_back(std::move(made));
    return absl::OkStatus();
  }

  absl::Status AddLink(cmark_node* node, int depth, std::vector<Node>& out) {
    const std::string url = Literal(cmark_node_get_url(node));
    for (size_t at = 0; at < url.size(); ++at) {
      if (IsMarkAt(url, at) && MarkNumber(url, at) < marks_.size())
        return NotInText(marks_[MarkNumber(url, at)].position);
    }
    if (!HasScheme(url)) {
      return errors::TemplateWrong(
          PositionOf(node),
          "in this paragraph a link does not begin with https://, http://, mailto: or tel:. Write the "
          "whole address.");
    }
    PHAROS_RETURN_IF_ERROR(AddParent(node, Node::kLink, depth, out));
    out.back().text = EncodeUrl(url);
    if (out.back().children.empty())
      out.back().children.push_back({Node::kText, out.back().text, 0, false, {}});
    return absl::OkStatus();
  }

  absl::Status Add(cmark_node* node, int depth, std::vector<Node>& out) {
    switch (cmark_node_get_type(node)) {
      case CMARK_NODE_TEXT:
      case CMARK_NODE_HTML_INLINE:
        return AddText(node, Literal(cmark_node_get_literal(node)), out);
      case CMARK_NODE_SOFTBREAK:
        out.push_back({Node::kSoftBreak, "", 0, false, {}});
        return absl::OkStatus();
      case CMARK_NODE_LINEBREAK:
        out.push_back({Node::kLineBreak, "", 0, false, {}});
        return absl::OkStatus();
      case CMARK_NODE_THEMATIC_BREAK:
        out.push_back({Node::kRule, "", 0, false, {}});
        return absl::OkStatus();
      case CMARK_NODE_CODE:
        return AddLiteral(node, Node::kCode, out);
      case CMARK_NODE_CODE_BLOCK:
        return AddLiteral(node, Node::kCodeBlock, out);
      case CMARK_NODE_HTML_BLOCK:
        return AddLiteral(node, Node::kParagraph, out);
      case CMARK_NODE_EMPH:
        return AddParent(node, Node::kEmphasis, depth, out);
      case CMARK_NODE_STRONG:
        return AddParent(node, Node::kStrong, depth, out);
      case CMARK_NODE_LINK:
        return AddLink(node, depth, out);
      case CMARK_NODE_PARAGRAPH:
        return AddParent(node, Node::kParagraph, depth, out);
      case CMARK_NODE_HEADING:
        return AddParent(node, Node::kHeading, depth, out);
      case CMARK_NODE_BLOCK_QUOTE:
        return AddParent(node, Node::kQuote, depth, out);
      case CMARK_NODE_LIST:
        return AddParent(node, Node::kList, depth, out);
      case CMARK_NODE_ITEM:
        return AddParent(node, Node::kItem, depth, out);
      case CMARK_NODE_IMAGE:
        return errors::TemplateWrong(
            PositionOf(node),
            "in this paragraph there is an image. Emails carry none; say in words what it shows.");
      default:
        return errors::TemplateWrong(PositionOf(node),
                                     "this part cannot be sent in an email. Write it as text.");
    }
  }

  const std::string_view source_;
  std::string marked_;
  std::vector<Mark> marks_;
  std::vector<bool> seen_;
};

bool IsBlock(Node::Kind kind) {
  return kind >= Node::kParagraph && kind != Node::kRule;
}

absl::Status Put(const Node& node, const std::map<std::string, std::string>& values, std::vector<Node>& out);

absl::StatusOr<std::vector<Node>> PutAll(const std::vector<Node>& nodes,
                                         const std::map<std::string, std::string>& values) {
  std::vector<Node> out;
  for (const Node& node : nodes) PHAROS_RETURN_IF_ERROR(Put(node, values, out));
  return out;
}

absl::Status Put(const Node& node, const std::map<std::string, std::string>& values, std::vector<Node>& out) {
  if (node.kind == Node::kField) {
    const std::string_view value = ValueOf(values, node.text);
    if (value.empty()) return errors::PlaceholderEmpty(node.text);
    out.push_back({Node::kText, std::string(value), 0, false, {}});
    return absl::OkStatus();
  }
  if (node.kind == Node::kCondition && !Holds(ValueOf(values, node.text))) return absl::OkStatus();
  PHAROS_ASSIGN_OR_RETURN(std::vector<Node> children, PutAll(node.children, values));
  if (node.kind == Node::kCondition) {
    std::move(children.begin(), children.end(), std::back_inserter(out));
    return absl::OkStatus();
  }
  const auto says_nothing = [](const Node& n) {
    return !IsBlock(n.kind) && n.kind != Node::kRule && base::TrimAscii(TextOf({n})).empty();
  };
  if (IsBlock(node.kind) && std::all_of(children.begin(), children.end(), says_nothing))
    return absl::OkStatus();
  Node made{node.kind, node.text, node.number, node.tight, std::move(children)};
  out.push_back(std::move(made));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<Node>> ReadMarkdown(std::string_view source, const std::vector<Part>& parts) {
  PHAROS_RETURN_IF_ERROR(CheckCharacters(source));
  return Reader(source, parts).Read();
}

absl::StatusOr<std::vector<Node>> PutValues(const std::vector<Node>& nodes,
                                            const std::map<std::string, std::string>& values) {
  return PutAll(nodes, values);
}

bool IsCountable(std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  if (url.size() > kLongestLink || !base::LowerAscii(url.substr(0, kScheme.size())).starts_with(kScheme))
    return false;
  url.remove_prefix(kScheme.size());
  const std::string_view authority = url.substr(0, url.find_first_of("/?#"));
  const std::string_view host = authority.substr(0, authority.find(':'));
  const auto is_host = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.';
  };
  if (host.empty() || host.front() == '.' || !std::all_of(host.begin(), host.end(), is_host)) return false;
  if (host.size() == authority.size()) return true;
  const std::string_view port = authority.substr(host.size() + 1);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return !port.empty() && port.size() <= 5 && std::all_of(port.begin(), port.end(), is_digit);
}

namespace {

void NumberBelow(std::vector<Node>& nodes, std::vector<std::string>& addresses) {
  for (Node& node : nodes) {
    if (node.kind == Node::kLink && addresses.size() < kMostLinks && IsCountable(node.text)) {
      addresses.push_back(node.text);
      node.number = static_cast<int>(addresses.size());
    }
    NumberBelow(node.children, addresses);
  }
}

}  // namespace

std::vector<std::string> NumberLinks(std::vector<Node>& nodes) {
  std::vector<std::string> addresses;
  NumberBelow(nodes, addresses);
  return addresses;
}

void ReplaceLinks(std::vector<Node>& nodes, const std::vector<std::string>& addresses) {
  for (Node& node : nodes) {
    const auto number = static_cast<size_t>(node.number);
    if (node.kind == Node::kLink && number > 0 && number <= addresses.size())
      node.text = addresses[number - 1];
    ReplaceLinks(node.children, addresses);
  }
}

std::string TextOf(const std::vector<Node>& nodes) {
  std::string text;
  for (const Node& node : nodes) {
    if (node.kind == Node::kText) text += node.text;
    if (node.kind == Node::kSoftBreak || node.kind == Node::kLineBreak) text += ' ';
    text += TextOf(node.children);
  }
  return text;
}

}  // namespace pharos::content
