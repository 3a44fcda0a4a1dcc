#include "services/edge/one_click.h"

#include <string>

#include "services/base/ids.h"
#include "services/base/text.h"

namespace pharos::edge {
namespace {

constexpr std::string_view kName = "List-Unsubscribe", kValue = "One-Click";
constexpr size_t kMostPairs = 16, kLongestBoundary = 70;  // RFC 2046, 5.1.1

// application/x-www-form-urlencoded: '+' is a space, %XX an octet.
std::string Decoded(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      plain += ' ';
      continue;
    }
    const std::string octet = text[i] == '%' ? base::FromHex(text.substr(i + 1, 2)) : "";
    if (octet.size() == 1) {
      plain += octet;
      i += 2;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

bool FormSaysSo(std::string_view body) {
  size_t pairs = 0;
  while (!body.empty() && pairs++ < kMostPairs) {
    const size_t end = std::min(body.find('&'), body.size());
    const std::string_view pair = base::TrimAscii(body.substr(0, end));
    body.remove_prefix(std::min(end + 1, body.size()));
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    if (Decoded(pair.substr(0, equals)) == kName && Decoded(pair.substr(equals + 1)) == kValue) return true;
  }
  return false;
}

std::string Boundary(std::string_view content_type) {
  const std::string lower = base::LowerAscii(content_type);
  const size_t at = lower.find("boundary=");
  if (at == std::string::npos) return "";
  std::string_view value = content_type.substr(at + 9);
  if (!value.empty() && value.front() == '"') {
    value.remove_prefix(1);
    value = value.substr(0, value.find('"'));
  } else {
    value = base::TrimAscii(value.substr(0, value.find(';')));
  }
  return value.size() > kLongestBoundary ? "" : std::string(value);
}

// One part: headers, an empty line, the value.
bool PartSaysSo(std::string_view part) {
  size_t gap = part.find("\r\n\r\n");
  size_t skip = 4;
  if (gap == std::string_view::npos) {
    gap = part.find("\n\n");
    skip = 2;
  }
  if (gap == std::string_view::npos || base::TrimAscii(part.substr(gap + skip)) != kValue) return false;
  const std::string head = base::LowerAscii(part.substr(0, gap));
  return head.find("form-data") != std::string::npos &&
         (head.find("name=\"list-unsubscribe\"") != std::string::npos ||
          head.find("name=list-unsubscribe") != std::string::npos);
}

bool PartsSaySo(std::string_view body, const std::string& boundary) {
  if (boundary.empty()) return false;
  const std::string line = "--" + boundary;
  size_t parts = 0;
  size_t at = body.find(line);
  while (at != std::string_view::npos && parts++ < kMostPairs) {
    const size_t begin = at + line.size();
    const size_t end = body.find(line, begin);
    if (end == std::string_view::npos) return false;
    if (PartSaysSo(body.substr(begin, end - begin))) return true;
    at = end;
  }
  return false;
}

}  // namespace

bool IsOneClick(std::string_view content_type, std::string_view body) {
  const std::string type = base::LowerAscii(base::TrimAscii(content_type.substr(0, content_type.find(';'))));
  if (type == "application/x-www-form-urlencoded") return FormSaysSo(body);
  if (type == "multipart/form-data") return PartsSaySo(body, Boundary(content_type));
  return false;
}

}  // namespace pharos::edge
