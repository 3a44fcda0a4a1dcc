#include "connectors/smtp/dsn.h"

#include <algorithm>
#include <cstdint>
#include <initializer_list>

#include "services/base/text.h"

namespace pharos::smtp {
namespace {

constexpr size_t kMaxValue = 16 * 1024;  // of one field, unfolded

// The next line without its end; false at the end of the text.
bool TakeLine(std::string_view& text, std::string_view& line) {
  if (text.empty()) return false;
  size_t end = text.find('\n');
  line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return true;
}

// Value of a parameter of Content-Type: boundary="…"; "" if there is none.
std::string Parameter(const std::string& value, std::string_view name) {
  const std::string lower = base::LowerAscii(value);
  size_t at = 0;
  while ((at = lower.find(';', at)) != std::string::npos) {
    ++at;
    while (at < lower.size() && (lower[at] == ' ' || lower[at] == '\t')) ++at;
    if (lower.compare(at, name.size(), name) != 0) continue;
    size_t equals = at + name.size();
    while (equals < value.size() && value[equals] == ' ') ++equals;
    if (equals >= value.size() || value[equals] != '=') continue;
    ++equals;
    while (equals < value.size() && value[equals] == ' ') ++equals;
    if (equals < value.size() && value[equals] == '"') {
      std::string out;
      for (size_t i = equals + 1; i < value.size() && value[i] != '"'; ++i) {
        if (value[i] == '\\' && i + 1 < value.size()) ++i;
        out.push_back(value[i]);
      }
      return out;
    }
    return value.substr(equals, value.find_first_of("; \t", equals) - equals);
  }
  return "";
}

std::string KindOf(const Fields& fields) {
  std::string value = FieldOf(fields, "content-type");
  return base::LowerAscii(base::TrimAscii(std::string_view(value).substr(0, value.find(';'))));
}

void Walk(std::string_view message, int depth, std::vector<MailPart>& parts);

// Each part of `body` between lines of the boundary. A part without a closing line goes to the end.
void WalkParts(std::string_view body, const std::string& boundary, int depth, std::vector<MailPart>& parts) {
  const std::string mark = "--" + boundary;
  std::string_view rest = body, line;
  const char* begun = nullptr;
  while (!rest.empty() && parts.size() < kMaxParts) {
    const char* at = rest.data();
    TakeLine(rest, line);
    if (line.substr(0, mark.size()) != mark) continue;
    const auto tail = base::TrimAscii(line.substr(mark.size()));
    if (!tail.empty() && tail != "--") continue;
    if (begun) Walk({begun, static_cast<size_t>(at - begun)}, depth + 1, parts);
    begun = tail.empty() ? line.data() + line.size() : nullptr;
    if (begun) begun = rest.data();
    if (!tail.empty()) return;
  }
  if (begun && parts.size() < kMaxParts)
    Walk({begun, static_cast<size_t>(body.data() + body.size() - begun)}, depth + 1, parts);
}

void Walk(std::string_view message, int depth, std::vector<MailPart>& parts) {
  std::string_view body = message;
  Fields fields = ReadFields(body);
  std::string kind = KindOf(fields);
  std::string boundary = Parameter(FieldOf(fields, "content-type"), "boundary");
  if (kind.starts_with("multipart/") && !boundary.empty() && depth < kMaxDepth)
    return WalkParts(body, boundary, depth, parts);
  parts.push_back({kind.empty() ? "text/plain" : kind,
                   base::LowerAscii(base::TrimAscii(FieldOf(fields, "content-transfer-encoding"))), body});
}

int HexDigit(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                : -1;
}

std::string FromQuotedPrintable(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      out += text[i];
      continue;
    }
    size_t end = i + 1;
    if (end < text.size() && text[end] == '\r') ++end;
    if (end < text.size() && text[end] == '\n') {
      i = end;
    } else if (i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 && HexDigit(text[i + 2]) >= 0) {
      out += static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2]));
      i += 2;
    } else {
      out += '=';
    }
  }
  return out;
}

std::string FromBase64(std::string_view text) {
  std::string out;
  uint32_t bits = 0;
  int have = 0;
  for (const char c : text) {
    int value = c >= 'A' && c <= 'Z'   ? c - 'A'
                : c >= 'a' && c <= 'z' ? c - 'a' + 26
                : c >= '0' && c <= '9' ? c - '0' + 52
                : c == '+'             ? 62
                : c == '/'             ? 63
                                       : -1;
    if (value < 0) continue;
    bits = bits << 6 | static_cast<uint32_t>(value);
    have += 6;
    if (have < 8) continue;
    have -= 8;
    out += static_cast<char>(bits >> have & 0xFF);
  }
  return out;
}

