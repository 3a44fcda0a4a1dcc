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

// The attempt is the one whose token stands in the report: the address it came to may be anybody's.
std::optional<Inbound> ReadReport(const TokenAddress& address, std::string_view message,
                                  std::string_view token_key) {
  auto complaint = ReadComplaint(message);
  if (!complaint || !complaint->unwanted()) return std::nullopt;
  auto attempt = token_key.empty() ? std::nullopt : AttemptNamedIn(message, token_key);
  if (!attempt && address.kind == AddressKind::kBounce) attempt = address.attempt;
  if (!attempt) return std::nullopt;
  Inbound inbound;
  work::Receipt& receipt = inbound.receipt.emplace();
  receipt.set_provider_id(base::ToHex(*attempt));
  receipt.set_state(work::EN_ROUTE);
  receipt.set_reference(-1);
  receipt.set_complaint(true);
  inbound.key = base::Sha256(fmt::format("complaint {}", receipt.provider_id()));
  return inbound;
}

// A report that names no action, though it must: its status tells.
std::optional<DsnRecipient> ByStatus(const Dsn& dsn) {
  for (DsnRecipient recipient : dsn.recipients) {
    if (recipient.status.kind == 0) continue;
    recipient.action = recipient.status.kind == 5   ? DsnAction::kFailed
                       : recipient.status.kind == 4 ? DsnAction::kDelayed
                                                    : DsnAction::kDelivered;
    return recipient;
  }
  return std::nullopt;
}

// Words of a bounce, as far as one can rely on them.
std::optional<DsnRecipient> ReadWords(const std::string& reverse_path, std::string_view message) {
  const std::string sender = base::LowerAscii(reverse_path);
  const bool daemon =
      sender.empty() || sender.starts_with("mailer-daemon@") || sender.starts_with("postmaster@");
  auto words = daemon ? ReadWordBounce(message) : std::nullopt;
  if (!words) return std::nullopt;
  return DsnRecipient{words->final ? DsnAction::kFailed : DsnAction::kDelayed, words->status, {}};
}

std::optional<Inbound> ReadBounce(const TokenAddress& address, const std::string& reverse_path,
                                  std::string_view message) {
  auto dsn = ReadDsn(message);
  const DsnRecipient* said = dsn ? Decisive(*dsn) : nullptr;
  std::optional<DsnRecipient> words, bare;
  if (!said && dsn) bare = ByStatus(*dsn);
  if (bare) said = &*bare;
  if (!said) {
    words = ReadWords(reverse_path, message);
    if (!words) return std::nullopt;
    said = &*words;
  }
  Inbound inbound;
  inbound.low_trust = words.has_value();
  work::Receipt& receipt = inbound.receipt.emplace();
  receipt.set_provider_id(base::ToHex(address.attempt));
  receipt.set_state(StateOf(said->action));
  if (said->action != DsnAction::kDelivered) receipt.set_error_code(said->Best().Text());
  receipt.set_reference(-1);
  receipt.set_hard_bounce(said->action == DsnAction::kFailed && DsnSaysHardBounce(said->Best()));
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
  return SaysNoSuchMailbox(status);
}

std::optional<Inbound> ReadInbound(const TokenAddress& address, const std::string& recipient,
                                   const std::string& reverse_path, std::string_view message, int64_t wall_us,
                                   std::string_view token_key) {
  if (address.kind != AddressKind::kUnsubscribe) {
    if (auto report = ReadReport(address, message, token_key)) return report;
    if (address.kind == AddressKind::kComplaint || ReadComplaint(message)) return std::nullopt;
    return ReadBounce(address, reverse_path, message);
  }
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
