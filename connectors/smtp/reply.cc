#include "connectors/smtp/reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <initializer_list>

#include "services/base/text.h"

namespace pharos::smtp {
namespace {

constexpr int64_t kPolicyWaitMs = 60'000;     // for somebody to mend the route
constexpr int64_t kThrottleWaitMs = 5'000;    // the least; the pace of the domain lengthens it
constexpr int64_t kGreylistWaitMs = 300'000;  // most lists open after five minutes
constexpr int64_t kFullMailboxWaitMs = 300'000;
constexpr int kServiceClosing = 421;

// A number of at most three digits at the front of `text`; -1 if there is none.
int TakeNumber(std::string_view& text) {
  int value = -1;
  auto [end, error] = std::from_chars(text.data(), text.data() + std::min<size_t>(text.size(), 3), value);
  if (error != std::errc() || value < 0) return -1;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

bool TakeDot(std::string_view& text) {
  if (text.empty() || text[0] != '.') return false;
  text.remove_prefix(1);
  return true;
}

work::Rejected Make(const char* reason, bool transient, int64_t retry_after_ms = 0,
                    work::RefusalScope scope = work::REFUSAL_SCOPE_UNSPECIFIED) {
  work::Rejected rejected;
  rejected.set_reason(reason);
  rejected.set_transient(transient);
  rejected.set_retry_after_ms(retry_after_ms);
  rejected.set_scope(scope);
  return rejected;
}

work::Rejected RouteTrouble(const char* reason) {
  return Make(reason, true, kPolicyWaitMs, work::ROUTE);
}

work::Rejected HardBounce() {
  auto rejected = Make("NO_SUCH_MAILBOX", false);
  rejected.set_hard_bounce(true);
  return rejected;
}

bool IsSenderDetail(const Enhanced& e) {  // 5.1.7, 5.1.8, 5.1.9: what is wrong is our address
  return e.subject == 1 && e.detail >= 7 && e.detail <= 9;
}

// By enhanced code; nullopt: it decides nothing.
std::optional<work::Rejected> ByEnhanced(Stage stage, const Enhanced& e) {
  bool about_recipient = stage == Stage::kRecipient || stage == Stage::kFinalDot;
  if (e.kind == 0) return std::nullopt;
  if (e.subject == 7 && e.kind == 4) return Make("THROTTLED", true, kThrottleWaitMs, work::DOMAIN);
  if (e.subject == 7) return RouteTrouble("POLICY");
  if (e.subject == 1 && e.detail == 10 && e.kind == 5 && about_recipient)
    return HardBounce();  // null MX, RFC 7505
  if (IsSenderDetail(e)) return RouteTrouble("ROUTE");
  if (e.subject == 2 && e.detail == 2)
    return Make("MAILBOX_FULL", e.kind == 4, e.kind == 4 ? kFullMailboxWaitMs : 0);
  if (e.kind != 5) return std::nullopt;
  if (about_recipient && SaysNoSuchMailbox(e)) return HardBounce();
  if (about_recipient && e.subject == 1 && e.detail == 2) return Make("DOMAIN_REFUSED", false);
  if (about_recipient && e.subject == 1) return Make("INVALID_ADDRESS", false);
  if ((e.subject == 2 || e.subject == 3) && (e.detail == 3 || e.detail == 4)) return Make("TOO_LARGE", false);
  return std::nullopt;
}

bool HasAny(const std::string& text, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](const char* word) { return text.find(word) != text.npos; });
}

// By what it says, where no code does. The words of many receivers, as they were seen; never a hard bounce:
// words are low trust. nullopt: nothing known.
std::optional<work::Rejected> ByWords(Stage stage, const Reply& reply) {
  std::string text;
  for (const auto& line : reply.lines) text += base::LowerAscii(line) + ' ';
  if (HasAny(text, {"greylist", "graylist", "grey-list", "gray-list"}))
    return Make("TRY_LATER", true, kGreylistWaitMs);
  const bool slower =
      HasAny(text, {"rate limit", "too many", "throttl", "too fast", "try again later", "unusual rate"});
  if (reply.code < 500)
    return slower ? std::optional(Make("THROTTLED", true, kThrottleWaitMs, work::DOMAIN)) : std::nullopt;
  if (HasAny(text, {"blacklist", "blocklist", "block list", "black list", "spamhaus", "spamcop", "reputation",
                    "spam", "dmarc", "dkim", "spf ", "policy", "banned", "relay", "not authorized",
                    "not authorised"}))
    return RouteTrouble("POLICY");
  if (stage == Stage::kMail) return std::nullopt;
  if (HasAny(text, {"quota", "mailbox full", "mailbox is full", "over quota", "insufficient storage"}))
    return Make("MAILBOX_FULL", false);
  if (HasAny(text, {"too large", "size limit", "message size"})) return Make("TOO_LARGE", false);
  return std::nullopt;
}

work::Rejected ByCode(Stage stage, int code) {
  if (code < 500) return Make("TRY_LATER", true);
  if (code == 530 || code == 535 || code == 538) return RouteTrouble("ROUTE");
  if (stage == Stage::kMail) {
    if (code == 552) return Make("TOO_LARGE", false);
    return RouteTrouble("ROUTE");  // before any person was named
  }
  if (code == 552) return Make("MAILBOX_FULL", false);
  if (code == 553) return Make("INVALID_ADDRESS", false);
  return Make("REJECTED", false);
}

}  // namespace

