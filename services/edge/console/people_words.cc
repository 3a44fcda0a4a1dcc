#include "services/edge/console/people_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "services/base/text.h"

namespace pharos::edge::console {

namespace v1 = customer::v1;

namespace {

bool IsDigits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Modulus 11 (NHS Data Dictionary, NHS NUMBER).
bool IsNhsNumber(std::string_view digits) {
  if (digits.size() != 10 || !IsDigits(digits) || digits[0] == '0') return false;
  int sum = 0;
  for (int i = 0; i < 9; ++i) sum += (digits[static_cast<size_t>(i)] - '0') * (10 - i);
  const int check = (11 - sum % 11) % 11;
  return check != 10 && check == digits[9] - '0';
}

std::string Bits(double bits) {
  const double rounded = std::round(bits * 10) / 10;
  return fmt::format("{:+.1f}", rounded == 0 ? 0.0 : rounded);
}

Cell BitsCell(double bits) {
  Cell cell{Bits(bits)};
  cell.numeric = true;
  return cell;
}

std::string DateInWords(std::string_view value) {
  static constexpr const char* kMonths[] = {"January",   "February", "March",    "April",
                                            "May",       "June",     "July",     "August",
                                            "September", "October",  "November", "December"};
  const auto parts = base::Split(value, '-');
  if (parts.size() != 3 || !IsDigits(parts[0]) || !IsDigits(parts[1]) || !IsDigits(parts[2]))
    return std::string(value);
  const int month = std::atoi(parts[1].c_str());
  if (month < 1 || month > 12) return std::string(value);
  return fmt::format("{} {} {}", std::atoi(parts[2].c_str()), kMonths[month - 1], parts[0]);
}

}  // namespace

std::string FieldInWords(std::string_view field) {
  if (field == "nhs_number") return "NHS number";
  if (field == "date_of_birth") return "Date of birth";
  if (field == "prior") return "Before any comparison";
  std::string words(field);
  std::replace(words.begin(), words.end(), '_', ' ');
  if (!words.empty() && words[0] >= 'a' && words[0] <= 'z')
    words[0] = static_cast<char>(words[0] - 'a' + 'A');
  return words;
}

std::string ValueInWords(std::string_view field, std::string_view value) {
  if (field == "date_of_birth") return DateInWords(value);
  if (field == "nhs_number" && value.size() == 10 && IsDigits(value))
    return fmt::format("{} {} {}", value.substr(0, 3), value.substr(3, 3), value.substr(6));
  if (field == "phone" && value.size() > 10 && IsDigits(value)) return fmt::format("+{}", value);
  return std::string(value);
}

std::string RecordInWords(std::string_view record) {
  const auto parts = base::Split(record, '/');
  return parts.size() == 4 ? fmt::format("{}, {}", parts[1], parts[3]) : std::string(record);
}

std::string IdOf(std::string_view name) {
  return std::string(name.substr(name.rfind('/') + 1));
}

std::string MomentInWords(int64_t wall_us) {
  return wall_us == 0 ? "at an unknown time" : TimeInWords(wall_us);
}

std::string ChannelInWords(type::v1::Channel channel) {
  if (channel == type::v1::CHANNEL_SMS) return "text message";
  if (channel == type::v1::CHANNEL_EMAIL) return "email";
  return "any channel";
}

std::string KindInWords(type::v1::AudienceKind kind) {
  switch (kind) {
    case type::v1::AUDIENCE_KIND_INTERNAL:
      return "Staff";
    case type::v1::AUDIENCE_KIND_PARTNER:
      return "At a partner organisation";
    case type::v1::AUDIENCE_KIND_PUBLIC:
      return "Member of the public";
    default:
      return "";
  }
}

std::string VerdictInWords(type::v1::GateReason reason) {
  switch (reason) {
    case type::v1::DECEASED:
      return "No: the person has died.";
    case type::v1::ENDPOINT_SUPPRESSED:
      return "No: the number or address is blocked (it bounced, was complained about, is somebody else's, or "
             "was erased).";
    case type::v1::PAUSED:
      return "No: a sensitive event; the person is not to be disturbed.";
    case type::v1::OPTED_OUT:
      return "No: the person opted out.";
    case type::v1::OBJECTED:
      return "No: the person objected to this purpose.";
    case type::v1::NO_CONSENT:
      return "No: nobody has recorded that the person agreed to this purpose.";
    case type::v1::NO_ENDPOINT:
      return "No: there is no number or address for this channel.";
    case type::v1::ALLOW:
      return "Yes: a message may go.";
    default:
      return "Not known.";
  }
}

std::string VerdictColour(type::v1::GateReason reason) {
  if (reason == type::v1::ALLOW) return "green";
  return reason == type::v1::NO_ENDPOINT || reason == type::v1::NO_CONSENT ? "yellow" : "red";
}

std::string SuppressionInWords(type::v1::SuppressionReason reason) {
  switch (reason) {
    case type::v1::HARD_BOUNCE:
      return "Blocked: it does not exist";
    case type::v1::COMPLAINT:
      return "Blocked: a message was reported as unwanted";
    case type::v1::WRONG_PERSON:
      return "Blocked: somebody else answers there";
    case type::v1::ERASED:
      return "Blocked: erased on request";
    default:
      return "";
  }
}

std::string TimelineKindInWords(v1::TimelineKind kind) {
  switch (kind) {
    case v1::RECORD_CHANGED:
      return "Record";
    case v1::LINK_CHANGED:
      return "Link";
    case v1::CONSENT_CHANGED:
      return "Consent";
    case v1::FACT_CHANGED:
      return "Fact";
    case v1::ROLE_CHANGED:
      return "Role";
    case v1::IDENTITY_DECIDED:
      return "Decision";
    default:
      return "Everything";
  }
}

std::string EntryInWords(const v1::ConsentEntry& entry) {
  std::string verb;
  if (entry.kind() == type::v1::GRANTED) verb = "Said yes to";
  if (entry.kind() == type::v1::WITHDRAWN) verb = "Said stop to";
  if (entry.kind() == type::v1::OBJECTED_TO) verb = "Objected to";
  if (entry.scope() == type::v1::SCOPE_PAUSE)
    return entry.kind() == type::v1::LIFTED ? "A pause ended"
                                            : "Asked for a pause of all but urgent messages";
  if (entry.kind() == type::v1::LIFTED && !entry.message().empty()) return "Took back an opt-out";
  if (entry.kind() == type::v1::LIFTED) return "An opt-out turned out not to be this person's";
  std::string what = "something";
  if (entry.scope() == type::v1::SCOPE_EVERYTHING) what = "everything";
  if (entry.scope() == type::v1::SCOPE_PURPOSE) what = IdOf(entry.purpose());
  if (entry.scope() == type::v1::SCOPE_ENDPOINT) what = "messages at one number or address";
  return fmt::format(
      "{} {}{}", verb, what,
      entry.channel() == type::v1::CHANNEL_UNSPECIFIED ? "" : " by " + ChannelInWords(entry.channel()));
}

Table WaterfallOf(const v1::LinkExplanation& explanation, std::string caption) {
  Table table{std::move(caption),
              Heads({"Compared", "How it came out", "#Bits", "#So far"}),
              {},
              "Nothing could be compared."};
  double sum = 0;
  for (const v1::LinkEvidence& evidence : explanation.evidence()) {
    sum += evidence.weight();
    table.rows.push_back(
        {{FieldInWords(evidence.field())}, {evidence.level()}, BitsCell(evidence.weight()), BitsCell(sum)});
  }
  return table;
}

std::vector<std::string> WeightInWords(const v1::LinkExplanation& e) {
  const char* stands = "too few to ask a person";
  if (e.weight() >= e.review_weight()) stands = "not enough to link, enough to ask a person";
  if (e.weight() >= e.auto_weight()) stands = "enough to link without asking";
  std::vector<std::string> words = {
      fmt::format("{} bits: {}. Records are linked without asking from {} bits, and shown to a person from "
                  "{}. Each bit doubles the odds.",
                  Bits(e.weight()), stands, Bits(e.auto_weight()), Bits(e.review_weight()))};
  if (!e.veto().empty()) words.push_back(fmt::format("Never linked without a person's word: {}.", e.veto()));
  if (!e.assertion().empty()) words.push_back(fmt::format("A person decided it: {}.", IdOf(e.assertion())));
  return words;
}

SearchKind KindOfSearch(std::string_view typed) {
  const std::string_view text = base::TrimAscii(typed);
  if (text.empty()) return SearchKind::kNothing;
  if (text.find('@') != std::string_view::npos) return SearchKind::kEmail;
  if (text.find('/') != std::string_view::npos) return SearchKind::kRecord;
  std::string digits;
  for (const char c : text) {
    if (c >= '0' && c <= '9') digits += c;
  }
  return IsNhsNumber(digits) && text[0] != '+' ? SearchKind::kNhsNumber : SearchKind::kPhone;
}

std::string RecordName(std::string_view typed) {
  const std::string_view text = base::TrimAscii(typed);
  const auto parts = base::Split(text, '/');
  return parts.size() == 2 ? fmt::format("sources/{}/records/{}", parts[0], parts[1]) : std::string(text);
}

std::string ValueOf(const v1::Person& person, std::string_view field) {
  for (const v1::GoldenField& each : person.fields())
    if (each.field() == field) return each.value();
  return "";
}

std::string NameOfPerson(const v1::Person& person) {
  const std::string given = ValueOf(person, "given_name"), family = ValueOf(person, "family_name");
  const std::string both = fmt::format("{}{}{}", given, given.empty() || family.empty() ? "" : " ", family);
  return both.empty() ? fmt::format("Person {}", IdOf(person.name())) : both;
}

}  // namespace pharos::edge::console
