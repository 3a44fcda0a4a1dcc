#include "services/edge/notify_api_error.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "services/base/errors.h"
#include "services/base/text.h"
#include "services/edge/notify_api_limit.h"

namespace pharos::edge {
namespace {

using nlohmann::json;

constexpr int kRetrySeconds = 5;

NotifyError OfService(std::string_view why) {
  return {403, "AuthError", {"Invalid token: " + std::string(why)}};
}

std::string FactOf(const absl::Status& status, const std::string& name) {
  const auto facts = base::FactsOf(status);
  if (!facts) return "";
  const auto at = facts->metadata.find(name);
  return at == facts->metadata.end() ? "" : at->second;
}

NotifyError AddressWrong(type::v1::Channel channel, bool landline) {
  if (channel == type::v1::CHANNEL_EMAIL) return Invalid({"email_address Not a valid email address"});
  return Invalid({landline ? "phone_number Not a UK mobile number"
                           : "phone_number Number is not valid – double check the phone number you entered"});
}

}  // namespace

NotifyError BadRequest(std::string message) {
  return {400, "BadRequestError", {std::move(message)}};
}

NotifyError Invalid(std::vector<std::string> messages) {
  return {400, "ValidationError", std::move(messages)};
}

NotifyError NotFound() {
  return {404, "NoResultFound", {"No result found"}};
}

NotifyError RateLimited() {
  return {429,
          "RateLimitError",
          {fmt::format("Exceeded rate limit for key type LIVE of {} requests per {} seconds",
                       MinuteLimit::kMost, MinuteLimit::kWindowMicros / 1'000'000)}};
}

Response OfError(const NotifyError& error) {
  json body = {{"status_code", error.status}, {"errors", json::array()}};
  for (const std::string& message : error.messages)
    body["errors"].push_back({{"error", error.error}, {"message", message}});
  Response response;
  response.status = error.status;
  response.content_type = "application/json";
  response.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
  if (error.status == 429 || error.status == 503) response.retry_after_s = kRetrySeconds;
  return response;
}

NotifyError ErrorOf(const absl::Status& status, type::v1::Channel channel) {
  const std::string reason = base::ReasonOf(status);
  const bool email = channel == type::v1::CHANNEL_EMAIL;
  if (reason == "ADDRESS_WRONG" || reason == "NOT_A_MOBILE")
    return AddressWrong(channel, reason == "NOT_A_MOBILE");
  if (reason == "PERSONALISATION_MISSING")
    return BadRequest("Missing personalisation: " + FactOf(status, "missing"));
  if (reason == "PLACEHOLDER_EMPTY") return BadRequest("Missing personalisation: " + FactOf(status, "field"));
  if (reason == "MESSAGE_TOO_LONG" && !email)
    return BadRequest(
        "Text messages cannot be longer than 918 characters. Your message is too long after "
        "personalisation.");
  if (reason == "MESSAGE_TOO_LONG") return BadRequest("Your message is too long after personalisation.");
  if (reason == "TEMPLATE_NOT_APPROVED" || reason == "TEMPLATE_NOT_FOUND")
    return BadRequest("Template not found");
  if (reason == "CHANNEL_NOT_APPROVED")
    return BadRequest(email ? "Service is not allowed to send emails"
                            : "Service is not allowed to send text messages");
  if (reason == "RECIPIENT_REFUSED")
    return BadRequest("Can’t send to this recipient: nothing may be sent to this address. Do not try again.");
  if (reason == "CAMPAIGN_HALTED" || reason == "CAMPAIGN_EXPIRED" || reason == "CAMPAIGN_NOT_STANDING" ||
      reason == "CAMPAIGN_NOT_FOUND")
    return OfService("service is archived");
  if (absl::IsNotFound(status)) return NotFound();
  if (absl::IsResourceExhausted(status))
    return {429, "TooManyRequestsError", {"Exceeded send limits for today"}};
  if (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) || absl::IsAborted(status))
    return {503, "Exception", {"Service unavailable, try again"}};
  if (absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status))
    return BadRequest(std::string(base::FromAbsl(status.message())));
  return {500, "Exception", {"Internal server error"}};
}

}  // namespace pharos::edge
