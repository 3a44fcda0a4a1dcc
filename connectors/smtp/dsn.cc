#include "connectors/smtp/dsn.h"

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

// The part of `body` that has one of these types; "" if there is none.
std::string_view DeliveryStatusPart(std::string_view body, const std::string& boundary) {
  const std::string mark = "--" + boundary;
  std::string_view rest = body, line;
  while (!rest.empty()) {
    if (!TakeLine(rest, line) || line.substr(0, mark.size()) != mark) continue;
    if (base::TrimAscii(line) == mark + "--") return {};
    if (base::TrimAscii(line) != mark) continue;
    std::string_view part = rest;
    Fields fields = ReadFields(part);
    std::string kind = KindOf(fields);
    if (kind != "message/delivery-status" && kind != "message/global-delivery-status") continue;
    std::string_view scan = part;
    while (TakeLine(scan, line))
      if (line.substr(0, mark.size()) == mark)
        return part.substr(0, static_cast<size_t>(line.data() - part.data()));
    return part;
  }
  return {};
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

std::optional<Dsn> ReadDsn(std::string_view message) {
  std::string_view body = message;
  Fields fields = ReadFields(body);
  std::string boundary = Parameter(FieldOf(fields, "content-type"), "boundary");
  if (KindOf(fields).substr(0, 10) != "multipart/" || boundary.empty()) return std::nullopt;
  std::string_view part = DeliveryStatusPart(body, boundary);
  Dsn dsn;
  bool first = true;
  while (!part.empty()) {
    Fields group = ReadFields(part);
    if (group.empty()) continue;
    if (first) dsn.envelope_id = FieldOf(group, "original-envelope-id");
    first = false;
    DsnRecipient recipient{ActionOf(FieldOf(group, "action")), ReadEnhanced(FieldOf(group, "status"))};
    bool says = recipient.action != DsnAction::kNone || !FieldOf(group, "final-recipient").empty();
    if (says && dsn.recipients.size() < kMaxRecipients) dsn.recipients.push_back(recipient);
  }
  if (dsn.recipients.empty()) return std::nullopt;
  return dsn;
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
