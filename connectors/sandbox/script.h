// What a script says of numbers, addresses and accounts. Pure and deterministic: the same script, seed and
// number give the same behaviour. README.md is the reference of the words.
//
//   # one rule a line; the first that fits is followed
//   sms  to=4477009001* share=100 status=RTHROTTLED times=2
//   mail to=*@slow.example delay=tail:20ms:5s
//   bind account=pharos status=RINVPASWD times=3
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "connectors/sandbox/timing.h"
#include "connectors/smpp/receipt.h"

namespace pharos::sandbox {

// Whom a rule is about, and how often it acts.
struct Target {
  std::string pattern = "*";  // '*' stands for any run of characters
  int share = 1000;           // in ‰ of those that fit, chosen by seed
  int64_t times = -1;         // for each number or address; then the next rule is looked for; -1 = always
  double per_second = 0;      // above, refused; 0 = no limit
  double burst = 0;           // 0 = a second's worth
};

enum class CutAt { kNowhere, kBeforeAccept, kAfterAccept };

struct SmsRule {
  Target target;
  std::optional<Delay> answer_after;
  std::optional<uint32_t> status;
  CutAt cut = CutAt::kNowhere;
  bool silent = false;  // accepted, no answer
  // Receipts.
  std::vector<smpp::MessageState> states;  // one after the other; empty = as without a script
  std::optional<Delay> receipt_after;
  int copies = 1;
  bool receipt_first = false, no_receipt = false, by_data_sm = false, intermediate = false;
  bool with_text = true, with_tlvs = true;
  std::vector<std::string> omit;           // fields of the text: "id", "sub", "submit date", "err" …
  char answer_id = 'a', receipt_id = 'a';  // 'a' as it is, 'h' hexadecimal, 'd' decimal, 'u' upper case,
                                           // 'z' with leading zeros
  // What the person says.
  std::string reply;
  std::optional<Delay> reply_after;
  enum class ReplyForm { kPlain, kUcs2, kUdh, kSar } reply_form = ReplyForm::kPlain;
};

struct MailRule {
  Target target;
  std::optional<Delay> answer_after;  // to the final dot
  std::string at_rcpt, at_dot;        // an answer that is not "250 …"; 421 closes the connection
  CutAt cut = CutAt::kNowhere;        // at the final dot
  std::string dsn;                    // dialect, "" = none
  std::string dsn_status = "5.1.1";
  std::optional<Delay> dsn_after;
  bool complaint = false, auto_reply = false;
};

struct BindRule {
  Target target;
  uint32_t status = 0;
  bool close = false;
};

struct MailFront {  // "mail-server banner-delay=2s starttls=none"
  std::optional<Delay> banner_after;
  std::string banner;
  bool no_starttls = false;
};

struct Script {
  std::vector<SmsRule> sms;
  std::vector<MailRule> mail;
  std::vector<BindRule> binds;
  MailFront front;

  // INVALID_ARGUMENT (SCRIPT_WRONG) names the line and what would be right.
  static absl::StatusOr<Script> Parse(std::string_view text);
  // INVALID_ARGUMENT (FILE_UNREADABLE) too.
  static absl::StatusOr<Script> Read(const std::string& file);
};

// "RTHROTTLED", "ESME_RTHROTTLED", "0x58", "88".
std::optional<uint32_t> StatusNamed(std::string_view word);
bool Fits(std::string_view pattern, std::string_view subject);

// Follows a script: remembers how often each rule acted. Of one thread.
class Follower {
 public:
  Follower(std::string_view kind, uint64_t seed) : kind_(kind), seed_(seed) {}

  // The first rule for `subject` (canonical number, address in lower case, account); null = none.
  template <typename Rule>
  const Rule* Find(const std::vector<Rule>& rules, std::string_view subject) {
    for (size_t i = 0; i < rules.size(); ++i)
      if (Meets(i, rules[i].target, subject)) return &rules[i];
    return nullptr;
  }
  // False: over the rule's rate. `scope`: what has a bucket of its own.
  bool Admits(const Target& target, std::string_view scope, int64_t now_us);
  // Chance of this rule's next choice for `subject`.
  uint64_t Chance(std::string_view subject) { return Hash(seed_ + ++choices_, kind_, subject); }

 private:
  bool Meets(size_t index, const Target& target, std::string_view subject);

  const std::string kind_;
  const uint64_t seed_;
  uint64_t choices_ = 0;
  std::map<std::pair<size_t, std::string>, int64_t> acted_;
  std::map<std::pair<const Target*, std::string>, Bucket> buckets_;
};

}  // namespace pharos::sandbox
