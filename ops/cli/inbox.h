// Reading the inbox file of the sandbox.
#pragma once

#include <cstdint>
#include <istream>
#include <string>
#include <vector>

namespace pharos::cli {

struct InboxMessage {
  int64_t t_ns = 0;
  std::string channel, to, from, subject, text;
  std::string raw;  // the mail as it was received; empty for SMS
};

struct InboxChoice {
  std::string to;    // number in any spelling, or address in any case; empty: all
  size_t last = 20;  // the newest so many
};

// Oldest first. Passes over lines that are not whole (the sandbox may be writing).
std::vector<InboxMessage> ReadInbox(std::istream& file, const InboxChoice& choice);
// The text part of a mail (or its HTML part), decoded; the text of an SMS.
std::string TextOf(const InboxMessage& message, bool html);
// One object: t_ns, channel, to, from, subject, text (and html, if asked for).
std::string JsonOf(const InboxMessage& message, bool html);

}  // namespace pharos::cli
