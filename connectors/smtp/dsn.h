// Mail that comes back: delivery status notifications (RFC 3464, RFC 6533), complaints (RFC 5965), bounces in
// free words, and just enough of other mail to tell an unsubscribe request from an automatic answer. Reads
// any octets; never throws, never reads past its input; multiparts in multiparts to kMaxDepth, parts to
// kMaxParts.
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
  Enhanced said;    // in the diagnostic code; kind 0 = none
  // The receiver's own words may be exacter than a status that says nothing: "5.0.0" with "550 5.1.1 …".
  Enhanced Best() const {
    const bool exacter =
        status.subject == 0 && said.kind != 0 && (said.kind == status.kind || status.kind == 0);
    return exacter ? said : status;
  }
};
struct Dsn {
  std::string envelope_id;  // Original-Envelope-Id as it came
  std::vector<DsnRecipient> recipients;
};
inline constexpr size_t kMaxRecipients = 100;  // ours have one; forwarders' may have more

inline constexpr int kMaxDepth = 4;
inline constexpr size_t kMaxParts = 64;
// A part that is no multipart; the message itself if it is none.
struct MailPart {
  std::string kind;      // "text/plain", lower case
  std::string encoding;  // of the transfer, lower case
  std::string_view body;
};
std::vector<MailPart> ReadParts(std::string_view message);
// Its text: quoted-printable and base 64 undone, at most `most` octets.
std::string TextOf(const MailPart& part, size_t most);

// nullopt: no message/delivery-status part with at least one recipient.
std::optional<Dsn> ReadDsn(std::string_view message);
// The recipient that decides for a message to one person: delivered, else failed, else on its way.
const DsnRecipient* Decisive(const Dsn& dsn);

// A bounce in free words, or with a report nobody can read: low trust. nullopt: it is none.
struct WordBounce {
  bool final = true;  // false: only a warning, it is tried on
  Enhanced status;    // as far as one is named; kind 0 = none
};
std::optional<WordBounce> ReadWordBounce(std::string_view message);

// A report of a receiver, RFC 5965.
struct Complaint {
  std::string feedback_type;  // lower case: "abuse", "fraud", "opt-out", "not-spam", "auth-failure", …
  Fields fields;              // of the message/feedback-report part
  // The person, or their provider, does not want our mail (abuse, fraud, opt-out); others speak of other
  // things.
  bool unwanted() const;
};
// nullopt: no message/feedback-report part that names its type.
std::optional<Complaint> ReadComplaint(std::string_view message);

// An automatic answer (RFC 3834, and the headers that stood for it before).
bool IsAutomaticAnswer(const Fields& fields);

}  // namespace pharos::smtp
