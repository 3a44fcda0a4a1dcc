#include "services/edge/notify_api.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "pharos/campaign/v1/campaign_service.pb.h"
#include "pharos/engagement/v1/inbox_service.pb.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/text.h"
#include "services/edge/notify_api_token.h"

namespace pharos::edge {
namespace {

using nlohmann::json;

constexpr int kMostRounds = 20;  // pages asked for one page of a rare status
constexpr std::string_view kTypes = "is not one of [sms, email, letter]";

Response OfVerdict(const TokenVerdict& verdict) {
  return OfError({verdict.status, "AuthError", {verdict.message}});
}

Response OfStatus(const absl::Status& status, type::v1::Channel channel = type::v1::CHANNEL_SMS) {
  return OfError(ErrorOf(status, channel));
}

// "a%20b+c" → "a b c".
std::string Unescaped(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size();
    const std::string byte = escape ? base::FromHex(base::LowerAscii(text.substr(i + 1, 2))) : "";
    if (!byte.empty()) {
      plain += byte;
      i += 2;
    } else {
      plain.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return plain;
}

std::map<std::string, std::string> QueryOf(const std::string& query) {
  std::map<std::string, std::string> values;
  for (const std::string& pair : base::Split(query, '&')) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos) continue;
    values[Unescaped(pair.substr(0, equals))] = Unescaped(pair.substr(equals + 1));
  }
  return values;
}

std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
    escaped += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return escaped;
}

// Where the client has reached us. What is no host name is left out.
std::string BaseOf(const Request& request) {
  const std::string host(request.Header("host"));
  const bool fine = !host.empty() && host.size() <= 255 && std::all_of(host.begin(), host.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' || c == ':' || c == '[' ||
           c == ']';
  });
  return fine ? (request.tls ? "https://" : "http://") + host : "";
}

// "/v2/notifications/sms" → notifications, sms.
std::vector<std::string> PartsOf(const std::string& path) {
  std::vector<std::string> parts;
  for (std::string& part : base::Split(path, '/')) {
    if (!part.empty()) parts.push_back(std::move(part));
  }
  if (!parts.empty()) parts.erase(parts.begin());
  return parts;
}

// The query of a page, without what is empty.
std::string PageUri(const std::string& base, std::string_view path,
                    const std::map<std::string, std::string>& query, const std::string& older_than) {
  std::map<std::string, std::string> all = query;
  if (!older_than.empty()) all["older_than"] = older_than;
  std::string uri = base + "/v2/" + std::string(path);
  char mark = '?';
  for (const auto& [name, value] : all) {
    uri += fmt::format("{}{}={}", mark, Escaped(name), Escaped(value));
    mark = '&';
  }
  return uri;
}

std::optional<type::v1::Channel> ChannelOf(std::string_view type) {
  if (type == "sms") return type::v1::CHANNEL_SMS;
  if (type == "email") return type::v1::CHANNEL_EMAIL;
  return std::nullopt;
}

bool IsType(std::string_view type) {
  return ChannelOf(type).has_value() || type == "letter";
}

}  // namespace

Response NotifyApi::Handle(const Request& request) {
  NotifyToken token;
  if (const TokenVerdict verdict = ReadToken(request.authorization, token); !verdict.ok())
    return OfVerdict(verdict);
  const auto key = keys_.find(token.issuer);
  if (key == keys_.end()) return OfVerdict({403, "Invalid token: service not found"});
  const TokenVerdict verdict = CheckToken(token, key->second.secrets, clock_.WallMicros() / 1'000'000);
  if (!verdict.ok()) return OfVerdict(verdict);
  if (!limit_.Take(key->first, clock_.BootMicros())) return OfError(RateLimited());
  const Visit visit{request,        key->second, key->first, PartsOf(request.path), QueryOf(request.query),
                    BaseOf(request)};
  return Route(visit);
}

