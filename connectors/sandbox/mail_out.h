// Sends mail to one place and does not give up: what mail servers do with their notifications.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "connectors/sandbox/loop.h"

namespace pharos::sandbox {

struct OutgoingMail {
  std::string from, to, message;        // `message` ends with CR LF
  int tries = 0, refusals = 0;          // how many times its body was sent; how often it was refused
  std::function<void(int)> on_sending;  // its body leaves now, for the n-th time
  std::function<void(int)> on_accepted;
};

// Belongs to the loop's thread. Nothing leaves before Flush, so that a journal can be written first.
class MailOut {
 public:
  MailOut(Loop& loop, std::string host, int port);
  ~MailOut();

  // Sent again, with growing pauses, until it is accepted. False: 100,000 are waiting, it was not taken.
  bool Send(OutgoingMail mail);
  void Flush();

 private:
  using MailPtr = std::shared_ptr<OutgoingMail>;
  enum class Step { kGreeting, kHello, kMail, kRcpt, kData, kBody, kQuit };
  struct Line {
    Step step = Step::kGreeting;
    std::string in, out;
    MailPtr mail;
    uint64_t turn = 0;  // which answer is waited for
  };
  void Pump();
  void Open();
  void OnEvent(int fd, uint32_t events);
  void OnAnswer(int fd, Line& line, int code);
  void Say(int fd, Line& line, Step next, const std::string& text);
  void NextMail(int fd, Line& line);
  void Refused(int fd, Line& line);
  void Drop(int fd, bool failed);
  void WriteOut(int fd, Line& line);

  Loop& loop_;
  const std::string host_;
  const int port_;
  std::deque<MailPtr> waiting_;
  std::map<int, std::unique_ptr<Line>> lines_;
  size_t held_ = 0;  // refused, waiting for their time
  int64_t pause_us_;
  bool pausing_ = false;
  std::string buffer_;
};

}  // namespace pharos::sandbox
