#include "connectors/sandbox/mime.h"

#include <array>
#include <cstdint>

#include "services/base/text.h"

namespace pharos::sandbox {
namespace {

constexpr int kDeepest = 8;  // parts within parts; a real mail has three
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// "=C3" (or "%C3") at `at`: its octet, or -1.
int Escape(std::string_view text, size_t at) {
  if (at + 2 >= text.size()) return -1;
  int high = HexDigit(text[at + 1]), low = HexDigit(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

std::string QuotedPrintable(std::string_view text, bool in_header) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (in_header && text[i] == '_') {
      out.push_back(' ');
    } else if (text[i] != '=') {
      out.push_back(text[i]);
    } else if (int octet = Escape(text, i); octet >= 0) {
      out.push_back(static_cast<char>(octet));
      i += 2;
    } else if (i + 1 < text.size() && text[i + 1] == '\n') {
      ++i;
    } else if (text.substr(i + 1, 2) == "\r\n") {
      i += 2;
    } else {
      out.push_back('=');
    }
  }
  return out;
}

std::string PercentDecoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    int octet = text[i] == '%' ? Escape(text, i) : -1;
    out.push_back(octet >= 0 ? static_cast<char>(octet) : text[i]);
    if (octet >= 0) i += 2;
  }
  return out;
}

// It becomes part of a header: "%0D%0A" may not add another one.
std::string OneLine(std::string text) {
  std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  return text;
}

std::string ToUtf8(std::string text, std::string_view charset) {
  std::string name = base::LowerAscii(charset);
  if (name != "iso-8859-1" && name != "latin1" && name != "windows-1252") return text;
  std::string out;
  for (unsigned char c : text) {
    if (c < 0x80) {
      out.push_back(static_cast<char>(c));
    } else {
      out.push_back(static_cast<char>(0xC0 | c >> 6));
      out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
    }
  }
  return out;
}

// charset or boundary of a Content-Type.
std::string Parameter(std::string_view header, std::string_view name) {
  std::string lower = base::LowerAscii(header);
  size_t at = lower.find(std::string(name) + "=");
  if (at == std::string::npos) return "";
  std::string_view value = header.substr(at + name.size() + 1);
  if (!value.empty() && value[0] == '"') return std::string(value.substr(1, value.find('"', 1) - 1));
  return std::string(base::TrimAscii(value.substr(0, value.find(';'))));
}

std::string WithoutCr(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i)
    if (text[i] != '\r' || i + 1 == text.size() || text[i + 1] != '\n') out.push_back(text[i]);
  return out;
}

std::string Decoded(const Entity& part) {
  std::string encoding = base::LowerAscii(base::TrimAscii(part.Header("content-transfer-encoding")));
  std::string text = encoding == "base64"             ? FromBase64(part.body)
                     : encoding == "quoted-printable" ? QuotedPrintable(part.body, false)
                                                      : std::string(part.body);
  return WithoutCr(ToUtf8(std::move(text), Parameter(part.Header("content-type"), "charset")));
}

// The line end before a boundary belongs to the boundary.
std::string_view WithoutLineEnd(std::string_view part) {
  if (!part.empty() && part.back() == '\n') part.remove_suffix(1);
  if (!part.empty() && part.back() == '\r') part.remove_suffix(1);
  return part;
}

// The bodies between the lines "--boundary".
std::vector<std::string_view> Parts(std::string_view body, const std::string& boundary) {
  std::vector<std::string_view> parts;
  const std::string mark = "--" + boundary;
  size_t begin = std::string_view::npos;
  for (size_t at = 0; at <= body.size();) {
    size_t end = body.find('\n', at);
    size_t next = end == std::string_view::npos ? body.size() + 1 : end + 1;
    std::string_view line = body.substr(at, next - 1 - at);
    if (line.substr(0, mark.size()) == mark) {
      if (begin != std::string_view::npos) parts.push_back(WithoutLineEnd(body.substr(begin, at - begin)));
      if (line.substr(mark.size(), 2) == "--") break;
      begin = std::min(next, body.size());
    }
    at = next;
  }
  return parts;
}

std::optional<std::string> Find(std::string_view text, std::string_view type, int depth) {
  Entity entity = ParseEntity(text);
  std::string_view header = entity.Header("content-type");
  std::string own = base::LowerAscii(base::TrimAscii(header.substr(0, header.find(';'))));
  if (own.empty()) own = "text/plain";
  if (own == type) return Decoded(entity);
  if (own.substr(0, 10) != "multipart/" || depth == kDeepest) return std::nullopt;
  for (std::string_view part : Parts(entity.body, Parameter(header, "boundary")))
    if (auto found = Find(part, type, depth + 1)) return found;
  return std::nullopt;
}

}  // namespace