Response NotifyApi::Route(const Visit& visit) {
  const Parts& parts = visit.parts;
  const bool post = visit.request.method == "POST";
  const std::string first = parts.empty() ? "" : parts[0];
  if (post && first == "notifications" && parts.size() == 2) return Send(visit);
  if (post && first == "template" && parts.size() == 3 && parts[2] == "preview") return OneTemplate(visit);
  if (post) return OfError(NotFound());
  if (first == "notifications" && parts.size() == 1) return Notifications(visit);
  if (first == "notifications" && parts.size() == 2) return OneNotification(visit);
  if (first == "notifications" && parts.size() == 3 && parts[2] == "pdf")
    return OfError(BadRequest("Notification is not a letter"));
  if (first == "templates" && parts.size() == 1) return Templates(visit);
  const bool versioned = parts.size() == 4 && parts[2] == "version";
  if (first == "template" && (parts.size() == 2 || versioned)) return OneTemplate(visit);
  if (first == "received-text-messages" && parts.size() == 1) return ReceivedTexts(visit);
  return OfError(NotFound());
}

Response NotifyApi::Send(const Visit& visit) {
  if (visit.parts[1] == "letter")
    return OfError(BadRequest("Service is not allowed to send letters: text messages and emails only"));
  const auto channel = ChannelOf(visit.parts[1]);
  if (!channel) return OfError(NotFound());
  NotifySend send;
  NotifyError error;
  if (!ReadSend(visit.request.body, *channel, send, error)) return OfError(error);
  const auto from = FindTemplate(visit.key, send.template_id);
  if (!from.ok()) return OfStatus(from.status());
  if (!*from) return OfError(BadRequest("Template not found"));
  if ((*from)->channel != *channel)
    return OfError(BadRequest(fmt::format("{} template is not suitable for {} notification",
                                          TypeWord((*from)->channel), TypeWord(*channel))));
  if (const auto missing = MissingOf(**from, send.personalisation); !missing.empty())
    return OfError(BadRequest(fmt::format("Missing personalisation: {}", fmt::join(missing, ", "))));
  dispatch::v1::SendMessageRequest request;
  request.set_campaign(visit.key.campaigns.front());
  request.set_template_((*from)->text.name());
  request.set_channel(*channel);
  request.set_address(send.address);
  request.set_reference(send.reference);
  request.mutable_personalisation()->insert(send.personalisation.begin(), send.personalisation.end());
  dispatch::v1::Message message;
  const absl::Status sent = backend_.Call(CredentialOf(visit.key), request, &message);
  if (!sent.ok()) return OfStatus(sent, *channel);
  return OfJson(201, SentJson(message, **from, visit.base));
}

// Another service's notification is none of this one's.
Response NotifyApi::OneNotification(const Visit& visit) {
  const std::string& id = visit.parts[1];
  if (!IsUuid(id)) return OfError(Invalid({"notification_id is not a valid UUID"}));
  dispatch::v1::GetMessageRequest request;
  request.set_name("messages/" + base::LowerAscii(id));
  dispatch::v1::Message message;
  const absl::Status found = backend_.Call(CredentialOf(visit.key), request, &message);
  if (!found.ok()) return OfStatus(found);
  const auto& campaigns = visit.key.campaigns;
  if (std::find(campaigns.begin(), campaigns.end(), message.campaign()) == campaigns.end())
    return OfError(NotFound());
  return OfJson(200, NotificationJson(message, visit.base));
}

Response NotifyApi::Notifications(const Visit& visit) {
  const auto given = [&](const char* name) {
    const auto at = visit.query.find(name);
    return at == visit.query.end() ? std::string() : at->second;
  };
  const std::string type = given("template_type"), status = given("status"), older = given("older_than");
  std::vector<std::string> problems;
  if (!type.empty() && !IsType(type))
    problems.push_back(fmt::format("template_type {} {}", type.substr(0, 32), kTypes));
  const auto states = status.empty() ? std::vector<dispatch::v1::IntentState>() : StatesOf(status);
  if (!states)
    problems.push_back(fmt::format("status {} is not one of Notify's statuses", status.substr(0, 32)));
  if (!older.empty() && !IsUuid(older)) problems.push_back("older_than is not a valid UUID");
  if (!problems.empty()) return OfError(Invalid(std::move(problems)));
  dispatch::v1::ListMessagesRequest request;
  request.set_page_size(kPage);
  request.set_reference(given("reference"));
  if (!older.empty()) request.set_older_than("messages/" + base::LowerAscii(older));
  if (const auto channel = ChannelOf(type)) request.set_channel(*channel);
  request.mutable_states()->Assign(states->begin(), states->end());
  std::vector<dispatch::v1::Message> found;
  const bool none = type == "letter" || (!status.empty() && states->empty());
  for (const std::string& campaign : none ? std::vector<std::string>() : visit.key.campaigns) {
    request.set_parent(campaign);
    const absl::Status gathered = Gather(visit.key, request, status, found);
    if (!gathered.ok()) return OfStatus(gathered);
  }
  // Ids sort by time, over all campaigns.
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.name() > b.name(); });
  if (found.size() > kPage) found.resize(kPage);
  json shown = json::array();
  for (const auto& message : found) shown.push_back(NotificationJson(message, visit.base));
  const std::string last = found.empty() ? "" : base::Segment(found.back().name(), "messages");
  json links = {{"current", PageUri(visit.base, "notifications", visit.query, "")}};
  if (!shown.empty()) links["next"] = PageUri(visit.base, "notifications", visit.query, last);
  return OfJson(200, {{"notifications", std::move(shown)}, {"links", std::move(links)}});
}

