// The server's side of one SMTP conversation (RFC 5321 with PIPELINING, SIZE, 8BITMIME, ENHANCEDSTATUSCODES,
// DSN, SMTPUTF8, STARTTLS): octets in, octets out, no sockets.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace pharos::sandbox {

inline constexpr size_t kMaxMailBytes = 10 << 20;  // announced as SIZE

struct Recipient {
  std::string address;
  std::string orcpt;   // as given: "rfc822;ann@example.org", xtext
  std::string notify;  // as given, upper case: "SUCCESS,FAILURE"; "" = not given
  int mark = -1;       // whoever answers RCPT may remember something
};

struct Envelope {
  std::string from;   // "" = null sender
  std::string envid;  // xtext decoded
  std::vector<Recipient> to;
};

class MailSession {
 public:
  struct Verdict {
    std::string answer;  // "250 2.0.0 …" without line end; "" = none comes; after a 421 the connection ends
    bool cut = false;    // the connection is cut instead
  };
  struct Callbacks {
    // The answer to RCPT; the recipient is kept if it begins with 2. May leave a mark in it.
    std::function<std::string(const Envelope&, Recipient&, int64_t t_ns)> on_recipient;
    // A message, dots unstuffed, whose last line came at `t_ns`.
    std::function<Verdict(const Envelope&, std::string_view data, int64_t t_ns)> on_message;
  };
  enum class Next { kGoOn, kStartTls, kClose, kCut };

  // `banner`: what it says first, after "220 "; "" = its own.
  MailSession(bool offers_tls, Callbacks callbacks, std::string_view banner = "");
  std::string TakeOut();
  // What came, with the stamp of its last octet. After anything but kGoOn the rest of `bytes` is dropped:
  // what was said in clear before STARTTLS must not be obeyed after it.
  Next Take(std::string_view bytes, int64_t t_ns);
  // TLS begins: everything said before is forgotten.
  void OnTls();

 private:
  Next OnLine(std::string_view line, int64_t t_ns);
  Next OnCommand(const std::string& verb, std::string_view rest, int64_t t_ns);
  Next OnData(std::string_view line, int64_t t_ns);
  size_t TakeText(size_t at);
  void OnEhlo(std::string_view rest, bool extended);
  void OnMail(std::string_view rest);
  Next OnRcpt(std::string_view rest, int64_t t_ns);
  void OnDataCommand();
  void Say(std::string_view line);
  void Reset();

  const bool offers_tls_;
  const Callbacks callbacks_;
  bool tls_ = false, greeted_ = false, in_mail_ = false, in_data_ = false, too_large_ = false, utf8_ = false;
  Envelope envelope_;
  std::string in_, out_, data_;
};

}  // namespace pharos::sandbox
