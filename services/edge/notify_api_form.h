// GOV.UK Notify's JSON: what its clients send, and what they are answered. Pure.
//
// Ids are UUIDs. A notification's is its message's. A template's is name-based (version 5, RFC 9562 5.5) over
// "templates/{id} sms" or "templates/{id} email", as one template here may have a text for each channel and a
// template there is of one type.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pharos/campaign/v1/template_service.pb.h"
#include "pharos/dispatch/v1/message_service.pb.h"
#include "pharos/engagement/v1/inbox_service.pb.h"
#include "services/edge/notify_api_error.h"

namespace pharos::edge {

// A template as Notify knows it.
struct NotifyTemplate {
  std::string id;  // UUID
  type::v1::Channel channel = type::v1::CHANNEL_UNSPECIFIED;
  campaign::v1::Template text;  // at the approved version
};

bool IsUuid(std::string_view text);
std::string TemplateUuid(const std::string& name, type::v1::Channel channel);
// "sms", "email".
std::string TypeWord(type::v1::Channel channel);
// "2026-03-01T09:00:00.000000Z".
std::string NotifyTime(int64_t time_us);

// One of created, sending, pending, delivered, permanent-failure, temporary-failure, technical-failure.
std::string StatusWord(dispatch::v1::IntentState state, std::string_view reason);
// The states among which messages with this status are; nullopt: there is no such word. Empty: none ever is.
std::optional<std::vector<dispatch::v1::IntentState>> StatesOf(std::string_view status);
// "failed" is any of the three.
bool HasStatus(const dispatch::v1::Message& message, std::string_view status);

// What a client asks to have sent.
struct NotifySend {
  std::string address, template_id, reference;
  std::map<std::string, std::string> personalisation;
};
// `body` as received. False: `error` says why.
bool ReadSend(const std::string& body, type::v1::Channel channel, NotifySend& send, NotifyError& error);
// The body of a preview.
bool ReadPreview(const std::string& body, std::map<std::string, std::string>& personalisation,
                 NotifyError& error);

// Placeholders of a text as its author wrote them, each once, in order: of conditions the names.
std::vector<std::string> PlaceholdersOf(std::string_view text);
// The same of all its texts of that type.
std::vector<std::string> PlaceholdersOf(const NotifyTemplate& from);
// Of the template's placeholders those that `given` has not, as the author wrote them.
std::vector<std::string> MissingOf(const NotifyTemplate& from,
                                   const std::map<std::string, std::string>& given);

// `base` is "https://host": where the API is.
nlohmann::json SentJson(const dispatch::v1::Message& message, const NotifyTemplate& from,
                        const std::string& base);
nlohmann::json NotificationJson(const dispatch::v1::Message& message, const std::string& base);
nlohmann::json TemplateJson(const NotifyTemplate& from);
nlohmann::json ReceivedJson(const engagement::v1::ReceivedText& text, const std::string& service_id);
nlohmann::json PreviewJson(const NotifyTemplate& from, const campaign::v1::PreviewTemplateResponse& preview);

Response OfJson(int status, const nlohmann::json& body);

}  // namespace pharos::edge
