// Our half of one SMTP connection, without sockets: what to say after each reply, and what the replies mean.
// Pure. The caller writes the message and, alone, the final dot line: between the two lies the permit's
// use-by.
#pragma once

#include <deque>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "connectors/smtp/reply.h"

namespace pharos::smtp {

enum class TlsMode { kRequired, kOpportunistic, kOff };

struct ConversationOptions {
  std::string ehlo = "localhost";
  TlsMode tls = TlsMode::kRequired;
  std::string user, password;  // AUTH, over TLS only; empty = none
  bool live = false;           // may the provider be a real one?
  bool implicit_tls = false;   // the connection is TLS from its first octet
  bool token = false;          // `password` is an OAuth 2 access token: XOAUTH2
};

// One recipient, one message.
struct Envelope {
  std::string return_path, recipient;
  std::string id;   // of the transaction, hex: ENVID
  size_t size = 0;  // octets of the message
  bool utf8 = false;
};

// What is to be done now. At most one of ready, send_body, accepted, rejected (rejected may come with ready).
struct Step {
  std::string send;
  bool start_tls = false;
  bool ready = false;      // takes an envelope
  bool send_body = false;  // 354 came, and all of it was accepted: write the message
  bool accepted = false;   // the final dot was answered with yes
  std::optional<work::Rejected> rejected;
  bool close = false;
  std::string trouble;       // why it is closed, for people; empty = in order
  bool slow = false;         // 421: come back later
  bool unreachable = false;  // something that people must mend: long backoff
  std::string problem;       // as in LinkState; "" = none is known
};

class Conversation {
 public:
  explicit Conversation(ConversationOptions options) : options_(std::move(options)) {}

  Step OnReply(const Reply& reply);
  // The TLS handshake is done: what was said before is forgotten (RFC 3207, 4.2), in live mode also that the
  // provider is a sandbox. In trial mode the greeting stays believed, for a sandbox names itself nowhere
  // else.
  Step OnSecured();
  // When ready, and Refusal() is nullptr.
  Step Begin(const Envelope& envelope);
  // The final dot line has been written, its last octet too.
  void DotWritten() { state_ = State::kFinal; }
  Step Quit();

  // Why this envelope can never be sent here (TOO_LARGE, NOT_ENCODABLE); nullptr: it can.
  const char* Refusal(const Envelope& envelope) const;
  bool ready() const { return state_ == State::kReady; }
  bool was_ready() const { return was_ready_; }
  bool sandbox() const { return sandbox_; }
  int messages() const { return messages_; }
  bool Offers(const std::string& extension) const { return offers_.count(extension) > 0; }

 private:
  enum class State {
    kGreeting,
    kEhlo,
    kHelo,
    kStartTls,
    kHandshake,
    kAuth,
    kReady,
    kFlight,
    kBody,
    kFinal,
    kReset,
    kQuit,
    kOver
  };
  Step Say(State next, std::string line);
  Step Fail(std::string trouble, const Reply* reply, bool unreachable, const char* problem = "");
  Step OnGreeting(const Reply& reply);
  void LearnName(const Reply& reply);
  Step OnEhlo(const Reply& reply);
  Step OnHello();
  Step OnAuth(const Reply& reply);
  Step OnFlight(const Reply& reply);
  Step EndOfFlight();
  Step OnBody(const Reply& reply);
  Step OnFinal(const Reply& reply);
  Step Ready();

  const ConversationOptions options_;
  State state_ = State::kGreeting;
  bool secure_ = false, sandbox_ = false, was_ready_ = false;
  std::set<std::string> offers_;  // extensions, upper case
  std::string auth_methods_;
  size_t most_octets_ = 0;  // SIZE; 0 = not said
  std::deque<std::string> auth_answers_;
  int messages_ = 0;
  // Of the transaction:
  std::deque<Stage> expected_;
  std::deque<std::string> unsent_;  // commands that wait for the answer to the one before
  std::optional<work::Rejected> refusal_;
  bool mail_open_ = false, data_open_ = false, closing_ = false;
};

}  // namespace pharos::smtp
