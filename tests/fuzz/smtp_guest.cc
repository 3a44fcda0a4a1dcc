// Commands of whoever connects to the listener: answers are whole lines, a letter is for addresses of ours
// alone and within its limits, and it makes no difference how the octets arrive.
#include "connectors/smtp/guest.h"
#include "tests/fuzz/fuzz.h"

using namespace pharos::smtp;  // NOLINT

namespace {

const std::string kKey(kTokenKeyBytes, 'k');

struct Heard {
  std::string answers;
  std::vector<std::string> letters;
};

Heard Talk(std::string_view data, size_t piece) {
  Guest guest({"bounces.example.org", kKey});
  Heard heard;
  bool keep = true;
  while (!data.empty() && !guest.over()) {
    const std::string_view octets = data.substr(0, piece);
    data.remove_prefix(octets.size());
    guest.Feed(octets, heard.answers);
    while (const auto letter = guest.TakeLetter()) {
      CHECK(!letter->recipients.empty() && letter->recipients.size() <= kMaxLetterRecipients);
      CHECK(letter->message.size() <= kMaxLetterOctets + 2);
      for (const auto& recipient : letter->recipients)
        CHECK(recipient.address.attempt.size() == kAttemptBytes);
      heard.letters.push_back(letter->message);
      guest.Kept(keep = !keep, heard.answers);
    }
  }
  CHECK(heard.answers.empty() || heard.answers.substr(heard.answers.size() - 2) == "\r\n");
  return heard;
}

// ~b and ~u stand for addresses that carry our code, which nobody finds by chance.
std::string WithAddresses(std::string_view data) {
  static const std::string bounce =
      LocalPartFor({AddressKind::kBounce, std::string(kAttemptBytes, 'a')}, kKey);
  static const std::string leave =
      LocalPartFor({AddressKind::kUnsubscribe, std::string(kAttemptBytes, 'b')}, kKey);
  std::string out;
  for (size_t i = 0; i < data.size(); ++i) {
    const bool mark = data[i] == '~' && i + 1 < data.size() && (data[i + 1] == 'b' || data[i + 1] == 'u');
    if (!mark) {
      out += data[i];
      continue;
    }
    out += (data[++i] == 'b' ? bounce : leave) + "@bounces.example.org";
  }
  return out;
}

}  // namespace

FUZZ(data) {
  const std::string said = WithAddresses(data);
  const Heard one = Talk(said, said.size());
  const Heard other = Talk(said, 7);
  if (said.size() > kMaxCommandOctets)
    return;  // how much of a line without end is kept depends on the pieces
  CHECK(one.letters == other.letters && one.answers == other.answers);
}
