#include "connectors/notify/notify_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "connectors/notify/allowance.h"
#include "connectors/notify/key.h"
#include "services/base/errors.h"
#include "services/base/text.h"

namespace pharos::notify {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxText = 1 << 20;           // of one field
constexpr size_t kMaxPage = 1'000;             // the provider sends 250
constexpr size_t kMaxErrors = 16;              // looked at in one answer
constexpr int64_t kTooFastUs = 1'000'000;      // the provider's bucket fills up at 50 a second
constexpr int64_t kRoutePauseUs = 60'000'000;  // what only a person can put right is looked at again so often

Json Parse(std::string_view body) {
  return Json::parse(body.begin(), body.end(), nullptr, /*allow_exceptions=*/false);
}

// nullptr: it is missing, or no text.
const std::string* Text(const Json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  auto it = object.find(name);
  if (it == object.end() || !it->is_string()) return nullptr;
  const auto& text = it->get_ref<const std::string&>();
  return text.size() <= kMaxText ? &text : nullptr;
}

// As above, but null and absence are "".
bool OptionalText(const Json& object, const char* name, std::string& out) {
  auto it = object.find(name);
  if (it == object.end() || it->is_null()) return true;
  const std::string* text = Text(object, name);
  if (text) out = *text;
  return text != nullptr;
}

absl::Status Wrong(const char* what) {
  return base::MakeError(absl::StatusCode::kInvalidArgument, "ANSWER_WRONG",
                         fmt::format("the provider's answer is not as documented: {}", what));
}

struct ApiError {
  std::string error, message;
};

// {"status_code":400,"errors":[{"error":…,"message":…}]}; none if it is anything else.
std::vector<ApiError> ErrorsOf(std::string_view body) {
  std::vector<ApiError> errors;
  Json json = Parse(body);
  if (!json.is_object()) return errors;
  auto list = json.find("errors");
  if (list == json.end() || !list->is_array()) return errors;
  for (const Json& item : *list) {
    const std::string *error = Text(item, "error"), *message = Text(item, "message");
    if (error && message && errors.size() < kMaxErrors) errors.push_back({*error, *message});
  }
  return errors;
}

bool Says(const std::vector<ApiError>& errors, std::string_view words) {
  return std::any_of(errors.begin(), errors.end(), [&](const ApiError& e) {
    return base::LowerAscii(e.message).find(words) != std::string::npos || base::LowerAscii(e.error) == words;
  });
}

// Their messages may repeat what we sent, so only the error's name goes on: "400 ValidationError".
std::string CodeOf(int status, const std::vector<ApiError>& errors) {
  if (errors.empty()) return std::to_string(status);
  std::string name;
  for (char c : errors[0].error)
    if (std::isalnum(static_cast<unsigned char>(c)) && name.size() < 40) name += c;
  return fmt::format("{} {}", status, name);
}

Trouble AuthTrouble(const std::vector<ApiError>& errors) {
  if (Says(errors, "clock"))
    return {"WRONG_PASSWORD",
            "the provider refuses our tokens because this machine's clock is more than 30 seconds off; set "
            "the clock "
            "(NTP)",
            kRoutePauseUs};
  if (Says(errors, "revoked"))
    return {"WRONG_PASSWORD",
            "the provider says that our API key was revoked; make a new one and put it into this connector's "
            "api-key-file",
            kRoutePauseUs};
  return {"WRONG_PASSWORD",
          "the provider refused our API key; check this connector's api-key-file against the service's API "
          "integration page",
          kRoutePauseUs};
}

Trouble LimitTrouble(const std::vector<ApiError>& errors, int retry_after_s, int64_t wall_us) {
  if (Says(errors, "toomanyrequestserror"))
    return {
        "DAILY_LIMIT",
        "the provider's limit of messages a day is reached; sending goes on after midnight UTC, or ask the "
        "provider for a higher limit",
        MicrosToMidnightUtc(wall_us)};
  return {"THROTTLED", "the provider says that we ask too fast; slowed down",
          retry_after_s > 0 ? retry_after_s * int64_t{1'000'000} : kTooFastUs, true};
}

// What is wrong with how the connector is set up, not with one message.
Trouble SettingsTrouble(const std::vector<ApiError>& errors) {
  // "template" alone says little: a text that is too long is refused in the template's name.
  if (Says(errors, "template not found") || Says(errors, "template has been deleted") ||
      Says(errors, "template is not suitable") || Says(errors, "template_id") ||
      Says(errors, "template has been archived"))
    return {"WRONG_ACCOUNT",
            "the provider does not take our template; check this connector's template id, and that the "
            "template was "
            "not archived",
            kRoutePauseUs};
  if (Says(errors, "sms_sender_id"))
    return {"WRONG_ACCOUNT",
            "the provider does not know our sms-sender-id; copy it from the service's settings",
            kRoutePauseUs};
  if (Says(errors, "email_reply_to_id"))
    return {"WRONG_ACCOUNT",
            "the provider does not know our email-reply-to-id; copy it from the service's settings",
            kRoutePauseUs};
  if (Says(errors, "missing personalisation"))
    return {"WRONG_ACCOUNT",
            "our template asks for more than ((subject)) and ((body)); use one that holds only these",
            kRoutePauseUs};
  if (Says(errors, "trial mode") || Says(errors, "team-only") ||
      Says(errors, "service is not allowed to send"))
    return {"WRONG_ACCOUNT",
            "the provider says that this service or API key may not send to everybody (trial mode, team key, "
            "or the "
            "channel is off); ask it to make the service live, or use a live key",
            kRoutePauseUs};
  return {};
}

const char* PermanentReason(const std::vector<ApiError>& errors) {
  if (Says(errors, "phone_number") || Says(errors, "phone number") || Says(errors, "international"))
    return "INVALID_NUMBER";
  if (Says(errors, "email_address") || Says(errors, "email address")) return "INVALID_ADDRESS";
  if (Says(errors, "address_line") || Says(errors, "postcode")) return "INVALID_ADDRESS";
  if (Says(errors, "character count") || Says(errors, "too long") || Says(errors, "limit of"))
    return "TOO_LONG";
  return "REFUSED_BY_PROVIDER";
}

void RejectRoute(const Trouble& trouble, const char* reason, work::Rejected& rejected) {
  rejected.set_reason(reason);
  rejected.set_transient(true);
  rejected.set_retry_after_ms(trouble.pause_us / 1000);
  rejected.set_scope(work::ROUTE);
}

void JudgeRefusal(int status, const std::vector<ApiError>& errors, SendVerdict& verdict) {
  work::Rejected& rejected = *verdict.outcome.mutable_rejected();
  rejected.set_code(CodeOf(status, errors));
  if (!verdict.trouble.problem.empty())
    return RejectRoute(verdict.trouble, verdict.trouble.problem.c_str(), rejected);
  rejected.set_reason(status == 413 ? "TOO_LONG" : PermanentReason(errors));
}

// The 201's own words about the message; false if they are about another.
bool ReadAccepted(std::string_view body, std::string_view reference, SendVerdict& verdict) {
  Json json = Parse(body);
  const std::string *id = Text(json, "id"), *given = Text(json, "reference");
  if (!id || !IsUuid(*id) || !given || *given != reference) return false;
  verdict.notify_id = *id;
  verdict.outcome.mutable_accepted()->add_provider_ids(std::string(reference));
  return true;
}

bool ReadOne(const Json& json, Notification& out) {
  const std::string *id = Text(json, "id"), *status = Text(json, "status"), *type = Text(json, "type");
  std::string created, completed;
  if (!id || !IsUuid(*id) || !status || status->empty() || !type) return false;
  if (*type == "sms")
    out.kind = MessageKind::kSms;
  else if (*type == "email")
    out.kind = MessageKind::kEmail;
  else if (*type == "letter")
    out.kind = MessageKind::kLetter;
  else
    return false;
  if (!OptionalText(json, "reference", out.reference) || !OptionalText(json, "created_at", created) ||
      !OptionalText(json, "completed_at", completed))
    return false;
  out.id = *id;
  out.status = *status;
  out.created_us = ReadTime(created);
  out.completed_us = ReadTime(completed);
  return true;
}

bool IsOurReference(std::string_view text) {
  return text.size() == 32 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// Days since 1970-01-01 of a date of the Gregorian calendar (Howard Hinnant's days_from_civil).
int64_t DaysOf(int64_t year, int month, int day) {
  year -= month <= 2;
  int64_t era = year / 400;
  int64_t of_era = year - era * 400;
  int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146'097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719'468;
}

// -1: not `count` digits.
int64_t Digits(std::string_view text, size_t at, size_t count) {
  int64_t value = 0;
  for (size_t i = at; i < at + count; ++i) {
    if (i >= text.size() || text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

}  // namespace

SendVerdict JudgeSend(int status, std::string_view body, std::string_view reference, int retry_after_s,
                      int64_t wall_us) {
  SendVerdict verdict;
  if (status == 201 && ReadAccepted(body, reference, verdict)) return verdict;
  if (status < 300 || status >= 500) {
    verdict.outcome.mutable_no_answer()->set_reason(status < 300 ? "ANSWER_WRONG" : "PROVIDER_ERROR");
    return verdict;
  }
  auto errors = ErrorsOf(body);
  verdict.trouble = status == 400   ? SettingsTrouble(errors)
                    : status == 413 ? Trouble{}
                                    : JudgeAsking(status, body, retry_after_s, wall_us);
  JudgeRefusal(status, errors, verdict);
  return verdict;
}

void FailAlone(SendVerdict& verdict) {
  verdict.trouble = {};
  work::Rejected& rejected = *verdict.outcome.mutable_rejected();
  rejected.set_reason("REFUSED_BY_PROVIDER");
  rejected.set_transient(false);
  rejected.clear_retry_after_ms();
  rejected.clear_scope();
}

Trouble JudgeAsking(int status, std::string_view body, int retry_after_s, int64_t wall_us) {
  auto errors = ErrorsOf(body);
  if (status == 401 || status == 403) return AuthTrouble(errors);
  if (status == 429) return LimitTrouble(errors, retry_after_s, wall_us);
  if (status >= 500)
    return {"NO_ANSWER", fmt::format("the provider is in trouble itself (HTTP {})", status), kTooFastUs};
  if (status == 400 || status == 404) {
    Trouble trouble = SettingsTrouble(errors);
    if (!trouble.problem.empty()) return trouble;
  }
  return {"PROTOCOL_ERROR",
          fmt::format("what answers at --url is not GOV.UK Notify (HTTP {}); check the address",
                      CodeOf(status, errors)),
          kRoutePauseUs};
}

absl::StatusOr<Page> ReadPage(std::string_view body) {
  Json json = Parse(body);
  if (!json.is_object()) return Wrong("no JSON object");
  auto list = json.find("notifications");
  if (list == json.end() || !list->is_array() || list->size() > kMaxPage) return Wrong("notifications");
  Page page;
  for (const Json& item : *list) {
    Notification one;
    if (!item.is_object() || !ReadOne(item, one)) return Wrong("a notification");
    page.notifications.push_back(std::move(one));
  }
  auto links = json.find("links");
  page.more = links != json.end() && Text(*links, "next") != nullptr;
  return page;
}

absl::StatusOr<Notification> ReadNotification(std::string_view body) {
  Json json = Parse(body);
  Notification one;
  if (!json.is_object() || !ReadOne(json, one)) return Wrong("a notification");
  return one;
}

absl::StatusOr<Template> ReadTemplate(std::string_view body) {
  Json json = Parse(body);
  if (!json.is_object()) return Wrong("no JSON object");
  const std::string *type = Text(json, "type"), *words = Text(json, "body");
  Template one;
  if (!type || !words || !OptionalText(json, "subject", one.subject)) return Wrong("a template");
  one.type = *type;
  one.body = *words;
  return one;
}

std::string WrongWithTemplate(const Template& given, MessageKind kind) {
  if (given.type != NameOf(kind))
    return fmt::format("our template is not for {}; check this connector's template id", NameOf(kind));
  if (base::TrimAscii(given.body) != "((body))")
    return "our template must hand through what Pharos renders: make its text ((body)) and nothing else";
  if (kind != MessageKind::kSms && base::TrimAscii(given.subject) != "((subject))")
    return "our template must hand through what Pharos renders: make its subject ((subject)) and nothing "
           "else";
  return "";
}

bool IsFinal(std::string_view status) {
  return status == "delivered" || status == "sent" || status == "permanent-failure" ||
         status == "temporary-failure" || status == "technical-failure" || status == "received" ||
         status == "cancelled" || status == "validation-failed" || status == "virus-scan-failed";
}

std::optional<work::Receipt> ReceiptOf(const Notification& n) {
  if (!IsOurReference(n.reference) || !IsFinal(n.status)) return std::nullopt;
  work::Receipt receipt;
  receipt.set_provider_id(n.reference);
  receipt.set_reference(-1);
  receipt.set_done_time_us(n.completed_us);
  if (n.status == "delivered") {
    receipt.set_state(work::DELIVERED);
  } else if (n.status == "sent" ||
             n.status == "received") {  // abroad; a letter that was posted: no more is heard
    receipt.set_state(work::ACCEPTED_STATE);
  } else if (n.status == "cancelled") {
    receipt.set_state(work::DELETED);
  } else if (n.status == "permanent-failure") {
    // A wrong address if it is an email's; a text may also have been refused by the phone network.
    receipt.set_state(work::UNDELIVERABLE);
    receipt.set_hard_bounce(n.kind == MessageKind::kEmail);
  } else if (n.status == "temporary-failure") {  // the provider has tried for 72 hours
    receipt.set_state(work::EXPIRED);
  } else {
    receipt.set_state(work::REJECTED_LATER);
  }
  if (receipt.state() != work::DELIVERED) receipt.set_error_code(n.status);
  return receipt;
}

int64_t ReadTime(std::string_view text) {
  if (text.size() < 20 || text.size() > 32 || text[4] != '-' || text[7] != '-' || text[10] != 'T' ||
      text[13] != ':' || text[16] != ':' || text.back() != 'Z')
    return 0;
  int64_t year = Digits(text, 0, 4), month = Digits(text, 5, 2), day = Digits(text, 8, 2),
          hour = Digits(text, 11, 2), minute = Digits(text, 14, 2), second = Digits(text, 17, 2),
          fraction = 0;
  if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 || minute < 0 ||
      minute > 59 || second < 0 || second > 60)
    return 0;
  size_t digits = text.size() - 21;
  if (text.size() > 20 &&
      (text[19] != '.' || digits < 1 || digits > 6 || (fraction = Digits(text, 20, digits)) < 0))
    return 0;
  for (size_t i = digits; text.size() > 20 && i < 6; ++i) fraction *= 10;
  int64_t seconds = DaysOf(year, static_cast<int>(month), static_cast<int>(day)) * 86'400 + hour * 3600 +
                    minute * 60 + second;
  return seconds * 1'000'000 + fraction;
}

}  // namespace pharos::notify