bool HasAny(const std::string& text, std::initializer_list<const char*> words) {
  for (const char* word : words)
    if (text.find(word) != std::string::npos) return true;
  return false;
}

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// The first enhanced code of a failure in free text: digits stand around no further digit or dot ("192.0.2.1"
// is none).
Enhanced FirstCode(std::string_view text) {
  Enhanced found;
  for (size_t i = 0; i + 4 < text.size(); ++i) {
    if ((text[i] != '4' && text[i] != '5') || text[i + 1] != '.') continue;
    if (i > 0 && (IsDigit(text[i - 1]) || text[i - 1] == '.' || text[i - 1] == '-')) continue;
    const Enhanced code = ReadEnhanced(text.substr(i));
    if (code.kind == 0) continue;
    if (found.kind == 0) found = code;
    if (code.subject != 0) return code;  // x.0.0 says little; a later one may say more
  }
  return found;
}

DsnAction ActionOf(std::string value) {
  value = base::LowerAscii(base::TrimAscii(value));
  size_t end = value.find_first_of(" \t(;");
  std::string word = value.substr(0, end);
  if (word == "failed" || word == "failure") return DsnAction::kFailed;
  if (word == "delayed") return DsnAction::kDelayed;
  if (word == "delivered") return DsnAction::kDelivered;
  if (word == "relayed") return DsnAction::kRelayed;
  if (word == "expanded") return DsnAction::kExpanded;
  return DsnAction::kNone;
}

}  // namespace

Fields ReadFields(std::string_view& text) {
  Fields fields;
  std::string_view line;
  bool keep = false;  // does a folded line belong to a field that was kept?
  while (TakeLine(text, line)) {
    if (line.empty()) break;
    if (line[0] == ' ' || line[0] == '\t') {
      if (keep && fields.back().second.size() + line.size() < kMaxValue)
        fields.back().second.append(" ").append(base::TrimAscii(line));
      continue;
    }
    size_t colon = line.find(':');
    keep = colon != std::string_view::npos && colon > 0 && fields.size() < kMaxFields;
    if (!keep) continue;
    fields.emplace_back(base::LowerAscii(base::TrimAscii(line.substr(0, colon))),
                        base::TrimAscii(line.substr(colon + 1, kMaxValue)));
  }
  return fields;
}

std::string FieldOf(const Fields& fields, std::string_view name) {
  for (const auto& [key, value] : fields)
    if (key == name) return value;
  return "";
}

std::vector<MailPart> ReadParts(std::string_view message) {
  std::vector<MailPart> parts;
  Walk(message, 0, parts);
  return parts;
}

std::string TextOf(const MailPart& part, size_t most) {
  std::string_view body = part.body.substr(0, most);
  if (part.encoding == "quoted-printable") return FromQuotedPrintable(body);
  if (part.encoding == "base64") return FromBase64(body);
  return std::string(body);
}

std::optional<Dsn> ReadDsn(std::string_view message) {
  Dsn dsn;
  for (const MailPart& found : ReadParts(message)) {
    if (found.kind != "message/delivery-status" && found.kind != "message/global-delivery-status") continue;
    const std::string text = TextOf(found, found.body.size());
    std::string_view part = text;
    bool first = true;
    while (!part.empty()) {
      Fields group = ReadFields(part);
      if (group.empty()) continue;
      if (first && dsn.envelope_id.empty()) dsn.envelope_id = FieldOf(group, "original-envelope-id");
      first = false;
      DsnRecipient recipient{ActionOf(FieldOf(group, "action")), ReadEnhanced(FieldOf(group, "status")), {}};
      recipient.said = FirstCode(FieldOf(group, "diagnostic-code"));
      bool says = recipient.action != DsnAction::kNone || !FieldOf(group, "final-recipient").empty();
      if (says && dsn.recipients.size() < kMaxRecipients) dsn.recipients.push_back(recipient);
    }
  }
  if (dsn.recipients.empty()) return std::nullopt;
  return dsn;
}

