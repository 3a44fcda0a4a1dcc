// Our half of one connection of a mail system that brings us something, by SMTP or LMTP (RFC 2033), without
// sockets. Takes mail for addresses that we have made, and for nobody else. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/smtp/address_token.h"

namespace pharos::smtp {

struct Letter {
  struct Recipient {
    TokenAddress address;
    std::string text;  // as it was written
  };
  std::string reverse_path;  // "" = null sender
  std::vector<Recipient> recipients;
  std::string message;  // CRLF line ends, dots unstuffed
};

struct GuestOptions {
  std::string domain;     // of our addresses
  std::string token_key;  // see address_token.h
  std::string complaints =
      "fbl";  // local part that receivers send their reports to (RFC 5965), besides return paths
};

inline constexpr size_t kMaxLetterOctets = 256 * 1024;  // a notification returns headers, not messages
inline constexpr size_t kMaxLetterRecipients = 10;      // notifications have one
inline constexpr size_t kMaxCommandOctets = 2048;       // RFC 5321: 512
inline constexpr int kMaxWrongCommands = 10;            // then it is no mail system
inline constexpr int kMaxCommandsToLetter = 50;         // likewise: ten recipients need thirteen
inline constexpr size_t kMaxRefusedOctets = 4 * kMaxLetterOctets;  // of one letter; then we hang up

class Guest {
 public:
  explicit Guest(GuestOptions options) : options_(std::move(options)) {}

  std::string Greeting() const;
  // Takes octets; appends answers. After a whole letter it reads no further before Kept().
  void Feed(std::string_view octets, std::string& answers);
  // The letter that has come and waits for Kept(); given once.
  std::optional<Letter> TakeLetter();
  // Is it kept durably? Appends the answer, and those to what was sent meanwhile.
  void Kept(bool kept, std::string& answers);
  bool over() const { return over_; }  // close once the answers are sent

 private:
  std::string OnLine(std::string_view line);
  std::string OnMail(std::string_view path);
  std::string OnRecipient(std::string_view path);
  std::string OnDataLine(std::string_view line);
  std::string OnHello(std::string_view line);
  std::string Wrong(const char* answer);
  void Forget();
  void Read(std::string& answers);

  const GuestOptions options_;
  std::string in_;
  bool greeted_ = false, mail_ = false, data_ = false, waiting_ = false, over_ = false;
  bool too_big_ = false, long_line_ = false, lmtp_ = false;
  size_t answers_due_ = 1;        // LMTP: one a recipient
  int wrong_ = 0, commands_ = 0;  // commands: since the last whole letter
  size_t scanned_ = 0;            // of in_: no line ends before it
  size_t letter_octets_ = 0;      // those that were refused included
  Letter letter_;
  std::optional<Letter> whole_;
};

}  // namespace pharos::smtp
