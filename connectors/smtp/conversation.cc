#include "connectors/smtp/conversation.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <charconv>

#include "services/base/text.h"

namespace pharos::smtp {
namespace {

constexpr std::string_view kSandboxName = "pharos-sandbox";  // how a sandbox greets
constexpr char kTrialRefusal[] =
    "trial mode: the provider does not say that it is a sandbox (its greeting lacks \"pharos-sandbox\"), so "
    "nothing is sent through it; point this connector to pharos-sandbox, or go live: one person proposes the "
    "act "
    "GO_LIVE, another confirms it";
constexpr int kServiceClosing = 421;

std::string Base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(size));
  return out;
}

std::string UpperAscii(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

// ORCPT (RFC 3461, 4.2; RFC 6533 for addresses beyond ASCII) in xtext; none if it would be too long.
std::string OriginalRecipient(const Envelope& envelope) {
  std::string text;
  for (const char c : envelope.recipient) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte >= '!' && byte <= '~' && c != '+' && c != '=' && c != '\\';
    // utf-8-addr-unitext leaves characters beyond ASCII as they are: SMTPUTF8 is in use then.
    if (plain || (envelope.utf8 && byte >= 0x80))
      text += c;
    else
      text += envelope.utf8 ? fmt::format("\\x{{{:02X}}}", byte) : fmt::format("+{:02X}", byte);
  }
  constexpr size_t kMost = 500;  // RFC 3461, 4.2
  if (text.size() > kMost) return "";
  return fmt::format(" ORCPT={};{}", envelope.utf8 ? "utf-8" : "rfc822", text);
}

}  // namespace

Step Conversation::Say(State next, std::string line) {
  state_ = next;
  Step step;
  step.send = std::move(line) + "\r\n";
  return step;
}

Step Conversation::Fail(std::string trouble, const Reply* reply, bool unreachable, const char* problem) {
  state_ = State::kOver;
  Step step;
  step.close = true;
  step.slow = reply && reply->code == kServiceClosing;
  step.unreachable = unreachable && !step.slow;
  step.problem = step.slow ? "THROTTLED" : problem;
  step.trouble = reply ? fmt::format("{} ({})", trouble, CodeText(*reply)) : std::move(trouble);
  return step;
}

Step Conversation::Ready() {
  state_ = State::kReady;
  was_ready_ = true;
  Step step;
  step.ready = true;
  return step;
}

Step Conversation::OnReply(const Reply& reply) {
  switch (state_) {
    case State::kGreeting:
      return OnGreeting(reply);
    case State::kEhlo:
      return OnEhlo(reply);
    case State::kHelo:
      if (!reply.Yes())
        return Fail("the provider refuses our EHLO and HELO; check --ehlo", &reply, true, "BANNED");
      LearnName(reply);
      return OnHello();
    case State::kStartTls: {
      if (reply.code != 220) return Fail("the provider refused STARTTLS", &reply, true, "TLS_REQUIRED");
      state_ = State::kHandshake;
      Step step;
      step.start_tls = true;
      return step;
    }
    case State::kAuth:
      return OnAuth(reply);
    case State::kFlight:
      return OnFlight(reply);
    case State::kBody:
      return OnBody(reply);
    case State::kFinal:
      return OnFinal(reply);
    case State::kReset:
      if (!reply.Yes()) return Fail("the provider refused RSET", &reply, false);
      return Ready();
    case State::kReady:  // says good-bye by itself, e.g. because it waited long enough
      state_ = State::kOver;
      [[fallthrough]];
    case State::kQuit: {
      Step step;
      step.close = true;
      return step;
    }
    case State::kHandshake:
    case State::kOver:
      break;
  }
  return Fail("the provider spoke out of turn", nullptr, false, "PROTOCOL_ERROR");
}

Step Conversation::OnGreeting(const Reply& reply) {
  if (reply.code != 220) return Fail("the provider does not want to talk to us", &reply, true, "BANNED");
  for (const auto& line : reply.lines)
    if (line.find(kSandboxName) != std::string::npos) sandbox_ = true;
  if (!options_.live && !sandbox_) return Fail(kTrialRefusal, nullptr, true, "NOT_A_SANDBOX");
  return Say(State::kEhlo, "EHLO " + options_.ehlo);
}

