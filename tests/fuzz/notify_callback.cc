// Callbacks by HTTP: GOV.UK Notify's and our own signed form. No octets make it more than a known message,
// and what goes to dispatch is UTF-8 within dispatch's limits.
#include "services/edge/notify_callback.h"

#include "services/base/errors.h"
#include "services/base/text.h"
#include "services/edge/json_form.h"
#include "services/edge/signed_callback.h"
#include "tests/fuzz/fuzz.h"

using namespace pharos;  // NOLINT

namespace {

constexpr int64_t kNow = 1'800'000'000'000'000;

void CheckRefusal(const absl::Status& status, std::string_view body) {
  CHECK(base::ReasonOf(status) == "BODY_WRONG");
  // It names fields, never what they say: who sends rubbish does not get it into our logs.
  if (body.size() > 60)
    CHECK(status.message().find(absl::string_view(body.data(), body.size())) == absl::string_view::npos);
}

void CheckMessage(const dispatch::internal::v1::InboundMessage& message) {
  CHECK(!message.id().empty() && !message.from().empty());
  CHECK(base::IsUtf8(message.id() + message.from() + message.to() + message.text()));
}

void CheckReceipt(const dispatch::internal::v1::Receipt& receipt) {
  CHECK(!receipt.provider_id().empty() && receipt.state() >= 1 && receipt.state() <= 8);
  CHECK(base::IsUtf8(receipt.provider_id() + receipt.address() + receipt.error_code()));
}

}  // namespace

FUZZ(data) {
  if (const auto receipt = edge::ReadNotifyReceipt(data); !receipt.ok()) {
    CheckRefusal(receipt.status(), data);
  } else if (receipt->has_value()) {
    CheckReceipt(**receipt);
    CHECK((*receipt)->provider_id().size() == 32);  // an attempt's id in hex
  }
  if (const auto message = edge::ReadNotifyMessage(data, kNow); message.ok()) {
    CheckMessage(*message);
    CHECK(message->id() == edge::ReadNotifyMessage(data, kNow + 1)->id());
  } else {
    CheckRefusal(message.status(), data);
  }
  if (const auto callback = edge::ReadSignedCallback(data, kNow); callback.ok()) {
    CHECK(static_cast<size_t>(callback->receipts.receipts_size()) <= edge::kMostReceipts);
    CHECK(static_cast<size_t>(callback->messages.messages_size()) <= edge::kMostMessages);
    for (const auto& receipt : callback->receipts.receipts()) CheckReceipt(receipt);
    for (const auto& message : callback->messages.messages()) CheckMessage(message);
  } else {
    CheckRefusal(callback.status(), data);
  }
  CHECK(edge::ReadTime(data) >= -1);
}