absl::Status NotifyApi::Gather(const NotifyKey& key, dispatch::v1::ListMessagesRequest request,
                               const std::string& status, std::vector<dispatch::v1::Message>& found) const {
  size_t taken = 0;
  for (int round = 0; round < kMostRounds && taken < kPage; ++round) {
    dispatch::v1::ListMessagesResponse page;
    PHAROS_RETURN_IF_ERROR(backend_.Call(CredentialOf(key), request, &page));
    for (auto& message : *page.mutable_messages()) {
      if (!status.empty() && !HasStatus(message, status)) continue;
      found.push_back(std::move(message));
      if (++taken == kPage) break;
    }
    if (page.next_page_token().empty()) break;
    request.set_page_token(page.next_page_token());
  }
  return absl::OkStatus();
}

absl::StatusOr<NotifyApi::TemplatesPtr> NotifyApi::TemplatesOf(const NotifyKey& key) {
  const int64_t now = clock_.BootMicros();
  {
    base::MutexLock lock(mutex_);
    const auto at = kept_.find(key.campaigns.front());
    if (at != kept_.end() && now - at->second.at_us < kTemplatesMicros) return at->second.templates;
  }
  PHAROS_ASSIGN_OR_RETURN(TemplatesPtr asked, AskTemplates(key));
  base::MutexLock lock(mutex_);
  kept_[key.campaigns.front()] = {now, asked};
  return asked;
}

absl::StatusOr<NotifyApi::TemplatesPtr> NotifyApi::AskTemplates(const NotifyKey& key) const {
  campaign::v1::GetCampaignRequest get;
  get.set_name(key.campaigns.front());
  campaign::v1::Campaign standing;
  PHAROS_RETURN_IF_ERROR(backend_.Call(CredentialOf(key), get, &standing));
  auto templates = std::make_shared<std::vector<NotifyTemplate>>();
  for (const auto& [name, version] : standing.template_versions()) {
    campaign::v1::GetTemplateRequest request;
    request.set_name(name);
    request.set_version(version);
    campaign::v1::Template text;
    PHAROS_RETURN_IF_ERROR(backend_.Call(CredentialOf(key), request, &text));
    for (const int channel : standing.channels()) {
      const auto type = static_cast<type::v1::Channel>(channel);
      const bool has =
          type == type::v1::CHANNEL_EMAIL ? !text.email_body().empty() : !text.sms_body().empty();
      if (has) templates->push_back({TemplateUuid(name, type), type, text});
    }
  }
  std::sort(templates->begin(), templates->end(),
            [](const NotifyTemplate& a, const NotifyTemplate& b) { return a.id < b.id; });
  return TemplatesPtr(std::move(templates));
}

absl::StatusOr<std::optional<NotifyTemplate>> NotifyApi::FindTemplate(const NotifyKey& key,
                                                                      const std::string& id) {
  PHAROS_ASSIGN_OR_RETURN(const TemplatesPtr templates, TemplatesOf(key));
  const std::string wanted = base::LowerAscii(id);
  for (const NotifyTemplate& one : *templates) {
    if (one.id == wanted) return std::optional<NotifyTemplate>(one);
  }
  return std::optional<NotifyTemplate>();
}