// After TLS began, who it is stands in its answer to EHLO: there is no second greeting.
void Conversation::LearnName(const Reply& reply) {
  if (secure_ && reply.Yes() && reply.lines.front().find(kSandboxName) != std::string::npos) sandbox_ = true;
}

Step Conversation::OnEhlo(const Reply& reply) {
  offers_.clear();
  auth_methods_.clear();
  most_octets_ = 0;
  LearnName(reply);
  if (reply.code >= 500) return Say(State::kHelo, "HELO " + options_.ehlo);
  if (!reply.Yes()) return Fail("the provider refuses our EHLO", &reply, false);
  for (size_t i = 1; i < reply.lines.size(); ++i) {
    std::string line = UpperAscii(base::TrimAscii(reply.lines[i]));
    std::string word = line.substr(0, line.find_first_of(" ="));
    std::string_view rest = std::string_view(line).substr(std::min(line.size(), word.size() + 1));
    if (word == "AUTH") auth_methods_ += fmt::format(" {} ", rest);
    if (word == "SIZE") std::from_chars(rest.data(), rest.data() + rest.size(), most_octets_);
    offers_.insert(std::move(word));
  }
  return OnHello();
}

// EHLO or HELO was answered: on to TLS, to AUTH, or to work.
Step Conversation::OnHello() {
  if (!secure_ && !options_.implicit_tls && options_.tls != TlsMode::kOff) {
    if (Offers("STARTTLS")) return Say(State::kStartTls, "STARTTLS");
    if (options_.tls == TlsMode::kRequired)
      return Fail(
          "the provider offers no STARTTLS, and nothing is sent in the clear; ask the provider for it, or "
          "set "
          "--tls=opportunistic",
          nullptr, true, "TLS_REQUIRED");
  }
  if (options_.user.empty()) return Ready();
  if (!secure_)
    return Fail("the provider offers no TLS, and our password is not sent in the clear", nullptr, true,
                "TLS_REQUIRED");
  auth_answers_.clear();
  if (options_.token) {
    if (auth_methods_.find(" XOAUTH2 ") == std::string::npos)
      return Fail("the provider offers no AUTH XOAUTH2", nullptr, true, "WRONG_ACCOUNT");
    auth_answers_ = {""};  // a refusal comes as 334 with its reason; an empty line asks for the end
    return Say(State::kAuth, "AUTH XOAUTH2 " + Base64(fmt::format("user={}\x01"
                                                                  "auth=Bearer {}\x01\x01",
                                                                  options_.user, options_.password)));
  }
  if (auth_methods_.find(" PLAIN ") != std::string::npos)
    return Say(State::kAuth,
               "AUTH PLAIN " + Base64(std::string(1, '\0') + options_.user + '\0' + options_.password));
  if (auth_methods_.find(" LOGIN ") == std::string::npos)
    return Fail("the provider offers neither AUTH PLAIN nor AUTH LOGIN", nullptr, true, "WRONG_ACCOUNT");
  auth_answers_ = {Base64(options_.user), Base64(options_.password)};
  return Say(State::kAuth, "AUTH LOGIN");
}

Step Conversation::OnAuth(const Reply& reply) {
  if (reply.code == 235) return Ready();
  if (reply.code == 334 && !auth_answers_.empty()) {
    std::string answer = std::move(auth_answers_.front());
    auth_answers_.pop_front();
    return Say(State::kAuth, std::move(answer));
  }
  bool wrong = reply.code >= 500;
  return Fail(wrong ? "the provider refused our user or password; check --user and --password-file"
                    : "the provider cannot check our password now",
              &reply, wrong, wrong ? "WRONG_PASSWORD" : "");
}

Step Conversation::OnSecured() {
  secure_ = true;
  offers_.clear();
  auth_methods_.clear();
  most_octets_ = 0;
  if (options_.live) sandbox_ = false;  // it said so in the clear, where anybody may have said it
  if (options_.implicit_tls) {
    state_ = State::kGreeting;  // it comes through TLS
    return {};
  }
  return Say(State::kEhlo, "EHLO " + options_.ehlo);
}

