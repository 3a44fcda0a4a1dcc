// The phone network's own record (pharos-sandbox --journal): what it really got, and when. The truth that our
// own numbers are held against.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace pharos::tests {

// One message that the network accepted; the parts of one SMS count as one.
struct Submission {
  std::string number;  // E.164 without '+', or the address
  std::string id;      // the network's id; of an email the Message-ID up to its '@', which is the attempt
  std::string text;
  int64_t t_ns = 0;           // kernel stamp of its completing byte; the last part's
  bool confirmation = false;  // of an opt-out: the one message that may follow a STOP
  bool mail = false;          // `text` is then the subject
};

struct Network {
  std::vector<Submission> accepted;
  int refused = 0;                                           // submissions answered with an error
  std::map<std::string, std::vector<std::string>> receipts;  // message id → states
  std::map<std::string, int64_t> stop_replies;               // number → when it first replied STOP
  std::map<std::string, int64_t> unsubscribed;  // id of a mail → when its unsubscribe address was written to

  // Messages beyond the first to one number, those reported failed later and confirmations not counted.
  int Duplicates() const;
  // Messages to `number`, confirmations not counted.
  int MessagesTo(const std::string& number) const;
};

Network ReadNetwork(const std::string& journal);

// How many submissions the journal holds so far; cheap enough to poll.
int CountSubmissions(const std::string& journal);

}  // namespace pharos::tests
