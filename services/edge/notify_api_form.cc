#include "services/edge/notify_api_form.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <ctime>
#include <set>

#include "services/base/ids.h"
#include "services/base/text.h"

namespace pharos::edge {
namespace {

using dispatch::v1::IntentState;
using nlohmann::json;

// The name space of template ids: made once, at random, and never changed.
constexpr std::string_view kNamespace = "7b1d0c46e9d94c7fa0a5d1f6c35b9e28";
constexpr size_t kUuidBytes = 16;
constexpr size_t kMostPersonalisation = 256;  // SendMessageRequest

std::string Hyphenated(const std::string& hex) {
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20));
}

// Case, spaces, '_' and '-' of a placeholder's name do not matter.
std::string Plain(std::string_view word) {
  std::string plain;
  for (const char c : base::LowerAscii(word)) {
    if (c != ' ' && c != '_' && c != '-' && c != '\t') plain.push_back(c);
  }
  return plain;
}

bool IsFailure(IntentState state) {
  return state == dispatch::v1::FAILED || state == dispatch::v1::WITHHELD;
}

// Failures that another try might not meet.
bool IsTemporary(std::string_view reason) {
  return reason == "EXPIRED" || reason == "DELETED" || reason == "FREQUENCY_CAP";
}

// Failures that are ours or the provider's, and not the receiver's.
bool IsTechnical(IntentState state, std::string_view reason) {
  if (state == dispatch::v1::WITHHELD) return reason == "STOPPED" || reason == "PURPOSE_RETIRED";
  return reason != "UNDELIVERABLE" && reason != "HARD_BOUNCE" && reason != "INVALID_NUMBER" &&
         reason != "REJECTED_LATER";
}

// "a, b and c".
std::string ListInWords(const std::vector<std::string>& items) {
  std::string text;
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) text += i + 1 == items.size() ? " and " : ", ";
    text += items[i];
  }
  return text;
}

std::optional<std::string> ScalarText(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  return std::nullopt;
}

// One value of the personalisation; false: it cannot be said here.
bool ReadValue(const std::string& name, const json& value, std::map<std::string, std::string>& into,
               NotifyError& error) {
  if (value.is_null()) return true;  // as if it were not there
  if (auto text = ScalarText(value)) {
    into[name] = *std::move(text);
    return true;
  }
  if (value.is_object()) {
    error = BadRequest("Sending files by email is not available here. Put a link into the text.");
    return false;
  }
  std::vector<std::string> items;
  for (const json& item : value) {
    if (item.is_null()) continue;
    auto text = ScalarText(item);
    if (!text) {
      error = Invalid({"personalisation lists may hold text only"});
      return false;
    }
    items.push_back(*std::move(text));
  }
  into[name] = ListInWords(items);
  return true;
}

bool ReadPersonalisation(const json& from, std::map<std::string, std::string>& into, NotifyError& error) {
  if (from.is_null()) return true;
  if (!from.is_object()) {
    error = Invalid({"personalisation is not of type object"});
    return false;
  }
  if (from.size() > kMostPersonalisation) {
    error = Invalid({fmt::format("personalisation has more than {} values", kMostPersonalisation)});
    return false;
  }
  for (const auto& [name, value] : from.items()) {
    if (!ReadValue(name, value, into, error)) return false;
  }
  return true;
}

// Text fields: a required one that is missing, and any that is no text, are among the problems.
void ReadText(const json& from, const std::string& name, bool required, std::string& into,
              std::vector<std::string>& problems) {
  const auto at = from.find(name);
  if (at == from.end() || (!required && at->is_null())) {
    if (required) problems.push_back(name + " is a required property");
    return;
  }
  if (!at->is_string()) {
    problems.push_back(name + " is not of type string");
    return;
  }
  into = at->get<std::string>();
}

bool ParseObject(const std::string& body, json& object, NotifyError& error) {
  object = json::parse(body, nullptr, false);
  if (object.is_object()) return true;
  error = BadRequest("Invalid JSON supplied in POST data");
  return false;
}

