#include "services/edge/edge_handler.h"

#include <utility>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/edge/errors.h"
#include "services/edge/notify_callback.h"
#include "services/edge/one_click.h"
#include "services/edge/signed_callback.h"

namespace pharos::edge {

namespace v1 = dispatch::internal::v1;

namespace {

constexpr int kRetrySeconds = 30;
constexpr size_t kFormBytes = 8 << 10;  // the pair, and what multipart puts round it
constexpr size_t kCallbackBytes =
    512 << 10;                         // 1,024 receipts, or 32 messages of the longest text a phone can send
constexpr size_t kApiBytes = 4 << 20;  // as gRPC's messages
constexpr size_t kFileBytes =
    16 << 20;  // a contact file of some 100,000 rows; larger ones by the command line
constexpr size_t kNotifyBytes = 64 << 10;  // a message's personalisation

Language LanguageOf(const Request& request) {
  if (request.target.welsh) return Language::kWelsh;
  return request.target.english ? Language::kEnglish : PreferredLanguage(request.accept_language);
}

Response OfPage(int status, Page page, const Request& request, std::string_view purpose) {
  Response response;
  response.status = status;
  response.content_type = "text/html; charset=utf-8";
  response.body = MakePage(page, LanguageOf(request), purpose);
  response.headers.emplace_back("Content-Security-Policy", PublicPagePolicy());
  if (status == 503) response.retry_after_s = kRetrySeconds;
  return response;
}

// A token that dispatch cannot read is as unknown as one that it does not know.
Response OfFailedLink(const absl::Status& status, const Request& request) {
  const bool unknown = absl::IsNotFound(status) || absl::IsInvalidArgument(status);
  return unknown ? OfPage(404, Page::kUnknown, request, "") : OfPage(503, Page::kAway, request, "");
}

Response OfText(int status, std::string_view text) {
  Response response;
  response.status = status;
  response.body = std::string(text) + "\n";
  if (status == 503) response.retry_after_s = kRetrySeconds;
  return response;
}

// What a provider's machine is told. What dispatch refuses is not repeated to it: it may name what was sent.
Response OfCallback(const absl::Status& status) {
  if (status.ok()) return OfText(200, "Recorded.");
  const std::string reason = base::ReasonOf(status);
  const std::string words(status.message().data(), status.message().size());
  if (reason == "BODY_WRONG") return OfText(400, words);
  if (reason == "TOKEN_WRONG" || reason == "SIGNATURE_WRONG") return OfText(401, words);
  if (absl::IsInvalidArgument(status)) return OfText(400, "Dispatch refused this body.");
  return OfText(503, "Not recorded yet. Send it again.");
}

std::string_view AllowedMethods(Route route) {
  switch (route) {
    case Route::kHealth:
    case Route::kApiDocument:
    case Route::kConsoleStream:
    case Route::kAsset:
      return "GET, HEAD";
    case Route::kUnsubscribe:
    case Route::kPreferences:
    case Route::kLink:
    case Route::kNotifyApi:
    case Route::kConsole:
      return "GET, HEAD, POST";
    case Route::kNotifyReceipt:
    case Route::kNotifyMessage:
    case Route::kSigned:
    case Route::kApi:
      return "POST";
    case Route::kNone:
      break;
  }
  return "";
}

bool IsAllowed(Route route, const std::string& method) {
  const std::string_view allowed = AllowedMethods(route);
  if (method == "POST") return allowed.find("POST") != std::string_view::npos;
  return (method == "GET" || method == "HEAD") && allowed.find("GET") != std::string_view::npos;
}

}  // namespace

Site* Sites::Of(Route route) const {
  switch (route) {
    case Route::kApi:
      return api;
    case Route::kApiDocument:
      return api_document;
    case Route::kNotifyApi:
      return notify_api;
    case Route::kConsole:
    case Route::kConsoleStream:
    case Route::kAsset:
      return console;
    case Route::kLink:
      return links;
    case Route::kPreferences:
      return preferences;
    default:
      return nullptr;
  }
}

Response Busy(int status) {
  Response response = OfText(status, "There are too many requests just now. Try again in a minute.");
  response.retry_after_s = kRetrySeconds;
  return response;
}

size_t EdgeHandler::BodyLimit(Route route) {
  switch (route) {
    case Route::kNotifyReceipt:
    case Route::kNotifyMessage:
    case Route::kSigned:
      return kCallbackBytes;
    case Route::kApi:
      return kApiBytes;
    case Route::kConsole:
      return kFileBytes;
    case Route::kNotifyApi:
      return kNotifyBytes;
    default:
      return kFormBytes;
  }
}

bool EdgeHandler::HandleAtOnce(const Request& request, Response& response) const {
  const Route route = request.target.route;
  if (!IsServed(route)) {
    response = OfPage(404, Page::kUnknown, request, "");
    return true;
  }
  if (!IsAllowed(route, request.method)) {
    response = OfText(405, "This address does not take that method.");
    response.allow = AllowedMethods(route);
    return true;
  }
  if (route != Route::kHealth) return false;
  response = OfText(200, "ok");
  return true;
}

bool EdgeHandler::IsServed(Route route) const {
  switch (route) {
    case Route::kNone:
      return false;
    case Route::kHealth:
    case Route::kUnsubscribe:
    case Route::kNotifyReceipt:
    case Route::kNotifyMessage:
    case Route::kSigned:
      return true;
    default:
      return sites_.Of(route) != nullptr;
  }
}

Response EdgeHandler::Handle(const Request& request) {
  switch (request.target.route) {
    case Route::kUnsubscribe:
      return Unsubscribe(request);
    case Route::kNotifyReceipt:
      return NotifyReceipt(request);
    case Route::kNotifyMessage:
      return NotifyMessage(request);
    case Route::kSigned:
      return Signed(request);
    default:
      break;
  }
  if (Site* site = sites_.Of(request.target.route)) return site->Handle(request);
  Response response;
  HandleAtOnce(request, response);
  return response;
}

// Only a POST that says so acts: scanners fetch every link of an email, and some post what they find.
Response EdgeHandler::Unsubscribe(const Request& request) {
  const bool acts = request.method == "POST" && IsOneClick(request.content_type, request.body);
  const auto purpose = acts ? dispatch_.Unsubscribe(request.target.token)
                            : dispatch_.DescribeUnsubscribe(request.target.token);
  if (!purpose.ok()) return OfFailedLink(purpose.status(), request);
  const std::string name = dispatch_.PurposeName(*purpose);
  if (acts) return OfPage(200, Page::kDone, request, name);
  return OfPage(request.method == "POST" ? 400 : 200, Page::kAsk, request, name);
}

absl::Status EdgeHandler::CheckBearer(const Request& request) const {
  // For a connector without a token there is one to compare with too: that it is unknown must not be told by
  // time.
  static const std::string kNobody(64, '\0');
  const auto at = secrets_.tokens.find(request.target.connector);
  const std::string& right = at == secrets_.tokens.end() ? kNobody : at->second;
  constexpr std::string_view kScheme = "Bearer ";
  const std::string_view given(request.authorization);
  const bool bearer = given.substr(0, kScheme.size()) == kScheme;
  const bool same =
      base::SameBytes(base::Sha256(bearer ? given.substr(kScheme.size()) : given), base::Sha256(right));
  return bearer && same && at != secrets_.tokens.end() ? absl::OkStatus() : errors::TokenWrong();
}

Response EdgeHandler::NotifyReceipt(const Request& request) {
  if (const absl::Status bearer = CheckBearer(request); !bearer.ok()) return OfCallback(bearer);
  auto receipt = ReadNotifyReceipt(request.body);
  if (!receipt.ok()) return OfCallback(receipt.status());
  v1::Receipts receipts;
  if (*receipt) *receipts.add_receipts() = std::move(**receipt);
  return OfCallback(dispatch_.RecordReceipts(request.target.connector, receipts));
}

Response EdgeHandler::NotifyMessage(const Request& request) {
  if (const absl::Status bearer = CheckBearer(request); !bearer.ok()) return OfCallback(bearer);
  auto message = ReadNotifyMessage(request.body, clock_.WallMicros());
  if (!message.ok()) return OfCallback(message.status());
  v1::InboundMessages messages;
  *messages.add_messages() = *std::move(message);
  return OfCallback(dispatch_.RecordMessages(request.target.connector, messages));
}

Response EdgeHandler::Signed(const Request& request) {
  const int64_t now_us = clock_.WallMicros(), now_s = now_us / 1'000'000;
  static const std::vector<std::string> kNobody = {std::string(32, '\0')};
  const auto at = secrets_.signing_keys.find(request.target.connector);
  const bool known = at != secrets_.signing_keys.end();
  const absl::Status genuine =
      CheckWebhook(request.webhook, request.body, known ? at->second : kNobody, now_s);
  if (!known || !genuine.ok())
    return OfCallback(genuine.ok() ? errors::SignatureWrong("no key is known") : genuine);
  const std::string id = request.target.connector + ' ' + request.webhook.id;
  if (seen_.Has(id, now_s)) return OfCallback(absl::OkStatus());
  const auto callback = ReadSignedCallback(request.body, now_us);
  if (!callback.ok()) return OfCallback(callback.status());
  absl::Status recorded = dispatch_.RecordReceipts(request.target.connector, callback->receipts);
  if (recorded.ok()) recorded = dispatch_.RecordMessages(request.target.connector, callback->messages);
  if (recorded.ok()) seen_.Add(id, now_s);
  return OfCallback(recorded);
}

}  // namespace pharos::edge
