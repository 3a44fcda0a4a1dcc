#include "services/edge/hooks/receiver_url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "services/base/errors.h"
#include "services/base/text.h"
#include "services/edge/errors.h"
#include "services/edge/hooks/address_guard.h"

namespace pharos::edge::hooks {
namespace {

constexpr size_t kLongestName = 253, kLongestLabel = 63;  // RFC 1035

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

bool IsLabel(std::string_view label) {
  if (label.empty() || label.size() > kLongestLabel || label.front() == '-' || label.back() == '-')
    return false;
  return std::all_of(label.begin(), label.end(),
                     [](char c) { return IsDigit(c) || (c >= 'a' && c <= 'z') || c == '-'; });
}

// What the C library would read as a number: the last label is one, in any base.
bool LooksLikeNumber(std::string_view last) {
  const bool digits = std::all_of(last.begin(), last.end(), IsDigit);
  return digits || last.rfind("0x", 0) == 0;
}

bool IsName(std::string_view host) {
  if (host.empty() || host.size() > kLongestName) return false;
  const auto labels = base::Split(host, '.');
  return std::all_of(labels.begin(), labels.end(), IsLabel) && !LooksLikeNumber(labels.back());
}

absl::Status ReadPort(std::string_view text, ReceiverUrl& url) {
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool whole = error == std::errc() && end == text.data() + text.size() && IsDigit(text.front());
  if (!whole || port < 1 || port > 65'535) return errors::SettingWrong("a port is a number from 1 to 65535");
  url.port = fmt::format("{}", port);
  return absl::OkStatus();
}

// "host", "host:port", "[v6]", "[v6]:port".
absl::Status ReadAuthority(std::string_view text, ReceiverUrl& url) {
  const bool bracket = !text.empty() && text.front() == '[';
  const size_t end = bracket ? text.find(']') : text.find(':');
  if (bracket && end == std::string_view::npos) return errors::SettingWrong("the bracket is not closed");
  url.host = base::LowerAscii(bracket ? text.substr(1, end - 1) : text.substr(0, end));
  const std::string_view rest = end == std::string_view::npos ? "" : text.substr(bracket ? end + 1 : end);
  const auto address = ReadAddress(url.host);
  url.literal = address.has_value();
  const bool good = address ? address->v6 == bracket : !bracket && IsName(url.host);
  if (!good)
    return errors::SettingWrong(
        "the host must be a name such as crm.example.org, or an address in its usual form");
  url.port = url.tls ? "443" : "80";
  if (!rest.empty()) {
    if (rest.front() != ':' || rest.size() == 1) return errors::SettingWrong("a port stands behind a colon");
    PHAROS_RETURN_IF_ERROR(ReadPort(rest.substr(1), url));
  }
  const std::string host = bracket ? fmt::format("[{}]", url.host) : url.host;
  const bool usual = url.port == (url.tls ? "443" : "80");
  url.header = usual ? host : fmt::format("{}:{}", host, url.port);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ReceiverUrl> ReadReceiverUrl(std::string_view text) {
  if (text.size() > kLongestUrl)
    return errors::SettingWrong(fmt::format("it is longer than {} characters", kLongestUrl));
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return c > 0x20 && c < 0x7f && std::string_view("\"<>\\^`{|}#@").find(c) == std::string_view::npos;
  });
  if (!plain)
    return errors::SettingWrong(
        "write it without names, passwords, fragments, spaces or letters that need percent-encoding");
  ReceiverUrl url;
  url.tls = text.rfind("https://", 0) == 0;
  if (!url.tls && text.rfind("http://", 0) != 0) return errors::SettingWrong("it must begin with https://");
  const std::string_view after = text.substr(text.find("://") + 3);
  const size_t end = std::min(after.find('/'), after.find('?'));
  PHAROS_RETURN_IF_ERROR(ReadAuthority(after.substr(0, end), url));
  url.target = end == std::string_view::npos ? "/" : std::string(after.substr(end));
  if (url.target.front() == '?') url.target.insert(0, "/");
  return url;
}

}  // namespace pharos::edge::hooks
