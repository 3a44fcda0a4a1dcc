#include "connectors/smtp/mime.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <ctime>

#include "services/base/errors.h"
#include "services/base/text.h"

namespace pharos::smtp {
namespace {

constexpr size_t kLine = 76;              // of 78 allowed, so that nobody need count the CRLF
constexpr size_t kEncodedWordBytes = 42;  // 56 of base 64 and 12 around it: within the 75 of RFC 2047
constexpr size_t kLongestPlainWord = 60;
constexpr size_t kMaxOneClick = 512;  // EmailContent.one_click_url
constexpr size_t kMaxFeedbackId = 127;
constexpr size_t kMaxAddress = 254;  // RFC 5321, 4.5.3.1.3

absl::Status NotEncodable(const char* what) {
  return base::MakeError(absl::StatusCode::kInvalidArgument, "NOT_ENCODABLE", what);
}

bool HasBreak(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

std::string Base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(size));
  return out;
}

// Can stand in a header as it is, folded at its spaces.
bool IsPlainHeaderText(std::string_view text) {
  if (text.empty() || text.front() == ' ' || text.back() == ' ' || text.find("=?") != text.npos) return false;
  size_t word = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c < ' ' || c > '~') return false;
    if (c == ' ' && text[i - 1] == ' ') return false;
    word = c == ' ' ? 0 : word + 1;
    if (word > kLongestPlainWord) return false;
  }
  return true;
}

std::string Folded(std::string_view text, size_t used) {
  std::string out;
  for (const auto& word : base::Split(text, ' ')) {
    if (!out.empty()) {
      bool fits = used + 1 + word.size() <= kLine;
      out += fits ? " " : "\r\n ";
      used = fits ? used + 1 : 1;
    }
    out += word;
    used += word.size();
  }
  return out;
}

// The longest front of `text` of at most `most` octets that cuts no character.
size_t WholeCharacters(std::string_view text, size_t most) {
  if (text.size() <= most) return text.size();
  size_t end = most;
  while (end > 1 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return end;
}

std::string QuotedName(std::string_view name) {
  std::string out = "\"";
  for (char c : name) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out + '"';
}

std::string FromValue(const Mail& mail) {
  std::string address = fmt::format("<{}>", mail.from);
  if (mail.from_name.empty()) return address;
  bool plain = IsPlainHeaderText(mail.from_name) && mail.from_name.size() <= kLongestPlainWord;
  std::string name = plain ? QuotedName(mail.from_name) : EncodedText(mail.from_name, 6);
  size_t break_at = name.rfind('\n');
  size_t used = break_at == std::string::npos ? name.size() + 6 : name.size() - break_at;
  return name + (used + address.size() < kLine ? " " : "\r\n ") + address;
}

// Plain characters of an address; "<", ">" and "," would end it in the header.
bool IsOneClick(std::string_view url) {
  if (!url.starts_with("https://") || url.size() > kMaxOneClick) return false;
  for (char c : url)
    if (c <= ' ' || c > '~' || c == '<' || c == '>' || c == ',' || c == '"') return false;
  return true;
}

absl::Status Check(const Mail& mail) {
  if (!IsAddress(mail.to)) return NotEncodable("the recipient's address is no email address");
  if (!IsAddress(mail.from)) return NotEncodable("the sender is no email address; check the campaign's From");
  if (!mail.unsubscribe.empty() && !IsAddress(mail.unsubscribe))
    return NotEncodable("the unsubscribe address is no email address; check --bounce-domain");
  if (!mail.one_click.empty() && !IsOneClick(mail.one_click))
    return NotEncodable("the unsubscribe link is no https address of at most 512 plain characters");
  if (HasBreak(mail.feedback_id) || !IsAscii(mail.feedback_id) || mail.feedback_id.size() > kMaxFeedbackId)
    return NotEncodable("the feedback id is no plain text");
  if (HasBreak(mail.message_id) || HasBreak(mail.from_name) || HasBreak(mail.subject))
    return NotEncodable("a header value holds a line break or NUL");
  for (const std::string* value : {&mail.from_name, &mail.subject, &mail.text, &mail.html})
    if (!base::IsUtf8(*value) || value->find('\0') != std::string::npos)
      return NotEncodable("a text is not UTF-8, or holds NUL");
  return absl::OkStatus();
}

// RFC 2369, RFC 8058: the https address first, as receivers take the first that they understand.
std::string ListHeaders(const Mail& mail) {
  std::string ways;
  if (!mail.one_click.empty()) ways = fmt::format("\r\n <{}>", mail.one_click);
  if (!mail.unsubscribe.empty())
    ways += fmt::format("{}\r\n <mailto:{}?subject=unsubscribe>", ways.empty() ? "" : ",", mail.unsubscribe);
  if (ways.empty()) return "";
  std::string out = fmt::format("List-Unsubscribe:{}\r\n", ways);
  if (!mail.one_click.empty()) out += "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n";
  return out;
}

std::string Headers(const Mail& mail) {
  std::string out = fmt::format(
      "Date: {}\r\nFrom: {}\r\nTo: <{}>\r\nMessage-ID: <{}>\r\nSubject: {}\r\nAuto-Submitted: "
      "auto-generated\r\n"
      "Precedence: bulk\r\n",
      DateText(mail.date_us), FromValue(mail), mail.to, mail.message_id, EncodedText(mail.subject, 9));
  if (!mail.feedback_id.empty()) out += fmt::format("Feedback-ID: {}\r\n", mail.feedback_id);
  return out + ListHeaders(mail) + "MIME-Version: 1.0\r\n";
}

std::string Part(const char* kind, std::string_view text) {
  return fmt::format(
      "Content-Type: text/{}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{}\r\n",
      kind, QuotedPrintable(text));
}

}  // namespace

