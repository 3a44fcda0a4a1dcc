#include "services/audience/filter_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "absl/strings/str_join.h"
#include "services/audience/errors.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/text.h"

namespace pharos::audience {
namespace {

using Kind = Predicate::Kind;

constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();
constexpr int64_t kHighest = std::numeric_limits<int64_t>::max();
constexpr size_t kMaxAgeDigits = 4;
constexpr size_t kMaxName = 160;  // of a person or purpose

absl::Status Wrong(const Token& token, std::string_view message) {
  return AudienceErrors::FilterWrong(token.position, message);
}

// "… did you mean "x"? The fields are: …"
absl::Status Unknown(size_t position, std::string_view what, std::string_view name,
                     const std::vector<std::string>& known) {
  const std::string nearest = base::Nearest(name, known);
  const std::string list = absl::StrJoin(known, ", ");
  std::string message = fmt::format("there is no {} {}", what, ShowName(name));
  if (!nearest.empty()) message += fmt::format("; did you mean \"{}\"?", nearest);
  message += fmt::format(" Known: {}", list);
  std::map<std::string, std::string> metadata = {{"known", list}};
  if (!nearest.empty()) metadata["nearest"] = nearest;
  return AudienceErrors::FilterWrong(position, message, std::move(metadata));
}

absl::Status OperatorWrong(const Expression& term, const FieldInfo& field, std::string_view allowed) {
  return Wrong(term.values[0], fmt::format("{} does not go with {}: use {}, e.g. {}", term.op, field.name,
                                           allowed, field.example));
}

absl::Status RefuseStar(const Token& value) {
  if (value.inner_star != 0) {
    return AudienceErrors::FilterWrong(value.inner_star,
                                       R"(a * may stand only at the end; write \* for the character itself)");
  }
  if (value.star) return Wrong(value, R"(no * here; write \* for the character itself)");
  return absl::OkStatus();
}

// Sets [low, high) for a value that covers [from, to).
void SetRange(Predicate& predicate, std::string_view op, int64_t from, int64_t to) {
  predicate.low = op == "=" || op == "!=" || op == ">=" ? from : op == ">" ? to : kLowest;
  predicate.high = op == "=" || op == "!=" || op == "<=" ? to : op == "<" ? from : kHighest;
  predicate.unequal = op == "!=";
}

absl::StatusOr<type::v1::Channel> ReadChannel(const Token& token) {
  const std::string name = base::LowerAscii(token.text);
  if (name == "sms") return type::v1::CHANNEL_SMS;
  if (name == "email") return type::v1::CHANNEL_EMAIL;
  return Unknown(token.position, "channel", token.text, {"SMS", "EMAIL"});
}

// Comparisons, one function a type
// -----------------------------------------------------------------------------------------------

absl::Status CheckInt(const Expression& term, const FieldInfo& field, Predicate& out) {
  if (term.op == ":") return OperatorWrong(term, field, "=, !=, <, <=, > or >=");
  const Token& value = term.values[0];
  const bool written =
      value.kind == TokenKind::kText && !value.star && !value.text.empty() &&
      value.text.size() <= kMaxAgeDigits &&
      std::all_of(value.text.begin(), value.text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!written)
    return Wrong(value,
                 fmt::format("{} is a whole number without quotes, e.g. {}", field.name, field.example));
  const int number = std::stoi(value.text);
  out.kind = field.type == FieldType::kInt ? Kind::kAge : Kind::kLevel;
  SetRange(out, term.op, number, number + 1);
  return absl::OkStatus();
}

absl::Status CheckDate(const Expression& term, const FieldInfo& field, Predicate& out) {
  if (term.op == ":") return OperatorWrong(term, field, "=, !=, <, <=, > or >=");
  const auto date = ParseDate(term.values[0].text);
  if (!date || term.values[0].star) {
    return Wrong(term.values[0],
                 fmt::format("{} is a date that exists, year-month-day, e.g. {}", field.name, field.example));
  }
  out.kind = Kind::kBorn;
  SetRange(out, term.op, *date, *date + 1);
  return absl::OkStatus();
}

absl::Status CheckTime(const Expression& term, const FieldInfo& field, Predicate& out) {
  if (term.op == ":") return OperatorWrong(term, field, "=, !=, <, <=, > or >=");
  const Token& value = term.values[0];
  const auto date = ParseDate(value.text);
  const auto moment = ParseTimestamp(value.text);
  if ((!date && !moment) || value.star) {
    return Wrong(
        value,
        fmt::format("{} is a date or a time with its zone, in quotes: e.g. {} or \"2026-01-01T09:00:00Z\"",
                    field.name, field.example));
  }
  out.kind = Kind::kUpdated;
  if (date) SetRange(out, term.op, LondonMidnight(*date), LondonMidnight(DayAfter(*date)));
  if (!date) SetRange(out, term.op, *moment, *moment + 1);
  return absl::OkStatus();
}

absl::Status CheckText(const Expression& term, const FieldInfo& field, Predicate& out) {
  if (term.op != "=" && term.op != "!=") return OperatorWrong(term, field, "=, != or :*");
  const Token& value = term.values[0];
  if (value.inner_star != 0) return RefuseStar(value);
  out.kind = Kind::kText;
  out.text = ComparedText(field.text, value.text);
  out.prefix = value.star;
  out.unequal = term.op == "!=";
  if (out.text.empty()) {
    return Wrong(value,
                 fmt::format("expected a text; to find people without one write NOT {}:*", field.name));
  }
  return absl::OkStatus();
}

absl::Status CheckSet(const Expression& term, const FieldInfo& field, Predicate& out) {
  if (term.op != ":") return OperatorWrong(term, field, ":");
  const Token& value = term.values[0];
  PHAROS_RETURN_IF_ERROR(RefuseStar(value));
  out.kind = field.type == FieldType::kSources ? Kind::kSource : Kind::kInterest;
  const std::string source = base::Segment(value.text, "sources");
  out.text =
      ComparedWord(out.kind == Kind::kSource && !source.empty() ? std::string_view(source) : value.text);
  if (out.text.empty()) return Wrong(value, fmt::format("expected a word, e.g. {}", field.example));
  return absl::OkStatus();
}

absl::Status CheckKinds(const Expression& term, const FieldInfo& field, Predicate& out) {
  if (term.op != ":") return OperatorWrong(term, field, ":");
  static const std::vector<std::string> kKinds = {"INTERNAL", "PARTNER", "PUBLIC"};
  const Token& value = term.values[0];
  PHAROS_RETURN_IF_ERROR(RefuseStar(value));
  const auto found = std::find(kKinds.begin(), kKinds.end(), value.text);
  if (found == kKinds.end()) return Unknown(value.position, "audience kind", value.text, kKinds);
  out.kind = Kind::kAudience;
  out.low = type::v1::AUDIENCE_KIND_INTERNAL + (found - kKinds.begin());
  return absl::OkStatus();
}

absl::Status CheckPerson(const Expression& term, const FieldInfo& field, Predicate& out) {
  if (term.op != "=" && term.op != "!=") return OperatorWrong(term, field, "= or !=");
  const Token& value = term.values[0];
  PHAROS_RETURN_IF_ERROR(RefuseStar(value));
  out.kind = Kind::kPerson;
  out.text = base::Segment(value.text, "people");
  out.unequal = term.op == "!=";
  if (out.text.empty() || value.text.size() > kMaxName) {
    return Wrong(value, fmt::format("expected the name of a person, e.g. {}", field.example));
  }
  return absl::OkStatus();
}

absl::StatusOr<const FieldInfo*> KnownField(size_t position, std::string_view name) {
  if (const FieldInfo* field = FindField(name)) return field;
  if (const FieldInfo* function = FindFunction(name)) {
    return AudienceErrors::FilterWrong(
        position, fmt::format("{} is a function: write e.g. {}", name, function->example));
  }
  return Unknown(position, "field", name, FieldNames());
}

absl::StatusOr<Predicate> CheckComparison(const Expression& term) {
  PHAROS_ASSIGN_OR_RETURN(const FieldInfo* field, KnownField(term.position, term.name));
  Predicate out;
  out.field = field;
  const Token& value = term.values[0];
  if (value.star && value.text.empty() && (term.op == ":" || term.op == "=")) {
    out.kind = Kind::kPresent;
    return out;
  }
  absl::Status status;
  switch (field->type) {
    case FieldType::kInt:
    case FieldType::kDeprivation:
    case FieldType::kInclusion:
      status = CheckInt(term, *field, out);
      break;
    case FieldType::kDate:
      status = CheckDate(term, *field, out);
      break;
    case FieldType::kTime:
      status = CheckTime(term, *field, out);
      break;
    case FieldType::kText:
      status = CheckText(term, *field, out);
      break;
    case FieldType::kInterests:
    case FieldType::kSources:
      status = CheckSet(term, *field, out);
      break;
    case FieldType::kKinds:
      status = CheckKinds(term, *field, out);
      break;
    case FieldType::kPerson:
      status = CheckPerson(term, *field, out);
      break;
    case FieldType::kFunction:
      break;  // KnownField refused it
  }
  PHAROS_RETURN_IF_ERROR(status);
  return out;
}

// Functions
// ----------------------------------------------------------------------------------------------------------------------

// "*", "campaigns/winter" or "winter"; as the index has it.
absl::StatusOr<std::string> ReadCampaign(const Token& value, const FieldInfo& function) {
  if (value.star && value.inner_star == 0 && value.text.empty()) return std::string("*");
  PHAROS_RETURN_IF_ERROR(RefuseStar(value));
  const std::string id = base::Segment(value.text, "campaigns");
  const std::string_view chosen = id.empty() ? std::string_view(value.text) : id;
  if (base::IsChosenId(chosen)) return fmt::format("campaigns/{}", chosen);
  return Wrong(value,
               fmt::format("expected the name of a campaign, or \"*\" for any, e.g. {}", function.example));
}

absl::StatusOr<int64_t> ReadDays(const Token& value, const FieldInfo& function) {
  const bool written =
      value.kind == TokenKind::kText && !value.star && !value.text.empty() &&
      value.text.size() <= kMaxAgeDigits &&
      std::all_of(value.text.begin(), value.text.end(), [](char c) { return c >= '0' && c <= '9'; });
  const int days = written ? std::stoi(value.text) : -1;
  if (days >= 0 && days <= kMostEngagedDays) return days;
  return Wrong(value,
               fmt::format("expected a number of days from 1 to {}, without quotes, or 0 for ever, e.g. {}",
                           kMostEngagedDays, function.example));
}

// engaged(campaign, event [, days])
absl::StatusOr<Predicate> CheckEngaged(const Expression& term, const FieldInfo& function) {
  if (term.values.size() < 2 || term.values.size() > 3) {
    return AudienceErrors::FilterWrong(
        term.position,
        fmt::format("engaged takes 2 or 3 values: campaign, event and days, e.g. {}", function.example));
  }
  Predicate out;
  out.kind = Kind::kEngaged;
  PHAROS_ASSIGN_OR_RETURN(out.text, ReadCampaign(term.values[0], function));
  const Token& event = term.values[1];
  PHAROS_RETURN_IF_ERROR(RefuseStar(event));
  out.event = EngagementEventOf(base::LowerAscii(event.text));
  if (out.event == EngagementEvent::kNone)
    return Unknown(event.position, "event", event.text, EngagementEventNames());
  if (term.values.size() == 3) {
    PHAROS_ASSIGN_OR_RETURN(out.high, ReadDays(term.values[2], function));
  }
  return out;
}

absl::StatusOr<Predicate> CheckCall(const Expression& term) {
  const FieldInfo* function = FindFunction(term.name);
  if (function == nullptr && FindField(term.name) != nullptr) {
    return AudienceErrors::FilterWrong(
        term.position, fmt::format("{} is a field: write e.g. {}", term.name, FindField(term.name)->example));
  }
  if (function == nullptr) return Unknown(term.position, "function", term.name, FunctionNames());
  if (term.name == "engaged") return CheckEngaged(term, *function);
  const size_t wanted = term.name == "consent" ? 2 : 1;
  if (term.values.size() != wanted) {
    return AudienceErrors::FilterWrong(
        term.position, fmt::format("{} takes {} value{}, e.g. {}", term.name, wanted, wanted == 1 ? "" : "s",
                                   function->example));
  }
  for (const Token& value : term.values) PHAROS_RETURN_IF_ERROR(RefuseStar(value));
  Predicate out;
  if (term.name == "has") {
    out.kind = Kind::kPresent;
    PHAROS_ASSIGN_OR_RETURN(out.field, KnownField(term.values[0].position, term.values[0].text));
    return out;
  }
  PHAROS_ASSIGN_OR_RETURN(out.channel, ReadChannel(term.values[0]));
  out.kind = term.name == "consent" ? Kind::kConsent : Kind::kReachable;
  if (out.kind == Kind::kConsent) out.text = term.values[1].text;
  if (out.kind == Kind::kConsent && !base::IsChosenId(base::Segment(out.text, "purposes"))) {
    return Wrong(term.values[1], fmt::format("expected the name of a purpose, e.g. {}", function->example));
  }
  return out;
}

absl::StatusOr<Predicate> Check(const Expression& expression) {
  if (expression.kind == Expression::Kind::kCompare) return CheckComparison(expression);
  if (expression.kind == Expression::Kind::kCall) return CheckCall(expression);
  Predicate out;
  if (expression.kind == Expression::Kind::kAnd) out.kind = Kind::kAnd;
  if (expression.kind == Expression::Kind::kOr) out.kind = Kind::kOr;
  if (expression.kind == Expression::Kind::kNot) out.kind = Kind::kNot;
  for (const Expression& part : expression.parts) {
    PHAROS_ASSIGN_OR_RETURN(Predicate checked, Check(part));
    out.parts.push_back(std::move(checked));
  }
  return out;
}

// The texts of all predicates of one kind, each once.
void CollectTexts(const Predicate& predicate, Kind kind, std::vector<std::string>& texts) {
  if (predicate.kind == kind && std::find(texts.begin(), texts.end(), predicate.text) == texts.end())
    texts.push_back(predicate.text);
  for (const Predicate& part : predicate.parts) CollectTexts(part, kind, texts);
}

}  // namespace

absl::StatusOr<Predicate> CompileFilter(std::string_view filter) {
  PHAROS_ASSIGN_OR_RETURN(const Expression expression, ParseFilter(filter));
  return Check(expression);
}

std::vector<std::string> PurposesIn(const Predicate& predicate) {
  std::vector<std::string> purposes;
  CollectTexts(predicate, Kind::kConsent, purposes);
  return purposes;
}

std::vector<std::string> CampaignsIn(const Predicate& predicate) {
  std::vector<std::string> campaigns;
  CollectTexts(predicate, Kind::kEngaged, campaigns);
  return campaigns;
}

int32_t EngagedSince(const Predicate& predicate, PackedDate today) {
  if (predicate.high == 0) return EngagementBook::kEver;
  return DayNumber(today) - static_cast<int32_t>(predicate.high) + 1;
}

}  // namespace pharos::audience
