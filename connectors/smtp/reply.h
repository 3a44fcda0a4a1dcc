// SMTP replies: lines to values, and what a refusal means for the person, the message and the route. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pharos/dispatch/internal/v1/work_service.pb.h"

namespace pharos::smtp {

namespace work = ::pharos::dispatch::internal::v1;

// Enhanced status code (RFC 3463): "5.1.1".
struct Enhanced {
  int kind = 0, subject = 0, detail = 0;  // kind 2, 4, 5; 0 = none was given
  bool operator==(const Enhanced&) const = default;
  std::string Text() const;  // "5.1.1"; "" for none
};
// At the front of `text`; what follows is left alone ("5.1.1 (bad mailbox)").
Enhanced ReadEnhanced(std::string_view text);
// The address itself is of no use, so that it is marked and gets nothing more. By RFC 3463
// (section 3.2, 3.3):
//   5.1.0   other address status: refused for the address, no more is said          yes
//   5.1.1   bad destination mailbox address: it does not exist                       yes
//   5.1.10  recipient address has null MX (RFC 7505): the domain takes no mail       yes
//   5.2.1   mailbox disabled, not accepting messages                                 yes
// The message fails, but the address is not marked:
//   5.1.2   bad destination system address: the domain is unknown to the one who tried. Its name servers may
//           be away for an hour, and a whole domain's people would be marked for it
//   5.1.3   bad mailbox address syntax: what one system does not parse another may (RFC 6531)
//   5.1.4   ambiguous; 5.1.5 is valid
//   5.1.6   mailbox has moved, no forwarding address: the person is there, and may tell us where
//   5.1.7–9 the sender's address: ours
bool SaysNoSuchMailbox(const Enhanced& code);

struct Reply {
  int code = 0;
  Enhanced enhanced;
  std::vector<std::string> lines;  // without codes; may hold what nobody may log
  bool Yes() const { return code >= 200 && code < 300; }
};

inline constexpr size_t kMaxReplyLine = 4096;  // RFC 5321: 512; some write more
inline constexpr size_t kMaxReplyLines = 128;

// Collects the lines of replies.
class ReplyReader {
 public:
  enum class Result { kNeedMore, kWhole, kBroken };
  // Takes what it needs from the front of `in`. kBroken: no SMTP; close.
  Result Read(std::string& in, Reply& reply);

 private:
  Reply partial_;
};

// Which command it answers.
enum class Stage { kMail, kRecipient, kData, kFinalDot };
// A refusal (4xx, 5xx) of a transaction. `reason` is one of NO_SUCH_MAILBOX, MAILBOX_FULL, INVALID_ADDRESS,
// TOO_LARGE, POLICY (the route's trouble, not the person's), ROUTE (likewise), THROTTLED (this domain takes
// no more now), DOMAIN_REFUSED (the domain takes no mail: unknown, no MX, RFC 7505), SERVICE_CLOSING,
// TRY_LATER, REJECTED. By enhanced code first; the words decide only where there is none, or one that says
// nothing (x.0.0). `code` is reply code and enhanced code, never the reply's words: they repeat addresses.
work::Rejected RejectedFor(Stage stage, const Reply& reply);
// Reason POLICY or ROUTE.
bool IsRouteTrouble(const work::Rejected& rejected);
// "550 5.1.1".
std::string CodeText(const Reply& reply);

}  // namespace pharos::smtp
