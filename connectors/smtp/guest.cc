#include "connectors/smtp/guest.h"

#include <fmt/format.h>

#include <algorithm>

#include "services/base/text.h"

namespace pharos::smtp {
namespace {

// "<a@b> SIZE=5" → "a@b"; nullopt if it has another shape.
std::optional<std::string> PathOf(std::string_view text) {
  text = base::TrimAscii(text);
  if (text.empty() || text[0] != '<') return std::nullopt;
  size_t close = text.find('>');
  if (close == std::string_view::npos) return std::nullopt;
  return std::string(text.substr(1, close - 1));
}

std::string Repeated(const std::string& answer, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += answer;
  return out;
}

bool StartsWith(std::string_view text, std::string_view lower) {
  return base::LowerAscii(text.substr(0, lower.size())) == lower;
}

}  // namespace

std::string Guest::Greeting() const {
  return fmt::format("220 {} ESMTP pharos-smtp takes bounces and unsubscribe mails\r\n", options_.domain);
}

void Guest::Forget() {
  mail_ = data_ = too_big_ = false;
  letter_octets_ = 0;
  letter_ = {};
}

std::string Guest::Wrong(const char* answer) {
  if (++wrong_ < kMaxWrongCommands) return answer;
  over_ = true;
  return "421 4.7.0 too many commands that are wrong here\r\n";
}

void Guest::Feed(std::string_view octets, std::string& answers) {
  in_ += octets;
  Read(answers);
}

void Guest::Read(std::string& answers) {
  size_t at = 0;
  while (!over_ && !waiting_) {
    size_t end = in_.find("\r\n", std::max(at, scanned_));
    if (end == std::string::npos) break;
    scanned_ = 0;
    std::string_view line(in_.data() + at, end - at);
    at = end + 2;
    bool cut = long_line_;
    long_line_ = false;
    if (data_) {
      answers += OnDataLine(cut ? std::string_view("x") : line);
    } else if (++commands_ > kMaxCommandsToLetter) {
      over_ = true;
      answers += "421 4.7.0 many commands, and no letter\r\n";
    } else {
      answers += cut || line.size() > kMaxCommandOctets ? Wrong("500 5.5.2 that line is too long\r\n")
                                                        : OnLine(line);
    }
  }
  in_.erase(0, at);
  // What came in small pieces is looked through once: a line without an end costs no more than its octets.
  scanned_ = waiting_ || over_ || in_.empty() ? 0 : in_.size() - 1;
  // A line without an end: what is past the limit is not kept, and its command or letter is refused.
  size_t most = data_ ? kMaxLetterOctets : kMaxCommandOctets;
  if (!waiting_ && in_.size() > most) {
    if (data_) too_big_ = true;
    long_line_ = true;
    scanned_ = 0;
    letter_octets_ += data_ ? in_.size() : 0;
    if (letter_octets_ > kMaxRefusedOctets) over_ = true;
    in_.erase(0, in_.size() - (in_.back() == '\r' ? 1 : 0));
  }
}

std::string Guest::OnLine(std::string_view line) {
  if (StartsWith(line, "ehlo ") || StartsWith(line, "lhlo ")) return OnHello(line);
  if (StartsWith(line, "helo ")) {
    Forget();
    greeted_ = true;
    return fmt::format("250 {}\r\n", options_.domain);
  }
  if (StartsWith(line, "mail from:")) return OnMail(line.substr(10));
  if (StartsWith(line, "rcpt to:")) return OnRecipient(line.substr(8));
  std::string word = base::LowerAscii(base::TrimAscii(line));
  if (word == "data") {
    if (letter_.recipients.empty()) return Wrong("503 5.5.1 RCPT first\r\n");
    data_ = true;
    return "354 end with a line that holds a dot only\r\n";
  }
  if (word == "rset") {
    Forget();
    return "250 2.0.0 forgotten\r\n";
  }
  if (StartsWith(word, "noop")) return Wrong("250 2.0.0 here\r\n");
  if (StartsWith(word, "vrfy")) return Wrong("252 2.1.5 send it, then you know\r\n");
  if (word == "quit") {
    over_ = true;
    return "221 2.0.0 good-bye\r\n";
  }
  return Wrong("500 5.5.2 that command is not known here\r\n");
}

std::string Guest::OnHello(std::string_view line) {
  Forget();
  greeted_ = true;
  lmtp_ = StartsWith(line, "lhlo ");
  return fmt::format(
      "250-{}\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE "
      "{}\r\n",
      options_.domain, kMaxLetterOctets);
}

std::string Guest::OnMail(std::string_view path) {
  if (!greeted_) return Wrong("503 5.5.1 EHLO first\r\n");
  if (mail_) return Wrong("503 5.5.1 one MAIL at a time; RSET begins again\r\n");
  auto sender = PathOf(path);
  if (!sender) return Wrong("501 5.1.7 MAIL FROM:<address>, or <> for a notification\r\n");
  mail_ = true;
  letter_.reverse_path = *sender;
  return "250 2.1.0 go on\r\n";
}

std::string Guest::OnRecipient(std::string_view path) {
  if (!mail_) return Wrong("503 5.5.1 MAIL first\r\n");
  auto address = PathOf(path);
  if (!address) return Wrong("501 5.1.3 RCPT TO:<address>\r\n");
  size_t at = address->rfind('@');
  if (at == std::string::npos ||
      base::LowerAscii(address->substr(at + 1)) != base::LowerAscii(options_.domain))
    return Wrong("550 5.7.1 this system takes no mail for that domain\r\n");
  const auto local = std::string_view(*address).substr(0, at);
  auto token = ReadLocalPart(local, options_.token_key);
  if (!token && !options_.complaints.empty() && base::LowerAscii(local) == options_.complaints)
    token = TokenAddress{AddressKind::kComplaint, ""};
  if (!token)
    return Wrong("550 5.1.1 nobody has that address: only bounces and unsubscribe mails come here\r\n");
  if (letter_.recipients.size() >= kMaxLetterRecipients)
    return Wrong("452 4.5.3 too many recipients in one letter\r\n");
  letter_.recipients.push_back({*token, *address});
  return "250 2.1.5 go on\r\n";
}

std::string Guest::OnDataLine(std::string_view line) {
  if (line == ".") {
    bool too_big = too_big_;
    Letter letter = std::move(letter_);
    Forget();
    answers_due_ = lmtp_ ? letter.recipients.size() : 1;
    if (too_big)
      return Repeated(fmt::format("552 5.3.4 letters may have {} octets here\r\n", kMaxLetterOctets),
                      answers_due_);
    waiting_ = true;
    commands_ = 0;
    whole_ = std::move(letter);
    return "";
  }
  letter_octets_ += line.size() + 2;
  if (letter_octets_ > kMaxRefusedOctets) {
    over_ = true;
    return "421 4.3.4 that letter has no end\r\n";
  }
  if (!line.empty() && line[0] == '.') line.remove_prefix(1);
  if (letter_.message.size() + line.size() + 2 > kMaxLetterOctets) too_big_ = true;
  if (!too_big_) letter_.message.append(line).append("\r\n");
  return "";
}

std::optional<Letter> Guest::TakeLetter() {
  auto letter = std::move(whole_);
  whole_.reset();
  return letter;
}

void Guest::Kept(bool kept, std::string& answers) {
  waiting_ = false;
  answers +=
      Repeated(kept ? "250 2.0.0 kept\r\n" : "451 4.3.0 it cannot be kept now; bring it again later\r\n",
               answers_due_);
  Read(answers);
}

}  // namespace pharos::smtp