std::string_view Entity::Header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return "";
}

Entity ParseEntity(std::string_view text) {
  Entity entity;
  while (!text.empty()) {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty()) break;
    if ((line[0] == ' ' || line[0] == '\t') && !entity.headers.empty()) {
      entity.headers.back().second += std::string(" ") + std::string(base::TrimAscii(line));
    } else if (size_t colon = line.find(':'); colon != std::string_view::npos) {
      entity.headers.emplace_back(base::LowerAscii(line.substr(0, colon)),
                                  std::string(base::TrimAscii(line.substr(colon + 1))));
    }
  }
  entity.body = text;
  return entity;
}

std::string HeaderOf(std::string_view text, std::string_view name) {
  std::string value;
  bool inside = false;
  while (!text.empty()) {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty()) break;
    const bool more = line[0] == ' ' || line[0] == '\t';
    if (inside && !more) break;
    if (more) {
      if (inside) value += " " + std::string(base::TrimAscii(line));
      continue;
    }
    inside = line.size() > name.size() && line[name.size()] == ':' &&
             base::LowerAscii(line.substr(0, name.size())) == name;
    if (inside) value = std::string(base::TrimAscii(line.substr(name.size() + 1)));
  }
  return value;
}

std::optional<std::string> PartOf(std::string_view message, std::string_view type) {
  return Find(message, type, 0);
}

std::string DecodeWords(std::string_view header) {
  std::string out;
  bool after_word = false;
  while (!header.empty()) {
    size_t begin = header.find("=?"), charset_end = header.find('?', begin + 2);
    size_t end = begin == std::string_view::npos || charset_end == std::string_view::npos
                     ? std::string_view::npos
                     : header.find("?=", charset_end + 3);
    if (end == std::string_view::npos) break;
    std::string_view between = header.substr(0, begin);
    // White space between two encoded words belongs to neither.
    if (!after_word || !base::TrimAscii(between).empty()) out += between;
    std::string_view charset = header.substr(begin + 2, charset_end - begin - 2);
    std::string_view text = header.substr(charset_end + 3, end - charset_end - 3);
    char encoding = header[charset_end + 1];
    out +=
        ToUtf8(encoding == 'B' || encoding == 'b' ? FromBase64(text) : QuotedPrintable(text, true), charset);
    header.remove_prefix(end + 2);
    after_word = true;
  }
  return out + std::string(header);
}

std::string BareAddress(std::string_view text) {
  size_t open = text.rfind('<'), close = text.rfind('>');
  if (open != std::string_view::npos && close != std::string_view::npos && close > open)
    text = text.substr(open + 1, close - open - 1);
  return std::string(base::TrimAscii(text));
}

std::string UnsubscribeUrl(std::string_view header) {
  constexpr std::string_view kScheme = "<https://";
  const size_t at = base::LowerAscii(header).find(kScheme);
  const size_t end = header.find('>', at);
  if (at == std::string::npos || end == std::string_view::npos) return "";
  return std::string(header.substr(at + 1, end - at - 1));
}

std::optional<Mailto> UnsubscribeMailto(std::string_view header) {
  constexpr std::string_view kScheme = "<mailto:";
  std::string lower = base::LowerAscii(header);
  size_t at = lower.find(kScheme);
  size_t end = header.find('>', at);
  if (at == std::string::npos || end == std::string_view::npos) return std::nullopt;
  std::string_view link = header.substr(at + kScheme.size(), end - at - kScheme.size());
  Mailto mailto;
  size_t question = link.find('?');
  mailto.address = OneLine(PercentDecoded(link.substr(0, question)));
  if (question == std::string_view::npos) return mailto;
  for (const std::string& pair : base::Split(link.substr(question + 1), '&')) {
    size_t equals = pair.find('=');
    if (equals == std::string::npos) continue;
    std::string name = base::LowerAscii(pair.substr(0, equals));
    std::string value = PercentDecoded(std::string_view(pair).substr(equals + 1));
    if (name == "subject") mailto.subject = OneLine(value);
    if (name == "body") mailto.body = value;
  }
  return mailto;
}

std::string Base64(std::string_view bytes) {
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t three = 0;
    for (size_t k = 0; k < 3; ++k)
      three = three << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (size_t k = 0; k < 4; ++k)
      out.push_back(i + k > bytes.size() ? '=' : kAlphabet[three >> (18 - 6 * k) & 63]);
  }
  return out;
}

std::string FromBase64(std::string_view text) {
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    size_t value = kAlphabet.find(c);
    if (c == '=') break;
    if (value == std::string_view::npos) continue;
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<char>(bits >> count & 0xFF));
  }
  return out;
}

}  // namespace pharos::sandbox