void AddName(std::string_view word, std::vector<std::string>& names, std::set<std::string>& seen) {
  if (seen.insert(Plain(word)).second) names.emplace_back(base::TrimAscii(word));
}

json OrNull(const std::string& text) {
  return text.empty() ? json(nullptr) : json(text);
}
json TimeOrNull(int64_t time_us) {
  return time_us == 0 ? json(nullptr) : json(NotifyTime(time_us));
}

std::string IdOf(const dispatch::v1::Message& message) {
  return base::Segment(message.name(), "messages");
}

json TemplateRef(const std::string& id, uint64_t version, const std::string& base) {
  return {{"id", id},
          {"version", version},
          {"uri", fmt::format("{}/v2/template/{}/version/{}", base, id, version)}};
}

const std::string& BodyOf(const dispatch::v1::Message& message) {
  return message.channel() == type::v1::CHANNEL_EMAIL ? message.email_text() : message.sms_text();
}

}  // namespace

bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  std::string hex;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    if (hyphen != (text[i] == '-')) return false;
    if (!hyphen) hex.push_back(text[i]);
  }
  return base::FromHex(base::LowerAscii(hex)).size() == kUuidBytes;
}

std::string TemplateUuid(const std::string& name, type::v1::Channel channel) {
  const std::string text = base::FromHex(kNamespace) + name + " " + TypeWord(channel);
  std::string digest(SHA_DIGEST_LENGTH, '\0');
  SHA1(reinterpret_cast<const uint8_t*>(text.data()), text.size(), reinterpret_cast<uint8_t*>(digest.data()));
  digest.resize(kUuidBytes);
  digest[6] = static_cast<char>((digest[6] & 0x0F) | 0x50);
  digest[8] = static_cast<char>((digest[8] & 0x3F) | 0x80);
  return Hyphenated(base::ToHex(digest));
}

std::string TypeWord(type::v1::Channel channel) {
  return channel == type::v1::CHANNEL_EMAIL ? "email" : "sms";
}

std::string NotifyTime(int64_t time_us) {
  const std::time_t seconds = time_us / 1'000'000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, time_us % 1'000'000);
}

std::string StatusWord(IntentState state, std::string_view reason) {
  switch (state) {
    case dispatch::v1::PENDING:
      return "created";
    case dispatch::v1::IN_FLIGHT:
    case dispatch::v1::SENT:
      return "sending";
    case dispatch::v1::UNCONFIRMED:
      return "pending";
    case dispatch::v1::INTENT_DELIVERED:
      return "delivered";
    default:
      break;
  }
  if (IsTemporary(reason)) return "temporary-failure";
  return IsTechnical(state, reason) ? "technical-failure" : "permanent-failure";
}

std::optional<std::vector<IntentState>> StatesOf(std::string_view status) {
  using States = std::vector<IntentState>;
  static const auto* const kKnown = new std::map<std::string, States, std::less<>>{
      {"created", {dispatch::v1::PENDING}},
      {"sending", {dispatch::v1::IN_FLIGHT, dispatch::v1::SENT}},
      {"pending", {dispatch::v1::UNCONFIRMED}},
      {"delivered", {dispatch::v1::INTENT_DELIVERED}},
      {"failed", {dispatch::v1::FAILED, dispatch::v1::WITHHELD}},
      {"permanent-failure", {dispatch::v1::FAILED, dispatch::v1::WITHHELD}},
      {"temporary-failure", {dispatch::v1::FAILED, dispatch::v1::WITHHELD}},
      {"technical-failure", {dispatch::v1::FAILED, dispatch::v1::WITHHELD}},
      // Notify's words that no message here is ever in.
      {"sent", {}},
      {"cancelled", {}},
      {"accepted", {}},
      {"received", {}},
      {"returned-letter", {}},
      {"pending-virus-check", {}},
      {"validation-failed", {}},
      {"virus-scan-failed", {}},
  };
  const auto at = kKnown->find(status);
  return at == kKnown->end() ? std::nullopt : std::optional<States>(at->second);
}

