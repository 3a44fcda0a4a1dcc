#include "connectors/sandbox/notify_http.h"

#include <fmt/format.h>

#include "services/base/text.h"

namespace pharos::sandbox {
namespace {

const char* ReasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 413:
      return "Content Too Large";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    default:
      return "Unknown";
  }
}

bool ReadLength(std::string_view text, size_t& length) {
  if (text.empty() || text.size() > 9) return false;
  length = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return false;
    length = length * 10 + static_cast<size_t>(c - '0');
  }
  return true;
}

bool ReadRequestLine(std::string_view line, HttpRequest& request) {
  size_t first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || last == first || line.substr(last + 1) != "HTTP/1.1") return false;
  request.method = std::string(line.substr(0, first));
  std::string_view target = line.substr(first + 1, last - first - 1);
  if (target.empty() || target[0] != '/') return false;
  size_t mark = target.find('?');
  request.path = std::string(target.substr(0, mark));
  if (mark != std::string_view::npos) request.query = std::string(target.substr(mark + 1));
  return true;
}

// False: this head is not understood.
bool ReadHeaders(std::string_view head, HttpRequest& request, size_t& length, bool& has_host) {
  while (!head.empty()) {
    size_t end = head.find("\r\n");
    std::string_view line = head.substr(0, end);
    head.remove_prefix(end == std::string_view::npos ? head.size() : end + 2);
    size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return false;
    std::string name = base::LowerAscii(line.substr(0, colon));
    std::string value(base::TrimAscii(line.substr(colon + 1)));
    if (name == "host") has_host = true;
    if (name == "authorization") request.authorization = value;
    if (name == "content-type") request.content_type = value;
    if (name == "connection" && base::LowerAscii(value) == "close") request.keep_alive = false;
    if (name == "transfer-encoding") return false;
    if (name == "content-length" && !ReadLength(value, length)) return false;
  }
  return true;
}

}  // namespace

std::string HttpRequest::Query(std::string_view name) const {
  for (const std::string& pair : base::Split(query, '&')) {
    size_t equals = pair.find('=');
    if (equals != std::string::npos && std::string_view(pair).substr(0, equals) == name)
      return pair.substr(equals + 1);
  }
  return "";
}

HttpRead TakeRequest(std::string& in, HttpRequest& request) {
  size_t end = in.find("\r\n\r\n");
  if (end == std::string::npos) return in.size() > kMaxHttpHead ? HttpRead::kWrong : HttpRead::kNeedMore;
  std::string_view head(in.data(), end);
  size_t line = head.find("\r\n");
  size_t length = 0;
  bool has_host = false;
  request = HttpRequest{};
  std::string_view headers = line == std::string_view::npos ? "" : head.substr(line + 2);
  if (!ReadRequestLine(head.substr(0, line), request) || !ReadHeaders(headers, request, length, has_host) ||
      !has_host)
    return HttpRead::kWrong;
  if (length > kMaxHttpBody) return HttpRead::kTooLarge;
  if (in.size() < end + 4 + length) return HttpRead::kNeedMore;
  request.body = in.substr(end + 4, length);
  in.erase(0, end + 4 + length);
  return HttpRead::kWhole;
}

int AnswerStatus(std::string_view in) {
  if (in.find("\r\n\r\n") == std::string_view::npos) return in.size() > kMaxHttpHead ? -1 : 0;
  if (in.size() < 12 || in.substr(0, 7) != "HTTP/1.") return -1;
  int status = 0;
  for (char c : in.substr(9, 3)) {
    if (c < '0' || c > '9') return -1;
    status = status * 10 + (c - '0');
  }
  return status;
}

std::string HttpReply(int status, std::string_view json, bool keep_alive) {
  return fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: application/json\r\nX-Pharos-Sandbox: "
      "pharos-sandbox\r\nContent-Length: {}\r\n"
      "{}\r\n{}",
      status, ReasonPhrase(status), json.size(), keep_alive ? "" : "Connection: close\r\n", json);
}

}  // namespace pharos::sandbox
