#include "connectors/sandbox/mail_session.h"

#include <fmt/format.h>

#include <cstdlib>
#include <map>
#include <optional>

#include "services/base/ids.h"
#include "services/base/text.h"

namespace pharos::sandbox {
namespace {

constexpr size_t kMaxCommandBytes = 4096;  // RFC 5321: 512, more with extensions
constexpr size_t kMaxRecipients = 100;     // RFC 5321: at least 100
constexpr size_t kMaxAddress = 320;

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return upper;
}

bool IsAscii(std::string_view text) {
  for (char c : text)
    if (c & 0x80) return false;
  return true;
}

// RFC 3461: "+3D" → "=".
std::string FromXtext(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    std::string octet =
        text[i] == '+' && i + 2 < text.size() ? base::FromHex(base::LowerAscii(text.substr(i + 1, 2))) : "";
    out += octet.empty() ? std::string(1, text[i]) : octet;
    if (!octet.empty()) i += 2;
  }
  return out;
}

struct Path {
  std::string address;
  std::map<std::string, std::string> parameters;  // names in upper case
};

// "FROM:<a@b> SIZE=10 BODY=8BITMIME"
std::optional<Path> ParsePath(std::string_view rest, std::string_view keyword) {
  if (Upper(rest.substr(0, keyword.size())) != keyword) return std::nullopt;
  rest = base::TrimAscii(rest.substr(keyword.size()));
  size_t close = rest.find('>');
  if (rest.empty() || rest[0] != '<' || close == std::string_view::npos) return std::nullopt;
  Path path;
  path.address = std::string(rest.substr(1, close - 1));
  for (const std::string& word : base::Split(rest.substr(close + 1), ' ')) {
    if (word.empty()) continue;
    size_t equals = word.find('=');
    path.parameters[Upper(word.substr(0, equals))] =
        equals == std::string::npos ? "" : word.substr(equals + 1);
  }
  return path;
}

bool IsAddress(std::string_view address) {
  size_t at = address.rfind('@');
  if (at == std::string_view::npos || at == 0 || at + 1 == address.size() || address.size() > kMaxAddress)
    return false;
  for (char c : address)
    if (static_cast<unsigned char>(c) <= 0x20 || c == '<' || c == 0x7F) return false;
  return true;
}

// The first parameter that is not in `known`; "" if all are.
std::string Unknown(const Path& path, std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : path.parameters) {
    bool found = false;
    for (std::string_view word : known) found |= name == word;
    if (!found) return name;
  }
  return "";
}

}  // namespace

MailSession::MailSession(bool offers_tls, Callbacks callbacks, std::string_view banner)
    : offers_tls_(offers_tls), callbacks_(std::move(callbacks)) {
  Say(banner.empty() ? "220 localhost ESMTP pharos-sandbox: a trial, sends nothing to anybody"
                     : fmt::format("220 {}", banner));
}

std::string MailSession::TakeOut() {
  std::string out;
  out.swap(out_);
  return out;
}

void MailSession::Say(std::string_view line) {
  out_ += line;
  out_ += "\r\n";
}

void MailSession::Reset() {
  envelope_ = {};
  data_.clear();
  in_mail_ = in_data_ = too_large_ = utf8_ = false;
}

void MailSession::OnTls() {
  Reset();
  in_.clear();
  tls_ = true;
  greeted_ = false;
}

MailSession::Next MailSession::Take(std::string_view bytes, int64_t t_ns) {
  in_ += bytes;
  size_t at = 0;
  Next next = Next::kGoOn;
  for (;;) {
    if (in_data_) at = TakeText(at);
    // Only CR LF ends a line: a lone LF before a dot must not end a message.
    size_t end = in_.find("\r\n", at);
    if (end == std::string::npos) break;
    next = OnLine(std::string_view(in_).substr(at, end - at), t_ns);
    at = end + 2;
    if (next != Next::kGoOn) break;
  }
  in_.erase(0, next == Next::kGoOn ? at : in_.size());
  if (!in_data_ && in_.size() > kMaxCommandBytes) {
    Say("500 5.5.6 Line too long");
    return Next::kClose;
  }
  if (in_.size() > kMaxMailBytes) return Next::kClose;  // a line without end
  return next;
}

// Whole lines of a message that do not begin with a dot, all at once; how far it came.
size_t MailSession::TakeText(size_t at) {
  if (too_large_ || at >= in_.size() || in_[at] == '.') return at;
  const size_t dot = in_.find("\r\n.", at);
  const size_t last = dot != std::string::npos ? dot : in_.rfind("\r\n");
  if (last == std::string::npos || last < at) return at;
  const size_t size = last + 2 - at;
  too_large_ = data_.size() + size > kMaxMailBytes;
  if (!too_large_) data_.append(in_, at, size);
  return last + 2;
}

MailSession::Next MailSession::OnLine(std::string_view line, int64_t t_ns) {
  if (in_data_) return OnData(line, t_ns);
  size_t space = line.find(' ');
  std::string verb = Upper(line.substr(0, space));
  return OnCommand(verb, space == std::string_view::npos ? "" : line.substr(space + 1), t_ns);
}

