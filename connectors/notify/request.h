// What GOV.UK Notify is asked: addresses, bodies, whole HTTP requests.
// https://docs.notifications.service.gov.uk/rest-api.html
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "pharos/dispatch/internal/v1/work_service.pb.h"

namespace pharos::notify {

namespace work = ::pharos::dispatch::internal::v1;

// Where the API is.
struct Endpoint {
  bool tls = true;
  std::string host;
  int port = 443;
  std::string prefix;  // of every path; "" or "/…"
};
// "https://host[:port][/prefix]"; "http://" only for 127.0.0.0/8, ::1 and localhost. INVALID_ARGUMENT
// (FLAG_WRONG).
absl::StatusOr<Endpoint> ParseUrl(std::string_view url);

enum class MessageKind { kSms, kEmail, kLetter };
// "sms", "email", "letter": in paths, and as template_type.
std::string_view NameOf(MessageKind kind);

struct SendSettings {
  MessageKind kind = MessageKind::kSms;
  std::string template_id;    // a template whose only words are ((body)), and ((subject)) if it has a subject
  std::string sms_sender_id;  // "" = the service's default
  std::string email_reply_to;  // email_reply_to_id; "" = the service's default
};

inline constexpr size_t kMaxBody = 2 * 1024 * 1024;  // the provider takes 2 MB of personalisation

// The JSON of one message; its reference is the attempt's id in hex. A letter's address is lines divided by
// \n, 3 to 7 of them. INVALID_ARGUMENT (NOT_ENCODABLE): no UTF-8, no lines, too large; such a message can
// never be sent.
absl::StatusOr<std::string> SendBody(const work::Attempt& attempt, const SendSettings& settings);

// Recipients for which the provider answers 201 and keeps nothing: no receipt comes, and nobody can ask for
// them.
bool IsSmokeRecipient(MessageKind kind, std::string_view address);

// Paths.
std::string SendPath(MessageKind kind);
std::string ReferencePath(std::string_view reference);
std::string PagePath(MessageKind kind, std::string_view older_than);
std::string TemplatePath(std::string_view template_id);
inline constexpr std::string_view kStatusPath = "/_status";

// Whole requests, HTTP/1.1, head and body in one piece. An empty token is not sent.
std::string Get(const Endpoint& endpoint, std::string_view path, std::string_view token);
std::string Post(const Endpoint& endpoint, std::string_view path, std::string_view token,
                 std::string_view body);

}  // namespace pharos::notify