bool HasStatus(const dispatch::v1::Message& message, std::string_view status) {
  if (status == "failed") return IsFailure(message.state());
  return StatusWord(message.state(), message.reason()) == status;
}

bool ReadSend(const std::string& body, type::v1::Channel channel, NotifySend& send, NotifyError& error) {
  json object;
  if (!ParseObject(body, object, error)) return false;
  const bool email = channel == type::v1::CHANNEL_EMAIL;
  const std::string address = email ? "email_address" : "phone_number",
                    sender = email ? "email_reply_to_id" : "sms_sender_id";
  std::vector<std::string> problems;
  std::string sender_id, scheduled, ignored;
  ReadText(object, address, true, send.address, problems);
  ReadText(object, "template_id", true, send.template_id, problems);
  if (!send.template_id.empty() && !IsUuid(send.template_id))
    problems.push_back("template_id is not a valid UUID");
  ReadText(object, "reference", false, send.reference, problems);
  if (send.reference.size() > 1'000) problems.push_back("reference is too long");
  ReadText(object, sender, false, sender_id, problems);
  ReadText(object, "scheduled_for", false, scheduled, problems);
  // What unsubscribing offers is ours, and values are never Markdown: both are settled already.
  if (email) ReadText(object, "one_click_unsubscribe_url", false, ignored, problems);
  const std::set<std::string> known = {address,           "template_id",   "reference",
                                       "personalisation", "scheduled_for", sender};
  for (const auto& [name, value] : object.items()) {
    const bool of_email = email && (name == "one_click_unsubscribe_url" || name == "sanitise_content_for");
    if (!known.contains(name) && !of_email)
      problems.push_back(
          fmt::format("Additional properties are not allowed ({} was unexpected)", name.substr(0, 64)));
  }
  if (!problems.empty()) {
    error = Invalid(std::move(problems));
    return false;
  }
  if (!sender_id.empty()) {
    error = BadRequest(sender +
                       " does not exist: messages go out from the sender that was approved. Leave it out.");
    return false;
  }
  if (!scheduled.empty()) {
    error = BadRequest("Cannot schedule messages here. Send them when they are due.");
    return false;
  }
  return ReadPersonalisation(object.value("personalisation", json()), send.personalisation, error);
}

bool ReadPreview(const std::string& body, std::map<std::string, std::string>& personalisation,
                 NotifyError& error) {
  json object;
  if (body.empty()) return true;
  if (!ParseObject(body, object, error)) return false;
  return ReadPersonalisation(object.value("personalisation", json()), personalisation, error);
}

std::vector<std::string> PlaceholdersOf(std::string_view text) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (size_t at = text.find("(("); at != std::string_view::npos; at = text.find("((", at)) {
    while (at + 2 < text.size() && text[at + 2] == '(') ++at;
    const size_t end = text.find("))", at);
    if (end == std::string_view::npos) break;
    const std::string_view inside = text.substr(at + 2, end - at - 2);
    AddName(inside.substr(0, inside.find("??")), names, seen);
    at = end;
  }
  return names;
}

std::vector<std::string> PlaceholdersOf(const NotifyTemplate& from) {
  if (from.channel != type::v1::CHANNEL_EMAIL) return PlaceholdersOf(from.text.sms_body());
  return PlaceholdersOf(from.text.email_subject() + "\n" + from.text.email_body());
}

std::vector<std::string> MissingOf(const NotifyTemplate& from,
                                   const std::map<std::string, std::string>& given) {
  std::set<std::string> have;
  for (const auto& [name, value] : given) have.insert(Plain(name));
  std::vector<std::string> missing;
  for (const std::string& name : PlaceholdersOf(from)) {
    if (!have.contains(Plain(name))) missing.push_back(name);
  }
  return missing;
}