const char* Conversation::Refusal(const Envelope& envelope) const {
  if (envelope.utf8 && !Offers("SMTPUTF8")) return "NOT_ENCODABLE";
  if (most_octets_ > 0 && envelope.size > most_octets_) return "TOO_LARGE";
  return nullptr;
}

Step Conversation::Begin(const Envelope& envelope) {
  std::string mail = fmt::format("MAIL FROM:<{}>", envelope.return_path);
  if (Offers("SIZE")) mail += fmt::format(" SIZE={}", envelope.size);
  if (envelope.utf8) mail += Offers("8BITMIME") ? " BODY=8BITMIME SMTPUTF8" : " SMTPUTF8";
  if (Offers("DSN")) mail += fmt::format(" RET=HDRS ENVID={}", envelope.id);
  std::string recipient = fmt::format("RCPT TO:<{}>{}", envelope.recipient,
                                      Offers("DSN") ? " NOTIFY=FAILURE" + OriginalRecipient(envelope) : "");
  expected_ = {Stage::kMail, Stage::kRecipient, Stage::kData};
  refusal_.reset();
  mail_open_ = data_open_ = closing_ = false;
  unsent_ = {recipient + "\r\n", "DATA\r\n"};
  Step step = Say(State::kFlight, std::move(mail));
  if (Offers("PIPELINING")) {
    for (const auto& line : unsent_) step.send += line;
    unsent_.clear();
  }
  return step;
}

Step Conversation::OnFlight(const Reply& reply) {
  Stage stage = expected_.front();
  expected_.pop_front();
  bool yes = stage == Stage::kData ? reply.code == 354 : reply.Yes();
  if (yes && stage == Stage::kMail) mail_open_ = true;
  if (yes && stage == Stage::kData) data_open_ = true;
  if (!yes && reply.code < 400) return Fail("the provider answered what makes no sense", &reply, false);
  if (!yes && !refusal_) refusal_ = RejectedFor(stage, reply);
  if (reply.code == kServiceClosing) closing_ = true;
  if (!unsent_.empty() && !refusal_) {
    Step step;
    step.send = std::move(unsent_.front());
    unsent_.pop_front();
    return step;
  }
  bool more = !expected_.empty() && unsent_.empty() && !closing_;
  return more ? Step() : EndOfFlight();
}

// Every command of the flight that was sent has its answer.
Step Conversation::EndOfFlight() {
  if (!refusal_) {
    state_ = State::kBody;
    Step step;
    step.send_body = true;
    return step;
  }
  Step step;
  if (closing_) {
    step =
        Fail(fmt::format("the provider asks us to come back later ({})", refusal_->code()), nullptr, false);
    step.slow = true;
  } else if (data_open_) {
    // It waits for a message that nobody is to get. An empty one would be a message; only hanging up says
    // nothing.
    state_ = State::kOver;
    step.close = true;
  } else if (mail_open_) {
    step = Say(State::kReset, "RSET");
  } else {
    step = Ready();
  }
  step.rejected = std::move(refusal_);
  return step;
}

// An answer before the dot: the provider gives up on the message, and cannot take it any more.
Step Conversation::OnBody(const Reply& reply) {
  if (reply.code < 400) return Fail("the provider answered a message that was not ended", &reply, false);
  Step step = Fail("the provider broke off a message", &reply, false);
  step.rejected = RejectedFor(Stage::kFinalDot, reply);
  return step;
}

Step Conversation::OnFinal(const Reply& reply) {
  ++messages_;
  if (reply.Yes()) {
    Step step = Ready();
    step.accepted = true;
    return step;
  }
  if (reply.code < 400)
    return Fail("the provider answered a message with what makes no sense", &reply, false);
  Step step = reply.code == kServiceClosing ? Fail("the provider asks us to come back later", &reply, false)
                                            : Ready();
  step.rejected = RejectedFor(Stage::kFinalDot, reply);
  return step;
}

Step Conversation::Quit() {
  return Say(State::kQuit, "QUIT");
}

}  // namespace pharos::smtp
