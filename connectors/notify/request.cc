#include "connectors/notify/request.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/text.h"

namespace pharos::notify {
namespace {

constexpr size_t kLeastAddressLines = 3, kMostAddressLines = 7;
constexpr std::string_view kAgent = "pharos-notify/1";

absl::Status WrongUrl(const char* words) {
  return base::MakeError(absl::StatusCode::kInvalidArgument, "FLAG_WRONG", words);
}

absl::Status NotEncodable(const char* words) {
  return base::MakeError(absl::StatusCode::kInvalidArgument, "NOT_ENCODABLE", words);
}

bool IsLoopback(std::string_view host) {
  return host == "localhost" || host == "::1" || host.substr(0, 4) == "127.";
}

// Nothing that could end a line or a header.
bool IsPlain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

bool ReadPort(std::string_view digits, int& port) {
  if (digits.empty() || digits.size() > 5) return false;
  int value = 0;
  for (char c : digits) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  port = value;
  return value >= 1 && value <= 65535;
}

// "host", "host:port", "[v6]:port".
bool ReadAuthority(std::string_view text, Endpoint& endpoint) {
  std::string_view port;
  if (!text.empty() && text[0] == '[') {
    size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    endpoint.host = std::string(text.substr(1, end - 1));
    text.remove_prefix(end + 1);
    if (text.empty()) return true;
    if (text[0] != ':') return false;
    return ReadPort(text.substr(1), endpoint.port);
  }
  size_t colon = text.find(':');
  endpoint.host = std::string(text.substr(0, colon));
  return !endpoint.host.empty() &&
         (colon == std::string_view::npos || ReadPort(text.substr(colon + 1), endpoint.port));
}

std::string HostHeader(const Endpoint& endpoint) {
  std::string host = endpoint.host.find(':') == std::string::npos ? endpoint.host : "[" + endpoint.host + "]";
  bool usual = endpoint.port == (endpoint.tls ? 443 : 80);
  return usual ? host : fmt::format("{}:{}", host, endpoint.port);
}

std::string Head(const Endpoint& endpoint, std::string_view method, std::string_view path,
                 std::string_view token) {
  std::string head =
      fmt::format("{} {}{} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {}\r\nAccept: application/json\r\n", method,
                  endpoint.prefix, path, HostHeader(endpoint), kAgent);
  if (!token.empty()) head += fmt::format("Authorization: Bearer {}\r\n", token);
  return head;
}

absl::Status AddLetterAddress(const std::string& address, nlohmann::json& personalisation) {
  auto lines = base::Split(address, '\n');
  std::erase_if(lines, [](const std::string& line) { return base::TrimAscii(line).empty(); });
  if (lines.size() < kLeastAddressLines || lines.size() > kMostAddressLines)
    return NotEncodable("a postal address has 3 to 7 lines, the last of them the postcode or the country");
  for (size_t i = 0; i < lines.size(); ++i)
    personalisation[fmt::format("address_line_{}", i + 1)] = base::TrimAscii(lines[i]);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Endpoint> ParseUrl(std::string_view url) {
  Endpoint endpoint;
  constexpr std::string_view kHttps = "https://", kHttp = "http://";
  if (!IsPlain(url))
    return WrongUrl("--url holds blanks or control characters; write https://host[:port][/path]");
  if (url.substr(0, kHttps.size()) == kHttps) {
    url.remove_prefix(kHttps.size());
  } else if (url.substr(0, kHttp.size()) == kHttp) {
    url.remove_prefix(kHttp.size());
    endpoint.tls = false;
    endpoint.port = 80;
  } else {
    return WrongUrl("--url must begin with https://, e.g. https://api.notifications.service.gov.uk");
  }
  size_t slash = url.find('/');
  if (slash != std::string_view::npos) {
    endpoint.prefix = std::string(url.substr(slash));
    while (!endpoint.prefix.empty() && endpoint.prefix.back() == '/') endpoint.prefix.pop_back();
  }
  if (endpoint.prefix.find_first_of("?#") != std::string::npos ||
      !ReadAuthority(url.substr(0, slash), endpoint))
    return WrongUrl("--url is none; write https://host[:port][/path]");
  if (!endpoint.tls && !IsLoopback(endpoint.host))
    return WrongUrl(
        "--url with http:// is for loopback only: messages are not sent through a network in the clear");
  return endpoint;
}

std::string_view NameOf(MessageKind kind) {
  switch (kind) {
    case MessageKind::kSms:
      return "sms";
    case MessageKind::kEmail:
      return "email";
    case MessageKind::kLetter:
      return "letter";
  }
  return "";
}

absl::StatusOr<std::string> SendBody(const work::Attempt& attempt, const SendSettings& settings) {
  for (std::string_view text :
       {std::string_view(attempt.address()), std::string_view(attempt.text()),
        std::string_view(attempt.email().subject()), std::string_view(attempt.email().one_click_url())})
    if (!base::IsUtf8(text)) return NotEncodable("the message is no UTF-8");
  nlohmann::json body;
  nlohmann::json& personalisation = body["personalisation"];
  body["template_id"] = settings.template_id;
  body["reference"] = base::ToHex(attempt.id());
  personalisation["body"] = attempt.text();
  switch (settings.kind) {
    case MessageKind::kSms:
      body["phone_number"] = "+" + attempt.address();
      if (!settings.sms_sender_id.empty()) body["sms_sender_id"] = settings.sms_sender_id;
      break;
    case MessageKind::kEmail:
      body["email_address"] = attempt.address();
      personalisation["subject"] = attempt.email().subject();
      if (!settings.email_reply_to.empty()) body["email_reply_to_id"] = settings.email_reply_to;
      if (!attempt.email().one_click_url().empty())
        body["one_click_unsubscribe_url"] = attempt.email().one_click_url();
      break;
    case MessageKind::kLetter:
      personalisation["subject"] = attempt.email().subject();
      PHAROS_RETURN_IF_ERROR(AddLetterAddress(attempt.address(), personalisation));
      break;
  }
  std::string text = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (text.size() > kMaxBody) return NotEncodable("the message is larger than the provider takes");
  return text;
}

bool IsSmokeRecipient(MessageKind kind, std::string_view address) {
  if (kind == MessageKind::kSms)
    return address == "447700900000" || address == "447700900111" || address == "447700900222";
  if (kind != MessageKind::kEmail) return false;
  std::string lower = base::LowerAscii(address);
  return lower == "simulate-delivered@notifications.service.gov.uk" ||
         lower == "simulate-delivered-2@notifications.service.gov.uk" ||
         lower == "simulate-delivered-3@notifications.service.gov.uk";
}

std::string SendPath(MessageKind kind) {
  return fmt::format("/v2/notifications/{}", NameOf(kind));
}

std::string ReferencePath(std::string_view reference) {
  return fmt::format("/v2/notifications?reference={}", reference);
}

std::string PagePath(MessageKind kind, std::string_view older_than) {
  std::string path = fmt::format("/v2/notifications?template_type={}", NameOf(kind));
  return older_than.empty() ? path : fmt::format("{}&older_than={}", path, older_than);
}

std::string TemplatePath(std::string_view template_id) {
  return fmt::format("/v2/template/{}", template_id);
}

std::string Get(const Endpoint& endpoint, std::string_view path, std::string_view token) {
  return Head(endpoint, "GET", path, token) + "\r\n";
}

std::string Post(const Endpoint& endpoint, std::string_view path, std::string_view token,
                 std::string_view body) {
  std::string request = Head(endpoint, "POST", path, token);
  request += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.size());
  request += body;
  return request;
}

}  // namespace pharos::notify