json SentJson(const dispatch::v1::Message& message, const NotifyTemplate& from, const std::string& base) {
  json content;
  const bool email = message.channel() == type::v1::CHANNEL_EMAIL;
  content["body"] = BodyOf(message);
  content[email ? "from_email" : "from_number"] = message.sender();
  if (email) {
    content["subject"] = message.email_subject();
    content["one_click_unsubscribe_url"] = nullptr;
  }
  json sent = {{"id", IdOf(message)},
               {"reference", OrNull(message.reference())},
               {"content", content},
               {"uri", base + "/v2/notifications/" + IdOf(message)},
               {"template", TemplateRef(from.id, message.template_version(), base)},
               {"scheduled_for", nullptr}};
  if (email) sent["sanitised_content"] = json::object();
  return sent;
}

json NotificationJson(const dispatch::v1::Message& message, const std::string& base) {
  const bool email = message.channel() == type::v1::CHANNEL_EMAIL;
  const std::string template_id = TemplateUuid(message.template_(), message.channel());
  json shown = {{"id", IdOf(message)},
                {"reference", OrNull(message.reference())},
                {"email_address", nullptr},
                {"phone_number", nullptr},
                {"type", TypeWord(message.channel())},
                {"status", StatusWord(message.state(), message.reason())},
                {"template", TemplateRef(template_id, message.template_version(), base)},
                {"body", BodyOf(message)},
                {"subject", email ? json(message.email_subject()) : json(nullptr)},
                {"created_at", NotifyTime(message.create_time_us())},
                {"created_by_name", nullptr},
                {"sent_at", TimeOrNull(message.sent_time_us())},
                {"completed_at", TimeOrNull(message.end_time_us())},
                {"scheduled_for", nullptr},
                {"postage", nullptr},
                {"one_click_unsubscribe", nullptr},
                {"is_cost_data_ready", email},
                {"cost_in_pounds", email ? json(0.0) : json(nullptr)},
                {"cost_details", json::object()}};
  for (int line = 1; line <= 7; ++line) shown[fmt::format("line_{}", line)] = nullptr;
  shown[email ? "email_address" : "phone_number"] = email ? message.address() : "+" + message.address();
  if (!email) shown["cost_details"]["billable_sms_fragments"] = message.parts();
  return shown;
}

json ReceivedJson(const engagement::v1::ReceivedText& text, const std::string& service_id) {
  return {{"id", base::Segment(text.name(), "replies")},
          {"created_at", NotifyTime(text.receive_time_us())},
          {"service_id", service_id},
          {"notify_number", text.sender()},
          {"user_number", text.address()},
          {"content", text.text()}};
}

json TemplateJson(const NotifyTemplate& from) {
  const campaign::v1::Template& text = from.text;
  const bool email = from.channel == type::v1::CHANNEL_EMAIL;
  json personalisation = json::object();
  for (const std::string& name : PlaceholdersOf(from)) personalisation[name] = {{"required", true}};
  return {
      {"id", from.id},
      {"name", text.display_name().empty() ? base::Segment(text.name(), "templates") : text.display_name()},
      {"type", TypeWord(from.channel)},
      {"created_at", NotifyTime(text.create_time_us())},
      {"updated_at", text.version() > 1 ? json(NotifyTime(text.create_time_us())) : json(nullptr)},
      {"created_by", ""},
      {"version", text.version()},
      {"body", email ? text.email_body() : text.sms_body()},
      {"subject", email ? json(text.email_subject()) : json(nullptr)},
      {"letter_contact_block", nullptr},
      {"postage", nullptr},
      {"personalisation", personalisation}};
}

json PreviewJson(const NotifyTemplate& from, const campaign::v1::PreviewTemplateResponse& preview) {
  const bool email = from.channel == type::v1::CHANNEL_EMAIL;
  return {{"id", from.id},
          {"type", TypeWord(from.channel)},
          {"version", from.text.version()},
          {"body", email ? preview.email_text() : preview.sms_text()},
          {"html", email ? json(preview.email_html()) : json(nullptr)},
          {"subject", email ? json(preview.email_subject()) : json(nullptr)},
          {"postage", nullptr}};
}

Response OfJson(int status, const json& body) {
  Response response;
  response.status = status;
  response.content_type = "application/json";
  response.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
  return response;
}

}  // namespace pharos::edge
