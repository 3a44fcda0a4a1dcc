#include "services/content/email_html.h"

#include <fmt/format.h>

#include <algorithm>

namespace pharos::content {
namespace {

// Colours are the reader's own, so that contrast is theirs in light and dark. Styles stand in the elements:
// some readers drop <style>.
constexpr std::string_view kHead = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>)";
constexpr std::string_view kBody = R"(</title>
<style>:root { color-scheme: light dark; }</style>
</head>
<body style="margin: 0; padding: 0;">
<table role="presentation" align="center" border="0" cellpadding="0" cellspacing="0" width="100%" style="max-width: 36em; margin: 0 auto; border-collapse: collapse;">
<tr>
<td style="padding: 16px; font-family: Arial, Helvetica, sans-serif; font-size: 18px; line-height: 1.5; overflow-wrap: anywhere;">
)";
constexpr std::string_view kEnd = "</td>\n</tr>\n</table>\n</body>\n</html>\n";

std::string Escape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

class Writer {
 public:
  std::string Write(const std::vector<Node>& nodes, bool tight = false) {
    std::string html;
    for (const Node& node : nodes) html += Write(node, tight);
    return html;
  }

 private:
  std::string Write(const Node& node, bool tight) {
    switch (node.kind) {
      case Node::kText:
        return Escape(node.text);
      case Node::kSoftBreak:
        return "\n";
      case Node::kLineBreak:
        return "<br>\n";
      case Node::kCode:
        return fmt::format("<code>{}</code>", Write(node.children));
      case Node::kEmphasis:
        return fmt::format("<em>{}</em>", Write(node.children));
      case Node::kStrong:
        return fmt::format("<strong>{}</strong>", Write(node.children));
      case Node::kLink:
        return fmt::format("<a href=\"{}\">{}</a>", Escape(node.text), Write(node.children));
      case Node::kParagraph:
        return tight ? Write(node.children) + "\n"
                     : fmt::format("<p style=\"margin: 0 0 16px;\">{}</p>\n", Write(node.children));
      case Node::kHeading:
        return Heading(node);
      case Node::kList:
        return List(node);
      case Node::kItem:
        return fmt::format("<li>{}</li>\n", Write(node.children, tight));
      case Node::kQuote:
        return fmt::format(
            "<blockquote style=\"margin: 0 0 16px; padding: 0 0 0 16px; border-left: 4px "
            "solid;\">\n{}</blockquote>\n",
            Write(node.children));
      case Node::kCodeBlock:
        return fmt::format(
            "<pre style=\"margin: 0 0 16px; font-size: 16px; white-space: "
            "pre-wrap;\"><code>{}</code></pre>\n",
            Write(node.children));
      case Node::kRule:
        return "<hr>\n";
      case Node::kField:
      case Node::kCondition:
        break;  // PutValues leaves none
    }
    return "";
  }

  // Screen readers jump from heading to heading: no level is left out on the way down.
  std::string Heading(const Node& node) {
    level_ = std::min(node.number, level_ + 1);
    const std::string_view size = level_ == 1 ? "28px" : level_ == 2 ? "22px" : "18px";
    return fmt::format("<h{0} style=\"margin: 24px 0 8px; font-size: {1}; line-height: 1.25;\">{2}</h{0}>\n",
                       level_, size, Write(node.children));
  }

  std::string List(const Node& node) {
    const std::string_view tag = node.number > 0 ? "ol" : "ul";
    const std::string start = node.number > 1 ? fmt::format(" start=\"{}\"", node.number) : "";
    return fmt::format("<{0}{1} style=\"margin: 0 0 16px; padding: 0 0 0 32px;\">\n{2}</{0}>\n", tag, start,
                       Write(node.children, node.tight));
  }

  int level_ = 0;
};

std::string Footer(std::string_view unsubscribe_url, std::string_view preferences_url) {
  if (unsubscribe_url.empty()) return "";
  const std::string choose =
      preferences_url.empty()
          ? ""
          : fmt::format(" or <a href=\"{}\">choose what we send you</a>", Escape(preferences_url));
  return fmt::format(
      "<hr>\n<p style=\"margin: 16px 0 0; font-size: 16px;\">You can <a href=\"{}\">unsubscribe from these "
      "emails</a>{} at any time.</p>\n",
      Escape(unsubscribe_url), choose);
}

}  // namespace

std::string HtmlOf(std::string_view subject, const std::vector<Node>& nodes, std::string_view unsubscribe_url,
                   std::string_view preferences_url) {
  return fmt::format("{}{}{}{}{}{}", kHead, Escape(subject), kBody, Writer().Write(nodes),
                     Footer(unsubscribe_url, preferences_url), kEnd);
}

}  // namespace pharos::content