Response NotifyApi::Templates(const Visit& visit) {
  const auto type = visit.query.find("type");
  if (type != visit.query.end() && !IsType(type->second))
    return OfError(Invalid({fmt::format("type {} {}", type->second.substr(0, 32), kTypes)}));
  const auto templates = TemplatesOf(visit.key);
  if (!templates.ok()) return OfStatus(templates.status());
  json shown = json::array();
  for (const NotifyTemplate& one : **templates) {
    if (type == visit.query.end() || TypeWord(one.channel) == type->second)
      shown.push_back(TemplateJson(one));
  }
  return OfJson(200, {{"templates", std::move(shown)}});
}

// As approved; another version of it; or with values.
Response NotifyApi::OneTemplate(const Visit& visit) {
  if (!IsUuid(visit.parts[1])) return OfError(Invalid({"id is not a valid UUID"}));
  auto from = FindTemplate(visit.key, visit.parts[1]);
  if (!from.ok()) return OfStatus(from.status());
  if (!*from) return OfError(NotFound());
  NotifyTemplate& shown = **from;
  if (visit.parts.size() == 2) return OfJson(200, TemplateJson(shown));
  if (visit.parts.size() == 4) {
    const std::string& version = visit.parts[3];
    const bool number =
        !version.empty() && version.size() <= 9 &&
        std::all_of(version.begin(), version.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!number) return OfError(Invalid({"version is not of type integer"}));
    campaign::v1::GetTemplateRequest request;
    request.set_name(shown.text.name());
    request.set_version(std::stoull(version));
    const absl::Status found = request.version() == 0
                                   ? absl::NotFoundError("")
                                   : backend_.Call(CredentialOf(visit.key), request, &shown.text);
    if (absl::IsNotFound(found)) return OfError(NotFound());
    if (!found.ok()) return OfStatus(found, shown.channel);
    return OfJson(200, TemplateJson(shown));
  }
  campaign::v1::PreviewTemplateRequest request;
  NotifyError error;
  std::map<std::string, std::string> values;
  if (!ReadPreview(visit.request.body, values, error)) return OfError(error);
  if (const auto missing = MissingOf(shown, values); !missing.empty())
    return OfError(BadRequest(fmt::format("Missing personalisation: {}", fmt::join(missing, ", "))));
  request.set_name(shown.text.name());
  request.set_version(shown.text.version());
  request.mutable_values()->insert(values.begin(), values.end());
  campaign::v1::PreviewTemplateResponse preview;
  const absl::Status made = backend_.Call(CredentialOf(visit.key), request, &preview);
  if (!made.ok()) return OfStatus(made, shown.channel);
  return OfJson(200, PreviewJson(shown, preview));
}

// Texts that answer what this service sent, and those that answer nothing and came to its number.
Response NotifyApi::ReceivedTexts(const Visit& visit) {
  constexpr std::string_view kPath = "received-text-messages";
  const auto older = visit.query.find("older_than");
  if (older != visit.query.end() && !IsUuid(older->second))
    return OfError(Invalid({"older_than is not a valid UUID"}));
  engagement::v1::ListReceivedTextsRequest request;
  for (const std::string& campaign : visit.key.campaigns) request.add_campaigns(campaign);
  request.set_page_size(kPage);
  if (older != visit.query.end()) request.set_older_than("replies/" + base::LowerAscii(older->second));
  engagement::v1::ListReceivedTextsResponse page;
  const absl::Status listed = backend_.Call(CredentialOf(visit.key), request, &page);
  if (!listed.ok()) return OfStatus(listed);
  json shown = json::array();
  for (const auto& text : page.texts()) shown.push_back(ReceivedJson(text, visit.service_id));
  json links = {{"current", PageUri(visit.base, kPath, {}, "")}};
  if (!page.texts().empty()) {
    const auto& last = page.texts(page.texts_size() - 1);
    links["next"] = PageUri(visit.base, kPath, {}, base::Segment(last.name(), "replies"));
  }
  return OfJson(200, {{"received_text_messages", std::move(shown)}, {"links", std::move(links)}});
}

}  // namespace pharos::edge
