#include "connectors/sandbox/notify_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

namespace pharos::sandbox {
namespace {

using Json = nlohmann::json;

constexpr size_t kPage = 250;            // as the provider's
constexpr size_t kMostKept = 2'000'000;  // memory; then it says 503
constexpr size_t kMaxReference = 1'000;
constexpr size_t kMaxSms = 918;  // characters of the content
constexpr int64_t kDayUs = 86'400'000'000;

NotifyReply Error(int status, std::string_view error, std::string_view message) {
  NotifyReply reply;
  reply.status = status;
  reply.reason = std::string(error);
  reply.json = Json{{"status_code", status}, {"errors", {{{"error", error}, {"message", message}}}}}.dump();
  return reply;
}

std::string TextOf(const Json& object, const char* name) {
  auto it = object.find(name);
  return it != object.end() && it->is_string() ? it->get<std::string>() : "";
}

std::string TimeText(int64_t wall_us) {
  time_t seconds = static_cast<time_t>(wall_us / 1'000'000);
  tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, wall_us % 1'000'000);
}

const char* TemplateOf(std::string_view channel) {
  return channel == "sms"     ? kNotifySmsTemplate
         : channel == "email" ? kNotifyEmailTemplate
                              : kNotifyLetterTemplate;
}

std::string ChannelOf(std::string_view template_id) {
  for (const char* channel : {"sms", "email", "letter"})
    if (template_id == TemplateOf(channel)) return channel;
  return "";
}

Json TemplateJson(const std::string& channel) {
  Json json = {{"id", TemplateOf(channel)}, {"name", "Pharos " + channel},
               {"type", channel},           {"version", 1},
               {"body", "((body))"},        {"created_at", TimeText(1'700'000'000'000'000)},
               {"updated_at", nullptr},     {"created_by", "sandbox@example.gov.uk"}};
  json["subject"] = channel == "sms" ? Json(nullptr) : Json("((subject))");
  return json;
}

size_t Characters(std::string_view utf8) {
  return static_cast<size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

Json NotificationJson(const NotifyMessage& m, int64_t wall_us) {
  std::string status = m.StatusAt(wall_us);
  bool over = status != "sending";
  Json json = {
      {"id", m.id},
      {"reference", m.reference},
      {"type", m.channel},
      {"status", status},
      {"template", {{"id", m.template_id}, {"version", 1}, {"uri", "/v2/template/" + m.template_id}}},
      {"body", m.text},
      {"subject", m.channel == "sms" ? Json(nullptr) : Json(m.subject)},
      {"created_at", TimeText(m.created_us)},
      {"sent_at", TimeText(m.created_us)},
      {"completed_at", over ? Json(TimeText(m.created_us + m.fate.after_us)) : Json(nullptr)}};
  json["phone_number"] = m.channel == "sms" ? Json("+" + m.to) : Json(nullptr);
  json["email_address"] = m.channel == "email" ? Json(m.to) : Json(nullptr);
  return json;
}

// The address of a letter on one line; "" with `wrong` set.
std::string LetterAddress(const Json& personalisation, std::string& wrong) {
  std::string address;
  int lines = 0;
  for (int i = 1; i <= 7; ++i) {
    std::string line = TextOf(personalisation, fmt::format("address_line_{}", i).c_str());
    if (line.empty()) continue;
    address += (lines++ == 0 ? "" : ", ") + line;
  }
  if (lines < 3) wrong = "Address must be at least 3 lines";
  return address;
}

// Reads who it is to and what; what is wrong with it, else "".
std::string ReadMessage(const Json& json, NotifyMessage& m) {
  const Json personalisation = json.value("personalisation", Json::object());
  if (!personalisation.is_object()) return "personalisation is not of type object";
  if (TextOf(json, "template_id").empty()) return "template_id is a required property";
  m.reference = TextOf(json, "reference");
  if (m.reference.size() > kMaxReference) return "reference is too long";
  m.text = TextOf(personalisation, "body");
  m.subject = TextOf(personalisation, "subject");
  if (m.channel == "sms") {
    m.to = NotifyNumber(TextOf(json, "phone_number"));
    if (m.to.empty()) return "phone_number Not enough digits";
  } else if (m.channel == "email") {
    m.to = NotifyAddress(TextOf(json, "email_address"));
    if (m.to.empty()) return "email_address Not a valid email address";
    std::string link = TextOf(json, "one_click_unsubscribe_url");
    if (!link.empty() && link.substr(0, 8) != "https://")
      return "one_click_unsubscribe_url is not a valid https url";
  } else {
    std::string wrong;
    m.to = LetterAddress(personalisation, wrong);
    return wrong;
  }
  return "";
}

}  // namespace

std::string NotifyMessage::StatusAt(int64_t wall_us) const {
  return fate.no_status || wall_us < created_us + fate.after_us ? "sending" : std::string(fate.status);
}

NotifyApi::NotifyApi(NotifyApiOptions options) : options_(std::move(options)), tokens_(options_.burst) {}

int NotifyApi::Kept(std::string_view reference) const {
  return static_cast<int>(by_reference_.count(std::string(reference)));
}

std::string NotifyApi::NewId() {
  return fmt::format("bbbbbbbb-{:04x}-4000-8000-{:012x}", options_.rules.seed & 0xFFFF, next_id_++);
}

std::optional<NotifyReply> NotifyApi::CheckToken(const HttpRequest& request, int64_t wall_us) {
  std::string wrong = WrongWithToken(request.authorization, options_.key, wall_us / 1'000'000);
  if (wrong.empty()) return std::nullopt;
  ++counts_.bad_tokens;
  return Error(403, "AuthError", wrong);
}

bool NotifyApi::TakeFromBucket(int64_t boot_us) {
  if (options_.per_second <= 0) return true;
  if (refilled_us_ != 0)
    tokens_ = std::min(options_.burst,
                       tokens_ + static_cast<double>(boot_us - refilled_us_) / 1e6 * options_.per_second);
  refilled_us_ = boot_us;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

NotifyReply NotifyApi::Answer(const HttpRequest& request, int64_t boot_us, int64_t wall_us) {
  ++counts_.requests;
  NotifyReply status;
  status.json = R"({"status":"ok"})";
  if (request.path == "/_status" && request.method == "GET") return status;
  if (auto refused = CheckToken(request, wall_us)) return *refused;
  if (!TakeFromBucket(boot_us)) {
    ++counts_.throttled;
    return Error(429, "RateLimitError",
                 "Exceeded rate limit for key type LIVE of 3000 requests per 60 seconds");
  }
  constexpr std::string_view kNotifications = "/v2/notifications";
  std::string_view path = request.path;
  if (request.method == "POST") {
    for (const char* channel : {"sms", "email", "letter"})
      if (path == fmt::format("{}/{}", kNotifications, channel)) return Send(request, channel, wall_us);
  }
  if (request.method == "GET" && path == kNotifications) return List(request, wall_us);
  if (request.method == "GET" && path.substr(0, kNotifications.size() + 1) == "/v2/notifications/")
    return GetOne(std::string(path.substr(kNotifications.size() + 1)), wall_us);
  if (path.substr(0, 12) == "/v2/template") return Templates(request);
  if (request.method == "GET" && path == "/v2/received-text-messages") {
    status.json = R"({"received_text_messages":[],"links":{"current":"/v2/received-text-messages"}})";
    return status;
  }
  return Error(404, "NoResultFound", "No result found");
}

NotifyFault NotifyApi::FaultFor(const NotifyMessage& message) {
  if (!next_faults_.empty()) {
    NotifyFault fault = next_faults_.front();
    next_faults_.pop_front();
    return fault;
  }
  if (message.fate.fault == NotifyFault::kNone || !faulted_.insert(message.to).second)
    return NotifyFault::kNone;
  return message.fate.fault;
}

NotifyReply NotifyApi::Send(const HttpRequest& request, const std::string& channel, int64_t wall_us) {
  ++counts_.refused;  // until it is accepted
  auto json = Json::parse(request.body, nullptr, false);
  if (!json.is_object()) return Error(400, "BadRequestError", "Invalid JSON supplied in POST data");
  NotifyMessage message;
  message.channel = channel;
  if (std::string wrong = ReadMessage(json, message); !wrong.empty())
    return Error(400, "ValidationError", wrong);
  message.template_id = TextOf(json, "template_id");
  if (ChannelOf(message.template_id).empty()) return Error(400, "BadRequestError", "Template not found");
  if (ChannelOf(message.template_id) != channel)
    return Error(400, "BadRequestError",
                 fmt::format("{} template is not suitable for {} notification",
                             ChannelOf(message.template_id), channel));
  if (message.text.empty()) return Error(400, "BadRequestError", "Missing personalisation: body");
  if (channel != "sms" && message.subject.empty())
    return Error(400, "BadRequestError", "Missing personalisation: subject");
  if (channel == "sms" && Characters(message.text) > kMaxSms)
    return Error(
        400, "BadRequestError",
        fmt::format("Content for template has a character count greater than the limit of {}", kMaxSms));
  message.fate = NotifyFateOf(message.to, options_.rules, options_.fault_percent);
  message.id = NewId();
  message.created_us = wall_us;
  return Keep(std::move(message), wall_us);
}

NotifyReply NotifyApi::Keep(NotifyMessage message, int64_t wall_us) {
  NotifyFault fault = FaultFor(message);
  if (fault == NotifyFault::kTooFast) return Error(429, "RateLimitError", "Exceeded rate limit");
  if (fault == NotifyFault::kErrorBefore) return Error(500, "Exception", "Internal server error");
  NotifyReply reply;
  reply.fault = fault;
  if (fault == NotifyFault::kCutBefore) return reply;
  if (wall_us / kDayUs != day_) {
    day_ = wall_us / kDayUs;
    today_ = 0;
  }
  if (!message.fate.smoke && today_ >= options_.daily) {
    ++counts_.over_daily;
    return Error(429, "TooManyRequestsError",
                 fmt::format("Exceeded send limits ({}) for today", options_.daily));
  }
  if (messages_.size() >= kMostKept) return Error(503, "Exception", "the sandbox is full; start it anew");
  --counts_.refused;
  reply.status = 201;
  Json content = {{"body", message.text}};
  if (message.channel != "sms") content["subject"] = message.subject;
  reply.json = Json{{"id", message.id},
                    {"reference", message.reference},
                    {"content", content},
                    {"uri", "/v2/notifications/" + message.id},
                    {"template", {{"id", message.template_id}, {"version", 1}}}}
                   .dump(-1, ' ', false, Json::error_handler_t::replace);
  if (fault == NotifyFault::kErrorAfter) {
    reply.status = 500;
    reply.json = Error(500, "Exception", "Internal server error").json;
  }
  reply.message = message;
  if (message.fate.smoke) {
    ++counts_.smoke;
    return reply;
  }
  ++today_;
  ++counts_.accepted;
  by_id_[message.id] = messages_.size();
  by_reference_.emplace(message.reference, messages_.size());
  messages_.push_back(std::move(message));
  return reply;
}

NotifyReply NotifyApi::GetOne(const std::string& id, int64_t wall_us) {
  ++counts_.asked;
  auto it = by_id_.find(id);
  if (it == by_id_.end()) return Error(404, "NoResultFound", "No result found");
  NotifyReply reply;
  reply.json =
      NotificationJson(messages_[it->second], wall_us).dump(-1, ' ', false, Json::error_handler_t::replace);
  return reply;
}

NotifyReply NotifyApi::List(const HttpRequest& request, int64_t wall_us) {
  ++counts_.asked;
  std::string reference = request.Query("reference"), status = request.Query("status"),
              channel = request.Query("template_type"), older_than = request.Query("older_than");
  size_t end = messages_.size();
  if (!older_than.empty()) {
    auto it = by_id_.find(older_than);
    end = it == by_id_.end() ? 0 : it->second;
  }
  std::vector<size_t> found;
  auto consider = [&](size_t at) {
    const NotifyMessage& m = messages_[at];
    if ((channel.empty() || m.channel == channel) && (status.empty() || m.StatusAt(wall_us) == status))
      found.push_back(at);
  };
  if (!reference.empty()) {
    auto [first, last] = by_reference_.equal_range(reference);
    for (auto it = first; it != last; ++it)
      if (it->second < end) consider(it->second);
    std::sort(found.rbegin(), found.rend());
  } else {
    for (size_t at = end; at > 0 && found.size() < kPage; --at) consider(at - 1);
  }
  Json list = Json::array();
  for (size_t at : found) list.push_back(NotificationJson(messages_[at], wall_us));
  Json links = {{"current", "/v2/notifications?" + request.query}};
  if (found.size() == kPage) links["next"] = "/v2/notifications?older_than=" + messages_[found.back()].id;
  NotifyReply reply;
  reply.json =
      Json{{"notifications", list}, {"links", links}}.dump(-1, ' ', false, Json::error_handler_t::replace);
  return reply;
}

NotifyReply NotifyApi::Templates(const HttpRequest& request) {
  NotifyReply reply;
  if (request.path == "/v2/templates") {
    Json list = Json::array();
    for (const char* channel : {"sms", "email", "letter"})
      if (request.Query("type").empty() || request.Query("type") == channel)
        list.push_back(TemplateJson(channel));
    reply.json = Json{{"templates", list}}.dump();
    return reply;
  }
  constexpr size_t kAt = sizeof "/v2/template/" - 1, kUuid = 36;
  std::string channel = request.path.size() >= kAt + kUuid ? ChannelOf(request.path.substr(kAt, kUuid)) : "";
  std::string rest = channel.empty() ? "" : request.path.substr(kAt + kUuid);
  if (channel.empty() || (!rest.empty() && rest != "/version/1" && rest != "/preview"))
    return Error(404, "NoResultFound", "No result found");
  Json json = TemplateJson(channel);
  if (rest == "/preview") {
    auto given = Json::parse(request.body, nullptr, false);
    if (!given.is_object() || !given.contains("personalisation") || !given["personalisation"].is_object())
      return Error(400, "BadRequestError", "Missing personalisation: body");
    json["body"] = TextOf(given["personalisation"], "body");
    if (channel != "sms") json["subject"] = TextOf(given["personalisation"], "subject");
  }
  reply.json = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  return reply;
}

std::string NotifyApi::CallbackJson(const NotifyMessage& m, int64_t wall_us) const {
  return Json{{"id", m.id},
              {"reference", m.reference},
              {"to", m.channel == "sms" ? "+" + m.to : m.to},
              {"status", m.StatusAt(wall_us)},
              {"created_at", TimeText(m.created_us)},
              {"completed_at", TimeText(m.created_us + m.fate.after_us)},
              {"sent_at", TimeText(m.created_us)},
              {"notification_type", m.channel},
              {"template_id", m.template_id},
              {"template_version", 1}}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace pharos::sandbox