bool IsAscii(std::string_view text) {
  for (unsigned char c : text)
    if (c > 0x7F) return false;
  return true;
}

bool IsAddress(std::string_view address) {
  size_t at = address.rfind('@');
  if (at == std::string_view::npos || at == 0 || at > 64 || at + 1 == address.size()) return false;
  if (address.size() > kMaxAddress || address.find('@') != at || !base::IsUtf8(address)) return false;
  for (unsigned char c : address)
    if (c <= ' ' || c == 0x7F ||
        std::string_view("<>()[]\\,;:\"").find(static_cast<char>(c)) != std::string_view::npos)
      return false;
  std::string_view domain = address.substr(at + 1);
  return domain.front() != '.' && domain.back() != '.' && domain.find("..") == std::string_view::npos;
}

std::string EncodedText(std::string_view text, size_t used) {
  if (text.empty()) return "";
  if (IsPlainHeaderText(text)) return Folded(text, used);
  // The first word stands behind the name: a first line of spaces only is read as part of the text by some.
  constexpr size_t kRoundIt = 12;  // "=?utf-8?B?" and "?="
  size_t most = std::min(kEncodedWordBytes, (kLine - std::min(used + kRoundIt, kLine - 8)) / 4 * 3);
  std::string out;
  while (!text.empty()) {
    size_t size = WholeCharacters(text, most);
    out += fmt::format("{}=?utf-8?B?{}?=", out.empty() ? "" : "\r\n ", Base64(text.substr(0, size)));
    text.remove_prefix(size);
    most = kEncodedWordBytes;
  }
  return out;
}

std::string QuotedPrintable(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size() + text.size() / 8 + 16);
  size_t column = 0;
  auto room_for = [&](size_t size) {
    if (column + size > kLine - 1) {  // room for the soft break
      out += "=\r\n";
      column = 0;
    }
    column += size;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned char c = static_cast<unsigned char>(text[i]);
    bool last = i + 1 == text.size() || text[i + 1] == '\r' || text[i + 1] == '\n';
    if (c == '\r' || c == '\n') {
      if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ++i;
      out += "\r\n";
      column = 0;
    } else if ((c > ' ' && c <= '~' && c != '=') || ((c == ' ' || c == '\t') && !last)) {
      room_for(1);
      out += text[i];
    } else {
      room_for(3);
      out += {'=', kHex[c >> 4], kHex[c & 15]};
    }
  }
  return out;
}

std::string DateText(int64_t micros) {
  static const char* const kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static const char* const kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  time_t seconds = micros / 1'000'000;
  tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{}, {} {} {} {:02}:{:02}:{:02} +0000", kDays[utc.tm_wday], utc.tm_mday,
                     kMonths[utc.tm_mon], 1900 + utc.tm_year, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

absl::StatusOr<std::string> WriteMail(const Mail& mail) {
  PHAROS_RETURN_IF_ERROR(Check(mail));
  std::string out = Headers(mail);
  if (mail.html.empty()) return out + Part("plain", mail.text);
  // Quoted-printable never holds "=_", so no body can hold the boundary.
  constexpr char kBoundary[] = "=_pharos_alternative_";
  out += fmt::format("Content-Type: multipart/alternative;\r\n boundary=\"{}\"\r\n\r\n", kBoundary);
  for (auto [kind, text] : {std::pair("plain", &mail.text), std::pair("html", &mail.html)})
    out += fmt::format("--{}\r\n{}", kBoundary, Part(kind, *text));
  return out + fmt::format("--{}--\r\n", kBoundary);
}

std::string DotStuffed(std::string_view message) {
  std::string out;
  out.reserve(message.size() + 16);
  bool at_start = true;
  for (char c : message) {
    if (at_start && c == '.') out.push_back('.');
    out.push_back(c);
    at_start = c == '\n';
  }
  return out;
}

}  // namespace pharos::smtp