MailSession::Next MailSession::OnCommand(const std::string& verb, std::string_view rest, int64_t t_ns) {
  if (verb == "EHLO" || verb == "HELO") {
    OnEhlo(rest, verb == "EHLO");
  } else if (verb == "STARTTLS" && offers_tls_ && !tls_) {
    Say("220 2.0.0 Ready to start TLS");
    return Next::kStartTls;
  } else if (verb == "QUIT") {
    Say("221 2.0.0 Bye");
    return Next::kClose;
  } else if (verb == "NOOP") {
    Say("250 2.0.0 OK");
  } else if (verb == "RSET") {
    Reset();
    Say("250 2.0.0 OK");
  } else if (verb == "VRFY") {
    Say("252 2.1.5 Send a message and see");
  } else if (verb == "MAIL") {
    OnMail(rest);
  } else if (verb == "RCPT") {
    return OnRcpt(rest, t_ns);
  } else if (verb == "DATA") {
    OnDataCommand();
  } else {
    Say("502 5.5.1 There is no such command");
  }
  return Next::kGoOn;
}

void MailSession::OnEhlo(std::string_view rest, bool extended) {
  if (base::TrimAscii(rest).empty()) return Say("501 5.5.4 Say who you are");
  Reset();
  greeted_ = true;
  if (!extended) return Say("250 localhost");
  Say("250-localhost greets you");
  Say("250-PIPELINING");
  Say(fmt::format("250-SIZE {}", kMaxMailBytes));
  Say("250-8BITMIME");
  Say("250-DSN");
  Say("250-SMTPUTF8");
  if (offers_tls_ && !tls_) Say("250-STARTTLS");
  Say("250 ENHANCEDSTATUSCODES");
}

void MailSession::OnMail(std::string_view rest) {
  if (!greeted_) return Say("503 5.5.1 EHLO first");
  if (in_mail_) return Say("503 5.5.1 One message after the other");
  auto path = ParsePath(rest, "FROM:");
  if (!path || (!path->address.empty() && !IsAddress(path->address)))
    return Say("501 5.1.7 MAIL FROM:<address>");
  std::string unknown = Unknown(*path, {"SIZE", "BODY", "RET", "ENVID", "SMTPUTF8"});
  if (!unknown.empty()) return Say(fmt::format("555 5.5.4 {} is not known", unknown));
  if (std::strtoull(path->parameters["SIZE"].c_str(), nullptr, 10) > kMaxMailBytes)
    return Say("552 5.3.4 Message too large");
  utf8_ = path->parameters.count("SMTPUTF8") > 0;
  if (!utf8_ && !IsAscii(path->address)) return Say("553 5.6.7 That needs SMTPUTF8");
  in_mail_ = true;
  envelope_.from = path->address;
  envelope_.envid = FromXtext(path->parameters["ENVID"]);
  Say("250 2.1.0 OK");
}

MailSession::Next MailSession::OnRcpt(std::string_view rest, int64_t t_ns) {
  if (!in_mail_) return Say("503 5.5.1 MAIL first"), Next::kGoOn;
  auto path = ParsePath(rest, "TO:");
  if (!path || !IsAddress(path->address)) return Say("501 5.1.3 RCPT TO:<address>"), Next::kGoOn;
  std::string unknown = Unknown(*path, {"NOTIFY", "ORCPT"});
  if (!unknown.empty()) return Say(fmt::format("555 5.5.4 {} is not known", unknown)), Next::kGoOn;
  if (!utf8_ && !IsAscii(path->address)) return Say("553 5.6.7 That needs SMTPUTF8"), Next::kGoOn;
  if (envelope_.to.size() >= kMaxRecipients) return Say("452 4.5.3 Too many recipients"), Next::kGoOn;
  Recipient recipient{path->address, path->parameters["ORCPT"], Upper(path->parameters["NOTIFY"]), -1};
  std::string answer = callbacks_.on_recipient(envelope_, recipient, t_ns);
  Say(answer);
  if (answer[0] == '2') envelope_.to.push_back(std::move(recipient));
  return answer.substr(0, 4) == "421 " ? Next::kClose : Next::kGoOn;
}

void MailSession::OnDataCommand() {
  if (!in_mail_) return Say("503 5.5.1 MAIL first");
  if (envelope_.to.empty()) return Say("554 5.5.1 No valid recipients");
  in_data_ = true;
  Say("354 End with a line that has a dot only");
}

MailSession::Next MailSession::OnData(std::string_view line, int64_t t_ns) {
  if (line != ".") {
    if (!line.empty() && line[0] == '.') line.remove_prefix(1);
    too_large_ = too_large_ || data_.size() + line.size() + 2 > kMaxMailBytes;
    if (too_large_) return Next::kGoOn;
    data_ += line;
    data_ += "\r\n";
    return Next::kGoOn;
  }
  if (too_large_) {
    Say("552 5.3.4 Message too large");
    Reset();
    return Next::kGoOn;
  }
  Verdict verdict = callbacks_.on_message(envelope_, data_, t_ns);
  Reset();
  if (verdict.cut) return Next::kCut;
  if (!verdict.answer.empty()) Say(verdict.answer);
  return verdict.answer.substr(0, 4) == "421 " ? Next::kClose : Next::kGoOn;
}

}  // namespace pharos::sandbox
