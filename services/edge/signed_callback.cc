#include "services/edge/signed_callback.h"

#include <fmt/format.h>

#include "services/base/errors.h"
#include "services/edge/errors.h"
#include "services/edge/json_form.h"

namespace pharos::edge {

namespace v1 = dispatch::internal::v1;

namespace {

using nlohmann::json;

constexpr size_t kLongestId = 128, kLongestState = 32, kLongestAddress = 320, kLongestError = 64;
constexpr size_t kLongestText = 65'536;

constexpr struct {
  std::string_view word;
  v1::ReceiptState state;
} kStates[] = {
    {"EN_ROUTE", v1::EN_ROUTE},     {"DELIVERED", v1::DELIVERED},         {"EXPIRED", v1::EXPIRED},
    {"DELETED", v1::DELETED},       {"UNDELIVERABLE", v1::UNDELIVERABLE}, {"ACCEPTED", v1::ACCEPTED_STATE},
    {"UNKNOWN", v1::UNKNOWN_STATE}, {"REJECTED", v1::REJECTED_LATER},
};

v1::ReceiptState StateOf(std::string_view word) {
  for (const auto& [known, state] : kStates) {
    if (known == word) return state;
  }
  return v1::RECEIPT_STATE_UNSPECIFIED;
}

absl::StatusOr<v1::Receipt> ReadReceipt(const json& object) {
  Form form(object);
  v1::Receipt receipt;
  receipt.set_provider_id(form.Text("id", kLongestId));
  receipt.set_state(StateOf(form.Text("state", kLongestState)));
  if (receipt.state() == v1::RECEIPT_STATE_UNSPECIFIED) form.Fail("state", "is none that is known");
  receipt.set_address(form.Maybe("address", kLongestAddress));
  receipt.set_error_code(form.Maybe("error", kLongestError));
  receipt.set_reference(-1);
  receipt.set_done_time_us(form.MaybeTime("done_at"));
  receipt.set_hard_bounce(form.Flag("hard_bounce"));
  receipt.set_complaint(form.Flag("complaint"));
  PHAROS_RETURN_IF_ERROR(form.status());
  return receipt;
}

absl::StatusOr<v1::InboundMessage> ReadMessage(const json& object, int64_t now_us) {
  Form form(object);
  v1::InboundMessage message;
  message.set_id(form.Text("id", kLongestId));
  message.set_from(form.Text("from", kLongestAddress));
  message.set_to(form.Text("to", kLongestAddress));
  message.set_text(form.Maybe("text", kLongestText));
  message.set_received_time_us(now_us);
  PHAROS_RETURN_IF_ERROR(form.status());
  return message;
}

// A list of objects that may be missing; nullptr then.
absl::StatusOr<const json*> ListOf(const json& object, const char* field, size_t most) {
  const auto at = object.find(field);
  if (at == object.end() || at->is_null()) return nullptr;
  if (!at->is_array()) return errors::BodyWrong(fmt::format("\"{}\" must be a list", field));
  if (at->size() > most) return errors::BodyWrong(fmt::format("\"{}\" may hold at most {}", field, most));
  for (const json& one : *at) {
    if (!one.is_object()) return errors::BodyWrong(fmt::format("\"{}\" must hold objects", field));
  }
  return &*at;
}

}  // namespace

absl::StatusOr<SignedCallback> ReadSignedCallback(std::string_view body, int64_t now_us) {
  PHAROS_ASSIGN_OR_RETURN(const json object, ReadObject(body));
  PHAROS_ASSIGN_OR_RETURN(const json* receipts, ListOf(object, "receipts", kMostReceipts));
  PHAROS_ASSIGN_OR_RETURN(const json* messages, ListOf(object, "messages", kMostMessages));
  SignedCallback callback;
  for (size_t i = 0; receipts != nullptr && i < receipts->size(); ++i) {
    PHAROS_ASSIGN_OR_RETURN(*callback.receipts.add_receipts(), ReadReceipt((*receipts)[i]));
  }
  for (size_t i = 0; messages != nullptr && i < messages->size(); ++i) {
    PHAROS_ASSIGN_OR_RETURN(*callback.messages.add_messages(), ReadMessage((*messages)[i], now_us));
  }
  return callback;
}

}  // namespace pharos::edge
