#include "services/edge/notify_callback.h"

#include <algorithm>

#include "services/base/errors.h"
#include "services/edge/errors.h"
#include "services/edge/json_form.h"

namespace pharos::edge {

namespace v1 = dispatch::internal::v1;

namespace {

constexpr size_t kLongestId = 64, kLongestReference = 1000, kLongestStatus = 32, kLongestAddress = 320;
constexpr size_t kLongestText = 65'536;  // far more than Notify's 918 characters of a text
constexpr size_t kAttemptHexDigits = 32;

struct Meaning {
  std::string_view status;
  v1::ReceiptState state;  // RECEIPT_STATE_UNSPECIFIED: no news yet
};
// The same as the connector reads when it asks: the state must not depend on who heard it first.
constexpr Meaning kMeanings[] = {
    {"created", v1::RECEIPT_STATE_UNSPECIFIED},
    {"sending", v1::RECEIPT_STATE_UNSPECIFIED},
    {"pending", v1::RECEIPT_STATE_UNSPECIFIED},
    {"sent", v1::ACCEPTED_STATE},  // abroad, where no receipt follows
    {"delivered", v1::DELIVERED},
    {"permanent-failure", v1::UNDELIVERABLE},
    {"temporary-failure", v1::EXPIRED},  // Notify has tried for 72 hours
    {"technical-failure", v1::REJECTED_LATER},
};

bool IsAttempt(std::string_view reference) {
  return reference.size() == kAttemptHexDigits && std::all_of(reference.begin(), reference.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

const Meaning* FindMeaning(std::string_view status) {
  const auto* found = std::find_if(std::begin(kMeanings), std::end(kMeanings),
                                   [&](const Meaning& meaning) { return meaning.status == status; });
  return found == std::end(kMeanings) ? nullptr : found;
}

}  // namespace

absl::StatusOr<std::optional<v1::Receipt>> ReadNotifyReceipt(std::string_view body) {
  PHAROS_ASSIGN_OR_RETURN(const nlohmann::json object, ReadObject(body));
  Form form(object);
  (void)form.Text("id", kLongestId);
  const std::string reference = form.Maybe("reference", kLongestReference);
  const std::string status = form.Text("status", kLongestStatus);
  const std::string type = form.Text("notification_type", kLongestStatus);
  const int64_t completed_us = form.MaybeTime("completed_at");
  const Meaning* meaning = FindMeaning(status);
  if (meaning == nullptr) form.Fail("status", "is none that is known");
  if (type != "sms" && type != "email" && type != "letter")
    form.Fail("notification_type", "is none that is known");
  PHAROS_RETURN_IF_ERROR(form.status());
  if (!IsAttempt(reference) || meaning->state == v1::RECEIPT_STATE_UNSPECIFIED)
    return std::optional<v1::Receipt>();
  v1::Receipt receipt;
  receipt.set_provider_id(reference);
  receipt.set_state(meaning->state);
  if (meaning->state != v1::DELIVERED) receipt.set_error_code(status);
  receipt.set_reference(-1);
  receipt.set_done_time_us(completed_us);
  receipt.set_hard_bounce(type == "email" && status == "permanent-failure");
  return std::optional<v1::Receipt>(std::move(receipt));
}

absl::StatusOr<v1::InboundMessage> ReadNotifyMessage(std::string_view body, int64_t now_us) {
  PHAROS_ASSIGN_OR_RETURN(const nlohmann::json object, ReadObject(body));
  Form form(object);
  v1::InboundMessage message;
  message.set_id(form.Text("id", kLongestId));
  message.set_from(form.Text("source_number", kLongestAddress));
  message.set_to(form.Text("destination_number", kLongestAddress));
  message.set_text(form.Maybe("message", kLongestText));
  (void)form.MaybeTime("date_received");
  // Its own time says when Notify had it; the promise counts from when we do.
  message.set_received_time_us(now_us);
  PHAROS_RETURN_IF_ERROR(form.status());
  return message;
}

}  // namespace pharos::edge
