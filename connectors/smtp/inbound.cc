#include "connectors/smtp/inbound.h"

#include <fmt/format.h>

#include "connectors/smtp/dsn.h"
#include "services/base/ids.h"
#include "services/base/text.h"

namespace pharos::smtp {
namespace {

constexpr size_t kMaxFrom = 320;  // RFC 3696 (errata): 64 + 1 + 255

work::ReceiptState StateOf(DsnAction action) {
  switch (action) {
    case DsnAction::kFailed:
      return work::UNDELIVERABLE;
    case DsnAction::kDelivered:
      return work::DELIVERED;
    default:
      return work::EN_ROUTE;  // delayed, relayed, expanded: on its way, and no more will be heard perhaps
  }
}

std::optional<Inbound> ReadBounce(const TokenAddress& address, std::string_view message) {
  auto dsn = ReadDsn(message);
  const DsnRecipient* said = dsn ? Decisive(*dsn) : nullptr;
  if (!said) return std::nullopt;
  Inbound inbound;
  work::Receipt& receipt = inbound.receipt.emplace();
  receipt.set_provider_id(base::ToHex(address.attempt));
  receipt.set_state(StateOf(said->action));
  if (said->action != DsnAction::kDelivered) receipt.set_error_code(said->status.Text());
  receipt.set_reference(-1);
  receipt.set_hard_bounce(said->action == DsnAction::kFailed && DsnSaysHardBounce(said->status));
  inbound.key = base::Sha256(fmt::format("dsn {} {} {}", receipt.provider_id(),
                                         static_cast<int>(receipt.state()), receipt.error_code()));
  return inbound;
}

// The address in "Anna <anna@example.test>", or the whole value.
std::string BareAddress(std::string_view value) {
  size_t open = value.rfind('<'), close = value.rfind('>');
  if (open != std::string_view::npos && close != std::string_view::npos && open < close)
    value = value.substr(open + 1, close - open - 1);
  value = base::TrimAscii(value).substr(0, kMaxFrom);
  return base::IsUtf8(value) ? std::string(value) : "";
}

}  // namespace

bool DsnSaysHardBounce(const Enhanced& status) {
  if (status.kind != 5) return false;
  if (status.subject == 1) return status.detail < 7 || status.detail > 9;
  return status.subject == 2 && status.detail == 1;
}

std::optional<Inbound> ReadInbound(const TokenAddress& address, const std::string& recipient,
                                   const std::string& reverse_path, std::string_view message,
                                   int64_t wall_us) {
  if (address.kind == AddressKind::kBounce) return ReadBounce(address, message);
  std::string_view rest = message;
  Fields fields = ReadFields(rest);
  if (reverse_path.empty() || IsAutomaticAnswer(fields)) return std::nullopt;
  // The same mail brought again has the same Message-ID; one without is known by all it says.
  std::string mark = FieldOf(fields, "message-id");
  std::string identity = base::Sha256(fmt::format("unsubscribe {} {}", base::ToHex(address.attempt),
                                                  mark.empty() ? std::string(message) : mark));
  Inbound inbound;
  inbound.key = identity;
  work::InboundMessage& out = inbound.message.emplace();
  out.set_id(base::ToHex(identity));
  std::string from = BareAddress(FieldOf(fields, "from"));
  out.set_from(from.empty() ? BareAddress(reverse_path) : from);
  out.set_to(recipient);
  out.set_text("unsubscribe");
  out.set_received_time_us(wall_us);
  out.set_unsubscribe_attempt(address.attempt);
  return inbound;
}

}  // namespace pharos::smtp