std::optional<WordBounce> ReadWordBounce(std::string_view message) {
  constexpr size_t kMostText = 64 * 1024;
  std::string_view rest = message;
  const Fields fields = ReadFields(rest);
  const std::string from = base::LowerAscii(FieldOf(fields, "from"));
  const std::string subject = base::LowerAscii(FieldOf(fields, "subject"));
  const bool daemon =
      HasAny(from, {"mailer-daemon", "postmaster", "mail delivery", "mailerdaemon", "mail-daemon", "mmdf"});
  const bool titled = HasAny(
      subject,
      {"undeliver",           "delivery fail",      "delivery status",         "delivery notif",
       "returned mail",       "failure notice",     "mail delivery",           "could not be delivered",
       "non-deliver",         "nondeliver",         "not delivered",           "delivery error",
       "delivery problem",    "returned to sender", "unable to deliver",       "message status",
       "delivery has failed", "user unknown",       "warning: could not send", "mail failure",
       "mail error",          "delivery report"});
  const bool reported =
      KindOf(fields) == "multipart/report" || !FieldOf(fields, "x-failed-recipients").empty();
  if (!daemon && !titled && !reported) return std::nullopt;
  // A person's automatic answer is from the person, whatever its title.
  if (!daemon && !reported && IsAutomaticAnswer(fields)) return std::nullopt;
  std::string text;
  for (const MailPart& part : ReadParts(message))
    if (part.kind.starts_with("text/") && text.size() < kMostText)
      text += TextOf(part, kMostText - text.size()) + "\n";
  // What is returned of our own message is not theirs to say.
  for (const char* mark : {"\nReturn-Path:", "\nReceived:"})
    text.resize(std::min(text.size(), std::max<size_t>(text.find(mark), 1)));
  const std::string lower = base::LowerAscii(text);
  WordBounce bounce;
  bounce.status = FirstCode(text);
  bounce.final =
      bounce.status.kind == 5 ||
      (bounce.status.kind == 0 && !HasAny(subject, {"delay", "warning"}) &&
       !HasAny(lower, {"will be retried", "will keep trying", "will continue trying", "still trying"}));
  const bool says =
      bounce.status.kind != 0 ||
      HasAny(lower,
             {"unknown",      "not found",   "does not exist", "no such",  "undeliverable", "not deliver",
              "could not be", "couldn't be", "unable to",      "failed",   "failure",       "rejected",
              "refused",      "quota",       "full",           "disabled", "returned",      "not known",
              "invalid",      "permanent",   "unavailable",    "delay",    "bounced",       "fatal"});
  if (!says) return std::nullopt;
  return bounce;
}

bool Complaint::unwanted() const {
  return feedback_type == "abuse" || feedback_type == "fraud" || feedback_type == "opt-out" ||
         feedback_type == "opt-out-list";
}

std::optional<Complaint> ReadComplaint(std::string_view message) {
  for (const MailPart& part : ReadParts(message)) {
    if (part.kind != "message/feedback-report") continue;
    const std::string text = TextOf(part, part.body.size());
    std::string_view rest = text;
    Complaint complaint;
    complaint.fields = ReadFields(rest);
    complaint.feedback_type = base::LowerAscii(base::TrimAscii(FieldOf(complaint.fields, "feedback-type")));
    if (!complaint.feedback_type.empty()) return complaint;
  }
  return std::nullopt;
}

const DsnRecipient* Decisive(const Dsn& dsn) {
  for (DsnAction action : {DsnAction::kDelivered, DsnAction::kFailed, DsnAction::kRelayed,
                           DsnAction::kExpanded, DsnAction::kDelayed})
    for (const auto& recipient : dsn.recipients)
      if (recipient.action == action) return &recipient;
  return nullptr;
}

bool IsAutomaticAnswer(const Fields& fields) {
  std::string submitted = base::LowerAscii(FieldOf(fields, "auto-submitted"));
  if (submitted.substr(0, 12) == "auto-replied" || submitted.substr(0, 13) == "auto-notified") return true;
  std::string precedence = base::LowerAscii(FieldOf(fields, "precedence"));
  if (precedence == "auto_reply" || precedence == "auto-reply") return true;
  for (const char* name : {"x-autoreply", "x-autorespond", "x-autogenerated"})
    if (!FieldOf(fields, name).empty()) return true;
  return KindOf(fields) == "multipart/report";
}

}  // namespace pharos::smtp
