// Mail that comes back: delivery status notifications (RFC 3464), and just enough of other mail to tell an
// unsubscribe request from an automatic answer. Reads any octets; never throws, never reads past its input;
// looks at the top level of the message only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connectors/smtp/reply.h"

namespace pharos::smtp {

// Header fields of one block, unfolded, names in lower case. At most kMaxFields.
using Fields = std::vector<std::pair<std::string, std::string>>;
inline constexpr size_t kMaxFields = 1000;  // more is no header
// Reads up to the empty line and removes what it read, that line included.
Fields ReadFields(std::string_view& text);
// First of that name (lower case); "" if there is none.
std::string FieldOf(const Fields& fields, std::string_view name);

enum class DsnAction { kNone, kFailed, kDelayed, kDelivered, kRelayed, kExpanded };
struct DsnRecipient {
  DsnAction action = DsnAction::kNone;
  Enhanced status;  // "5.1.1 (unknown user)" → 5.1.1
};
struct Dsn {
  std::string envelope_id;  // Original-Envelope-Id as it came
  std::vector<DsnRecipient> recipients;
};
inline constexpr size_t kMaxRecipients = 100;  // ours have one; forwarders' may have more

// nullopt: no message/delivery-status part with at least one recipient.
std::optional<Dsn> ReadDsn(std::string_view message);
// The recipient that decides for a message to one person: delivered, else failed, else on its way.
const DsnRecipient* Decisive(const Dsn& dsn);

// An automatic answer (RFC 3834, and the headers that stood for it before).
bool IsAutomaticAnswer(const Fields& fields);

}  // namespace pharos::smtp
