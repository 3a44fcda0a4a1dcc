#include "connectors/sandbox/script.h"

#include <fmt/format.h>

#include <charconv>
#include <fstream>
#include <functional>
#include <sstream>

#include "services/base/errors.h"
#include "services/base/text.h"

namespace pharos::sandbox {
namespace {

using Words = std::vector<std::pair<std::string, std::string>>;  // "name=value", or "name" with ""

struct NamedStatus {
  std::string_view name;
  uint32_t status;
};
// SMPP 3.4, 5.1.3.
constexpr NamedStatus kStatuses[] = {
    {"ROK", 0x00},        {"RINVMSGLEN", 0x01},  {"RINVCMDLEN", 0x02}, {"RINVCMDID", 0x03},
    {"RINVBNDSTS", 0x04}, {"RALYBND", 0x05},     {"RSYSERR", 0x08},    {"RINVSRCADR", 0x0A},
    {"RINVDSTADR", 0x0B}, {"RBINDFAIL", 0x0D},   {"RINVPASWD", 0x0E},  {"RINVSYSID", 0x0F},
    {"RMSGQFUL", 0x14},   {"RSUBMITFAIL", 0x45}, {"RINVSRCTON", 0x48}, {"RINVDSTTON", 0x50},
    {"RTHROTTLED", 0x58}, {"RX_T_APPN", 0x64},   {"RX_P_APPN", 0x65},  {"RX_R_APPN", 0x66},
    {"RINVDCS", 0x104},
};

// Refusals as different servers word them, with and without enhanced codes.
struct NamedAnswer {
  std::string_view name, answer;
};
constexpr NamedAnswer kAnswers[] = {
    {"greylist", "451 4.7.1 Not seen before, come again in a while"},
    {"greylist-bare", "450 come again later"},
    {"busy", "421 4.3.2 Closing, too busy for more"},
    {"domain-throttle", "421 4.7.28 Too much mail of yours at the moment"},
    {"unknown-enhanced", "550 5.1.1 No mailbox of that name"},
    {"unknown-bare", "550 no such user here"},
    {"unknown-5110", "550 5.1.10 The recipient was not found by any rule"},
    {"unknown-554", "554 delivery error: this user has no account"},
    {"disabled", "550 5.2.1 The account is switched off"},
    {"full", "552 5.2.2 There is no room left in the mailbox"},
    {"full-bare", "552 mailbox is over quota"},
    {"policy", "550 5.7.1 Refused by policy"},
    {"policy-bare", "554 refused, your address is on a list"},
    {"auth", "550 5.7.26 The sender is not authenticated"},
    {"content", "554 5.6.0 The content is not welcome"},
};

std::string AnswerNamed(const std::string& value) {
  for (const NamedAnswer& known : kAnswers)
    if (known.name == value) return std::string(known.answer);
  const bool code = value.size() > 3 && (value[0] == '4' || value[0] == '5') && value[3] == ' ';
  return code ? value : "";
}

// Words; a value in double quotes may have blanks.
std::optional<Words> SplitWords(std::string_view line) {
  Words words;
  for (size_t at = 0; at < line.size();) {
    if (line[at] == ' ' || line[at] == '\t') {
      ++at;
      continue;
    }
    if (line[at] == '#') break;
    size_t end = std::min(line.find_first_of(" \t=", at), line.size());
    std::string name(line.substr(at, end - at)), value;
    at = end;
    if (at < line.size() && line[at] == '=') {
      const bool quoted = at + 1 < line.size() && line[at + 1] == '"';
      const size_t begin = at + (quoted ? 2 : 1);
      end = quoted ? line.find('"', begin) : std::min(line.find_first_of(" \t", begin), line.size());
      if (end == std::string_view::npos) return std::nullopt;
      value = std::string(line.substr(begin, end - begin));
      at = quoted ? end + 1 : end;
    }
    words.emplace_back(std::move(name), std::move(value));
  }
  return words;
}

template <typename Number>
bool ReadNumber(const std::string& text, Number least, Number most, Number& out) {
  Number number{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < least || number > most)
    return false;
  out = number;
  return true;
}

bool ReadDelayInto(const std::string& text, std::optional<Delay>& out) {
  out = ReadDelay(text);
  return out.has_value();
}

bool Set(bool& out) {
  out = true;
  return true;
}

// nullopt: no word of a target.
std::optional<bool> ReadTarget(const std::string& name, const std::string& value, Target& target) {
  if (name == "to" || name == "account") {
    target.pattern = base::LowerAscii(value);
    return !value.empty();
  }
  if (name == "share") return ReadNumber(value, 0, 1000, target.share);
  if (name == "times") return ReadNumber(value, int64_t{1}, int64_t{1'000'000'000}, target.times);
  if (name == "rate") return ReadNumber(value, 0.001, 1e9, target.per_second);
  if (name == "burst") return ReadNumber(value, 1.0, 1e9, target.burst);
  return std::nullopt;
}

bool ReadCut(const std::string& value, CutAt& cut) {
  if (value == "before-accept") cut = CutAt::kBeforeAccept;
  if (value == "after-accept") cut = CutAt::kAfterAccept;
  return cut != CutAt::kNowhere;
}

bool ReadStates(const std::string& value, std::vector<smpp::MessageState>& states) {
  for (const std::string& word : base::Split(value, ',')) {
    auto state = smpp::StateNamed(word);
    if (state == smpp::MessageState::kNone) return false;
    states.push_back(state);
  }
  return true;
}

bool ReadId(const std::string& value, char& id) {
  if (value != "as-is" && value != "hex" && value != "dec" && value != "upper" && value != "zeros")
    return false;
  id = value[0];
  return true;
}

bool ReadReply(const std::string& value, std::string& reply) {
  static const std::map<std::string_view, std::string_view> kReplies = {
      {"stop", "STOP"},
      {"stop-welsh", "STOPIO"},
      {"stop-free", "please stop sending me these messages"},
      {"stop-free-welsh", "peidiwch ag anfon rhagor o negeseuon"},
      {"help", "HELP"},
      {"start", "START"},
      {"wrong-person", "Sorry, you have the wrong number"}};
  auto known = kReplies.find(value);
  reply = known == kReplies.end() ? value : std::string(known->second);
  return !value.empty();
}

bool ReadForm(const std::string& value, SmsRule::ReplyForm& form) {
  using Form = SmsRule::ReplyForm;
  static const std::map<std::string_view, Form> kForms = {
      {"plain", Form::kPlain}, {"ucs2", Form::kUcs2}, {"udh", Form::kUdh}, {"sar", Form::kSar}};
  auto known = kForms.find(value);
  if (known == kForms.end()) return false;
  form = known->second;
  return true;
}

bool ReadStatus(const std::string& value, std::optional<uint32_t>& status) {
  status = StatusNamed(value);
  return status.has_value();
}

bool ReadReceiptForm(const std::string& value, SmsRule& rule) {
  rule.with_text = value == "text" || value == "both";
  rule.with_tlvs = value == "tlv" || value == "both";
  return rule.with_text || rule.with_tlvs;
}

bool ReadSmsWord(const std::string& name, const std::string& value, SmsRule& rule) {
  if (auto read = ReadTarget(name, value, rule.target)) return *read;
  if (name == "delay") return ReadDelayInto(value, rule.answer_after);
  if (name == "status") return ReadStatus(value, rule.status);
  if (name == "cut") return ReadCut(value, rule.cut);
  if (name == "silent") return Set(rule.silent);
  if (name == "receipts") return value == "none" ? Set(rule.no_receipt) : ReadStates(value, rule.states);
  if (name == "receipt-delay") return ReadDelayInto(value, rule.receipt_after);
  if (name == "copies") return ReadNumber(value, 1, 1000, rule.copies);
  if (name == "receipt-first") return Set(rule.receipt_first);
  if (name == "data-sm") return Set(rule.by_data_sm);
  if (name == "intermediate") return Set(rule.intermediate);
  if (name == "form") return ReadReceiptForm(value, rule);
  if (name == "omit") return rule.omit = base::Split(value, ','), true;
  if (name == "answer-id") return ReadId(value, rule.answer_id);
  if (name == "receipt-id") return ReadId(value, rule.receipt_id);
  if (name == "reply") return ReadReply(value, rule.reply);
  if (name == "reply-delay") return ReadDelayInto(value, rule.reply_after);
  return name == "reply-form" && ReadForm(value, rule.reply_form);
}

bool ReadMailWord(const std::string& name, const std::string& value, MailRule& rule) {
  if (auto read = ReadTarget(name, value, rule.target)) return *read;
  if (name == "delay") return ReadDelayInto(value, rule.answer_after);
  if (name == "greylist") {
    if (rule.target.times < 0) rule.target.times = 1;
    return !(rule.at_rcpt = AnswerNamed("greylist")).empty();
  }
  if (name == "rcpt") return !(rule.at_rcpt = AnswerNamed(value)).empty();
  if (name == "dot") return !(rule.at_dot = AnswerNamed(value)).empty();
  if (name == "cut") return ReadCut(value, rule.cut);
  if (name == "dsn-status") return rule.dsn_status = value, value.size() >= 5;
  if (name == "dsn-delay") return ReadDelayInto(value, rule.dsn_after);
  if (name == "complaint") return Set(rule.complaint);
  if (name == "auto-reply") return Set(rule.auto_reply);
  if (name != "dsn") return false;
  for (std::string_view dialect : {"plain", "postfix", "exchange", "exim", "qmail", "gmail", "sendmail"})
    if (value == dialect) return rule.dsn = value, true;
  return false;
}

bool ReadBindWord(const std::string& name, const std::string& value, BindRule& rule) {
  if (auto read = ReadTarget(name, value, rule.target)) return *read;
  if (name == "close") return Set(rule.close);
  auto status = name == "status" ? StatusNamed(value) : std::nullopt;
  rule.status = status.value_or(0);
  return status.has_value();
}

bool ReadFrontWord(const std::string& name, const std::string& value, MailFront& front) {
  if (name == "banner-delay") return ReadDelayInto(value, front.banner_after);
  if (name == "banner") return front.banner = value, value.size() > 4;
  return name == "starttls" && value == "none" && Set(front.no_starttls);
}

// The word that is wrong; "" if none is.
std::string ReadRule(const Words& words, Script& script) {
  const std::string& kind = words[0].first;
  std::function<bool(const std::string&, const std::string&)> read;
  if (kind == "sms") {
    script.sms.emplace_back();
    read = [&](auto& name, auto& value) { return ReadSmsWord(name, value, script.sms.back()); };
  } else if (kind == "mail") {
    script.mail.emplace_back();
    read = [&](auto& name, auto& value) { return ReadMailWord(name, value, script.mail.back()); };
  } else if (kind == "bind") {
    script.binds.emplace_back();
    read = [&](auto& name, auto& value) { return ReadBindWord(name, value, script.binds.back()); };
  } else if (kind == "mail-server") {
    read = [&](auto& name, auto& value) { return ReadFrontWord(name, value, script.front); };
  } else {
    return kind;
  }
  for (size_t i = 1; i < words.size(); ++i)
    if (!read(words[i].first, words[i].second)) return words[i].first + "=" + words[i].second;
  return "";
}

absl::Status Wrong(int line, std::string_view word) {
  return base::MakeError(
      absl::StatusCode::kInvalidArgument, "SCRIPT_WRONG",
      fmt::format("line {} of the script: \"{}\" is not known or has no such value; the words are in "
                  "connectors/sandbox/README.md",
                  line, word));
}

}  // namespace

std::optional<uint32_t> StatusNamed(std::string_view word) {
  std::string_view bare = word.substr(0, 5) == "ESME_" ? word.substr(5) : word;
  for (const NamedStatus& known : kStatuses)
    if (known.name == bare) return known.status;
  const bool hex = word.substr(0, 2) == "0x";
  std::string_view digits = hex ? word.substr(2) : word;
  uint32_t number = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, hex ? 16 : 10);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

bool Fits(std::string_view pattern, std::string_view subject) {
  size_t p = 0, s = 0, star = std::string_view::npos, resume = 0;
  while (s < subject.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = s;
    } else if (p < pattern.size() && pattern[p] == subject[s]) {
      ++p;
      ++s;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      s = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

absl::StatusOr<Script> Script::Parse(std::string_view text) {
  Script script;
  int number = 0;
  for (const std::string& line : base::Split(text, '\n')) {
    ++number;
    auto words = SplitWords(base::TrimAscii(line));
    if (!words) return Wrong(number, "\"");
    if (words->empty()) continue;
    std::string wrong = ReadRule(*words, script);
    if (!wrong.empty()) return Wrong(number, wrong);
  }
  return script;
}

absl::StatusOr<Script> Script::Read(const std::string& file) {
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  if (!in.good())
    return base::MakeError(absl::StatusCode::kInvalidArgument, "FILE_UNREADABLE",
                           fmt::format("cannot read the script {}; give a file that can be read", file));
  return Parse(text.str());
}

bool Follower::Meets(size_t index, const Target& target, std::string_view subject) {
  if (!Fits(target.pattern, subject)) return false;
  if (target.share < 1000) {
    const std::string what = kind_ + std::to_string(index);
    if (static_cast<int>(Hash(seed_, what, subject) % 1000) >= target.share) return false;
  }
  return target.times < 0 || acted_[{index, std::string(subject)}]++ < target.times;
}

bool Follower::Admits(const Target& target, std::string_view scope, int64_t now_us) {
  if (target.per_second <= 0) return true;
  const double burst = target.burst > 0 ? target.burst : std::max(1.0, target.per_second);
  return buckets_.try_emplace({&target, std::string(scope)}, target.per_second, burst)
      .first->second.Take(now_us);
}

}  // namespace pharos::sandbox