std::string Enhanced::Text() const {
  return kind == 0 ? "" : fmt::format("{}.{}.{}", kind, subject, detail);
}

Enhanced ReadEnhanced(std::string_view text) {
  Enhanced e;
  e.kind = TakeNumber(text);
  if ((e.kind != 2 && e.kind != 4 && e.kind != 5) || !TakeDot(text)) return {};
  e.subject = TakeNumber(text);
  if (e.subject < 0 || !TakeDot(text)) return {};
  e.detail = TakeNumber(text);
  if (e.detail < 0 || (!text.empty() && (text[0] == '.' || (text[0] >= '0' && text[0] <= '9')))) return {};
  return e;
}

bool SaysNoSuchMailbox(const Enhanced& e) {
  if (e.kind != 5) return false;
  return (e.subject == 1 && (e.detail == 0 || e.detail == 1 || e.detail == 10)) ||
         (e.subject == 2 && e.detail == 1);
}

ReplyReader::Result ReplyReader::Read(std::string& in, Reply& reply) {
  for (;;) {
    size_t end = in.find('\n');
    if (end == std::string::npos) return in.size() > kMaxReplyLine ? Result::kBroken : Result::kNeedMore;
    std::string_view line(in.data(), end > 0 && in[end - 1] == '\r' ? end - 1 : end);
    if (line.size() > kMaxReplyLine || line.size() < 3 || partial_.lines.size() >= kMaxReplyLines)
      return Result::kBroken;
    std::string_view digits = line.substr(0, 3);
    int code = TakeNumber(digits);
    bool more = line.size() > 3 && line[3] == '-';
    bool good = digits.empty() && code >= 200 && code <= 599 && (line.size() == 3 || more || line[3] == ' ');
    if (!good || (partial_.code != 0 && partial_.code != code)) return Result::kBroken;
    partial_.code = code;
    partial_.lines.emplace_back(line.size() > 4 ? line.substr(4) : std::string_view());
    in.erase(0, end + 1);
    if (more) continue;
    partial_.enhanced = ReadEnhanced(partial_.lines.front());
    if (partial_.enhanced.kind != code / 100) partial_.enhanced = {};  // it contradicts the reply
    reply = std::move(partial_);
    partial_ = {};
    return Result::kWhole;
  }
}

std::string CodeText(const Reply& reply) {
  return reply.enhanced.kind == 0 ? fmt::format("{}", reply.code)
                                  : fmt::format("{} {}", reply.code, reply.enhanced.Text());
}

work::Rejected RejectedFor(Stage stage, const Reply& reply) {
  work::Rejected rejected;
  if (reply.code == kServiceClosing) {
    // Before a recipient was named it speaks of the connection.
    const bool domain = stage == Stage::kRecipient || stage == Stage::kFinalDot;
    rejected = Make("SERVICE_CLOSING", true, kThrottleWaitMs,
                    domain ? work::DOMAIN : work::REFUSAL_SCOPE_UNSPECIFIED);
  } else if (auto known = ByEnhanced(stage, reply.enhanced)) {
    rejected = *std::move(known);
  } else if (auto said = reply.enhanced.detail == 0 ? ByWords(stage, reply) : std::nullopt) {
    rejected = *std::move(said);
  } else {
    rejected = ByCode(stage, reply.code);
  }
  rejected.set_code(CodeText(reply));
  return rejected;
}

bool IsRouteTrouble(const work::Rejected& rejected) {
  return rejected.reason() == "POLICY" || rejected.reason() == "ROUTE";
}

}  // namespace pharos::smtp
