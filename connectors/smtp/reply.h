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
// The address itself does not exist: 5.1.0, 5.1.1, 5.1.10, 5.2.1.
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
